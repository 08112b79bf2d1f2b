"""Shadows, lines, frames, specks and what reaches in from an edge are no ink."""

import numpy as np
import pytest
from PIL import ImageDraw

from mnist_helpers import prepare_digit, split_digits
from tests.mnist_helpers.handwriting.conftest import difference, seven


def test_a_shadow_is_no_ink(plain):
    pixels = np.asarray(seven()) / 255
    light = np.linspace(1, 0.5, 200) * np.where(np.add.outer(np.arange(300), np.arange(200)) > 260, 0.75, 1)
    assert difference(plain, prepare_digit(np.clip(pixels * light, 0, 1)).image) < 0.2


def test_ruled_lines_a_frame_and_specks_are_no_ink(plain):
    picture = seven()
    draw = ImageDraw.Draw(picture)
    for y in range(17, 300, 31):
        draw.line([(0, y), (200, y + 4)], fill=190, width=2)
    draw.rectangle([0, 0, 199, 299], outline=30, width=5)
    for x, y in np.random.default_rng(7).integers(20, 180, (6, 2)):
        draw.point((int(x), int(y)), fill=0)
    assert difference(plain, prepare_digit(picture).image) < 0.25


@pytest.mark.parametrize("climb", [-19, -7, 0, 3, 9, 17])
def test_sharp_squares_are_no_ink_however_the_page_lies(plain, climb):
    picture = seven()
    draw = ImageDraw.Draw(picture)
    for start in range(-83, 400, 31):
        draw.line([(0, start), (200, start + climb)], fill=150, width=2)
        draw.line([(start + climb, 0), (start, 300)], fill=150, width=2)
    assert difference(plain, prepare_digit(picture).image) < 0.25


def test_a_dark_blot_does_not_make_the_strokes_pale(plain):
    picture = seven(ink=110)
    ImageDraw.Draw(picture).ellipse([143, 53, 156, 66], fill=0)  # where the two strokes meet
    assert difference(plain, prepare_digit(picture).image) < 0.1


@pytest.mark.parametrize("thumb", [np.s_[150:280, :40], np.s_[150:280, -40:], np.s_[:90, 60:120], np.s_[-90:, 60:120]])
def test_what_reaches_in_from_an_edge_is_no_digit_and_does_not_make_others_faint(thumb):
    page = np.full((400, 400), 255, "uint8")
    page[100:300, 195:210] = 170  # so pale that beside the thumb it would count as a smudge
    alone = split_digits(page)[0].image
    page[thumb] = 0
    parts = split_digits(page)
    assert [400 * part.box[0] for part in parts] == pytest.approx([195], abs=3)
    assert difference(alone, parts[0].image) < 0.02
