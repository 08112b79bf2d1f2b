"""What whoever sends a file must not be able to do: run code, have other files read, put HTML into a page."""

import ast
import base64
import hashlib
import re
from pathlib import Path

import finish
import nbformat
import pytest

from mnist_helpers import results_table

ROOT = Path(__file__).parents[1]
CODE = sorted([*ROOT.glob("mnist_helpers/*.py"), *ROOT.glob("tools/*.py"), *ROOT.glob("book/*.py")])
NOTEBOOKS = sorted(ROOT.glob("notebooks/[0-9]*.ipynb"))
# Modules whose files can hold code that runs when they are read, and joblib's and pandas' ways to them.
RUN_WHAT_THEY_READ = {"pickle", "cPickle", "cloudpickle", "dill", "shelve", "marshal", "jsonpickle"}
READS_PICKLES = {"read_pickle", "to_pickle"}


def parsed():
    """Every file of the package, the tools and the pages, and the code of every notebook with its solutions."""
    for path in CODE:
        yield path.name, ast.parse(path.read_text(encoding="utf-8"))
    for path in NOTEBOOKS:
        cells = nbformat.read(path, as_version=4).cells
        code = [cell.source for cell in cells if cell.cell_type == "code"]
        listings = [re.findall(r"(?s)```python\n(.*?)```", cell.source) for cell in cells if cell.cell_type != "code"]
        for text in [*code, *(listing for some in listings for listing in some)]:
            yield path.name, ast.parse(re.sub(r"(?m)^(\s*)[%!].*", r"\1pass", text))  # a line for pip or the shell


def calls():
    """Yield each call as (file, name of what is called, the keywords that are given as constants, the node)."""
    for name, tree in parsed():
        for node in ast.walk(tree):
            if isinstance(node, ast.Call):
                keywords = {k.arg: k.value.value for k in node.keywords if isinstance(k.value, ast.Constant)}
                yield name, ast.unparse(node.func), keywords


def test_nothing_imports_what_runs_the_files_it_reads():
    found = []
    for name, tree in parsed():
        for node in ast.walk(tree):
            imported = [alias.name for alias in node.names] if isinstance(node, ast.Import | ast.ImportFrom) else []
            module = [node.module or ""] if isinstance(node, ast.ImportFrom) else []
            roots = {one.partition(".")[0] for one in imported + module}
            if roots & RUN_WHAT_THEY_READ or set(imported) & READS_PICKLES:
                found.append(f"{name}: {ast.unparse(node)}")
    assert found == []


def test_arrays_are_read_without_pickle_and_models_in_safe_mode():
    loads = [(name, called, keywords) for name, called, keywords in calls() if called in ("np.load", "numpy.load")]
    assert loads  # or this test looks in the wrong place
    assert [(name, called) for name, called, keywords in loads if keywords.get("allow_pickle") is not False] == []
    unsafe = [
        (name, called)
        for name, called, keywords in calls()
        if keywords.get("safe_mode") is False
        or called.endswith("enable_unsafe_deserialization")
        or called in ("joblib.load", "joblib.dump", "eval", "exec", "os.system", "yaml.load", "yaml.unsafe_load")
        or keywords.get("shell") is True
    ]
    assert unsafe == []


def test_names_that_somebody_gave_stay_names():
    score = {"wrong": 1, "total": 10, "low": 0.01, "high": 0.2}
    named = "<script>alert(1)</script> | [x](javascript:y) `z` *w*"
    table = results_table({"a": {"title": named, "chapter": "02_mlp", "test": [score]}})
    assert len(table.splitlines()) == 3
    row = table.splitlines()[2]
    assert row.count("|") == 7
    assert not set("<>`*") & set(row)
    assert row.count("](") == 1


def test_a_page_allows_its_own_scripts_and_no_other():
    page = '<html><head><title>x</title></head><body><script>one()</script><p onclick="two()"></p></body></html>'
    text = finish.add_policy(page)
    policy = re.search(r'<head>\n<meta http-equiv="Content-Security-Policy" content="([^"]*)">', text)[1]
    for line in ("one()", "two()"):
        assert f"'sha256-{base64.b64encode(hashlib.sha256(line.encode()).digest()).decode()}'" in policy
    scripts = re.search("script-src ([^;]*);", policy)[1]
    assert "unsafe-inline" not in scripts
    assert "unsafe-eval" not in policy
    assert not re.search(r"https?:", policy)
    assert text.replace(text[text.index("\n<meta") : text.index("<title>")], "") == page


@pytest.mark.parametrize("path", sorted(ROOT.glob("book/results/*.json")), ids=lambda path: path.name)
def test_records_hold_no_path_of_a_machine(path):
    texts = re.findall(r'"((?:/|[A-Z]:\\)[^"]{3,})"', path.read_text(encoding="utf-8"))
    assert texts == []
