"""A disk that is full, a folder that may not be written: an error, and what was there stays as it was."""

import os
import shutil
import subprocess
import sys

import pytest

from mnist_helpers import build_mlp, cross_validate, load_results, one_hot, prepare_images, record


@pytest.fixture
def small_disk(tmp_path):
    """A disk of 256 KB; skipped where this user may not make one."""
    folder = tmp_path / "disk"
    folder.mkdir()
    made = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=256k", "tmpfs", folder], capture_output=True, check=False
    )
    if made.returncode:
        pytest.skip("needs the right to mount a small disk (tmpfs)")
    yield folder
    subprocess.run(["umount", folder], check=True)


def fill(folder):
    """Leave no block free."""
    with (folder / "filler").open("wb", buffering=0) as file:
        try:
            while file.write(bytes(512)):
                pass
        except OSError:
            pass
    assert shutil.disk_usage(folder).free == 0


def names(folder):
    return sorted(path.name for path in folder.iterdir() if path.name != "filler")


def test_a_record_on_a_full_disk_leaves_the_old_one(small_disk, monkeypatch):
    monkeypatch.setenv("MNIST_RESULTS", str(small_disk))
    record("model", error=0.01)
    fill(small_disk)
    with pytest.raises(OSError, match="No space left"):
        record("model", error=0.02, history=list(range(1_000)))
    assert load_results()["model"] == {"error": 0.01}
    assert names(small_disk) == ["model.json"]
    (small_disk / "filler").unlink()
    record("model", error=0.02)
    assert load_results()["model"] == {"error": 0.02}


def test_folds_on_a_full_disk_go_on_when_there_is_room(small_disk, mini):
    x, y = prepare_images(mini.x_train[:200]), one_hot(mini.y_train[:200])
    settings = {"folds": 3, "epochs": 1, "seed": 7}
    undisturbed = cross_validate(build_mlp, x, y, **settings)
    checkpoint = small_disk / "folds"
    checkpoint.mkdir()
    fill(small_disk)
    with pytest.raises(OSError, match="No space left"):
        cross_validate(build_mlp, x, y, **settings, checkpoint=checkpoint)
    (small_disk / "filler").unlink()
    again = cross_validate(build_mlp, x, y, **settings, checkpoint=checkpoint)
    assert again.scores == undisturbed.scores
    assert again.histories == undisturbed.histories


def test_a_folder_that_may_not_be_written_is_named(locked_out, monkeypatch):
    folder, as_nobody = locked_out
    monkeypatch.setenv("MNIST_RESULTS", str(folder))
    record("model", error=0.01)
    folder.chmod(0o555)
    with as_nobody(), pytest.raises(PermissionError, match=str(folder)):
        record("model", error=0.02)
    assert load_results()["model"] == {"error": 0.01}


def test_the_command_says_that_the_disk_is_full(small_disk, root):
    picture = next((root / "book/samples").glob("*.png"))
    fill(small_disk)
    command = [sys.executable, "-m", "mnist_helpers", "predict", picture, "--stages", small_disk / "stages.png"]
    ended = subprocess.run(
        command, capture_output=True, text=True, check=False, env=os.environ | {"PYTHONPATH": str(root)}
    )
    assert ended.returncode != 0
    assert "Traceback" not in ended.stderr
    assert "No space left" in ended.stderr
    assert names(small_disk) == []
