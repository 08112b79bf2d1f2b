"""Killed at any moment, without a chance to tidy up: what is read afterwards is whole, and the next run completes."""

import os
import shutil
import signal
import subprocess
import sys
import time

import nbformat
import pytest

from mnist_helpers import load_results
from tools.build import check_html, repeat
from tools.build.digest import run_of

KILLS = 25
SILENT = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}


def killed_after(command, seconds, **options):
    """Start a command, and kill it and its children after some time. Says whether it had not ended by then."""
    process = subprocess.Popen(command, start_new_session=True, **SILENT, **options)
    try:
        process.wait(seconds)
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()
        return True
    return False


def test_a_record_is_the_old_one_or_the_new_one(tmp_path, chance):
    endless = (
        "from itertools import count\nfrom mnist_helpers import record\n"
        "for i in count():\n    record('model', number=i, long=[i] * 20_000)\n"
    )
    environment = os.environ | {"MNIST_RESULTS": str(tmp_path)}
    seen = set()
    for _ in range(KILLS):
        assert killed_after([sys.executable, "-c", endless], 0.3 + chance.random(), env=environment)
        numbers = load_results(tmp_path)["model"]
        assert numbers["long"] == [numbers["number"]] * 20_000
        seen.add(numbers["number"])
    assert len(seen) > KILLS / 2  # the moments were really different ones


def test_a_notebook_that_was_killed_runs_again_to_the_same_result(tmp_path, root, chance):
    source, output = tmp_path / "notebook.ipynb", tmp_path / "out.ipynb"
    cells = [
        nbformat.v4.new_code_cell('dataset = "mini"', metadata={"tags": ["parameters"]}),
        *[nbformat.v4.new_code_cell(f"import time\ntime.sleep(0.2)\nprint({i})") for i in range(5)],
    ]
    metadata = {"kernelspec": {"name": "python3", "display_name": "Python 3"}, "language_info": {"name": "python"}}
    nbformat.write(nbformat.v4.new_notebook(cells=cells, metadata=metadata), source)
    command = [sys.executable, "-m", "tools.build.run_notebook", source, output, "dataset=mini"]

    start = time.perf_counter()
    subprocess.run(command, check=True, capture_output=True)
    whole, undisturbed = time.perf_counter() - start, outputs(output)
    output.unlink()
    kills = 0
    for _ in range(8):
        kills += killed_after(command, chance.random() * whole)
        if output.exists():
            assert outputs(output) == undisturbed
            output.unlink()
    assert kills >= 4
    subprocess.run(command, check=True, capture_output=True)
    assert outputs(output) == undisturbed
    assert run_of(output)["seconds"] > 0


def outputs(path):
    return [cell.get("outputs") for cell in nbformat.read(path, as_version=4).cells]


def test_folds_that_were_killed_at_any_moment_end_with_the_same_scores(tmp_path, chance):
    script = (
        "from mnist_helpers import build_simple_cnn, cross_validate, load_dataset, one_hot, prepare_images\n"
        "data = load_dataset('mini')\n"
        "x, y = prepare_images(data.x_train[:400]), one_hot(data.y_train[:400])\n"
        "if __name__ == '__main__':\n"
        "    small = {'x': x, 'y': y, 'folds': 5, 'epochs': 2, 'seed': 7}\n"
        "    print('scores', cross_validate(build_simple_cnn, **small, checkpoint='folds').scores)\n"
    )
    for name in ("disturbed", "undisturbed"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "folds.py").write_text(script)
    command = [sys.executable, "folds.py"]

    def scores(name):
        done = subprocess.run(command, cwd=tmp_path / name, check=True, capture_output=True, text=True)
        return done.stdout.rpartition("scores")[2]

    done = set()  # how many folds had been trained when a kill came
    for wanted in range(4):
        process = subprocess.Popen(command, cwd=tmp_path / "disturbed", start_new_session=True, **SILENT)
        while trained(tmp_path) < wanted and process.poll() is None:
            time.sleep(0.02)
        time.sleep(chance.random())
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()
        done.add(trained(tmp_path))
    assert done & {1, 2, 3, 4}
    assert scores("disturbed") == scores("undisturbed")


def trained(place):
    return len(list(place.glob("disturbed/folds/fold-*.json")))


@pytest.fixture
def checkout(tmp_path, root):
    """A copy of what the first chapter needs, with the environment of this one; make is told that it is installed."""
    copy = tmp_path / "checkout"
    subprocess.run(["git", "clone", "--quiet", root, copy], check=True)
    (copy / ".venv").symlink_to(root / ".venv")
    return copy


BUILD = ["make", "-o", ".venv/.installed", "run", "CHAPTER=look_at_the_data"]
RUN = "_build/runs/mini/look_at_the_data.ipynb"


def test_two_builds_at_once_both_succeed(checkout):
    both = [subprocess.Popen(BUILD, cwd=checkout, stderr=subprocess.PIPE, text=True) for _ in range(2)]
    said = [process.communicate()[1] for process in both]
    assert [process.returncode for process in both] == [0, 0], said
    assert any("waiting for another build" in text for text in said)
    assert_as_undisturbed(checkout)


def test_a_build_that_was_killed_goes_on(checkout, chance):
    for _ in range(4):
        killed_after(BUILD, 1 + 5 * chance.random(), cwd=checkout)
    subprocess.run(BUILD, cwd=checkout, check=True, capture_output=True)
    made = (checkout / RUN).stat().st_mtime_ns
    subprocess.run(BUILD, cwd=checkout, check=True, capture_output=True)
    assert (checkout / RUN).stat().st_mtime_ns == made
    assert_as_undisturbed(checkout)


def test_pages_that_were_killed_while_they_were_built_are_built(checkout, root, chance):
    """Only the mark that comes last says that they are whole."""
    if not (root / "_build/html/.built").exists():
        pytest.skip("needs the built pages: make book")
    shutil.copytree(root / "_build/runs/mini", checkout / "_build/runs/mini", ignore=shutil.ignore_patterns(".*"))
    build, mark = [sys.executable, "-m", "tools.build.pages", "mini"], checkout / "_build/html/.built"
    for _ in range(3):
        killed_after(build, 2 + 15 * chance.random(), cwd=checkout)
        if mark.exists():
            break
    subprocess.run(build, cwd=checkout, check=True, capture_output=True)
    assert mark.exists()
    assert check_html.main(checkout / "_build/html") == 0


def assert_as_undisturbed(checkout):
    """Build once more, with nothing in its way: the same texts, figures and records."""
    runs, disturbed = checkout / "_build/runs/mini", checkout / "_build/disturbed"
    runs.rename(disturbed)
    subprocess.run(BUILD, cwd=checkout, check=True, capture_output=True)
    assert repeat.main(disturbed, runs) == 0


@pytest.mark.parametrize("way", ["final_model.keras", "final_model.weights.h5"])
def test_a_model_that_was_killed_while_it_was_saved_is_refused_or_whole(tmp_path, way, chance):
    """Keras writes into the file itself, so a part may remain. It must not pass for a model."""
    save = (
        "from mnist_helpers import build_deep_cnn, set_seed\nset_seed(7)\nmodel = build_deep_cnn()\n"
        f"save = model.save if {way!r}.endswith('.keras') else model.save_weights\n"
        f"open('ready', 'w').close()\nwhile True:\n    save({way!r})\n"
    )
    load = (
        "import keras, numpy\nfrom mnist_helpers import build_deep_cnn, set_seed\n"
        "set_seed(7)\nsaved = build_deep_cnn().get_weights()\n"
        f"if {way!r}.endswith('.keras'):\n    model = keras.saving.load_model({way!r})\n"
        f"else:\n    model = build_deep_cnn(); model.load_weights({way!r}, skip_mismatch=False)\n"
        "if not all(map(numpy.array_equal, model.get_weights(), saved)):\n    raise SystemExit(3)\n"
    )
    for _ in range(3):
        process = subprocess.Popen([sys.executable, "-c", save], cwd=tmp_path, stderr=subprocess.DEVNULL)
        while not (tmp_path / "ready").exists():
            time.sleep(0.05)
        time.sleep(0.05 + chance.random())
        process.kill()
        process.wait()
        (tmp_path / "ready").unlink()
        loaded = subprocess.run([sys.executable, "-c", load], cwd=tmp_path, capture_output=True, text=True, check=False)
        refused = loaded.returncode == 1 and "Error" in loaded.stderr.splitlines()[-1]
        assert loaded.returncode == 0 or refused, (loaded.returncode, loaded.stderr)
