"""What a run depends on is noticed, and nothing else: each change to a small book is looked at alone."""

import dataclasses
import json
import re
import shutil

import nbformat
import pytest

from mnist_helpers import DATASETS
from tools.build import digest
from tools.build.chapters import Chapter, list_chapters, needed_by, renumber

SETTING = 'dataset = "mini"  # which images\nepochs = 3'


@pytest.fixture
def book(tmp_path, root, monkeypatch):
    """A copy of the package and the tools, with a book of three chapters, that the digests are made of."""
    for name in ("mnist_helpers", "tools", "book"):
        shutil.copytree(root / name, tmp_path / name, ignore=shutil.ignore_patterns("__pycache__"))
    for name in ("pyproject.toml", "requirements.txt"):
        shutil.copy(root / name, tmp_path)
    (tmp_path / "notebooks").mkdir()
    write(tmp_path, "01_look", "from mnist_helpers import load_dataset, show_digits\nload_dataset(dataset)")
    write(tmp_path, "02_train", "from mnist_helpers import record, train\nprint('as in chapter 1')\nrecord('a')")
    write(tmp_path, "03_read", "from mnist_helpers import load_recorded_run, load_results, read_digit", reads=["mnist"])
    change(tmp_path / "notebooks/03_read.ipynb", lambda notebook: notebook.metadata.book.update(needs=["*"]))
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(digest, "ROOT", tmp_path)
    monkeypatch.setattr(digest, "PACKAGE", tmp_path / "mnist_helpers")
    yield tmp_path
    forget()


def forget():
    for function in (digest.public_modules, digest.imported, digest.normalise_module, digest.files_of, digest.pins):
        function.cache_clear()


def write(folder, name, code, **about):
    cells = [
        nbformat.v4.new_markdown_cell("Prose."),
        nbformat.v4.new_code_cell("%pip install mnist_helpers", metadata={"tags": ["setup"]}),
        nbformat.v4.new_code_cell(SETTING),
        nbformat.v4.new_code_cell(code),
    ]
    cells[2].metadata["tags"] = ["parameters"]
    nbformat.write(nbformat.v4.new_notebook(cells=cells, metadata={"book": about}), folder / f"notebooks/{name}.ipynb")


def change(path, how):
    notebook = nbformat.read(path, as_version=4)
    how(notebook)
    nbformat.write(notebook, path)


def parts(dataset="mini"):
    forget()
    chapters = list_chapters()
    return {c.name: digest.parts_of(c, {"dataset": dataset}, digest.RUNS / dataset, chapters) for c in chapters}


def replace(book, name, old, new):
    path = book / name
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new, 1))


def in_cell(number, text):
    return lambda notebook: notebook.cells[number].update(source=text)


PACKAGE = "mnist_helpers"
CHANGES = {
    "a word of prose": (lambda b: change(b / "notebooks/01_look.ipynb", in_cell(0, "Other prose.")), {}),
    "a comment in a cell": (
        lambda b: replace(b, "notebooks/01_look.ipynb", "load_dataset(dataset)", "load_dataset(dataset)  # all"),
        {},
    ),
    "a semicolon that hides a value": (
        lambda b: replace(b, "notebooks/01_look.ipynb", "load_dataset(dataset)", "load_dataset(dataset);"),
        {"look": ["code"]},
    ),
    "a link to another chapter": (
        lambda b: replace(b, "notebooks/02_train.ipynb", "as in chapter 1", "as in chapter 3"),
        {"train": ["code"]},
    ),
    "the set-up cell": (lambda b: change(b / "notebooks/01_look.ipynb", in_cell(1, "%pip install more")), {}),
    "the place of the set-up cell": (
        lambda b: change(b / "notebooks/01_look.ipynb", lambda notebook: notebook.cells.append(notebook.cells.pop(1))),
        {"look": ["code"]},
    ),
    "how a data set is loaded": (
        lambda b: replace(b, f"{PACKAGE}/datasets.py", "def _load_mini(source):", "def _load_mini(source, more=1):"),
        {chapter: [f"{PACKAGE}/datasets.py"] for chapter in ("look", "train", "read")},  # results are of a data set
    ),
    "a parameter's value": (
        lambda b: replace(b, "notebooks/01_look.ipynb", "epochs = 3", "epochs = 4"),
        {"look": ["code"]},
    ),
    "a comment in a module": (lambda b: replace(b, f"{PACKAGE}/training.py", "import keras", "import keras  # 3"), {}),
    "a docstring": (lambda b: replace(b, f"{PACKAGE}/training.py", "Fix every random choice", "Fix all choices"), {}),
    "a line of cli.py": (lambda b: replace(b, f"{PACKAGE}/cli.py", "READ, NOT_READ", "NOT_READ, READ"), {}),
    "a line of plotting.py": (
        lambda b: replace(b, f"{PACKAGE}/plotting.py", "WIDTH = 7", "WIDTH = 8"),
        {"look": [f"{PACKAGE}/plotting.py"]},
    ),
    "the look of figures": (
        lambda b: replace(b, f"{PACKAGE}/book.mplstyle", "axes", "axes."),
        {"look": [f"{PACKAGE}/book.mplstyle"]},
    ),
    "a module that a module imports": (
        lambda b: replace(b, f"{PACKAGE}/parallel.py", "workers = -1", "workers = -2"),
        {"train": [f"{PACKAGE}/parallel.py"]},
    ),
    "the shipped weights": (
        lambda b: (b / f"{PACKAGE}/data/strong_cnn.weights.h5").write_bytes(b""),
        {"read": [f"{PACKAGE}/data/strong_cnn.weights.h5"]},
    ),
    "a tool that measures": (
        lambda b: replace(b, "tools/measure/benchmark.py", "SHORT_EPOCHS = 2", "SHORT_EPOCHS = 3"),
        {},
    ),
    "a pin of the linter": (lambda b: raise_pin(b, "ruff"), {}),
    "a pin of what runs": (lambda b: raise_pin(b, "numpy"), {name: ["pins"] for name in ("look", "train", "read")}),
    "a pin of what that needs": (
        lambda b: raise_pin(b, "h5py"),
        {name: ["pins"] for name in ("look", "train", "read")},
    ),
    "another data set in the table": (
        lambda b: replace(b, f"{PACKAGE}/datasets.py", "DATASETS = {\n", 'DATASETS = {\n    "new": None,\n'),
        {},
    ),
    "a record that is read": (
        lambda b: replace(b, "book/results/mnist.json", '"wrong": ', '"wrong": 1'),
        {"read": ["record mnist"]},
    ),
    "a record that is not read": (lambda b: (b / "book/results/handwriting.json").write_text("{}"), {}),
    "its own entry of a record": (lambda b: record_own(b), {}),
    "a chapter in front": (lambda b: move_all(b), {}),
}


def record_own(book):
    path = book / "book/results/mnist.json"
    facts = json.loads(path.read_text()) | {"date": "another day"}
    facts["results"]["own"] = {"chapter": "read", "error": 0.5}
    facts["notebooks"]["read"] = {"seconds": 1, "commit": "abc"}
    path.write_text(json.dumps(facts))


def raise_pin(book, name):
    path = book / "requirements.txt"
    text, changes = re.subn(rf"(?m)^{name}==.*$", f"{name}==99.0", path.read_text())
    assert changes
    path.write_text(text)


def move_all(book):
    """Chapters 1 to 3 become 2 to 4, and the text that names chapter 1 follows."""
    before = {chapter.name: chapter.number for chapter in list_chapters(book / "notebooks")}
    after = {name: number + 1 for name, number in before.items()}
    for chapter in reversed(list_chapters(book / "notebooks")):
        text = renumber(chapter.path.read_text(), before, after)
        chapter.path.unlink()
        (book / f"notebooks/{after[chapter.name]:02}_{chapter.name}.ipynb").write_text(text)
    assert "as in chapter 2" in (book / "notebooks/03_train.ipynb").read_text()


@pytest.mark.parametrize("name", CHANGES)
def test_a_change_outdates_what_depends_on_it_and_nothing_else(book, name):
    make, expected = CHANGES[name]
    before = parts()
    make(book)
    after = parts()
    assert before.keys() == after.keys()
    found = {chapter: digest.changes(before[chapter], after[chapter]) for chapter in before}
    assert {chapter: changed for chapter, changed in found.items() if changed} == expected


def test_what_the_table_says_of_the_data_set_counts(book, monkeypatch):
    before = parts()
    monkeypatch.setitem(DATASETS, "mini", dataclasses.replace(DATASETS["mini"], validation_size=501))
    after = parts()
    assert {name: digest.changes(before[name], after[name]) for name in before} == {
        name: ["data set"] for name in before
    }


def test_results_of_a_needed_chapter_count(book):
    before = parts()
    assert [part for part in before["read"] if part.startswith("results")] == ["results of train"]
    runs = book / "_build/runs/mini"
    runs.mkdir(parents=True)
    run = {"results": {"a": {"error": 1}}}
    nbformat.write(nbformat.v4.new_notebook(metadata={"run": run}), runs / "train.ipynb")
    after = parts()
    assert {name: digest.changes(before[name], after[name]) for name in before} == {
        "look": [],
        "train": [],
        "read": ["results of train"],
    }


def test_only_the_entry_that_is_read_counts(book):
    change(book / "notebooks/03_read.ipynb", lambda notebook: notebook.metadata.book.update(reads=["mnist:mlp"]))
    before, path = parts(), book / "book/results/mnist.json"
    facts = json.loads(path.read_text())
    facts["results"]["deep_mlp"]["seconds"] = [1]
    path.write_text(json.dumps(facts))
    assert parts() == before
    facts["results"]["mlp"]["seconds"] = [1]
    path.write_text(json.dumps(facts))
    assert digest.changes(before["read"], parts()["read"]) == ["record mnist:mlp"]


@pytest.mark.parametrize(
    ("code", "message"),
    [
        ("import mnist_helpers as m\nm.train()", "write `from mnist_helpers import"),
        ("from mnist_helpers import *", "name the module and what is used of it"),
        ("from .x import y", "name the module and what is used of it"),
        ("for", "cannot be parsed"),
    ],
)
def test_an_import_that_does_not_say_what_is_used_is_refused(book, code, message):
    write(book, "01_look", code)
    with pytest.raises(Exception, match=rf"(?s)01_look.ipynb: .*{message}"):
        parts()


def test_a_line_for_the_shell_hides_no_import():
    assert digest.imported("%matplotlib inline\nfrom mnist_helpers import train") == {"mnist_helpers.training"}


def test_a_text_that_a_cell_shows_is_no_docstring():
    assert digest.normalise_cell('"hello"', {}) != digest.normalise_cell('"other"', {})


@pytest.mark.parametrize(
    ("code", "silent"), [("f();", True), ("f(); # why", True), ("f()  # a;", False), ("%pip x;", False), ("", False)]
)
def test_what_keeps_a_cell_silent_is_seen(code, silent):
    assert digest.is_silent(code) is silent


def test_a_claims_sentence_is_prose_and_its_condition_is_not():
    numbers = {"look": 1}
    first, reworded, another = (
        digest.normalise_cell(code, numbers)
        for code in ('claim(a < b, "a is smaller")', 'claim(a < b, "b is larger")', 'claim(a > b, "a is smaller")')
    )
    assert first == reworded != another


def test_the_pins_are_those_of_what_the_package_needs():
    pins = digest.pins()
    assert {"numpy", "tensorflow", "keras", "ipykernel", "anywidget"} <= pins.keys()
    assert not {"ruff", "mypy", "pytest", "jupyter-book", "sphinx", "papermill"} & pins.keys()
    assert all(re.match(rf"{re.escape(name)}==", lines[0]) for name, lines in pins.items())


def test_every_chapter_of_the_book_depends_on_its_data_and_its_modules(root):
    chapters = list_chapters(root / "notebooks")
    for chapter in chapters:
        found = digest.parts_of(chapter, {"dataset": next(iter(DATASETS))}, root / "_build/runs/mini", chapters)
        assert {"code", "data set", "pins", "python", f"{PACKAGE}/checks.py"} <= found.keys()
        assert f"{PACKAGE}/cli.py" not in found
    assert needed_by(chapters[0], chapters) == []


def test_a_need_that_is_no_chapter_is_named(book):
    change(book / "notebooks/03_read.ipynb", lambda notebook: notebook.metadata.book.update(needs=["training"]))
    chapters = list_chapters(book / "notebooks")
    with pytest.raises(Exception, match=r"03_read.ipynb: needs 'training', which is the name of no earlier chapter"):
        needed_by(chapters[2], chapters)


def test_two_chapters_of_one_name_are_refused(book):
    shutil.copy(book / "notebooks/01_look.ipynb", book / "notebooks/04_look.ipynb")
    with pytest.raises(Exception, match=r"04_look.ipynb: has the same name as .*01_look.ipynb"):
        list_chapters(book / "notebooks")


@pytest.mark.parametrize(
    ("text", "changed"),
    [
        ("see [chapter 3](03_c.ipynb)", "see [chapter 4](04_c.ipynb)"),
        ("Chapters 2 to 3, chapters 1, 2 and 3", "Chapters 3 to 4, chapters 1, 3 and 4"),
        ("chapters 1–3 in 3 seconds", "chapters 1–4 in 3 seconds"),
        ("as chapter\n2 says", "as chapter\n3 says"),
        ("../notebooks/02_b.html#next", "../notebooks/03_b.html#next"),
        ("02_other, chapter 9, subchapter 2", "02_other, chapter 9, subchapter 2"),
    ],
)
def test_a_text_names_the_same_chapters_by_new_numbers(text, changed):
    assert renumber(text, {"a": 1, "b": 2, "c": 3}, {"a": 1, "b": 3, "c": 4}) == changed


def test_a_chapter_that_is_no_notebook_is_named(tmp_path):
    (tmp_path / "01_broken.ipynb").write_text("<<<<<<< HEAD")
    with pytest.raises(Exception, match=r"01_broken.ipynb: cannot be read as a notebook"):
        _ = Chapter(tmp_path / "01_broken.ipynb").about
