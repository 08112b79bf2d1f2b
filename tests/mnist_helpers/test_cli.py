"""The command mnist-helpers: a line a file, an exit code for scripts, and never a traceback."""

import io
import json
import os
import pty
import subprocess
import sys
from importlib import metadata
from types import SimpleNamespace

import numpy as np
import pytest
from PIL import Image

from mnist_helpers import cli, sample_pictures

SAMPLES = {sample.path.rsplit("/", 1)[-1]: sample for sample in sample_pictures()}


def run(capsys, *words):
    code = cli.main(["predict", *words])
    return code, capsys.readouterr().out.splitlines()


def path(name):
    return SAMPLES[name].path


def test_a_line_a_file_says_digit_and_probability(capsys):
    code, lines = run(capsys, path("shadow.jpg"), path("white_on_black.png"))
    assert code == 0
    assert [line.partition(": ")[2][:3] for line in lines] == ["2 (", "9 ("]
    assert lines[0].startswith(path("shadow.jpg"))
    assert lines[0].endswith("%)")


def test_what_is_not_read_says_why_and_counts_in_the_exit_code(capsys):
    code, lines = run(capsys, path("blank.jpg"), path("shadow.jpg"))
    assert code == 1
    assert "no digit here" in lines[0]
    code, lines = run(capsys, path("blank.jpg"), "nowhere.png", path("shadow.jpg"))
    assert code == 2
    assert lines[1] == "nowhere.png: cannot be read: No such file or directory."
    assert len(lines) == 3


def test_json_has_the_same_keys_for_every_outcome(capsys):
    code, lines = run(capsys, "--json", path("shadow.jpg"), path("blank.jpg"), "nowhere.png")
    read, blank, missing = map(json.loads, lines)
    assert code == 2
    assert read["digit"] == 2
    assert 0.5 < read["probability"] <= 1
    assert read["reason"] is None
    assert blank["digit"] is None
    assert "no digit" in blank["reason"]
    assert missing == {
        "file": "nowhere.png",
        "digit": None,
        "probability": None,
        "reason": "cannot be read: No such file or directory.",
    }
    assert read.keys() == blank.keys()


def test_best_answers_even_when_unsure(capsys):
    code, lines = run(capsys, "--json", "--best", path("scribble.png"))
    assert code == 0
    assert json.loads(lines[0])["digit"] is not None


def test_a_folder_is_read_in_the_order_of_names_and_broken_files_stop_nothing(capsys, tmp_path):
    (tmp_path / "inner").mkdir()
    for name in ("b.png", "inner/a.PNG", "c.png"):
        Image.open(path("white_on_black.png")).save(tmp_path / name, "PNG")
    (tmp_path / "broken.jpg").write_bytes(b"no picture")
    (tmp_path / "notes.txt").write_text("not looked at")
    (tmp_path / "._b.png").write_bytes(b"what a Mac leaves behind")
    (tmp_path / "phone.heic").write_bytes(b"a format that cannot be read")
    code, lines = run(capsys, "--json", str(tmp_path))
    assert code == 2
    names = [json.loads(line)["file"][len(str(tmp_path)) + 1 :] for line in lines]
    assert names == ["b.png", "broken.jpg", "c.png", "inner/a.PNG", "phone.heic"]
    assert [json.loads(line)["digit"] for line in lines] == [9, None, 9, 9, None]


def test_of_hundreds_of_files_the_broken_ones_are_named_and_the_others_read(capsys, tmp_path):
    content = Image.open(path("white_on_black.png")).resize((60, 60))
    for number in range(200):
        content.save(tmp_path / f"{number:03}.png")
    for number in (0, 77, 199):
        (tmp_path / f"{number:03}.png").write_bytes(b"broken")
    code, lines = run(capsys, "--json", str(tmp_path))
    facts = [json.loads(line) for line in lines]
    assert code == 2
    assert len(facts) == 200
    assert [i for i, fact in enumerate(facts) if "is none of" in (fact["reason"] or "")] == [0, 77, 199]
    assert sum(fact["digit"] == 9 for fact in facts) == 197


def test_a_locked_folder_is_named_and_the_others_are_read(capsys, locked_out):
    folder, as_nobody = locked_out
    (folder / "locked").mkdir()
    Image.open(path("white_on_black.png")).save(folder / "nine.png")
    run(capsys, str(folder / "nine.png"))  # whoever is nobody may not load the network
    (folder / "locked").chmod(0)
    with as_nobody():
        code, lines = run(capsys, str(folder))
    (folder / "locked").chmod(0o700)
    assert code == 2
    assert lines[0].endswith("locked: cannot be read: Permission denied.")
    assert "nine.png: 9" in lines[1]


def test_links_that_lead_out_of_a_folder_are_named_and_not_followed(capsys, tmp_path):
    folder, outside = tmp_path / "folder", tmp_path / "outside"
    folder.mkdir()
    outside.mkdir()
    Image.open(path("white_on_black.png")).save(folder / "a.png")
    Image.open(path("white_on_black.png")).save(outside / "secret.png")
    (folder / "b.png").symlink_to("a.png")
    (folder / "c.png").symlink_to(outside / "secret.png")
    (folder / "d").symlink_to(outside, target_is_directory=True)
    code, lines = run(capsys, "--json", str(folder))
    assert code == 2
    facts = {json.loads(line)["file"][len(str(folder)) + 1 :]: json.loads(line) for line in lines}
    assert [(name, fact["digit"]) for name, fact in facts.items()] == [
        ("a.png", 9),
        ("b.png", 9),
        ("c.png", None),
        ("d", None),
    ]
    assert "leads out of the folder" in facts["c.png"]["reason"]
    assert "leads out of the folder" in facts["d"]["reason"]
    # Whoever names a link means it.
    assert run(capsys, str(folder / "c.png"))[0] == 0


def test_a_folder_without_pictures_is_named(capsys, tmp_path):
    code, lines = run(capsys, str(tmp_path))
    assert code == 2
    assert lines == [f"{tmp_path}: is a folder; name a picture in it."]


def test_a_dash_reads_standard_input(capsys, monkeypatch):
    with open(path("shadow.jpg"), "rb") as file:
        monkeypatch.setattr(sys, "stdin", SimpleNamespace(buffer=io.BytesIO(file.read())))
    code, lines = run(capsys, "--json", "-")
    assert code == 0
    assert json.loads(lines[0])["file"] == "-"
    assert json.loads(lines[0])["digit"] == 2


def test_stages_are_drawn_for_one_picture(capsys, tmp_path):
    code, _ = run(capsys, path("shadow.jpg"), "--stages", str(tmp_path / "stages.png"))
    assert code == 0
    with Image.open(tmp_path / "stages.png") as picture:
        assert picture.width > 500
    with pytest.raises(SystemExit) as caught:
        run(capsys, path("shadow.jpg"), path("blank.jpg"), "--stages", "out.png")
    assert caught.value.code == 2
    assert "there are 2; name one file" in capsys.readouterr().err


def test_stages_that_cannot_be_drawn_are_an_error_not_a_traceback(capsys, tmp_path):
    Image.new("L", (90, 90), 255).save(tmp_path / "blank.png")
    assert cli.main(["predict", str(tmp_path / "blank.png"), "--stages", str(tmp_path / "stages.png")]) == 1
    assert "stages.png is not drawn, for the picture holds no" in capsys.readouterr().err
    assert cli.main(["predict", path("shadow.jpg"), "--stages", str(tmp_path / "stages.xyz")]) == 2
    assert "xyz" in capsys.readouterr().err
    code = cli.main(["predict", path("shadow.jpg"), "--stages", str(tmp_path / "nowhere/stages.png")])
    assert code == 2
    assert "No such file or directory" in capsys.readouterr().err


def test_fetch_checks_what_is_there(capsys, monkeypatch, tmp_path):
    np.savez(tmp_path / "mnist.npz", x_train=np.zeros(3))
    monkeypatch.setenv("MNIST_NPZ", str(tmp_path / "mnist.npz"))
    assert cli.main(["fetch"]) == 2
    assert "mnist.npz" in capsys.readouterr().err


def test_the_installed_command_is_quiet_and_survives_a_closed_pipe():
    command = [sys.executable, "-m", "mnist_helpers", "predict", "--json", *[path("shadow.jpg")] * 3]
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode == 0
    assert len(done.stdout.splitlines()) == 3
    assert done.stderr == ""
    first = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    first.stdout.close()
    errors = first.communicate()[1]
    assert first.returncode == 2
    assert "Traceback" not in errors
    assert "Broken pipe" not in errors


def test_on_a_terminal_pictures_are_counted_and_the_count_is_cleared(tmp_path):
    for name in ("a.png", "b.png", "c.png"):
        Image.open(path("white_on_black.png")).save(tmp_path / name)
    screen, terminal = pty.openpty()
    command = [sys.executable, "-m", "mnist_helpers", "predict", "--json", str(tmp_path)]
    done = subprocess.run(command, stdout=subprocess.PIPE, stderr=terminal, text=True)
    os.close(terminal)
    with open(screen, "rb") as file:
        shown = file.read1().decode()
    assert [json.loads(line)["digit"] for line in done.stdout.splitlines()] == [9, 9, 9]
    assert shown == "".join(f"{number} of 3\r      \r" for number in (0, 1, 2))  # so many are read


@pytest.mark.parametrize(
    ("terminals", "words", "counted"),
    [
        ((), [], False),
        (("stderr",), [], True),
        (("stderr",), ["--json"], True),
        (("stdout", "stderr"), [], True),
        (("stdout", "stderr"), ["--json"], False),  # the count would stand between the lines of JSON
        (("stdout",), [], False),
    ],
)
def test_a_count_is_shown_on_terminals_only_and_for_several_pictures(capsys, monkeypatch, terminals, words, counted):
    for name in ("stdout", "stderr"):
        monkeypatch.setattr(getattr(sys, name), "isatty", lambda name=name: name in terminals)
    assert cli.main(["predict", *words, path("shadow.jpg"), "nowhere.png"]) == 2
    written = capsys.readouterr()
    assert written.err == ("0 of 2\r      \r1 of 2\r      \r" if counted else "")
    assert len(written.out.splitlines()) == 2
    assert " of 2" not in written.out
    cli.main(["predict", *words, path("shadow.jpg")])
    assert capsys.readouterr().err == ""


def test_the_version_is_that_of_the_package(capsys, monkeypatch):
    with pytest.raises(SystemExit) as caught:
        cli.main(["--version"])
    assert caught.value.code == 0
    assert capsys.readouterr().out == f"mnist-helpers {metadata.version('mnist-helpers')}\n"

    def missing(name):
        raise metadata.PackageNotFoundError(name)

    monkeypatch.setattr(metadata, "version", missing)
    with pytest.raises(SystemExit):
        cli.main(["--version"])
    assert capsys.readouterr().out == "mnist-helpers (not installed)\n"


@pytest.mark.parametrize("streams", ["<&-", ">&-", ">/dev/full"])
def test_closed_streams_and_full_disks_are_no_traceback(streams):
    words = f"'{sys.executable}' -m mnist_helpers predict - {streams}"
    # Only a shell closes streams.
    done = subprocess.run(words, shell=True, stdin=subprocess.DEVNULL, capture_output=True, text=True)  # noqa: S602
    assert done.returncode == 2
    assert "Traceback" not in done.stderr
    assert "Exception ignored" not in done.stderr


@pytest.mark.parametrize("name", ["x" * 300, "", "two\nlines.png", "\udcff.png", "\x1b[31mred.png"])
def test_odd_names_are_a_line_and_no_traceback(capsys, name):
    code, lines = run(capsys, name)
    assert code == 2
    assert len(lines) == 1
    assert "cannot be read" in lines[0] or "is a folder" in lines[0]
    assert lines[0].isprintable()
    code, lines = run(capsys, "--json", name)
    assert json.loads(lines[0])["file"] == name


def test_standard_input_is_read_once_and_serves_the_stages_too(capsys, monkeypatch, tmp_path):
    with open(path("shadow.jpg"), "rb") as file:
        monkeypatch.setattr(sys, "stdin", SimpleNamespace(buffer=io.BytesIO(file.read())))
    code, _ = run(capsys, "-", "--stages", str(tmp_path / "stages.png"))
    assert code == 0
    assert (tmp_path / "stages.png").exists()
    with pytest.raises(SystemExit):
        run(capsys, "-", "-")


@pytest.mark.parametrize(
    "suffix", [".bmp", ".gif", ".jfif", ".jpe", ".jpeg", ".jpg", ".mpo", ".pbm", ".pgm", ".png", ".pnm", ".ppm"]
)
def test_pictures_in_a_folder_are_known_by_how_their_names_end(suffix):
    assert suffix in cli._suffixes()


def test_a_format_that_is_read_is_looked_for_in_folders(monkeypatch):
    assert ".ico" not in cli._suffixes()
    monkeypatch.setattr(cli, "FORMATS", (*cli.FORMATS, "ICO"))
    assert ".ico" in cli._suffixes()
