"""Pages are built again when something changes that they are made from, and only then."""

import pytest

from tools.build import pages
from tools.build.chapters import list_chapters


@pytest.fixture
def ran(copy):
    """The copy with a run of every chapter; what is in it does not matter here."""
    runs = copy / "_build/runs/mini"
    runs.mkdir(parents=True)
    for chapter in list_chapters():
        (runs / f"{chapter.name}.ipynb").write_text(chapter.name)
    return copy


@pytest.mark.parametrize(
    ("name", "matters"),
    [
        ("book/index.md", True),
        ("book/pad/pad.js", True),
        ("book/_ext/finish.py", True),
        ("book/results/mnist.json", True),
        ("notebooks/01_look_at_the_data.ipynb", True),
        ("_build/runs/mini/tuning.ipynb", True),
        ("_toc.yml", True),
        ("requirements.txt", True),
        ("mnist_helpers/models.py", True),
        ("tools/build/stage.py", True),
        ("tools/build/glossary.py", True),
        ("tools/build/check_html.py", True),
        ("tools/build/rehearse.py", False),
        ("tools/build/record.py", False),
        ("tools/measure/benchmark.py", False),
        ("tests/conftest.py", False),
        ("README.md", False),
        ("Makefile", False),
    ],
)
def test_a_change_of_what_they_are_made_from_counts(ran, name, matters):
    before = pages.fingerprint("mini")
    with (ran / name).open("a", encoding="utf-8") as file:
        file.write("\n")
    assert (pages.fingerprint("mini") != before) is matters


def test_a_new_page_and_a_removed_one_count(ran):
    before = pages.fingerprint("mini")
    (ran / "book/a new page.md").write_text("# New\n")
    with_it = pages.fingerprint("mini")
    (ran / "book/a new page.md").unlink()
    assert with_it != before == pages.fingerprint("mini")


def test_a_step_that_fails_shows_its_log_and_leaves_no_mark(ran, monkeypatch, capfd):
    monkeypatch.setattr(pages, "stage", lambda dataset: pages.run_quietly(ran / "log", "sh", "-c", "echo why; exit 3"))
    assert pages.main(["mini"]) == 3
    assert "why" in capfd.readouterr().err
    assert not (ran / "_build/html/.built").exists()


def test_a_mark_that_was_cut_off_is_no_mark(ran, monkeypatch, capfd):
    (ran / "_build/html").mkdir(parents=True)
    (ran / "_build/html/.built").write_text("mi")
    monkeypatch.setattr(pages, "stage", lambda dataset: 4)
    assert pages.main(["mini"]) == 4


def test_a_run_that_is_missing_is_named(ran):
    (ran / "_build/runs/mini/tuning.ipynb").unlink()
    with pytest.raises(SystemExit, match=r"tuning.ipynb is missing; `make run DATASET=mini`"):
        pages.main(["mini"])
