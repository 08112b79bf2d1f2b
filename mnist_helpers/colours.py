"""The book's colours. They stand in one file, the style of the figures, and everything else reads them from there."""

import re
from importlib import resources

_STYLE = resources.files("mnist_helpers").joinpath("book.mplstyle").read_text(encoding="utf-8")
_CYCLE = re.search(r"(?m)^axes\.prop_cycle:.*$", _STYLE)

#: The colours of curves in their order, each as ``"#"`` and six hexadecimal digits.
CYCLE = [f"#{digits}" for digits in re.findall(r'"([0-9A-F]{6})"', _CYCLE[0] if _CYCLE else "")]
BLUE, ORANGE, GREEN = CYCLE[:3]
