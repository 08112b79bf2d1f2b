"""The chapters: their order, their names, and their metadata.

A chapter is notebooks/NN_name.ipynb. Its number is its place and may change; results, runs and other chapters
refer to it by its name. Under "book" its metadata hold the settings of the build, all of them optional:

needs       the names of chapters whose results it reads with `load_results`; "*" for every earlier one that records any
reads       the recorded runs that it reads with `load_recorded_run`, such as "mnist", or of one just an entry, such as
            "mnist:two_conv_cnn"
parameters  for a data set, the parameters that a build shortens it with
"""

import ast
import json
import re
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

FOLDER = Path("notebooks")
# Who has little time reads these, in this order; every other chapter says in its first lines for whom it is.
CORE_PATH = (
    "look_at_the_data",
    "network_by_hand",
    "mlp_baseline",
    "simple_cnn",
    "large_cnn",
    "final_model",
    "your_own_image",
)
FILE = re.compile(r"(\d+)_(\w+)\.ipynb")
# "chapter 4", "Chapters 10 and 13", "chapters 3 to 6", "chapters 6, 7 and 8"; a line may end between the words.
MENTION = re.compile(r"\b[Cc]hapters?\s+\d+(?:(?:,\s+|,?\s+and\s+|\s+or\s+|\s+to\s+|–)\d+)*")


class ChapterError(Exception):
    """A chapter's file or its metadata is invalid; the message names it."""


@dataclass(frozen=True)
class Chapter:
    """One notebook of the book."""

    path: Path

    @cached_property
    def name(self):
        found = FILE.fullmatch(self.path.name)
        return found[2] if found else self.path.stem

    @cached_property
    def number(self):
        found = FILE.fullmatch(self.path.name)
        return int(found[1]) if found else None

    @cached_property
    def notebook(self):
        """The notebook as JSON holds it, each source as one text."""
        try:
            notebook = json.loads(self.path.read_text(encoding="utf-8"))
            for cell in notebook["cells"]:
                cell["source"] = "".join(cell["source"])
        except (OSError, ValueError, KeyError, TypeError) as error:
            raise ChapterError(f"{self.path}: cannot be read as a notebook: {error!r}") from error
        return notebook

    @cached_property
    def code_cells(self):
        return [cell for cell in self.notebook["cells"] if cell["cell_type"] == "code"]

    @cached_property
    def about(self):
        about = self.notebook.get("metadata", {}).get("book", {})
        if unknown := set(about) - {"needs", "reads", "parameters"}:
            raise ChapterError(f"{self.path}: its metadata 'book' hold {sorted(unknown)[0]!r}, which nothing reads.")
        return about

    @cached_property
    def records(self):
        """Whether its code calls `record`."""
        return any(calls(cell["source"], "record") for cell in self.code_cells)

    @cached_property
    def claims(self):
        """The sentence of each claim that its code makes, in their order.

        Raises:
            ChapterError: a claim is no statement of its own, its sentence is not written out, or it compares nothing.
        """
        sentences = []
        for cell in self.code_cells:
            statements = python(cell["source"]).body
            found = [node.value for node in statements if isinstance(node, ast.Expr) and is_call(node.value, "claim")]
            if len(found) != sum(is_call(node, "claim") for tree in statements for node in ast.walk(tree)):
                raise ChapterError(f"{self.path}: write each claim as a line of its own, in no loop:\n{cell['source']}")
            for node in found:
                condition, *texts = node.args
                if len(texts) != 1 or not (isinstance(texts[0], ast.Constant) and isinstance(texts[0].value, str)):
                    raise ChapterError(f"{self.path}: write out the sentence of the claim {ast.unparse(node)}")
                if not any(isinstance(part, ast.Name) for part in ast.walk(condition)):
                    raise ChapterError(f"{self.path}: no number stands behind the claim {texts[0].value!r}.")
                sentences.append(texts[0].value)
        return sentences

    @cached_property
    def reads_full_run(self):
        """Whether its code calls `full_run`."""
        return any(calls(cell["source"], "full_run") for cell in self.code_cells)

    def parameters(self, dataset):
        """What the build sets its parameters to with a data set, other than in the notebook."""
        return dict(self.about.get("parameters", {}).get(dataset, {}))


def list_chapters(folder=FOLDER):
    """All chapters in their order."""
    chapters = sorted((Chapter(path) for path in folder.glob("[0-9]*_*.ipynb")), key=lambda chapter: chapter.number)
    for kind in ("name", "number"):
        seen: dict = {}
        for chapter in chapters:
            first = seen.setdefault(getattr(chapter, kind), chapter)
            if first is not chapter:
                raise ChapterError(f"{chapter.path}: has the same {kind} as {first.path}.")
    return chapters


def needed_by(chapter, chapters):
    """The chapters whose results a chapter reads, in their order."""
    earlier = [candidate for candidate in chapters if chapter.number and candidate.number < chapter.number]
    names = chapter.about.get("needs", [])
    if unknown := set(names) - {"*"} - {candidate.name for candidate in earlier}:
        raise ChapterError(f"{chapter.path}: needs {sorted(unknown)[0]!r}, which is the name of no earlier chapter.")
    return [candidate for candidate in earlier if candidate.name in names or ("*" in names and candidate.records)]


def calls(code, function):
    """Whether Python code calls a function by its name."""
    return any(is_call(node, function) for node in ast.walk(python(code)))


def is_call(node, function):
    return isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == function


def python(code):
    """The syntax tree of a cell; an empty one of a cell with a line for pip or the shell."""
    try:
        return ast.parse(code)
    except SyntaxError:
        return ast.Module([], [])


def renumber(text, before, after, mentions=True):
    """Replace the numbers of chapters in a text by new ones.

    Args:
        text: Markdown, code, or the outputs of a run.
        before: dictionary from each chapter's name to its number in the text.
        after: dictionary from each chapter's name to its new number.
        mentions: whether words such as "chapter 6" are replaced, too, and not only file names.
    """
    new = {number: after[name] for name, number in before.items() if name in after}

    def rename_file(found):
        number, name = int(found[1]), found[2]
        return f"{after[name]:02}_{name}" if before.get(name) == number and name in after else found[0]

    def renumber_mention(found):
        return re.sub(r"\d+", lambda digits: str(new.get(int(digits[0]), digits[0])), found[0])

    text = re.sub(r"\b(\d+)_([a-z]\w*)\b", rename_file, text)
    return MENTION.sub(renumber_mention, text) if mentions else text


def numbers_of(chapters):
    """The number of each chapter by its name."""
    return {chapter.name: chapter.number for chapter in chapters if chapter.number is not None}
