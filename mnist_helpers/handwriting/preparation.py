"""Any picture of a handwritten digit, prepared as the digits of MNIST were, with every stage on the way.

The steps before MNIST's own extract the ink of any picture: they turn it upright, remove paper, shadows, specks, frames
and ruled lines, and measure the width of the pen.
"""

from dataclasses import dataclass

import numpy as np
from scipy import ndimage

from mnist_helpers.handwriting.ink import DIGIT_SIDE, find_ink
from mnist_helpers.handwriting.pictures import NoDigitError, named, open_picture
from mnist_helpers.handwriting.placement import SQUARE, make_square, place_digit, with_pen_of_mnist
from mnist_helpers.handwriting.strokes import EVERYWHERE, SMALLEST, TOO_SMALL, choose_digit, find_strokes, stroke_width


@dataclass(frozen=True, eq=False)
class Preparation:
    """A digit as the networks read it, with the stages of its preparation.

    Attributes:
        image: ``uint8`` array of shape ``(28, 28)``, 0 paper and 255 ink.
        stages: dictionary from the name of each stage to its picture, a ``float32`` array with two axes, from 0 to 1:
            ``"picture"`` in shades of grey and upright, ``"ink"`` on paper without shadows, ``"digit"`` without what
            does not belong to it, ``"square"`` cut out and with MNIST's pen.
        box: (left, top, right, bottom) of the digit, as shares of the width and the height of the upright picture.
    """

    image: np.ndarray
    stages: dict[str, np.ndarray]
    box: tuple[float, float, float, float]


def prepare_digit(picture):
    """Prepare the one digit in a picture as MNIST's digits were prepared.

    Args:
        picture: a path, a file opened in binary mode or its bytes, a Pillow image, or an array of shape
            ``(height, width)`` or ``(height, width, 1 to 4)``: integers, or floating point values from 0 to 1.

    Returns:
        A ``Preparation``.

    Raises:
        PictureError: the picture cannot be opened, or is damaged.
        NoDigitError: a kind of ``PictureError``: it holds no ink, or too little.
        TypeError, ValueError: the argument is no picture.
    """
    with named(picture):
        pixels = open_picture(picture, DIGIT_SIDE)
        ink = find_ink(pixels)
        strokes = find_strokes(ink)
        digit = choose_digit(strokes, ink)
        if np.ptp(np.argwhere(digit), axis=0).max() < SMALLEST - 1:
            raise NoDigitError(TOO_SMALL)
        return Preparation(**prepare_strokes(pixels, ink, strokes, digit))


def prepare_strokes(pixels, ink, strokes, digit):
    height, width = ink.shape
    margin = max(round(min(height, width) / 100), 1)  # the soft edge of the strokes
    around = ndimage.binary_dilation(digit, EVERYWHERE, iterations=margin)
    alone = np.where(around & ~(strokes & ~digit) & (ink > 0.1), ink, 0).astype("float32")
    rows, columns = np.flatnonzero(alone.any(axis=1)), np.flatnonzero(alone.any(axis=0))
    top, bottom, left, right = int(rows[0]), int(rows[-1]) + 1, int(columns[0]), int(columns[-1]) + 1
    cut, inside = alone[top:bottom, left:right], digit[top:bottom, left:right]
    cut = np.clip(cut / max(np.percentile(cut[inside], 75), 0.1), 0, 1)
    square = make_square(with_pen_of_mnist(cut, stroke_width(cut > 0.5) * SQUARE / max(cut.shape)))
    return {
        "image": (255 * place_digit(square)).round().astype("uint8"),
        "stages": {"picture": pixels.mean(axis=2), "ink": ink, "digit": alone, "square": square},
        "box": (left / width, top / height, right / width, bottom / height),
    }
