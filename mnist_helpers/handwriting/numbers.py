"""Several digits in one picture: found row by row, and prepared one by one."""

from dataclasses import dataclass

import numpy as np

from mnist_helpers.handwriting.ink import PAGE_SIDE, find_ink, without_margins
from mnist_helpers.handwriting.pictures import NoDigitError, named, open_picture
from mnist_helpers.handwriting.preparation import Preparation, prepare_strokes
from mnist_helpers.handwriting.strokes import TOO_SMALL, find_strokes, group_strokes, sort_into_rows, stroke_width


@dataclass(frozen=True, eq=False)
class Part(Preparation):
    """One of several digits in a picture.

    Attributes:
        row: its row, counted from 0 at the top.
        touching: whether it is wider than it and its row are high, so that it may be two joined digits; some
            single digits are as wide.
        blot: whether its strokes are more than twice as broad as is usual in its row, as of a digit that was blackened.
    """

    row: int
    touching: bool
    blot: bool


def split_digits(picture):
    """Find and prepare every digit in a picture, row by row, from left to right.

    Args:
        picture: as for ``prepare_digit``.

    Returns:
        A list of ``Part``, in reading order.

    Raises:
        PictureError, TypeError, ValueError: as for ``prepare_digit``.
        NoDigitError: it holds no ink or too little, or more strokes than a page of digits does.
    """
    with named(picture):
        pixels = open_picture(picture, PAGE_SIDE)
        ink = without_margins(find_ink(pixels))
        strokes = find_strokes(ink)
        labels, groups = group_strokes(strokes)
        if not groups:
            raise NoDigitError(TOO_SMALL)
    height, width = ink.shape
    parts = []
    for row, members in enumerate(sort_into_rows(groups)):
        usual = np.median([group.height for group in members])
        row_of_parts = []
        for group in members:
            window = group.window(ink.shape)
            digit = np.isin(labels[window], group.labels)
            prepared = prepare_strokes(pixels[window], ink[window], strokes[window], digit)
            prepared["box"] = (group.left / width, group.top / height, group.right / width, group.bottom / height)
            row_of_parts.append(prepared)
        pens = [stroke_width(prepared["stages"]["digit"] > 0.5) for prepared in row_of_parts]
        for group, prepared, pen in zip(members, row_of_parts, pens, strict=True):
            touching = group.right - group.left > max(usual, group.height)
            parts.append(Part(**prepared, row=row, touching=bool(touching), blot=bool(pen > 2 * np.median(pens))))
    return parts
