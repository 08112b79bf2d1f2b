"""What whoever sends a file must not be able to do: run code, have other files read, put HTML into a page."""

import ast
import base64
import hashlib
import re
from pathlib import Path

import nbformat
import pytest

from book._ext import finish
from mnist_helpers import results_table

ROOT = Path(__file__).parents[1]
CODE = sorted(path for folder in ("mnist_helpers", "tools", "book") for path in ROOT.glob(f"{folder}/**/*.py"))
NOTEBOOKS = sorted(ROOT.glob("notebooks/[0-9]*.ipynb"))
# Modules whose files can hold code that runs when they are read.
RUN_WHAT_THEY_READ = {"pickle", "cPickle", "cloudpickle", "dill", "shelve", "marshal", "jsonpickle"}
# Other ways to such files, or to code in a text, by the last part of what is called.
FORBIDDEN_CALLS = {"read_pickle", "to_pickle", "import_module", "__import__", "system", "popen"}
FORBIDDEN_CALLS |= {"enable_unsafe_deserialization", "unsafe_load"}
# These are called by their module's usual name, so that what they are can be seen.
ONLY_BY_FULL_NAME = {"load", "loads", "dump", "load_model"}


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


def faults(tree):
    """Yield what in the code could run code from a file or from a text."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import | ast.ImportFrom):
            names = [alias.name for alias in node.names]
            modules = [node.module or ""] if isinstance(node, ast.ImportFrom) else names
            hidden = isinstance(node, ast.ImportFrom) and not (node.module or "").startswith("mnist_helpers")
            disguised = [a for a in node.names if a.name in ("numpy", "joblib") and a.asname not in (None, "np")]
            if (
                {module.partition(".")[0] for module in modules} & RUN_WHAT_THEY_READ
                or (hidden and set(names) & (FORBIDDEN_CALLS | ONLY_BY_FULL_NAME))
                or disguised
            ):
                yield ast.unparse(node)
        elif isinstance(node, ast.Call):
            called = ast.unparse(node.func)
            given = {k.arg: k.value.value for k in node.keywords if isinstance(k.value, ast.Constant)}
            if (
                called.rpartition(".")[2] in FORBIDDEN_CALLS
                or called in ("eval", "exec", "joblib.load", "joblib.dump", "yaml.load", "torch.load")
                or (called in ("np.load", "numpy.load") and given.get("allow_pickle") is not False)
                or given.get("safe_mode") is False
                or given.get("allow_pickle") is True
                or given.get("shell") is True
            ):
                yield ast.unparse(node)


def test_no_code_runs_what_it_reads():
    assert [f"{name}: {fault}" for name, tree in parsed() for fault in faults(tree)] == []


@pytest.mark.parametrize(
    "code",
    [
        "import pickle",
        "from dill import load",
        "import numpy as n",
        "from numpy import load",
        "from joblib import load",
        "np.load(path)",
        "np.load(path, allow_pickle=True)",
        "pd.read_pickle(path)",
        "importlib.import_module('pickle')",
        "keras.saving.load_model(path, safe_mode=False)",
        "keras.config.enable_unsafe_deserialization()",
        "subprocess.run(line, shell=True)",
        "eval(text)",
    ],
)
def test_the_check_sees_each_way(code):
    assert list(faults(ast.parse(code)))


def test_names_that_somebody_gave_stay_names():
    score = {"wrong": 1, "total": 10, "low": 0.01, "high": 0.2}
    named = "<script>alert(1)</script>\r\n | [x](javascript:y) `z` *w* _v_"
    table = results_table({"a": {"title": named, "chapter": "02) [x](y", "test": [score]}})
    assert len(table.splitlines()) == 3
    row = table.splitlines()[2]
    assert row.count("|") == 7
    assert not set("<>`*_") & set(row.replace(".ipynb", ""))
    assert row.count("](") == 1


def test_a_page_allows_its_own_scripts_and_no_other():
    page = (
        '<html><head><meta charset="utf-8" /><title>x</title></head>'
        '<body><script>one()</script><p onclick="two()"></p></body></html>'
    )
    text = finish.add_policy(page)
    policy = re.search(r'"utf-8" />\n<meta http-equiv="Content-Security-Policy" content="([^"]*)">', text)[1]
    for line in ("one()", "two()"):
        assert f"'sha256-{base64.b64encode(hashlib.sha256(line.encode()).digest()).decode()}'" in policy
    scripts = re.search("script-src ([^;]*);", policy)[1]
    assert "unsafe-inline" not in scripts
    assert "unsafe-eval" not in policy
    assert not re.search(r"https?:", policy)
    assert text.replace(text[text.index("\n<meta") : text.index("<title>")], "") == page


def test_a_page_that_cannot_get_a_policy_stops_the_build():
    with pytest.raises(ValueError, match="names no character set"):
        finish.add_policy("<html><head></head></html>")
    leads_on = '<meta http-equiv="Refresh" content="0; url=book/index.html" />'
    assert finish.add_policy(leads_on) == leads_on


@pytest.mark.parametrize("path", sorted(ROOT.glob("book/results/*.json")), ids=lambda path: path.name)
def test_records_hold_no_path_of_a_machine(path):
    texts = re.findall(r'"((?:/|[A-Z]:\\)[^"]{3,})"', path.read_text(encoding="utf-8"))
    assert texts == []
