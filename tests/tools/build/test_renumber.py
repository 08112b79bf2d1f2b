"""Chapters are moved and added, and everything that names them follows."""

import re
import shutil

import nbformat
import pytest
import yaml

from tools.build import check_html, execute, pages, renumber
from tools.build.chapters import list_chapters, numbers_of
from tools.build.digest import parts_of, run_of


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


def add_after_the_third():
    """Returns the numbers before and after, and the number of the new chapter."""
    before = numbers_of(list_chapters())
    third = list_chapters()[2].number
    assert renumber.main(["--add", "attention", "--after", str(third), "--title", "Where it looks"]) == 0
    return before, numbers_of(list_chapters()), third + 1


def test_a_chapter_in_the_middle_moves_the_others_on(copy, capsys):
    before, after, new = add_after_the_third()
    assert after.pop("attention") == new
    assert list(after) == list(before)
    moved = {name for name in before if after[name] != before[name]}
    assert all(after[name] == before[name] + 1 for name in moved)
    # Those without a gap before them.
    assert moved == {name for name, number in before.items() if set(range(new, number + 1)) <= set(before.values())} - {
        name for name, number in before.items() if number < new
    }
    listed = [
        entry["file"] for part in yaml.safe_load((copy / "_toc.yml").read_text())["parts"] for entry in part["chapters"]
    ]
    chapters = [file for file in listed if file.startswith("notebooks/")]
    assert chapters == [str(chapter.path.with_suffix("")) for chapter in list_chapters()]
    written = nbformat.read(copy / f"notebooks/{new:02}_attention.ipynb", as_version=4)
    nbformat.validate(written)
    assert written.cells[0].source.startswith(f"# {new}. Where it looks\n\n[Run on Colab](https://")
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
        (["tuning=1"], "would both be chapter 1"),
        (["tuning=0"], "expected NAME=NUMBER"),
    ],
)
def test_what_cannot_be_done_changes_nothing(copy, capsys, arguments, message):
    before = texts()
    assert renumber.main(arguments) == 2
    assert message in capsys.readouterr().err
    assert texts() == before


def test_a_chapter_can_come_first(copy):
    assert renumber.main(["--add", "welcome", "--after", "0"]) == 0
    assert list_chapters()[0].path.name == "01_welcome.ipynb"
    toc = (copy / "_toc.yml").read_text()
    assert toc.index("notebooks/01_welcome") < toc.index(f"notebooks/{list_chapters()[1].path.stem}")


def test_the_table_of_contents_follows_the_numbers_across_its_parts(copy):
    names = [chapter.name for chapter in list_chapters()]
    moves = {names[1]: 98, names[-1]: 97}
    assert renumber.main([f"{name}={number}" for name, number in moves.items()]) == 0
    listed = re.findall(r"file: notebooks/(\d+)_", (copy / "_toc.yml").read_text())
    assert listed == sorted(listed, key=int)


def test_a_chapter_stays_behind_those_whose_results_it_reads(copy, capsys):
    last = list_chapters()[-1]
    notebook = nbformat.read(last.path, as_version=4)
    notebook.metadata["book"] = {"needs": [list_chapters()[1].name]}
    nbformat.write(notebook, last.path)
    before = texts()
    assert renumber.main([f"{list_chapters()[1].name}=99"]) == 2
    assert "and would come before it" in capsys.readouterr().err
    assert texts() == before


def test_an_interrupted_move_is_not_repeated(copy, capsys, monkeypatch):
    monkeypatch.setattr(renumber, "in_order", lambda toc: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        renumber.main(["--add", "attention", "--after", "1"])
    before = texts()
    assert renumber.main(["--add", "attention", "--after", "1"]) == 2
    assert "was interrupted; restore the files" in capsys.readouterr().err
    assert texts() == before


def test_its_pages_are_built_and_no_other_chapter_runs(copy, root, capfd):
    """Also with a page whose file name has a space."""
    runs = root / "_build/runs/mini"
    chapters = list_chapters()
    for chapter in chapters:
        now = parts_of(chapter, {"dataset": "mini"} | chapter.parameters("mini"), runs, chapters)
        if (run_of(runs / f"{chapter.name}.ipynb") or {}).get("parts") != now:
            pytest.skip("needs the notebooks to have run as they are now: make book")
    shutil.copytree(runs, copy / "_build/runs/mini", ignore=shutil.ignore_patterns(".*"))
    fourth, last = list_chapters()[3], list_chapters()[-1]
    said = f"As [chapter {fourth.number}](../{fourth.path}) says."
    (copy / "book/a page.md").write_text(f"# A page\n\n{said}\n")
    toc = (copy / "_toc.yml").read_text()
    (copy / "_toc.yml").write_text(
        toc.replace("      - file: book/draw\n", "      - file: book/draw\n      - file: book/a page\n")
    )
    _, numbers, new = add_after_the_third()
    capfd.readouterr()
    assert execute.main(["mini"]) == 0
    assert [line.split()[0] for line in capfd.readouterr().out.splitlines()] == [f"{new:02}_attention"]
    assert pages.main(["mini"]) == 0, capfd.readouterr().err
    number = numbers[fourth.name]
    assert number == fourth.number + 1
    page = check_html.parse(copy / "_build/html/book/a page.html")
    (link,) = page.select(f'article a[href="../notebooks/{number:02}_{fourth.name}.html"]')
    assert link.get_text() == f"chapter {number}"
    # The table of results was printed when the chapter had another number; its page leads to it nevertheless.
    results = check_html.parse(copy / f"_build/html/notebooks/{numbers[last.name]:02}_{last.name}.html")
    assert results.select_one(f'article table a[href="{number:02}_{fourth.name}.html"]')
    # A second time nothing is built; after a changed word everything is, and no notebook runs.
    mark = copy / "_build/html/.built"
    made = mark.stat().st_mtime_ns
    assert pages.main(["mini"]) == 0
    assert mark.stat().st_mtime_ns == made
