import shutil

import pytest


@pytest.fixture
def copy(root, tmp_path, monkeypatch):
    """A copy of the repository in a folder whose name has a space."""
    folder = tmp_path / "a book"
    ignore = shutil.ignore_patterns("__pycache__", ".venv*", "_build", ".git", "*_cache", "*.egg-info")
    shutil.copytree(root, folder, ignore=ignore)
    monkeypatch.chdir(folder)
    monkeypatch.setenv("PYTHONPATH", str(folder))
    return folder
