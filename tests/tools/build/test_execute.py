"""Which notebooks run, in which order, and what happens when one fails."""

import json
import os
import time

import nbformat
import pytest

from tools.build import execute
from tools.build.chapters import list_chapters
from tools.build.digest import run_of

KERNEL = {"kernelspec": {"name": "python3", "display_name": "Python 3", "language": "python"}}
RECORDING = "from mnist_helpers import load_results, record\n"


@pytest.fixture
def book(tmp_path, root, monkeypatch):
    """Three chapters that run in no time: the second needs the first, the third needs whatever was recorded."""
    (tmp_path / "notebooks").mkdir()
    write(tmp_path, "01_first", RECORDING + "record('a', chapter='first', number=1);")
    write(
        tmp_path,
        "02_second",
        RECORDING + "record('b', chapter='second', number=1 + load_results()['a']['number']);",
        needs=["first"],
    )
    write(
        tmp_path, "03_last", RECORDING + "print({name: r['number'] for name, r in load_results().items()})", needs=["*"]
    )
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("PYTHONPATH", str(root))
    return tmp_path


def write(folder, name, code, **about):
    cells = [nbformat.v4.new_code_cell('dataset = "mini"'), nbformat.v4.new_code_cell(code)]
    cells[0].metadata["tags"] = ["parameters"]
    notebook = nbformat.v4.new_notebook(cells=cells, metadata=KERNEL | {"book": about})
    nbformat.write(notebook, folder / f"notebooks/{name}.ipynb")


def ran(capfd, *arguments):
    """Run the tool. Returns its exit code and the chapters that ran."""
    code = execute.main(["mini", *arguments])
    printed = capfd.readouterr().out
    return code, [line.split()[0] for line in printed.splitlines() if " mini " in line]


def shown(book):
    return nbformat.read(book / "_build/runs/mini/last.ipynb", as_version=4).cells[1].outputs[0].text


def test_what_changed_runs_with_those_that_read_it(book, capfd):
    assert ran(capfd, "second", "--jobs", "2") == (0, ["01_first", "02_second"])  # and the one that it needs
    assert ran(capfd, "--jobs", "2") == (0, ["03_last"])
    assert shown(book) == "{'a': 1, 'b': 2}\n"
    assert ran(capfd) == (0, [])
    write(book, "01_first", RECORDING + "record('a', chapter='first', number=2 - 1);")  # the same result
    assert ran(capfd) == (0, ["01_first"])
    write(book, "01_first", RECORDING + "record('a', chapter='first', number=5);")
    assert ran(capfd, "--jobs", "2") == (0, ["01_first", "02_second", "03_last"])
    assert shown(book) == "{'a': 5, 'b': 6}\n"


def test_a_name_that_is_no_chapter_is_refused(book, capfd):
    assert execute.main(["mini", "second_one"]) == 1
    assert "there is no chapter 'second_one'; choose from first, second, last" in capfd.readouterr().err


def test_a_chapter_that_fails_stops_those_that_wait_for_it(book, capfd):
    recording = RECORDING + "record('b', chapter='second', number=2);"
    write(book, "02_second", recording + "\n1 / 0", needs=["first"])
    code = execute.main(["mini", "--jobs", "2"])
    printed = capfd.readouterr()
    assert code == 1
    assert "ZeroDivisionError" in printed.err
    assert run_of(book / "_build/runs/mini/first.ipynb")
    assert run_of(book / "_build/runs/mini/last.ipynb") is None
    # Mended, it goes on where it stopped.
    write(book, "02_second", recording, needs=["first"])
    left_by_a_killed_run = book / "_build/runs/mini/.second-abc.working"
    left_by_a_killed_run.mkdir()
    assert ran(capfd) == (0, ["02_second", "03_last"])
    assert not left_by_a_killed_run.exists()


def test_what_others_wait_for_longest_comes_first(book, monkeypatch):
    (book / "book/results").mkdir(parents=True)
    notebooks = {"first": {"seconds": 10}, "second": {"seconds": 5}, "last": {"seconds": 100}}
    (book / "book/results/mini.json").write_text(json.dumps({"notebooks": notebooks}))
    chapters = list_chapters()
    by_name = {chapter.name: chapter for chapter in chapters}
    needs = {"first": [], "second": [by_name["first"]], "last": []}
    assert execute.weigh(by_name, needs, "mini") == {"first": 15, "second": 5, "last": 100}


SAVING = "from mnist_helpers import saved_models\n(saved_models(dataset) / 'net.h5').write_text('{}');"
LOADING = "from mnist_helpers import saved_models\nprint([f.read_text() for f in saved_models(dataset).iterdir()])"


def test_a_saved_network_is_there_for_those_that_need_it_and_one_that_is_gone_is_made_again(book, capfd):
    write(book, "01_first", SAVING.format(1))
    write(book, "02_second", LOADING)
    write(book, "03_last", LOADING, needs=["first"])
    assert sorted(ran(capfd)[1]) == ["01_first", "02_second", "03_last"]
    assert shown(book) == "['1']\n"
    assert run_of(book / "_build/runs/mini/second.ipynb").models == {}
    assert list(run_of(book / "_build/runs/mini/first.ipynb").models) == ["mini/net.h5"]
    assert ran(capfd) == (0, [])
    saved = book / "_build/runs/mini/first.models/mini/net.h5"
    saved.unlink()
    assert ran(capfd) == (0, ["01_first"])  # the same network as before: nothing else runs again
    assert saved.read_text() == "1"
    saved.write_text("damaged")
    assert ran(capfd) == (0, ["01_first"])
    write(book, "01_first", SAVING.format(2))
    assert ran(capfd) == (0, ["01_first", "03_last"])
    assert shown(book) == "['2']\n"
    write(book, "01_first", "pass")  # it saves none any more
    assert ran(capfd) == (0, ["01_first", "03_last"])
    assert shown(book) == "[]\n"
    assert not saved.exists()


def test_trainings_that_nobody_asked_for_in_a_month_are_deleted(book):
    folder = book / "_build/trainings/machine/folds"
    folder.mkdir(parents=True)
    for name, days in {"old.json": 31, "new.json": 29}.items():
        (folder / name).touch()
        then = time.time() - days * 24 * 3600
        os.utime(folder / name, (then, then))
    execute.forget_old_trainings()
    assert [path.name for path in folder.iterdir()] == ["new.json"]
