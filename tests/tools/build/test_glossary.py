"""Every term that a chapter introduces is explained in the glossary, and leads there."""

import re
from pathlib import Path

import nbformat
import pytest

from tools.build import glossary

NOTEBOOKS = sorted((Path(__file__).parents[3] / "notebooks").glob("[0-9]*.ipynb"))
# What is bold for another reason: the frame of a chapter, the parts of a harness, a word that is stressed.
STRESSED = {
    "you will learn",
    "after this chapter you can",
    "you need",
    "load",
    "prepare",
    "define",
    "evaluate",
    "present",
    "reads",
}


def introduced(path):
    """The bold words of a chapter that are no beginnings of a sentence or of an exercise."""
    cells = nbformat.read(path, as_version=4).cells
    text = "\n".join(cell.source for cell in cells if cell.cell_type == "markdown")
    return [bold for bold in glossary.BOLD.findall(text) if not re.search(r"[.:?]$", bold)]


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_what_is_bold_is_in_the_glossary(path):
    known = {term.lower() for term in glossary.terms()} | STRESSED
    assert [bold for bold in introduced(path) if bold.lower().removeprefix("the ") not in known] == []


def test_every_term_is_used_and_stands_in_alphabetical_order():
    terms = [term.lower().replace("–", "-") for term in glossary.terms()]
    assert len(terms) == len(set(terms)) > 80
    blocks = re.findall(r"(?m)^(?!```)(\S.*)\n(?:\S.*\n)*  ", glossary.GLOSSARY.read_text().split("{glossary}\n")[1])
    first = [block.lower().replace("–", "-") for block in blocks]
    assert first == sorted(first)
    used = " ".join(path.read_text(encoding="utf-8").lower() for path in NOTEBOOKS)
    assert [term for term in glossary.terms() if term.lower() not in used] == []


def test_only_the_first_use_leads_to_the_glossary():
    done = set()
    linked = glossary.link("A **Neuron** is no **riddle**, and a **neuron** it stays.", done, ["neuron"])
    assert linked == "A **{term}`Neuron <neuron>`** is no **riddle**, and a **neuron** it stays."
    assert glossary.link("**neuron**", done, ["neuron"]) == "**neuron**"
