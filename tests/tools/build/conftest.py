import shutil

import pytest

from tools.build import check_html


@pytest.fixture(autouse=True)
def unread():
    """The check of the pages remembers what it has read by relative paths; each test has files of its own."""
    yield
    for function in (check_html.parse, check_html.anchors):
        function.cache_clear()


@pytest.fixture
def copy(root, tmp_path, monkeypatch):
    """A copy of the repository in a folder whose name has a space."""
    folder = tmp_path / "a book"
    ignore = shutil.ignore_patterns("__pycache__", ".venv*", "_build", ".git", "*_cache", "*.egg-info")
    shutil.copytree(root, folder, ignore=ignore)
    monkeypatch.chdir(folder)
    monkeypatch.setenv("PYTHONPATH", str(folder))
    return folder
