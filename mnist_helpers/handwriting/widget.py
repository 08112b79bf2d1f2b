"""The drawing pad of the book's pages, in a notebook."""

import io
import json

import numpy as np
from PIL import Image

from mnist_helpers.colours import BLUE
from mnist_helpers.files import shipped
from mnist_helpers.handwriting.samples import sample_pictures
from mnist_helpers.handwriting.weights import export_network

try:
    import anywidget
    import traitlets
except ImportError:  # the name can be imported all the same, as chapter 10 does at its top; whoever makes a pad is told
    anywidget = None  # type: ignore[assignment]

SCRIPTS = ["grids", "prepare", "network", "pad", "strokes", "widget"]


class DigitPad(anywidget.AnyWidget if anywidget else object):  # type: ignore[misc]  # it is known only when it runs
    """A pad to draw a digit on, or to open a picture of one, with the answer of the shipped network beside it.

    In JupyterLab, VS Code and Colab it is alive: whatever was drawn last is ``picture``. Where nobody can draw, on a
    page or under papermill, a sample drawing stands in its place.

    Args:
        small: leave out the stages of the preparation and the maps of the network.

    Attributes:
        picture: what is on the pad, ``uint8`` array of shape ``(height, width, 3)`` as ``read_digit`` takes it; a
            sample drawing of a 3 until something is drawn.

    Raises:
        ImportError: the package anywidget is missing.
        WeightsError: the shipped weights are missing or damaged.
    """

    if anywidget:
        small = traitlets.Bool(False).tag(sync=True)
        _pixels = traitlets.Bytes().tag(sync=True, from_json=lambda value, widget: bytes(value))  # it comes as a view
        _shape = traitlets.List(traitlets.Int()).tag(sync=True)

    def __init__(self, small=False):
        if not anywidget:
            raise ImportError("DigitPad needs the package anywidget: `pip install anywidget`.")
        sample = next(sample for sample in sample_pictures() if sample.label == "3")
        with Image.open(sample.path) as picture:
            pixels = np.asarray(picture.convert("RGB").resize((200, 200), Image.Resampling.BOX))
        style = shipped("pad", "pad.css").read_text(encoding="utf-8")
        # anywidget looks for its script and its style under these names.
        self._esm, self._css = _script(), f".digit-pad {{ --book-accent: {BLUE}; }}\n{style}"
        super().__init__(small=small, _pixels=pixels.tobytes(), _shape=list(pixels.shape[:2]))

    @property
    def picture(self):
        return np.frombuffer(self._pixels, "uint8").reshape(*self._shape, 3)

    def __repr__(self):
        return f"DigitPad(small={self.small})"

    def _repr_mimebundle_(self, **options):
        """The widget, and for pages that cannot show it the picture as it is now."""
        file = io.BytesIO()
        Image.fromarray(self.picture).save(file, "PNG")
        bundle = super()._repr_mimebundle_(**options)
        data, metadata = bundle if isinstance(bundle, tuple) else (bundle or {}, {})
        return data | {"image/png": file.getvalue()}, metadata


def _script():
    """All files of the pad as one module."""
    weights = f"const DIGIT_NETWORK = {json.dumps(export_network())};"
    return "\n".join([weights] + [shipped("pad", f"{name}.js").read_text(encoding="utf-8") for name in SCRIPTS])
