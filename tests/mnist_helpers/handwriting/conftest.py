"""What the tests of reading share: a digit of straight strokes, and how far two images differ."""

import io

import numpy as np
import pytest
from PIL import Image, ImageDraw

from mnist_helpers import prepare_digit


def seven(mode="L", paper=255, ink=0, width=14):
    """A 7 of two straight strokes, 110 wide and 190 high, at (40, 60) in a picture of 200 by 300."""
    picture = Image.new(mode, (200, 300), paper)
    ImageDraw.Draw(picture).line([(40, 60), (150, 60), (80, 250)], fill=ink, width=width)
    return picture


def encode(picture, kind="PNG", **options):
    file = io.BytesIO()
    picture.save(file, kind, **options)
    return file.getvalue()


@pytest.fixture(scope="module")
def plain():
    return prepare_digit(seven()).image


def difference(first, second):
    """Mean difference of two images, in shares of the ink of the first."""
    return np.abs(first.astype(float) - second).sum() / first.sum()
