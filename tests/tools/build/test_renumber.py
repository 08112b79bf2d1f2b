"""Chapters are moved and added, and everything that names them follows."""

import re
import shutil

import nbformat
import pytest
import yaml

from tools.build import check_html, execute, pages, renumber
from tools.build.chapters import list_chapters, numbers_of
from tools.build.digest import run_of


def texts():
    """What may name a chapter, in the current folder."""
    return {path: path.read_text(encoding="utf-8") for path in renumber.texts()}


def test_moving_there_and_back_changes_nothing(copy):
    before, numbers = texts(), numbers_of(list_chapters())
    shifted = {name: number + 20 for name, number in numbers.items()}
    renumber.move(numbers, shifted)
    assert numbers_of(list_chapters()) == shifted
    assert texts().keys() != before.keys()
    renumber.move(shifted, numbers)
    assert texts() == before


def test_a_chapter_in_the_middle_moves_the_others_on(copy, capsys):
    before = numbers_of(list_chapters())
    assert renumber.main(["--add", "attention", "--after", "3", "--title", "Where it looks"]) == 0
    after = numbers_of(list_chapters())
    assert after == {name: number + (number > 3) for name, number in before.items()} | {"attention": 4}
    listed = [
        entry["file"] for part in yaml.safe_load((copy / "_toc.yml").read_text())["parts"] for entry in part["chapters"]
    ]
    chapters = [file for file in listed if file.startswith("notebooks/")]
    assert chapters == [str(chapter.path.with_suffix("")) for chapter in list_chapters()]
    new = nbformat.read(copy / "notebooks/04_attention.ipynb", as_version=4)
    nbformat.validate(new)
    assert new.cells[0].source.startswith("# Where it looks\n\n[Run on Colab](https://")
    # Nothing names a file that is no more, and words such as "chapter 4" moved on with their chapter.
    for path, text in texts().items():
        for number, name in re.findall(r"\b(\d\d)_([a-z]\w*)\b", text):
            assert name not in after or after[name] == int(number), f"{path}: {number}_{name}"
    for path, text in ((path, text) for path, text in texts().items() if path.parts[0] != "tests"):
        for found in re.finditer(r"\[chapter (\d+)\]\((?:\.\./notebooks/)?(\d+)_", text, re.IGNORECASE):
            assert int(found[1]) == int(found[2]), f"{path}: {found[0]}"


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--add", "Attention", "--after", "3"], "'Attention' is no name"),
        (["--add", "tuning", "--after", "3"], "there is a chapter 'tuning' already"),
        (["--add", "attention", "--after", "99"], "there is no chapter 99"),
        (["tune=5"], "expected NAME=NUMBER"),
        (["tuning=5"], "would both be chapter 5"),
    ],
)
def test_what_cannot_be_done_changes_nothing(copy, capsys, arguments, message):
    before = texts()
    assert renumber.main(arguments) == 2
    assert message in capsys.readouterr().err
    assert texts() == before


def test_its_pages_are_built_and_no_other_chapter_runs(copy, root, capfd):
    """Also with a page whose file name has a space."""
    runs = root / "_build/runs/mini"
    if any(run_of(runs / f"{chapter.name}.ipynb") is None for chapter in list_chapters(root / "notebooks")):
        pytest.skip("needs the notebooks to have run: make book")
    shutil.copytree(runs, copy / "_build/runs/mini", ignore=shutil.ignore_patterns(".*"))
    (copy / "book/a page.md").write_text("# A page\n\nAs [chapter 4](../notebooks/04_large_cnn.ipynb) says.\n")
    toc = (copy / "_toc.yml").read_text()
    (copy / "_toc.yml").write_text(
        toc.replace("      - file: book/draw\n", "      - file: book/draw\n      - file: book/a page\n")
    )
    assert renumber.main(["--add", "attention", "--after", "3"]) == 0
    capfd.readouterr()
    assert execute.main(["mini"]) == 0
    assert [line.split()[0] for line in capfd.readouterr().out.splitlines()] == ["04_attention"]
    assert pages.main(["mini"]) == 0, capfd.readouterr().err
    page = check_html.parse(copy / "_build/html/book/a page.html")
    assert [link["href"] for link in page.select("article a") if "chapter 5" in link.get_text()] == [
        "../notebooks/05_large_cnn.html"
    ]
    results = check_html.parse(copy / "_build/html/notebooks/13_results.html")
    assert results.select_one('article table a[href="05_large_cnn.html"]')
    # A second time nothing is built; after a changed word everything is, and no notebook runs.
    mark = copy / "_build/html/.built"
    made = mark.stat().st_mtime_ns
    assert pages.main(["mini"]) == 0
    assert mark.stat().st_mtime_ns == made
