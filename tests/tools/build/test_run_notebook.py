"""The step between a notebook and the book: what it refuses, and what it leaves behind."""

import dataclasses
import json
import re

import nbformat
import papermill
import pytest

from mnist_helpers import DATASETS
from tools.build import run_notebook
from tools.build.chapters import Chapter
from tools.build.parameters import write_parameters

PARAMETERS = 'dataset = "mnist"  # which images\nepochs = 3'


@pytest.fixture
def write(tmp_path):
    """Write a notebook of code cells; the first holds the parameters."""

    def write(*codes, name="chapter.ipynb"):
        cells = [nbformat.v4.new_code_cell(code) for code in (PARAMETERS, *codes)]
        cells[0].metadata["tags"] = ["parameters"]
        notebook = nbformat.v4.new_notebook(cells=cells)
        notebook.metadata["kernelspec"] = {"name": "python3", "display_name": "Python 3", "language": "python"}
        nbformat.write(notebook, tmp_path / name)
        return tmp_path / name

    return write


def main(source, *parameters):
    output = source.with_name("out.ipynb")
    return run_notebook.main([str(source), str(output), *parameters]), output


def test_a_good_notebook_is_published_as_if_the_reader_had_typed_the_parameters(write, capsys):
    code, output = main(write("print(dataset, epochs)"), "dataset=mini", "epochs=5")
    assert code == 0
    notebook = nbformat.read(output, as_version=4)
    assert [cell.source for cell in notebook.cells] == [
        'dataset = "mini"  # which images\nepochs = 5',
        "print(dataset, epochs)",
    ]
    assert notebook.cells[1].outputs[0].text == "mini 5\n"
    assert [cell.execution_count for cell in notebook.cells] == [1, 2]
    facts = notebook.metadata.pop("run")
    assert "papermill" not in json.dumps(notebook)
    line = capsys.readouterr().out
    assert line.startswith("chapter ")
    assert " mini " in line
    assert " s " in line
    assert [path.name for path in output.parent.iterdir()] == ["chapter.ipynb", "out.ipynb", "out.log"]
    assert facts["parameters"] == {"dataset": "mini", "epochs": 5}
    assert facts["seconds"] > 0
    assert facts["memory_mb"] > 10
    assert re.fullmatch(r"[0-9a-f]{7,}\+?|unknown", facts["commit"])


def test_the_metadata_give_way_to_the_command_line_and_come_before_the_notebook(write):
    source = write("print(epochs)")
    notebook = nbformat.read(source, as_version=4)
    notebook.metadata["book"] = {"parameters": {"mini": {"epochs": 1}}}
    nbformat.write(notebook, source)
    for parameters, epochs in {("dataset=mini",): 1, ("dataset=mini", "epochs=2"): 2, ("dataset=mnist",): 3}.items():
        code, output = main(source, *parameters)
        assert code == 0
        assert nbformat.read(output, as_version=4).cells[1].outputs[0].text == f"{epochs}\n"


def test_metadata_that_nothing_reads_are_named(write, capsys):
    source = write("x = 1")
    notebook = nbformat.read(source, as_version=4)
    notebook.metadata["book"] = {"parameter": {}}
    nbformat.write(notebook, source)
    assert main(source, "dataset=mini")[0] == 1
    assert "chapter.ipynb: its metadata 'book' hold 'parameter'" in capsys.readouterr().err


def test_an_error_stops_the_build_and_shows_its_cell(write, capsys):
    code, output = main(write("x = 1", "x / 0"), "dataset=mini")
    message = capsys.readouterr().err
    assert code == 1
    for part in ("chapter.ipynb: cell 3", "    x / 0", "ZeroDivisionError: division by zero", "out.partial.ipynb"):
        assert part in message
    assert not output.exists()
    assert output.with_suffix(".partial.ipynb").exists()


def test_the_cell_that_failed_is_named_and_not_one_that_printed_a_traceback(write, capsys):
    caught = "import traceback\ntry:\n    1 / 0\nexcept ZeroDivisionError:\n    traceback.print_exc()"
    assert main(write(caught, "raise KeyError('the real one')"))[0] == 1
    message = capsys.readouterr().err
    assert "cell 3" in message
    assert "raise KeyError" in message


@pytest.mark.parametrize("text", ["<<<<<<< HEAD", "{}", ""])
def test_what_is_no_notebook_is_named(tmp_path, capsys, text):
    (tmp_path / "chapter.ipynb").write_text(text)
    assert main(tmp_path / "chapter.ipynb")[0] == 1
    assert "chapter.ipynb" in capsys.readouterr().err


def test_a_missing_notebook_is_named(tmp_path, capsys):
    assert main(tmp_path / "gone.ipynb")[0] == 1
    assert "gone.ipynb: cannot be read" in capsys.readouterr().err


def test_a_parameter_without_a_value_is_refused(write, capsys):
    assert main(write("print(1)"), "epochs")[0] == 1
    assert "parameter 'epochs': expected name=value" in capsys.readouterr().err


def test_every_kind_of_value_is_published_as_python():
    code = "a = 1\nb = 2  # why\nc = 3\nd = 4"
    values = {"a": True, "b": None, "c": "it's", "d": [1, 0.5]}
    assert write_parameters(code, values) == 'a = True\nb = None  # why\nc = "it\'s"\nd = [1, 0.5]'


def test_an_expected_error_stops_the_build_too(write, tmp_path, capsys):
    source = write("1 / 0")
    notebook = nbformat.read(source, as_version=4)
    notebook.cells[1].metadata["tags"] = ["raises-exception"]
    nbformat.write(notebook, source)
    assert main(source, "dataset=mini")[0] == 1
    assert "cell 2" in capsys.readouterr().err


def test_a_traceback_that_was_caught_and_printed_stops_the_build(write, capsys):
    code, output = main(
        write("import traceback\ntry:\n    1 / 0\nexcept ZeroDivisionError:\n    traceback.print_exc()")
    )
    assert code == 1
    assert "cell 2" in capsys.readouterr().err
    assert not output.exists()


def test_a_misspelt_parameter_stops_the_build_before_anything_runs(write, capsys):
    code, output = main(write("print(1)"), "dataset=mini", "epohcs=1")
    message = capsys.readouterr().err
    assert code == 1
    assert "chapter.ipynb: unknown parameter 'epohcs'. Did you mean 'epochs'? cell 1" in message
    assert not output.with_suffix(".partial.ipynb").exists()


def test_a_stored_traceback_stops_the_build_before_anything_runs(write, capsys):
    source = write("print(1)")
    notebook = nbformat.read(source, as_version=4)
    notebook.cells[1].outputs = [nbformat.v4.new_output("error", ename="ValueError", evalue="old", traceback=["old"])]
    nbformat.write(notebook, source)
    code, output = main(source)
    assert code == 1
    assert "chapter.ipynb: cell 2" in (message := capsys.readouterr().err)
    assert "ValueError: old" in message
    assert not output.with_suffix(".partial.ipynb").exists()


@pytest.mark.parametrize(
    "path", ["sys.prefix", "sys.prefix + '/x'", "os.path.expanduser('~')", "tempfile.mkdtemp()", "repr(tempfile)"]
)
def test_a_path_of_this_machine_is_not_published(write, capsys, path):
    code, output = main(write(f"import os, sys, tempfile\nprint({path})"))
    assert code == 1
    assert "cell 2" in (message := capsys.readouterr().err)
    assert "shows a path of this machine" in message
    assert not output.exists()


def test_what_libraries_say_on_stderr_is_not_published_but_reported(write, capsys):
    code, output = main(write("import warnings\nwarnings.warn('mind the gap')\nprint('fine')"), "dataset=mini")
    assert code == 0
    assert "wrote to stderr" in (printed := capsys.readouterr().out)
    assert "mind the gap" in printed
    assert "mind the gap" not in json.dumps(nbformat.read(output, as_version=4).cells[1].outputs)


@pytest.mark.parametrize("text", ["WARNING:tensorflow:5 out of 5", "42%\\r43%", "\\x1b[1m", "\\x08"])
def test_noise_of_libraries_is_not_published(write, capsys, text):
    code, output = main(write(f"print('fine'); print('{text}')"))
    assert code == 1
    assert "cell 2" in (message := capsys.readouterr().err)
    assert "leaves noise in the page" in message
    assert not output.exists()


def test_too_much_memory_stops_the_build(write, capsys, monkeypatch):
    monkeypatch.setitem(DATASETS, "mini", dataclasses.replace(DATASETS["mini"], memory_limit=10))
    code, output = main(write("print(1)"), "dataset=mini")
    assert code == 1
    assert "with mini at most 10 are allowed" in capsys.readouterr().err
    assert not output.exists()


@pytest.fixture
def two(write):
    """Two chapters; the second reads the results of the first."""
    first = write(
        "from mnist_helpers import record\nrecord('model', chapter='first', error=0.25);", name="01_first.ipynb"
    )
    second = write(
        "from mnist_helpers import load_results, record\nprint(sorted(load_results()))",
        "record('other', chapter='second', error=0.5);",
        name="02_second.ipynb",
    )
    return first, second


def run_chapter(source):
    output = source.with_name("runs") / f"{Chapter(source).name}.ipynb"
    assert run_notebook.main([str(source), str(output), "dataset=mini"]) == 0
    return nbformat.read(output, as_version=4)


def test_a_chapter_sees_the_results_that_it_says_it_needs_and_no_others(two):
    assert run_chapter(two[0]).metadata.run.results == {"model": {"chapter": "first", "error": 0.25}}
    executed = run_chapter(two[1])
    assert executed.cells[1].outputs[0].text == "[]\n"
    notebook = nbformat.read(two[1], as_version=4)
    notebook.metadata["book"] = {"needs": ["first"]}
    nbformat.write(notebook, two[1])
    executed = run_chapter(two[1])
    assert executed.cells[1].outputs[0].text == "['model']\n"
    assert list(executed.metadata.run.results) == ["other"]
    assert "results of first" in executed.metadata.run.parts


def test_recorded_numbers_keep_their_order(write):
    recording = "record('model', chapter='chapter', errors={'start': 0.2, 'a layer more': 0.1});"
    code, output = main(write(f"from mnist_helpers import record\n{recording}"))
    assert code == 0
    results = nbformat.read(output, as_version=4).metadata.run.results
    assert list(results["model"]["errors"]) == ["start", "a layer more"]


@pytest.mark.parametrize("given", ["", "chapter='anotherone', "])
def test_numbers_that_are_recorded_under_another_name_stop_the_build(write, capsys, given):
    code, output = main(write(f"from mnist_helpers import record\nrecord('model', {given}error=0.25);"))
    assert code == 1
    assert "write record('model', chapter='chapter', …)" in capsys.readouterr().err
    assert not output.exists()


@pytest.fixture
def failing_starts(monkeypatch):
    """Let the first kernel starts fail with a message; returns the list of all calls."""
    calls = []

    def fail(times, message):
        real = papermill.execute_notebook

        def execute(*arguments, **options):
            calls.append(arguments)
            if len(calls) <= times:
                raise RuntimeError(message)
            return real(*arguments, **options)

        monkeypatch.setattr(papermill, "execute_notebook", execute)
        return calls

    return fail


def test_a_failed_start_of_the_kernel_is_tried_once_more(write, failing_starts):
    calls = failing_starts(1, "Kernel died before replying to kernel_info")
    assert main(write("print(1)"))[0] == 0
    assert len(calls) == 2


def test_a_second_failed_start_stops_the_build(write, failing_starts, capsys):
    calls = failing_starts(2, "Kernel died before replying to kernel_info")
    assert main(write("print(1)"))[0] == 1
    assert len(calls) == 2
    assert "chapter.ipynb: the kernel failed" in capsys.readouterr().err


def test_a_kernel_that_dies_at_work_is_not_tried_again(write, capsys):
    code, output = main(write("import os\nos._exit(1)"))
    assert code == 1
    assert "chapter.ipynb: the kernel failed" in capsys.readouterr().err
    assert not output.exists()


@pytest.mark.parametrize(
    ("text", "value"), [("3", 3), ("0.5", 0.5), ("mini", "mini"), ("True", True), ("[1, 2]", [1, 2])]
)
def test_values_are_read_as_python_reads_them(text, value):
    assert run_notebook.parse_value(text) == value
