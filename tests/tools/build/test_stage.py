"""From executed notebooks to what Jupyter Book reads, and from a run to recorded results."""

import base64
import json
import os
import shutil
import subprocess
import sys

import nbformat
import pytest
import yaml

from tools.build import stage
from tools.build.chapters import CORE_PATH, list_chapters
from tools.build.sync import minutes_of

PIXEL = base64.b64decode(
    "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNkYPhfDwAChwGA60e6kgAAAABJRU5ErkJggg=="
)


RUN = {"seconds": 12.3, "memory_mb": 600, "parts": {"code": "abc", "tools/x.py": "d"}}
MADE_BY = {
    "date": "2026-01-02",
    "commit": "abc",
    "processor": "a processor",
    "cores": 2,
    "python": "3.11.0",
    "packages": {"keras": "3.0", "numpy": "2.0", "tensorflow": "2.0"},
}


@pytest.fixture
def ran(root, tmp_path):
    """A checkout with one chapter that has run on mini: it drew one picture and recorded two models."""
    for name in ("_config.yml", "_toc.yml", "pyproject.toml", "README.md", "CITATION.cff"):
        (tmp_path / name).write_text((root / name).read_text())
    for name in ("book", "notebooks"):
        (tmp_path / name).mkdir()
    shutil.copytree(root / "book/pad", tmp_path / "book/pad")
    for page in ("about.md", "index.md"):
        shutil.copy(root / "book" / page, tmp_path / "book")
    runs = tmp_path / "_build/runs/mini"
    runs.mkdir(parents=True)
    cell = nbformat.v4.new_code_cell("show_digits(x)", metadata={"figure": "cover"})
    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_markdown_cell("# A chapter"), cell])
    nbformat.write(notebook, tmp_path / "notebooks/01_chapter.ipynb")
    picture = {"image/png": base64.b64encode(PIXEL).decode(), "text/plain": "<Figure of chapter 1>"}
    cell.outputs = [nbformat.v4.new_output("execute_result", picture, execution_count=1)]
    score = {"wrong": 10, "total": 100, "low": 0.05, "high": 0.17}
    twice = [score, score | {"wrong": 20, "low": 0.13, "high": 0.29}]
    models = {
        "worse": {"title": "Worse", "chapter": "chapter", "test": twice},
        "better": {
            "title": "Better",
            "chapter": "chapter",
            "test": [score],
            "published": "9%",
            "published_by": "A 2016",
        },
        "no_model": {"chapter": "chapter", "seconds": 3},
    }
    notebook.metadata["run"] = (
        RUN
        | MADE_BY
        | {"kept_seconds": 0, "parameters": {}, "results": models, "numbers": {"chapter": 1}, "claims": []}
    )
    nbformat.write(notebook, runs / "chapter.ipynb")
    return tmp_path


def change_run(path, **facts):
    notebook = nbformat.read(path, as_version=4)
    notebook.metadata["run"] |= facts
    nbformat.write(notebook, path)


def tool(root, folder, name, *arguments):
    return subprocess.run(
        [sys.executable, "-m", f"tools.build.{name}", *arguments],
        cwd=folder,
        env=os.environ | {"PYTHONPATH": str(root)},
        capture_output=True,
        text=True,
    )


@pytest.fixture
def lay_out(ran, monkeypatch):
    """The tool in this process, where TensorFlow is loaded already."""
    monkeypatch.chdir(ran)
    return stage.main


def test_pages_get_the_picture_and_the_table_of_the_run(root, ran):
    done = tool(root, ran, "stage", "mini")
    assert done.returncode == 0, done.stderr
    generated = ran / "_build/book/book/generated"
    assert (generated / "cover.png").read_bytes() == PIXEL
    rows = [row for row in (generated / "results.md").read_text().splitlines() if row.startswith("| [")]
    assert rows == [
        "| [Worse](../notebooks/01_chapter.ipynb) | 15.00% (9.00–23.00%) | – | – | – | – |",
        "| [Better](../notebooks/01_chapter.ipynb) | 10.00% (5.00–17.00%) | 9%, [A 2016](references.md) | – | – | – |",
    ]


def test_a_recorded_full_run_stands_above_this_build(ran, lay_out):
    (ran / "book/results").mkdir()
    full = {"wrong": 200, "total": 10_000, "low": 0.018, "high": 0.023}
    better = {"title": "Better", "chapter": "chapter", "test": [full]}
    facts = MADE_BY | {
        "notebooks": {"chapter": {"commit": "abc", "seconds": 99}},
        "results": {"better": better, "gone": better | {"title": "Gone", "chapter": "removed"}},
    }
    (ran / "book/results/mnist.json").write_text(json.dumps(facts))
    lay_out("mini")
    text = (ran / "_build/book/book/generated/results.md").read_text()
    recorded, build = text.split("**This build** (5,000 of MNIST's images, `mini`)")
    assert "**All 70,000 images of MNIST** (run of 2026-01-02, commit abc;" in recorded
    assert "2.00% (1.80–2.30%)" in recorded
    assert "Worse" not in recorded
    assert "10.00% (5.00–17.00%)" in build
    assert "Gone" not in text


def test_a_named_figure_that_was_not_drawn_stops_the_build(ran, lay_out):
    executed = nbformat.read(ran / "_build/runs/mini/chapter.ipynb", as_version=4)
    executed.cells[1].outputs = []
    nbformat.write(executed, ran / "_build/runs/mini/chapter.ipynb")
    with pytest.raises(SystemExit, match=r"01_chapter.ipynb: the cell of figure 'cover' shows 0 pictures"):
        lay_out("mini")


def test_a_run_is_recorded_with_what_is_needed_to_judge_it(root, ran):
    done = tool(root, ran, "record", "mini")
    assert done.returncode == 0, done.stderr
    facts = json.loads((ran / "book/results/mini.json").read_text())
    assert facts["notebooks"] == {"chapter": RUN | {"date": "2026-01-02", "commit": "abc", "parts": {"code": "abc"}}}
    assert facts["results"]["better"]["test"][0]["wrong"] == 10
    assert facts["dataset"] == "mini"
    assert {name: facts[name] for name in MADE_BY if name != "commit"} == {
        name: value for name, value in MADE_BY.items() if name != "commit"
    }


@pytest.fixture
def ran_twice(ran):
    """The same with a second chapter."""
    runs = ran / "_build/runs/mini"
    shutil.copy(ran / "notebooks/01_chapter.ipynb", ran / "notebooks/02_second.ipynb")
    shutil.copy(runs / "chapter.ipynb", runs / "second.ipynb")
    change_run(runs / "second.ipynb", date="2026-01-05", commit="def", results={})
    return ran


def test_chapters_of_several_days_are_recorded_with_both(root, ran_twice):
    assert tool(root, ran_twice, "record", "mini").returncode == 0
    facts = json.loads((ran_twice / "book/results/mini.json").read_text())
    assert facts["date"] == "2026-01-02 to 2026-01-05"
    assert facts["notebooks"]["second"]["commit"] == "def"


def test_a_mixed_run_replaces_no_record(root, ran_twice):
    before = ran_twice / "book/results/mini.json"
    before.parent.mkdir()
    older = json.dumps({"notebooks": {}, "results": {}})
    before.write_text(older)
    change_run(ran_twice / "_build/runs/mini/second.ipynb", processor="another")
    done = tool(root, ran_twice, "record", "mini")
    assert done.returncode == 1
    assert "the chapters ran with different processor; run `make clean`" in done.stderr
    assert before.read_text() == older


def test_chapters_may_be_recorded_one_by_one(root, ran_twice):
    first, second = (ran_twice / f"_build/runs/mini/{name}.ipynb" for name in ("chapter", "second"))
    later = second.read_text()
    second.unlink()
    done = tool(root, ran_twice, "record", "mini")
    assert done.returncode == 0
    assert "chapter second has not run" in done.stderr
    recorded = json.loads((ran_twice / "book/results/mini.json").read_text())
    assert list(recorded["notebooks"]) == ["chapter"]
    second.write_text(later)
    first.unlink()
    done = tool(root, ran_twice, "record", "mini")
    assert (done.returncode, done.stderr) == (0, "")
    both = json.loads((ran_twice / "book/results/mini.json").read_text())
    assert list(both["notebooks"]) == ["chapter", "second"]
    assert both["results"] == recorded["results"]
    second.unlink()
    done = tool(root, ran_twice, "record", "mini")
    assert done.returncode == 1
    assert "no chapter has run" in done.stderr


def test_a_chapter_that_has_not_run_keeps_what_was_recorded_of_it(root, ran_twice):
    recorded, runs = ran_twice / "book/results/mini.json", ran_twice / "_build/runs/mini"
    assert tool(root, ran_twice, "record", "mini").returncode == 0
    (runs / "second.ipynb").unlink()
    change_run(runs / "chapter.ipynb", date="2026-01-09", seconds=99)
    assert tool(root, ran_twice, "record", "mini").returncode == 0
    facts = json.loads(recorded.read_text())
    assert facts["notebooks"]["chapter"]["seconds"] == 99
    assert facts["notebooks"]["second"]["commit"] == "def"
    change_run(runs / "chapter.ipynb", processor="another")
    done = tool(root, ran_twice, "record", "mini")
    assert "the chapters ran with different processor" in done.stderr


def test_the_record_of_another_processor_is_kept_and_compared(root, ran, lay_out):
    shutil.copytree(ran / "_build/runs/mini", ran / "_build/runs/mnist")
    run = ran / "_build/runs/mnist/chapter.ipynb"
    results = nbformat.read(run, as_version=4).metadata.run.results
    numbers = results["worse"]
    numbers["seeds"] = [7, 8]
    change_run(run, results=results)
    assert tool(root, ran, "record", "mnist").returncode == 0
    first = (ran / "book/results/mnist.json").read_text()

    numbers["test"][1]["wrong"] = 23
    change_run(run, results=results, processor="another")
    assert tool(root, ran, "record", "mnist").returncode == 0
    assert (ran / "book/results/mnist_other.json").read_text() == first
    assert json.loads((ran / "book/results/mnist.json").read_text())["processor"] == "another"

    lay_out("mini")
    table = (ran / "_build/book/book/generated/machines.md").read_text()
    assert "| network | another | a processor |" in table
    assert "| Worse | 10, 23 | 10, 20 |" in table
    assert "Better" not in table  # it had no seed
    assert "1 of 2 trainings ended with equally many; the largest difference is 3." in table


def test_one_record_is_nothing_to_compare(ran, lay_out):
    lay_out("mini")
    assert "have not been recorded yet" in (ran / "_build/book/book/generated/machines.md").read_text()


def test_the_text_is_that_of_the_sources_and_the_outputs_are_those_of_the_run(ran, lay_out):
    """And what a run has put out names a chapter by its number of today."""
    source = nbformat.read(ran / "notebooks/01_chapter.ipynb", as_version=4)
    source.cells[0].source = "# A chapter with another title"
    source.cells[1].source = "show_digits(x)  # with a comment"
    nbformat.write(source, ran / "notebooks/05_chapter.ipynb")
    (ran / "notebooks/01_chapter.ipynb").unlink()
    run = nbformat.read(ran / "_build/runs/mini/chapter.ipynb", as_version=4)
    run.metadata["language_info"] = {"name": "python", "pygments_lexer": "ipython3"}
    nbformat.write(run, ran / "_build/runs/mini/chapter.ipynb")
    lay_out("mini")
    staged = nbformat.read(ran / "_build/book/notebooks/05_chapter.ipynb", as_version=4)
    assert [cell.source for cell in staged.cells] == [
        "# 5. A chapter with another title",
        "show_digits(x)  # with a comment",
    ]
    assert staged.cells[1].outputs[0].data["text/plain"] == "<Figure of chapter 5>"
    assert staged.metadata.language_info.pygments_lexer == "ipython3"
    assert not {"run", "book"} & staged.metadata.keys()


def test_a_run_of_other_cells_is_refused(ran, lay_out):
    source = nbformat.read(ran / "notebooks/01_chapter.ipynb", as_version=4)
    source.cells.append(nbformat.v4.new_code_cell("1"))
    nbformat.write(source, ran / "notebooks/01_chapter.ipynb")
    with pytest.raises(SystemExit, match=r"01_chapter.ipynb: has 2 cells of code, but its run had 1; run it again"):
        lay_out("mini")


def test_the_core_path_is_marked_in_the_contents_and_takes_five_hours_at_most(root):
    chapters = list_chapters(root / "notebooks")
    core = [chapter for chapter in chapters if chapter.name in CORE_PATH]
    assert [chapter.name for chapter in core] == list(CORE_PATH)
    assert sum(minutes_of(chapter.notebook)[0] for chapter in core) <= 300
    toc = yaml.safe_load(stage.mark_core_path((root / "_toc.yml").read_text(), list_chapters()))
    entries = [entry for part in toc["parts"] for entry in part["chapters"]]
    marked = [entry["file"] for entry in entries if entry.get("title", "").startswith("● ")]
    assert marked == [f"notebooks/{chapter.path.stem}" for chapter in core]


@pytest.mark.parametrize(
    ("minutes", "said"), [(10, "½ hour"), (60, "1 hour"), (85, "1½ hours"), (275, "4½ hours"), (290, "5 hours")]
)
def test_times_are_said_in_half_hours(minutes, said):
    assert stage.hours(minutes) == said
