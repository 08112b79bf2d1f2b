"""The repository's address, the engine, and the built book."""

import os
import re
import shutil
import subprocess
import sys

import pytest
import yaml

from tools.build import check_html, sync


def test_the_address_stands_in_one_place_and_is_the_same_everywhere(root):
    repository = sync.current_repository()
    config = yaml.safe_load((root / "_config.yml").read_text())
    citation = yaml.safe_load((root / "CITATION.cff").read_text())
    assert config["repository"]["url"] == citation["repository-code"] == f"{sync.HOST}{repository}"
    assert f"{sync.HOST}{repository}" in (root / "README.md").read_text()


@pytest.fixture
def checkout(root, tmp_path):
    """A copy of what the build reads, without the environment and what was built."""
    for name in (
        "Makefile",
        "pyproject.toml",
        "requirements.txt",
        "_config.yml",
        "_toc.yml",
        "CITATION.cff",
        "README.md",
    ):
        shutil.copy2(root / name, tmp_path / name)
    for name in ("book", "notebooks", "mnist_helpers", "tools"):
        shutil.copytree(root / name, tmp_path / name, ignore=shutil.ignore_patterns("__pycache__", "results"))
    return tmp_path


@pytest.mark.parametrize("name", ["my.book", "else"])
def test_moving_the_repository_changes_every_address(checkout, name):
    old = sync.current_repository()
    subprocess.run([sys.executable, "-m", "tools.build.sync", "some/where"], cwd=checkout, check=True)
    subprocess.run([sys.executable, "-m", "tools.build.sync", f"someone/{name}"], cwd=checkout, check=True)
    assert subprocess.run([sys.executable, "-m", "tools.build.sync", "--check"], cwd=checkout).returncode == 0
    addressed = [checkout / name for name in sync.ADDRESSED] + sorted((checkout / "notebooks").glob("[0-9]*.ipynb"))
    for path in addressed:
        text = path.read_text()
        assert f"someone/{name}" in text
        assert f"{sync.HOST}{old}" not in text
        assert f"/{old}/" not in text
    notebook = (checkout / "notebooks" / "01_look_at_the_data.ipynb").read_text()
    for link in (
        "https://colab.research.google.com/github/someone/NAME/blob/main/notebooks/01_look_at_the_data.ipynb",
        "https://mybinder.org/v2/gh/someone/NAME/main?urlpath=lab/tree/notebooks/01_look_at_the_data.ipynb",
        "%pip install --quiet git+https://github.com/someone/NAME",
    ):
        assert link.replace("NAME", name) in notebook


def test_checking_changes_nothing(checkout):
    texts = {path: path.read_bytes() for path in checkout.rglob("*") if path.is_file()}
    done = subprocess.run(
        [sys.executable, "-m", "tools.build.sync", "--check", "someone/else"], cwd=checkout, capture_output=True
    )
    assert done.returncode == 1
    assert {path: path.read_bytes() for path in texts} == texts


def test_an_address_changed_in_its_one_place_is_carried_everywhere(checkout):
    project = checkout / "pyproject.toml"
    project.write_text(project.read_text().replace(sync.current_repository(), "me/mybook"))
    check = [sys.executable, "-m", "tools.build.sync", "--check"]
    assert subprocess.run(check, cwd=checkout, capture_output=True).returncode == 1
    subprocess.run([sys.executable, "-m", "tools.build.sync"], cwd=checkout, check=True)
    assert subprocess.run(check, cwd=checkout).returncode == 0
    assert "https://github.com/me/mybook" in (checkout / "_config.yml").read_text()


@pytest.mark.parametrize(("name", "said"), [("nonsense", "expected owner/name"), ("you/You.github.io", "another name")])
def test_a_repository_that_cannot_be_moved_to_is_refused(checkout, name, said):
    done = subprocess.run(
        [sys.executable, "-m", "tools.build.sync", name], cwd=checkout, capture_output=True, text=True
    )
    assert done.returncode == 2
    assert said in done.stderr


def make(checkout, *arguments):
    ours = {name: value for name, value in os.environ.items() if name not in ("DATASET", "MAKEFLAGS", "MAKEOVERRIDES")}
    return subprocess.run(["make", *arguments], cwd=checkout, capture_output=True, text=True, env=ours)


def test_help_names_every_target_that_a_reader_needs(checkout):
    printed = make(checkout, "help").stdout
    for target in (
        "book",
        "run",
        "status",
        "test",
        "lint",
        "lab",
        "serve",
        "clean",
        "sync",
        "chapter",
        "record",
        "pretrained",
        "lock",
    ):
        assert re.search(rf"make {target}\s+\w", printed), target


def test_pins_name_no_host(root):
    pins = (root / "requirements.txt").read_text()
    assert "//" not in pins
    assert "--" not in pins
    packages = [line for line in pins.splitlines() if line and not line.lstrip().startswith("#")]
    assert all("==" in line for line in packages)


@pytest.fixture(scope="module")
def html(root):
    folder = root / "_build/html"
    if not (folder / ".built").exists():
        pytest.skip("needs a built book: run make book first")
    return folder


def test_every_link_anchor_picture_and_output_of_the_built_book_is_sound(html):
    assert check_html.main(html) == 0


def test_every_chapter_can_be_started_on_colab_and_binder(html, root):
    repository = sync.current_repository()
    for notebook in sorted((root / "notebooks").glob("[0-9]*.ipynb")):
        page = (html / "notebooks" / f"{notebook.stem}.html").read_text()
        buttons = set(re.findall(r'href="(https://[^"]*(?:colab|mybinder)[^"]*)"', page))
        assert f"https://colab.research.google.com/github/{repository}/blob/main/notebooks/{notebook.name}" in buttons
        assert f"https://mybinder.org/v2/gh/{repository}/main?urlpath=lab/tree/notebooks/{notebook.name}" in buttons
        assert len(buttons) == 2  # the buttons of the theme and the links of the page agree


def test_every_page_says_which_data_it_was_made_with(html, root):
    for notebook in (root / "notebooks").glob("[0-9]*.ipynb"):
        assert re.search(
            r"made with <strong>(mini|mnist)</strong>", (html / "notebooks" / f"{notebook.stem}.html").read_text()
        )


def test_published_pages_hold_no_path_of_this_machine(html, root):
    for page in html.rglob("*.html"):
        text = page.read_text()
        assert str(root) not in text
        assert sys.prefix not in text


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(1.3, "1 second"), (0.4, "0 seconds"), (89, "89 seconds"), (90, "2 minutes"), (330, "6 minutes")],
)
def test_a_time_is_spelled_as_one_says_it(seconds, text):
    assert sync.spell(seconds) == text
