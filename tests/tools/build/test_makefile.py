"""The Makefile hands on what it is told, and needs neither a home nor a path without spaces."""

import os
import re
import subprocess
import sys

import pytest

from tools.build.digest import run_of

OURS = ["-o", ".venv/.installed", f"BIN={sys.prefix}/bin"]


def make(folder, *arguments, **environment):
    inherited = {
        name: text for name, text in os.environ.items() if name not in ("MAKEFLAGS", "MAKEOVERRIDES", "DATASET")
    }
    command = ["make", *OURS, *arguments]
    return subprocess.run(command, cwd=folder, env=inherited | environment, capture_output=True, text=True)


def test_a_chapter_runs_without_a_home_and_in_a_folder_with_a_space(copy):
    done = make(copy, "run", "CHAPTER=look_at_the_data", HOME="/dev/null")
    assert done.returncode == 0, done.stderr
    assert " " in str(copy)
    assert run_of(copy / "_build/runs/mini/look_at_the_data.ipynb")["seconds"] > 0
    assert (copy / "_build/home/matplotlib").is_dir()


@pytest.mark.parametrize(("given", "jobs"), [([], "1"), (["-j2"], "2"), (["-j", "3"], "3")])
def test_as_many_notebooks_run_at_once_as_make_may_start_jobs(root, given, jobs):
    printed = make(root, "--dry-run", *given, "book").stdout
    assert re.findall(r"tools\.build\.execute mini --jobs (\d+)", printed) == [jobs]


def test_a_title_may_hold_an_apostrophe(copy):
    done = make(copy, "chapter", "AFTER=1", "NAME=attention", "TITLE=What's next")
    assert done.returncode == 0, done.stderr
    assert "# 2. What's next" in (copy / "notebooks/02_attention.ipynb").read_text()
