"""What keeps the book up to date: pins that move by name, the newest versions, and a package that is whole."""

import os
import re
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
LOCKED = ["requirements.txt", "requirements-jax.txt"]
# The folders of the package in the repository, and their names in what is installed.
PACKAGED = {
    "mnist_helpers": "mnist_helpers",
    "book/pad": "mnist_helpers/pad",
    "book/results": "mnist_helpers/recorded",
    "book/samples": "mnist_helpers/samples",
}


def make(folder, *words, **environment):
    inherited = {name: value for name, value in os.environ.items() if not name.startswith(("MAKE", "PYTHONPATH"))}
    return subprocess.run(["make", *words], cwd=folder, env=inherited | environment, capture_output=True, text=True)


@pytest.fixture
def project(tmp_path):
    """A project with this Makefile, which needs two packages."""
    shutil.copy(ROOT / "Makefile", tmp_path)
    for folder in ("mnist_helpers", "notebooks", "book"):
        (tmp_path / folder).mkdir()
    extras = "\n".join(f"{name} = []" for name in ("book", "dask", "lab", "test", "widget", "jax"))
    (tmp_path / "pyproject.toml").write_text(
        f'[project]\nname = "x"\nversion = "1"\nrequires-python = ">=3.11"\ndependencies = ["alpha", "beta"]\n'
        f"[project.optional-dependencies]\n{extras}\n"
    )
    return tmp_path


@pytest.fixture
def lock(project):
    """Pin both packages in the first of two versions. Returns how to lock, which gives the pins of both files."""
    offered = project / "offered"
    offered.mkdir()
    for package in ("alpha-1", "alpha-2", "beta-1", "beta-2"):
        name, version = package.split("-")
        with zipfile.ZipFile(offered / f"{package}-py3-none-any.whl", "w") as wheel:
            about = f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n"
            wheel.writestr(f"{package}.dist-info/METADATA", about)
            wheel.writestr(f"{package}.dist-info/WHEEL", "Wheel-Version: 1.0\nTag: py3-none-any\n")
            wheel.writestr(f"{package}.dist-info/RECORD", "")
    for name in LOCKED:
        (project / name).write_text("alpha==1\nbeta==1\n")

    def run(*words):
        alone = {"UV_NO_CONFIG": "1", "UV_NO_INDEX": "1", "UV_FIND_LINKS": str(offered), "UV_PYTHON": sys.executable}
        done = make(project, "lock", f"BIN={Path(sys.executable).parent}", "INSTALLED=", *words, **alone)
        return done, [dict(re.findall(r"(?m)^(\w+)==(\S+)", (project / name).read_text())) for name in LOCKED]

    return run


def test_locking_keeps_every_pin_and_leaves_a_file_alone_in_which_nothing_changed(lock, project):
    done, pins = lock()
    assert (done.returncode, pins) == (0, [{"alpha": "1", "beta": "1"}] * 2), done.stderr
    files = [project / name for name in LOCKED]
    before = [(file.read_text(), file.stat().st_mtime_ns) for file in files]
    done, _ = lock()
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
    # After a change of the pins, every notebook is run again.
    assert [(file.read_text(), file.stat().st_mtime_ns) for file in files] == before


@pytest.mark.parametrize(
    ("names", "expected"),
    [("alpha", {"alpha": "2", "beta": "1"}), ("alpha beta", {"alpha": "2", "beta": "2"})],
)
def test_a_pin_moves_when_it_is_named(lock, names, expected):
    done, pins = lock(f"UPGRADE={names}")
    assert done.returncode == 0, done.stderr
    assert pins == [expected] * 2


def test_a_name_that_is_not_pinned_is_no_upgrade(lock):
    done, pins = lock("UPGRADE=alpha btea")
    assert done.returncode != 0
    assert "btea is pinned neither in" in done.stdout
    assert pins == [{"alpha": "1", "beta": "1"}] * 2


@pytest.mark.parametrize("name", LOCKED)
def test_a_lock_file_names_packages_and_no_host(name):
    text = (ROOT / name).read_text()
    assert "//" not in text
    assert all(re.match(r"[\w.-]+==|\s*#|$", line) for line in text.splitlines())


def test_the_newest_is_installed_anew_each_time(project):
    """Python is replaced by a script that writes down what it is asked for, and copies itself to new environments."""
    python = project / "python"
    python.write_text(
        '#!/bin/sh\necho "$*" >> log\n[ "$2" = venv ] || exec echo keras 9\n'
        "for folder; do :; done\nmkdir -p $folder/bin; cp python $folder/bin\n"
    )
    python.chmod(0o755)
    (project / ".venv-newest").mkdir()
    (project / ".venv-newest/.installed").touch()
    for _ in range(2):
        done = make(project, "newest", "PYTHON=./python")
        assert done.returncode == 0, done.stderr
    asked = (project / "log").read_text().splitlines()
    assert asked[: len(asked) // 2] == asked[len(asked) // 2 :]
    fresh, installed, _, tests = asked[:4]
    assert re.fullmatch(r"-m venv --clear \.venv-newest", fresh)
    assert installed.startswith("-m pip install")
    assert tests.startswith("-m pytest")


def test_the_wheel_holds_every_file_of_the_package(tmp_path):
    for name in ("pyproject.toml", "README.md", "LICENSE"):
        shutil.copy(ROOT / name, tmp_path)
    for folder in PACKAGED:
        shutil.copytree(ROOT / folder, tmp_path / folder, ignore=shutil.ignore_patterns("__pycache__", ".*"))
    expected = {
        f"{name}/{path.relative_to(tmp_path / folder)}"
        for folder, name in PACKAGED.items()
        for path in (tmp_path / folder).rglob("*")
        if path.is_file()
    }
    assert {"mnist_helpers/__init__.pyi", "mnist_helpers/py.typed", "mnist_helpers/pad/pad.js"} < expected
    command = [sys.executable, "-m", "pip", "wheel", "--quiet", "--no-index", "--no-deps", "--no-build-isolation", "."]
    subprocess.run(command, cwd=tmp_path, check=True)
    (wheel,) = tmp_path.glob("*.whl")
    assert {name for name in zipfile.ZipFile(wheel).namelist() if ".dist-info/" not in name} == expected
