"""Write into every notebook what can be worked out: its number, its links, its set-up cell, and the time it takes.

python -m tools.build.sync                # after adding or renaming a chapter, or recording a run
python -m tools.build.sync owner/name     # the repository has moved
python -m tools.build.sync --check        # change nothing, fail if something would change
"""

import json
import re
import sys
import tomllib
from pathlib import Path

from mnist_helpers import DATASETS
from mnist_helpers.files import write_text
from tools.build.chapters import Chapter

RECORDS = Path("book/results")
HOST = "https://github.com/"
# Files other than notebooks that hold the repository's address; the one that it is read from is written last.
ADDRESSED = ["_config.yml", "CITATION.cff", "README.md", "book/about.md", "book/index.md", "pyproject.toml"]
# A first reader's minutes, fitted to one who worked through the whole book: within a quarter for each chapter timed.
WORDS_A_MINUTE = 185
MINUTES_A_LINE_OF_CODE = 0.155
MINUTES_A_FIGURE = 0.65
MINUTES_AN_EXERCISE = 5


def main(arguments):
    check = "--check" in arguments
    moved = next((argument for argument in arguments if argument != "--check"), None)
    if moved and not re.fullmatch(r"[\w.-]+/[\w.-]+", moved):
        print(f"REPOSITORY: expected owner/name, got {moved!r}", file=sys.stderr)
        return 2
    if moved and moved.lower().endswith(".github.io"):
        print("REPOSITORY: owner.github.io publishes into no folder of its own; choose another name", file=sys.stderr)
        return 2
    repository = moved or current_repository()
    stale = []
    for path in [*sorted(Path("notebooks").glob("[0-9]*.ipynb")), *map(Path, ADDRESSED)]:
        text = path.read_text(encoding="utf-8")
        fresh = update(text, path, repository) if path.suffix == ".ipynb" else readdress(text, repository)
        if fresh != text:
            stale.append(path)
            if not check:
                write_text(path, fresh)
    if check and stale:
        print(f"Run `make sync`: these are out of date: {', '.join(map(str, stale))}", file=sys.stderr)
        return 1
    return 0


def readdress(text, repository):
    """Point every address of a repository, and of its pages, at this one; these files name no other."""
    # A full stop after an address is not part of it.
    text = re.sub(rf"{HOST}[\w.-]+/[\w-]+(\.[\w-]+)*", f"{HOST}{repository}", text)
    return re.sub(r"https://[\w-]+\.github\.io/[\w.-]+/", pages_address(repository), text)


def pages_address(repository):
    """The address of a repository's GitHub Pages."""
    owner, name = repository.split("/")
    return f"https://{owner.lower()}.github.io/{name}/"


def current_repository():
    project = tomllib.loads(Path("pyproject.toml").read_text(encoding="utf-8"))
    return project["project"]["urls"]["Repository"].removeprefix(HOST)


def update(text, path, repository):
    """Return the notebook ``text`` with the number, links, set-up cell and time that belong to ``path``."""
    notebook = json.loads(text)
    for cell in notebook["cells"]:
        source = "".join(cell["source"])
        if cell["cell_type"] == "markdown":
            if cell is notebook["cells"][0] and (number := Chapter(path).number):
                source = re.sub(r"\A# (?:\d+\. )?", f"# {number}. ", source)
            source = re.sub(r"(?m)^\[Run on Colab\].*$", links(path, repository), source)
            source = re.sub(r"(?m)^\*\*Time:\*\*.*$", times(notebook, path), source)
        elif "setup" in cell["metadata"].get("tags", []):
            source = setup_code(repository)
        cell["source"] = source.splitlines(keepends=True)
    return json.dumps(notebook, indent=1, ensure_ascii=False) + "\n"


def links(path, repository):
    colab = f"https://colab.research.google.com/github/{repository}/blob/main/{path.as_posix()}"
    binder = f"https://mybinder.org/v2/gh/{repository}/main?urlpath=lab/tree/{path.as_posix()}"
    return f"[Run on Colab]({colab}) · [Run on Binder]({binder})"


def setup_code(repository):
    return (
        "# On a machine without the helper package (Colab, for example), install it.\n"
        "import importlib.util\n\n"
        'if importlib.util.find_spec("mnist_helpers") is None:\n'
        f"    %pip install --quiet git+{HOST}{repository}"
    )


def times(notebook, path):
    """Reading time from words, code and figures, time for the exercises; running times from the last recorded runs."""
    reading, exercises = (5 * max(1, round(minutes / 5)) for minutes in minutes_of(notebook))
    text = f"about {reading} minutes to read, {exercises} more for the exercises"
    runs = {}
    chapter = Chapter(path)
    for dataset in DATASETS:
        recorded = RECORDS / f"{dataset}.json"
        if recorded.exists():
            facts = json.loads(recorded.read_text(encoding="utf-8"))
            if chapter.name in facts["notebooks"]:
                seconds = spell(facts["notebooks"][chapter.name]["seconds"])
                shortened = dataset in notebook["metadata"].get("book", {}).get("parameters", {})
                with_what = f"with `{dataset}`{' (shortened, as for these pages)' * shortened}"
                runs.setdefault(facts["cores"], []).append(f"{seconds} {with_what}")
    for cores, seconds in runs.items():
        text += f"; to run on {cores} processor cores, {' and '.join(seconds)}"
    return f"**Time:** {text}."


def minutes_of(notebook):
    """How long a first reader takes for the text of a chapter, and for its exercises."""
    text = "\n\n".join("".join(cell["source"]) for cell in notebook["cells"] if cell["cell_type"] == "markdown")
    exercises = len(re.findall(r"(?m)^\*\*\d\. ", text))
    # Hints and solutions belong to the exercises; an address is not read; the line written here would change itself.
    text = re.sub(r"(?s)<details>.*?</details>", "", text)
    text = re.sub(r"(?m)^\*\*Time:\*\*.*$|(?<=\])\([^)]*\)", "", text)
    code = [cell for cell in notebook["cells"] if cell["cell_type"] == "code"]
    shown = [cell for cell in code if not {"setup", "hide-input"} & set(cell["metadata"].get("tags", []))]
    lines = sum(len([line for line in "".join(cell["source"]).splitlines() if line.strip()]) for cell in shown)
    figures = sum("image" in cell["metadata"].get("mystnb", {}) for cell in code)
    reading = (
        len(re.findall(r"\w+", text)) / WORDS_A_MINUTE + lines * MINUTES_A_LINE_OF_CODE + figures * MINUTES_A_FIGURE
    )
    return reading, exercises * MINUTES_AN_EXERCISE


def spell(seconds):
    number, unit = (seconds, "second") if seconds < 90 else (seconds / 60, "minute")
    return f"{number:.0f} {unit}" + ("" if f"{number:.0f}" == "1" else "s")


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
