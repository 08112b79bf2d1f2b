"""A colour of the book stands in one file."""

import re

import matplotlib
import matplotlib.pyplot as plt
import pytest

from mnist_helpers import colours, use_style


@pytest.mark.parametrize("colour", colours.CYCLE[:6])
def test_no_other_file_spells_a_colour_of_the_book(root, colour):
    found = [
        path.relative_to(root).as_posix()
        for folder in ("book", "mnist_helpers", "tools", "notebooks")
        for path in [*root.glob("*.yml"), *root.joinpath(folder).rglob("*")]
        if path.suffix in {".css", ".ipynb", ".js", ".md", ".mplstyle", ".py", ".svg", ".yml"}
        and re.search(colour.lstrip("#"), path.read_text(encoding="utf-8"), re.IGNORECASE)
    ]
    assert found == ["mnist_helpers/book.mplstyle"]


def test_the_curves_have_the_colours_of_the_style():
    with plt.style.context("default"):
        use_style()
        drawn = [matplotlib.colors.to_hex(entry["color"]).upper() for entry in plt.rcParams["axes.prop_cycle"]]
    assert drawn == colours.CYCLE
