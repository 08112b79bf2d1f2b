import nbformat
import pytest

from tools.build import repeat

PICTURE = "aGFsbG8="


def write_run(
    folder, *, text="1.2% wrong\n", picture=PICTURE, timed="3 s\n", wrong=12, seconds=3.1, code="score()", processor="a"
):
    """A run of one chapter: a text and a picture, a cell with a time, and a record."""
    v4 = nbformat.v4
    score = v4.new_code_cell(code, id="score", outputs=[v4.new_output("stream", text=text)])
    figure = v4.new_code_cell("plot()", id="figure", outputs=[v4.new_output("display_data", {"image/png": picture})])
    time = v4.new_code_cell("time()", id="time", outputs=[v4.new_output("stream", text=timed)])
    time.metadata["timed"] = True
    numbers = {"seconds": [seconds], "test": [{"wrong": wrong, "total": 1_000}]}
    run = {"processor": processor, "seconds": seconds, "results": {"mlp": numbers}}
    folder.mkdir(parents=True)
    nbformat.write(v4.new_notebook(cells=[score, figure, time], metadata={"run": run}), folder / "chapter.ipynb")
    return folder


def test_runs_that_differ_in_times_alone_are_the_same(tmp_path, capsys):
    first = write_run(tmp_path / "first")
    assert repeat.main(first, write_run(tmp_path / "second", timed="4 s\n", seconds=4.2)) == 0
    assert "notebooks 1, texts 1, pictures 1, records 1; different: 0; left out" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"text": "1.3% wrong\n"}, "chapter: cell score shows another stdout: '1.2% wrong\\n', then '1.3%"),
        ({"text": "1.2% wrong\nmore\n"}, "None, then 'more\\n'"),
        ({"text": "1.2% wrong"}, "'1.2% wrong\\n', then '1.2% wrong'"),
        ({"text": ""}, "'1.2% wrong\\n', then None"),
        ({"picture": "aGFsbG9v"}, "chapter: cell figure shows another image/png 1"),
        ({"wrong": 13}, "mlp.test.0.wrong is 12, then 13"),
        ({"wrong": None}, "mlp.test.0.wrong is 12, then None"),
        ({"processor": "another"}, "chapter: ran on different machines or versions"),
        ({"code": "guess()"}, "the code of cell score is not the same"),
    ],
)
def test_any_other_difference_is_named(tmp_path, capsys, change, message):
    assert repeat.main(write_run(tmp_path / "first"), write_run(tmp_path / "second", **change)) == 1
    assert message in capsys.readouterr().err


def test_text_is_the_same_however_it_was_cut_into_messages(tmp_path):
    folders = [write_run(tmp_path / folder, text="one\ntwo\n") for folder in ("first", "second")]
    path = folders[1] / "chapter.ipynb"
    notebook = nbformat.read(path, as_version=4)
    notebook.cells[0].outputs = [nbformat.v4.new_output("stream", text=text) for text in ("one\n", "two\n")]
    nbformat.write(notebook, path)
    assert repeat.main(*folders) == 0


@pytest.mark.parametrize("where", ["first", "second"])
def test_what_is_there_only_once_is_a_difference(tmp_path, capsys, where):
    folders = [write_run(tmp_path / folder) for folder in ("first", "second")]
    (tmp_path / where / "chapter.ipynb").unlink()
    assert repeat.main(*folders) == 1
    assert f"{tmp_path / where / 'chapter.ipynb'}: is missing" in capsys.readouterr().err


def test_two_empty_folders_prove_nothing(tmp_path, capsys):
    assert repeat.main(tmp_path, tmp_path) == 1
    assert "no notebooks" in capsys.readouterr().err
