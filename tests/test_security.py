"""What whoever sends a file must not be able to do: run code, have other files read, put HTML into a page."""

import ast
import base64
import hashlib
import json
import re
import subprocess
import sys
from pathlib import Path

import nbformat
import pytest

from book._ext import finish
from mnist_helpers import results_table

ROOT = Path(__file__).parents[1]
CODE = sorted(path for folder in ("mnist_helpers", "tools", "book") for path in ROOT.glob(f"{folder}/**/*.py"))
NOTEBOOKS = sorted(ROOT.glob("notebooks/[0-9]*.ipynb"))
BAD = """
import pickle
from dill import load
import numpy as n
from numpy import load
from joblib import load
np.load(path)
np.load(path, allow_pickle=True)
pd.read_pickle(path)
importlib.import_module("pickle")
__import__("pickle")
keras.saving.load_model(path, safe_mode=False)
keras.config.enable_unsafe_deserialization()
subprocess.run(line, shell=True)
os.system(line)
yaml.load(text, Loader=yaml.Loader)
yaml.unsafe_load(text)
torch.load(path)
eval(text)
exec(text)
""".strip().splitlines()


def code_of(path):
    """The code of a file; of a notebook that of its cells, and of the solutions in its text, which ruff skips."""
    if path.suffix == ".py":
        return path.read_text(encoding="utf-8")
    parts = []
    for cell in nbformat.read(path, as_version=4).cells:
        in_text = re.findall(r"(?s)```python\n(.*?)```", cell.source)
        parts += [cell.source] if cell.cell_type == "code" else in_text
    return re.sub(r"(?m)^(\s*)[%!].*", r"\1pass", "\n".join(parts))  # a line for pip or the shell is no Python


def refused_by_ruff(code, name):
    """The numbers of the lines that its rules on security and on imports refuse, as in a file of this name."""
    ruff = [Path(sys.executable).with_name("ruff"), "check", "--output-format=json", "--stdin-filename", name, "-"]
    found = json.loads(subprocess.run(ruff, cwd=ROOT, input=code, capture_output=True, text=True).stdout)
    assert "invalid-syntax" not in {fault["code"] for fault in found}
    # Solutions hold asserts (S101), as tests do.
    return {fault["location"]["row"] for fault in found if re.match(r"(?!S101)S\d|TID|ICN", fault["code"])}


def refused_by_us(code):
    """Of what ruff does not see, the numbers of the lines that let NumPy or Keras run code from a file."""
    for call in [node for node in ast.walk(ast.parse(code)) if isinstance(node, ast.Call)]:
        given = {keyword.arg: ast.unparse(keyword.value) for keyword in call.keywords}
        called = ast.unparse(call.func)
        pickles = given.get("allow_pickle", str(called == "np.load")) != "False"
        if pickles or given.get("safe_mode", "True") != "True" or called == "__import__":
            yield call.lineno


def test_no_code_lets_numpy_or_keras_run_what_it_reads():
    texts = [(path.name, code_of(path)) for path in [*CODE, *NOTEBOOKS]]
    lines = [f"{name}: {code.splitlines()[row - 1]}" for name, code in texts for row in refused_by_us(code)]
    assert lines == []


def test_solutions_hold_what_the_rules_for_code_allow():
    code = "\n".join(code_of(path) for path in NOTEBOOKS)
    assert code.count("assert ") >= 2 * len(NOTEBOOKS)  # each chapter's solutions are among it
    assert [code.splitlines()[row - 1] for row in refused_by_ruff(code, "notebooks/solutions.py")] == []


def test_each_way_to_run_code_from_a_file_or_a_text_is_seen():
    usual = "import importlib, joblib, keras, numpy as np, os, pandas as pd, subprocess, torch, yaml"
    code = "\n".join([usual, *BAD])
    refused = refused_by_ruff(code, "mnist_helpers/bad.py") | set(refused_by_us(code))
    assert refused == set(range(2, len(BAD) + 2))


def test_names_that_somebody_gave_stay_names():
    score = {"wrong": 1, "total": 10, "low": 0.01, "high": 0.2}
    named = "<script>alert(1)</script>\r\n | [x](javascript:y) `z` *w* _v_"
    table = results_table({"a": {"title": named, "chapter": "02) [x](y", "test": [score]}})
    assert len(table.splitlines()) == 3
    row = table.splitlines()[2]
    assert row.count("|") == 7
    assert not set("<>`*_") & set(row.replace(".ipynb", ""))
    assert row.count("](") <= 1  # where the chapter is known, to it


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
