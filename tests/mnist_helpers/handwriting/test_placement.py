"""Digits are placed by MNIST's own rules (LeCun et al. 1998; Yadav & Bottou 2019), with MNIST's pen."""

import numpy as np
import pytest
from scipy import ndimage

from mnist_helpers import average_areas, place_digit, prepare_digit
from mnist_helpers.handwriting import placement, strokes
from tests.mnist_helpers.handwriting.conftest import seven


def test_the_longer_side_is_twenty_pixels_and_the_centre_of_mass_in_the_middle(plain):
    rows, columns = np.flatnonzero(plain.any(axis=1)), np.flatnonzero(plain.any(axis=0))
    assert max(np.ptp(rows), np.ptp(columns)) + 1 == 20
    assert all(13.5 < middle <= 14.5 for middle in ndimage.center_of_mass(plain))
    assert plain.max() == 255
    assert plain.dtype == np.uint8
    assert plain.shape == (28, 28)


@pytest.mark.parametrize("side", [14, 20, 21, 31, 41, 63, 400])
def test_every_pixel_has_its_share_in_the_average(side):
    square = np.random.default_rng(7).random((side, side))
    small = average_areas(square, 20)
    assert small.shape == (20, 20)
    np.testing.assert_allclose(small.mean(), square.mean())
    for column in range(side):  # a hairline weighs the same wherever it stands
        line = np.zeros((side, side))
        line[:, column] = 1
        np.testing.assert_allclose(average_areas(line, 20).sum(axis=1), 20 / side)


def test_a_digit_that_is_all_top_is_placed_within_the_image():
    """Its centre of mass would push it out of the image; 4 pixels to either side is all there is."""
    square = np.full((20, 20), 0.01)
    square[:2] = 1
    for turned, rows in ((square, [8, 9]), (square[::-1], [18, 19])):
        assert np.flatnonzero(place_digit(turned).max(axis=1) > 0.5).tolist() == rows


def test_a_thin_pen_is_made_thicker_and_a_thick_one_is_left():
    ink = {width: prepare_digit(seven(width=width)).image.sum() / 255 for width in (2, 5, 14, 24)}
    assert 50 < ink[2] < 90
    assert abs(ink[5] / ink[2] - 1) < 0.25
    assert ink[14] < ink[24]


@pytest.mark.parametrize("width", [1, 2, 3, 5])
def test_a_thin_pen_becomes_the_thinnest_that_is_left_as_it_is(width):
    square = prepare_digit(seven(width=width)).stages["square"]
    thickness = strokes.stroke_width(square > 0.5) * 20 / len(square)
    assert thickness == pytest.approx(placement.THINNEST, rel=0.06)
