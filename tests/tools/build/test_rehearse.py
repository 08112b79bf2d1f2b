"""A rehearsal of the last commit says what it leaves out."""

import subprocess

import pytest

from tools.build import rehearse


@pytest.fixture
def repository(tmp_path):
    """A repository with two files in its one commit."""
    (tmp_path / "kept.txt").write_text("kept")
    (tmp_path / "changed.txt").write_text("old")
    git(tmp_path, "init", "--quiet")
    git(tmp_path, "add", ".")
    git(tmp_path, "-c", "user.name=x", "-c", "user.email=x@x", "commit", "--quiet", "--message", "x")
    return tmp_path


def git(folder, *words):
    subprocess.run(["git", *words], cwd=folder, check=True)


def test_nothing_is_said_where_all_is_committed(repository):
    (repository / ".git/info/exclude").write_text("_build/\n")
    (repository / "_build").mkdir()
    (repository / "_build/page.html").write_text("built")
    assert rehearse.left_out(repository) == ""


def test_a_change_is_named(repository):
    (repository / "changed.txt").write_text("new")
    said = rehearse.left_out(repository)
    assert said.startswith("1 changed or untracked file is left out")
    assert said.endswith(": changed.txt")


def test_new_files_count_each_and_five_are_named(repository):
    (repository / "new").mkdir()
    for number in range(7):
        (repository / f"new/{number}é.txt").write_text("new")
    (repository / "kept.txt").unlink()
    said = rehearse.left_out(repository)
    assert said.startswith("8 changed or untracked files are left out")
    assert said.endswith(": kept.txt, new/0é.txt, new/1é.txt, new/2é.txt, new/3é.txt, 3 more")


def test_it_is_said_before_anything_else(repository, monkeypatch, capsys):
    (repository / "changed.txt").write_text("new")
    monkeypatch.setattr(rehearse, "ROOT", repository)

    def stop(_):
        raise InterruptedError

    monkeypatch.setattr(rehearse, "new_environment", stop)
    with pytest.raises(InterruptedError):
        rehearse.main("colab")
    assert capsys.readouterr().out.startswith("colab: 1 changed or untracked file is left out")
