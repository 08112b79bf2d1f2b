"""Move chapters to other numbers, or make room for a new one, and update every reference to them.

    python -m tools.build.renumber large_cnn=7 tuning=5
    python -m tools.build.renumber --after 3 --add attention --title "Where the network looks"

Files are renamed, and links to them and words such as "chapter 6" are rewritten in every text of the repository but the
change log. Results and runs are stored under the chapters' names, so nothing has to run again. A new chapter begins
with the parts that every chapter has; the following ones move on by one.
"""

import argparse
import json
import re
import secrets
import sys
from pathlib import Path

from mnist_helpers.files import write_text
from tools.build import sync
from tools.build.chapters import FOLDER, ChapterError, list_chapters, numbers_of, renumber

TOC = Path("_toc.yml")
FOLDERS = ["book", "mnist_helpers", "notebooks", "tests", "tools", ".github"]
TEXTS = {".css", ".html", ".ipynb", ".js", ".md", ".py", ".pyi", ".tsv", ".yml"}
KEPT = {"CHANGELOG.md"}
UNFINISHED = Path("_build/moving")  # exists while chapters are moved; moving them twice would move words twice


def main(arguments=None):
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("moves", nargs="*", metavar="NAME=NUMBER", help="a chapter's name and its new number")
    parser.add_argument("--add", metavar="NAME", help="the name of a new chapter: small letters, digits, underscores")
    parser.add_argument("--after", type=int, metavar="NUMBER", help="the chapter that the new one follows")
    parser.add_argument("--title", help="the title of the new chapter")
    options = parser.parse_args(arguments)
    if options.add and options.after is None:
        parser.error("--add needs --after")
    try:
        refuse_unfinished()
        chapters = list_chapters()
        before = numbers_of(chapters)
        if options.add:
            after = make_room(before, options.add, options.after)
        else:
            after = plan(chapters, before, options.moves)
    except ChapterError as error:
        print(f"chapter: {error}", file=sys.stderr)
        return 2
    move(before, after)
    if options.add:
        add(options.add, options.after + 1, options.title or options.add.replace("_", " ").capitalize(), after)
    return sync.main([])


def plan(chapters, before, moves):
    """The new number of every chapter."""
    after = dict(before)
    for item in moves:
        name, _, number = item.partition("=")
        if name not in before or not re.fullmatch(r"[1-9][0-9]*", number):
            raise ChapterError(f"expected NAME=NUMBER with one of {', '.join(before)}, got {item!r}")
        after[name] = int(number)
    for chapter in chapters:
        for name in set(chapter.about.get("needs", [])) - {"*"}:
            if after[name] >= after[chapter.name]:
                raise ChapterError(f"{chapter.name} needs the results of {name}, and would come before it")
    for name, number in after.items():
        if rival := next((chapter for chapter in after if chapter != name and after[chapter] == number), None):
            raise ChapterError(f"{name} and {rival} would both be chapter {number}")
    return after


def make_room(before, name, place):
    if not re.fullmatch(r"[a-z][a-z0-9_]*", name):
        raise ChapterError(f"{name!r} is no name: expected small letters, digits and underscores")
    if name in before:
        raise ChapterError(f"there is a chapter {name!r} already")
    if place not in {0, *before.values()}:
        raise ChapterError(f"there is no chapter {place} that the new one could follow")
    after = dict(before)
    wanted = place + 1
    for chapter, number in sorted(before.items(), key=lambda item: item[1]):
        if number == wanted:  # the shift stops at a gap in the numbers
            after[chapter] = wanted = number + 1
    return after


def refuse_unfinished():
    if UNFINISHED.exists():
        raise ChapterError(
            f"moving chapters was interrupted; restore the files as `git status` advises, delete {UNFINISHED}, and "
            "start again"
        )


def move(before, after):
    """Rename the notebooks, and rewrite what names chapters by their numbers."""
    UNFINISHED.parent.mkdir(exist_ok=True)
    UNFINISHED.touch()
    for path in texts():
        text = path.read_text(encoding="utf-8")
        if (changed := rewrite(path, text, before, after)) != text:
            write_text(path, changed)
    for name in before:
        if before[name] != after[name]:
            file_of(name, before[name]).rename(file_of(name, after[name]))
    write_text(TOC, in_order(TOC.read_text(encoding="utf-8")))
    UNFINISHED.unlink()


def texts():
    """Every text in which a chapter may be named; built files are not among them."""
    for path in sorted([*Path().glob("*"), *(path for folder in FOLDERS for path in Path(folder).rglob("*"))]):
        if path.is_file() and path.name not in KEPT and (path.suffix in TEXTS or path.name == "Makefile"):
            yield path


def rewrite(path, text, before, after):
    if path.suffix != ".ipynb":
        return renumber(text, before, after, mentions=path.parts[0] != "tests")  # which have invented chapters
    notebook = json.loads(text)
    for cell in notebook["cells"]:
        cell["source"] = renumber("".join(cell["source"]), before, after).splitlines(keepends=True)
    return json.dumps(notebook, indent=1, ensure_ascii=False) + "\n"


def file_of(name, number):
    return FOLDER / f"{number:02}_{name}.ipynb"


def in_order(toc):
    """The table of contents with its chapters in the order of their numbers; each part keeps as many as it has."""
    line = re.compile(r"- file: notebooks/\d+_\w+")
    chapters = iter(sorted(line.findall(toc)))
    return line.sub(lambda found: next(chapters), toc)


def add(name, number, title, numbers):
    """A new chapter with what every chapter has, listed behind the one that it follows."""
    path = file_of(name, number)
    cells = [
        ("markdown", [], f"# {title}\n\n[Run on Colab]"),
        ("markdown", [], "**Time:**"),
        ("code", ["setup"], ""),
        ("code", [], "from mnist_helpers import load_dataset, use_style"),
        ("code", ["parameters"], 'dataset = "mini"  # "mini": 5,000 images, no download; "mnist": all 70,000'),
        ("code", [], "data = load_dataset(dataset)\nuse_style(source=dataset)\nprint(data)"),
    ]
    notebook = {
        "cells": [
            {"cell_type": kind, "id": secrets.token_hex(4), "metadata": {"tags": tags} if tags else {}}
            | ({"execution_count": None, "outputs": []} if kind == "code" else {})
            | {"source": source.splitlines(keepends=True)}
            for kind, tags, source in cells
        ],
        "metadata": {
            "kernelspec": {"display_name": "Python 3", "language": "python", "name": "python3"},
            "language_info": {"name": "python"},
        },
        "nbformat": 4,
        "nbformat_minor": 5,
    }
    write_text(path, json.dumps(notebook, indent=1, ensure_ascii=False) + "\n")
    toc = TOC.read_text(encoding="utf-8")
    # In the part of the chapter before it, or of the first one; then in the order of the numbers.
    neighbour = min(numbers.items(), key=lambda item: abs(item[1] - (number - 1)))
    line = f"      - file: {file_of(*neighbour).with_suffix('')}\n"
    write_text(TOC, in_order(toc.replace(line, line + line.replace(file_of(*neighbour).stem, path.stem))))


if __name__ == "__main__":
    sys.exit(main())
