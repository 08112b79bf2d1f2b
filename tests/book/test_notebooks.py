"""What every chapter must be, whatever it is about: its anatomy, its style, its listings, its solutions."""

import ast
import inspect
import itertools
import re
import shutil
from pathlib import Path

import nbformat
import pytest

import mnist_helpers
from tools.build import repeat, run_notebook, sync
from tools.build.chapters import list_chapters, needed_by
from tools.build.parameters import assigned_names

ROOT = Path(__file__).parents[2]
NOTEBOOKS = sorted((ROOT / "notebooks").glob("[0-9]*.ipynb"))
CLOSING = ["Exercises", "What stays"]
# Parameters that make a chapter run fast; what is not there keeps its value.
FAST = {"epochs": 1, "repeats": 2, "folds": 3, "images": 200}

each_notebook = pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)


def read(path):
    return nbformat.read(path, as_version=4)


def markdown(notebook):
    return "\n\n".join(cell.source for cell in notebook.cells if cell.cell_type == "markdown")


def prose(notebook):
    """The text without its code blocks, so that a comment in a solution is no heading."""
    return re.sub(r"(?ms)^```.*?^```", "", markdown(notebook))


def code_cells(notebook):
    return [cell for cell in notebook.cells if cell.cell_type == "code"]


def tagged(notebook, tag):
    return [cell for cell in notebook.cells if tag in cell.metadata.get("tags", [])]


def solutions(notebook):
    """The code of each solution, from between its <details> tags."""
    folded = re.findall(r"(?s)<details>\s*<summary>Solution</summary>(.*?)</details>", markdown(notebook))
    return ["\n".join(re.findall(r"(?s)```python\n(.*?)```", text)) for text in folded]


@each_notebook
def test_it_holds_no_outputs_and_names_a_plain_kernel(path):
    notebook = read(path)
    assert all(not cell.outputs and cell.execution_count is None for cell in code_cells(notebook))
    assert notebook.metadata.kernelspec.name == "python3"
    assert notebook.metadata.language_info.name == "python"
    nbformat.validate(notebook)


@each_notebook
def test_it_begins_with_one_title_and_links_to_itself(path):
    notebook = read(path)
    assert re.match(rf"# {int(path.stem[:2])}\. \S", notebook.cells[0].source)
    assert len(re.findall(r"(?m)^# ", prose(notebook))) == 1
    assert f"/notebooks/{path.name})" in notebook.cells[0].source


@each_notebook
def test_it_says_what_a_reader_can_do_afterwards_and_what_stays(path):
    """Abilities and lasting sentences, a few of each; a sentence about this run's numbers would not last."""
    text = prose(read(path))
    headings = re.findall(r"(?m)^## (.*)$", text)
    assert headings[-2:] == CLOSING
    able = re.search(r"(?s)\*\*After this chapter you can\*\*\n\n(.*?)\n\n\*\*You need\*\*", text)
    stays = re.search(r"(?s)\n## What stays\n\n(.*?)(?:\n\n\*\*Next:\*\*|\Z)", text)
    for found in (able, stays):
        lines = found[1].strip().splitlines()
        assert 3 <= len(lines) <= 6
        assert all(line.startswith("- ") for line in lines)
    assert not {line.removeprefix("- ").lower() for line in able[1].splitlines()} & {h.lower() for h in headings}
    assert re.search(r"(?m)^\*\*Time:\*\* about \d+ minutes to read", text)


@pytest.mark.parametrize(("path", "following"), list(itertools.pairwise(NOTEBOOKS)), ids=lambda path: path.stem)
def test_what_comes_next_is_where_the_button_leads(path, following):
    (sentence,) = re.findall(r"(?m)^\*\*Next:\*\* .*$", markdown(read(path)))
    assert f"]({following.name})" in sentence


@each_notebook
def test_an_exercise_is_for_paper_and_every_solution_concludes_in_words(path):
    text = markdown(read(path))
    assert re.search(r"(?i)\b(on paper|draw)\b", "".join(re.findall(r"(?m)^\*\*\d\. .*$", text)))
    for folded in re.findall(r"(?s)<details>\s*<summary>Solution</summary>(.*?)</details>", text):
        assert len(folded.split("```")[-1].split()) >= 10, folded


@each_notebook
def test_its_parameters_are_plain_assignments(path):
    (cell,) = tagged(read(path), "parameters")
    for statement in ast.parse(cell.source).body:
        assert isinstance(statement, ast.Assign)
        ast.literal_eval(statement.value)
    assert "dataset" in assigned_names(cell.source)


@each_notebook
def test_it_imports_in_one_cell(path):
    importing = [
        cell
        for cell in code_cells(read(path))
        if re.search(r"(?m)^\s*(import|from) ", cell.source) and not tags(cell, "setup")
    ]
    assert len(importing) == 1


def tags(cell, tag):
    return tag in cell.metadata.get("tags", [])


def is_listing(code):
    """A function written out whole, which the package has too or which a solution changes."""
    return [type(statement) for statement in ast.parse(code).body] == [ast.FunctionDef]


def is_import(code):
    return all(isinstance(statement, ast.Import | ast.ImportFrom) for statement in ast.parse(code).body)


@each_notebook
def test_its_cells_are_short(path):
    for cell in code_cells(read(path)):
        lines = [line for line in cell.source.splitlines() if line.strip()]
        if not tags(cell, "hide-input"):
            assert len(lines) <= 12 or is_listing(cell.source) or is_import(cell.source), cell.source
        assert max(map(len, lines)) <= 84 or "Markdown(" in cell.source, cell.source


@each_notebook
def test_every_figure_says_in_words_what_there_is_to_see(path):
    for cell in code_cells(read(path)):
        draws = re.search(r"(?m)^(show_|plot_)\w+\(|DigitPad\(\)", cell.source)
        alternative = cell.metadata.get("mystnb", {}).get("image", {}).get("alt", "")
        assert bool(draws) == bool(alternative), cell.source
        assert not draws or len(alternative) > 40, alternative


@each_notebook
def test_it_is_written_in_plain_words_and_plain_markdown(path):
    text = prose(read(path))
    assert not re.findall(r"(?i)\b(just|simply|easily|obviously|of course|trivial(?:ly)?)\b", text)
    assert "```{" not in markdown(read(path))
    assert not re.search(r"\{[a-z:]+\}`", text)


@each_notebook
def test_it_has_exercises_each_with_a_solution(path):
    notebook = read(path)
    exercises = re.findall(r"(?m)^\*\*\d\. ", prose(notebook))
    assert 2 <= len(exercises) <= 4
    assert len(solutions(notebook)) == len(exercises)
    assert all("assert " in code for code in solutions(notebook))
    assert "<summary>Hint</summary>" in markdown(notebook)
    if path.stem != "01_look_at_the_data":  # there is no model yet
        assert re.search(r"Change one (number|thing) and predict what happens", prose(notebook))


@each_notebook
def test_its_links_and_setup_belong_to_this_repository(path):
    text = path.read_text(encoding="utf-8")
    where = path.relative_to(ROOT)
    assert sync.update(text, where, sync.current_repository()) == text, "run `make sync`"


def strip_documentation(function):
    """Code of a function without its docstring and its checks of the input, in one spelling."""
    (tree,) = ast.parse(function).body
    body = [
        statement
        for statement in tree.body
        if not (isinstance(statement, ast.Expr) and isinstance(statement.value, ast.Constant))
        and not (isinstance(statement, ast.Expr) and ast.unparse(statement).startswith("check_"))
    ]
    return ast.unparse(tree.args), [ast.unparse(statement) for statement in body]


def listings():
    """Every function that a chapter writes out and the package has too."""
    for path in NOTEBOOKS:
        for cell in code_cells(read(path)):
            if "%" in cell.source and tags(cell, "setup"):
                continue
            for statement in ast.parse(cell.source).body:
                if isinstance(statement, ast.FunctionDef) and statement.name in mnist_helpers.__all__:
                    yield pytest.param(ast.unparse(statement), statement.name, id=f"{path.stem}:{statement.name}")


@pytest.mark.parametrize(("listing", "name"), list(listings()))
def test_what_is_shown_is_what_ships(listing, name):
    shipped = inspect.getsource(getattr(mnist_helpers, name))
    assert strip_documentation(listing) == strip_documentation(shipped)


def test_the_first_chapters_write_out_what_they_teach():
    taught = {parameters.values[1] for parameters in listings()}
    assert {
        "prepare_images",
        "one_hot",
        "train",
        "error_rate",
        "build_mlp",
        "build_deep_mlp",
        "model_error",
        "build_simple_cnn",
        "build_two_conv_cnn",
        "build_baseline_cnn",
        "build_batch_norm_cnn",
        "build_deep_cnn",
        "build_fast_cnn",
        "build_strong_cnn",
        "conv_block",
        "smooth_labels",
        "train_one_cycle",
    } <= taught


@each_notebook
def test_cells_that_show_times_and_only_they_are_left_out_of_the_comparison_of_two_runs(path):
    times = r"second|verbose=2|(cross_validate|compare_models|compare_recipes)\(|plot_error|results_table|front"
    for cell in code_cells(read(path)):
        assert not cell.metadata.get("timed") or re.search(times, cell.source), cell.id
        # What a text or a print shows of a training's seconds is another number in each run.
        assert cell.metadata.get("timed") or not re.search(r'\{[^{}"\n]*seconds[^{}\n]*\}', cell.source), cell.id


CHAPTERS = list_chapters(ROOT / "notebooks")


@pytest.mark.parametrize("chapter", CHAPTERS, ids=lambda chapter: chapter.name)
def test_it_says_of_itself_what_it_reads(chapter):
    code = "\n".join(cell["source"] for cell in chapter.code_cells)
    reads_saved = "saved_models(" in code and ".save_weights(" not in code
    # What it needs are results, or the networks that another chapter saved; the one that saves them names their folder.
    assert bool(needed_by(chapter, CHAPTERS)) == ("load_results(" in code or reads_saved)
    records = {name.partition(":")[0] for name in chapter.about.get("reads", [])}  # of one, perhaps just an entry
    assert records == set(re.findall(r'load_recorded_run\("(\w+)"\)', code))
    assert "load_recorded_run()" not in code
    if chapter.records:
        assert f'"{chapter.name}"' in code


@pytest.mark.parametrize("chapter", CHAPTERS, ids=lambda chapter: chapter.name)
def test_a_build_shortens_it_by_parameters_that_it_has(chapter):
    (cell,) = [cell for cell in chapter.code_cells if "parameters" in cell["metadata"].get("tags", [])]
    for dataset, parameters in chapter.about.get("parameters", {}).items():
        assert dataset in mnist_helpers.DATASETS
        assert parameters.keys() <= assigned_names(cell["source"]).keys()


@pytest.mark.slow
@each_notebook
def test_it_runs_fast_twice_alike_and_so_does_every_solution(path, tmp_path):
    notebook = read(path)
    known = assigned_names(tagged(notebook, "parameters")[0].source)
    parameters = {"dataset": "mini"} | {name: FAST[name] for name in FAST if name in known}
    own = len(notebook.cells)
    for code in solutions(notebook):
        notebook.cells.append(nbformat.v4.new_code_cell(code))
    with_solutions = shutil.copytree(path.parent, tmp_path / "notebooks") / path.name
    nbformat.write(notebook, with_solutions)

    first, second = tmp_path / "first", tmp_path / "second"
    for folder, source in {first: with_solutions, second: path}.items():
        run_notebook.run(source, folder / path.name, parameters)
    executed = read(first / path.name)
    assert all(cell.execution_count for cell in code_cells(executed))
    del executed.cells[own:]
    nbformat.write(executed, first / path.name)
    assert repeat.main(first, second) == 0
