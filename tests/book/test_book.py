"""The repository's address, the engine, and the built book."""

import os
import re
import shutil
import subprocess
import sys
import time

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
    subprocess.run([sys.executable, "tools/build/sync.py", "some/where"], cwd=checkout, check=True)
    subprocess.run([sys.executable, "tools/build/sync.py", f"someone/{name}"], cwd=checkout, check=True)
    assert subprocess.run([sys.executable, "tools/build/sync.py", "--check"], cwd=checkout).returncode == 0
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
        [sys.executable, "tools/build/sync.py", "--check", "someone/else"], cwd=checkout, capture_output=True
    )
    assert done.returncode == 1
    assert {path: path.read_bytes() for path in texts} == texts


def test_an_address_changed_in_its_one_place_is_carried_everywhere(checkout):
    project = checkout / "pyproject.toml"
    project.write_text(project.read_text().replace(sync.current_repository(), "me/mybook"))
    check = [sys.executable, "tools/build/sync.py", "--check"]
    assert subprocess.run(check, cwd=checkout, capture_output=True).returncode == 1
    subprocess.run([sys.executable, "tools/build/sync.py"], cwd=checkout, check=True)
    assert subprocess.run(check, cwd=checkout).returncode == 0
    assert "https://github.com/me/mybook" in (checkout / "_config.yml").read_text()


def test_syncing_makes_no_notebook_newer(checkout):
    notebook = checkout / "notebooks/01_look_at_the_data.ipynb"
    before = notebook.stat().st_mtime_ns
    subprocess.run([sys.executable, "tools/build/sync.py", "someone/else"], cwd=checkout, check=True)
    assert notebook.stat().st_mtime_ns == before


@pytest.mark.parametrize(("name", "said"), [("nonsense", "expected owner/name"), ("you/You.github.io", "another name")])
def test_a_repository_that_cannot_be_moved_to_is_refused(checkout, name, said):
    done = subprocess.run([sys.executable, "tools/build/sync.py", name], cwd=checkout, capture_output=True, text=True)
    assert done.returncode == 2
    assert said in done.stderr


def make(checkout, *arguments):
    ours = {name: value for name, value in os.environ.items() if name not in ("DATASET", "MAKEFLAGS", "MAKEOVERRIDES")}
    return subprocess.run(["make", *arguments], cwd=checkout, capture_output=True, text=True, env=ours)


@pytest.fixture
def built(checkout):
    """The checkout as `make book` would leave it, with empty files in the places of what it makes."""
    (checkout / ".venv").mkdir()
    (checkout / ".venv/.installed").touch()
    runs = checkout / "_build/runs/mini"
    runs.mkdir(parents=True)
    for notebook in (checkout / "notebooks").glob("[0-9]*.ipynb"):
        (runs / notebook.name).touch()
    (checkout / "_build/html").mkdir()
    make(checkout, "help")  # writes the lists of names
    now = time.time()  # the same for all: the last chapters must not be older than those that they show
    (checkout / "_build/html/.mini").touch()
    for path in [*runs.iterdir(), checkout / "_build/html/.mini"]:
        os.utime(path, (now, now))
    return checkout


def change(path):
    """Make a file newer than everything else, whatever the clock's resolution."""
    later = time.time() + 60
    os.utime(path, (later, later))


def rerun(checkout):
    """The notebooks that make would run now."""
    return sorted(re.findall(r"run_notebook\.py notebooks/(\w+)\.ipynb", make(checkout, "--dry-run", "book").stdout))


def test_nothing_changed_nothing_runs(built):
    assert rerun(built) == []
    assert "jupyter-book build" not in make(built, "--dry-run", "book").stdout


def test_a_changed_notebook_is_run_again_with_those_that_show_its_results(built):
    change(built / "notebooks/12_results.ipynb")
    assert rerun(built) == ["12_results"]
    change(built / "notebooks/02_mlp_baseline.ipynb")
    assert rerun(built) == ["02_mlp_baseline", "11_closing_in_on_the_record", "12_results"]


def test_a_new_record_runs_the_chapter_that_shows_it(built):
    (built / "book/results").mkdir()
    (built / "book/results/mnist.json").write_text("{}")
    change(built / "book/results/mnist.json")
    assert rerun(built) == ["12_results"]


@pytest.mark.parametrize(
    "helper", ["mnist_helpers/datasets.py", "mnist_helpers/book.mplstyle", "tools/build/run_notebook.py"]
)
def test_a_changed_helper_runs_every_notebook_again(built, helper):
    change(built / helper)
    assert rerun(built) == sorted(path.stem for path in (built / "notebooks").glob("[0-9]*.ipynb"))


def test_a_removed_helper_runs_every_notebook_again(built):
    time.sleep(0.1)  # the clock of files may lag behind by some milliseconds
    (built / "mnist_helpers/results.py").unlink()
    make(built, "help")
    names = built / "_build/package.names"
    assert "results.py" not in names.read_text()
    assert names.stat().st_mtime_ns > (built / "_build/html/.mini").stat().st_mtime_ns
    assert len(rerun(built)) == len(list((built / "notebooks").glob("[0-9]*.ipynb")))


def test_a_removed_page_changes_the_list_of_pages(built):
    before = (built / "_build/pages.names").read_text()
    (built / "book/references.md").unlink()
    make(built, "help")
    assert (built / "_build/pages.names").read_text() == before.replace("book/references.md ", "")


def test_code_style_settings_run_no_notebook_again(built):
    change(built / "pyproject.toml")
    assert rerun(built) == []


def test_a_path_with_a_space_is_no_obstacle(built, tmp_path):
    (built / "_build/runs/mini/01_look_at_the_data.ipynb").unlink()
    assert '"$PWD/_build/runs/mini/results"' in make(built, "--dry-run", "book").stdout


def test_a_changed_page_runs_no_notebook_but_builds_the_book(built):
    change(built / "book/index.md")
    assert rerun(built) == []
    assert "jupyter-book build" in make(built, "--dry-run", "book").stdout


def test_an_unknown_data_set_is_refused(checkout):
    done = make(checkout, "book", "DATASET=minst")
    assert done.returncode != 0
    assert 'DATASET is "minst"; choose mini or mnist' in done.stderr


def test_help_names_every_target_that_a_reader_needs(checkout):
    printed = make(checkout, "help").stdout
    for target in ("book", "test", "lint", "lab", "serve", "clean", "sync", "record", "pretrained", "lock"):
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
    if not any((folder / f".{dataset}").exists() for dataset in ("mini", "mnist")):
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
