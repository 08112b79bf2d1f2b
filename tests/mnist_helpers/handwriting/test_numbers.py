"""Every digit of a page is found, in the order of reading, and prepared as it would be alone."""

import numpy as np
import pytest
from PIL import Image

from mnist_helpers import prepare_digit, sample_pictures, split_digits
from tests.mnist_helpers.handwriting.conftest import difference, seven


def test_rows_are_read_from_the_top_and_from_the_left():
    page = Image.new("L", (700, 700), 255)
    for number, (x, y) in enumerate([(20, 10), (250, 30), (470, 50), (60, 370), (300, 380)]):
        page.paste(seven(width=8 + 2 * number), (x, y))
    parts = split_digits(page)
    assert [part.row for part in parts] == [0, 0, 0, 1, 1]
    assert [round(part.box[0] * 700 - 40) // 10 * 10 for part in parts] == [10, 240, 460, 50, 290]
    assert not any(part.touching for part in parts)


def test_small_writing_on_a_large_page_is_found():
    page = Image.new("L", (1131, 1600), 245)
    for x in (300, 360, 430):
        small = seven(width=16).resize((40, 60), Image.Resampling.LANCZOS)
        page.paste(small, (x, 700), mask=Image.eval(small, lambda value: 255 - value))
    assert len(split_digits(page)) == 3
    alone = Image.new("L", (1131, 1600), 245)
    alone.paste(seven().resize((100, 150)), (300, 700))
    assert prepare_digit(alone).image.any()


def test_a_digit_of_a_number_is_prepared_as_it_would_be_alone(plain):
    page = Image.new("L", (330, 300), 255)
    for x in (0, 130):
        page.paste(seven(), (x, 0), mask=Image.eval(seven(), lambda value: 255 - value))
    assert [difference(plain, part.image) < 0.02 for part in split_digits(page)] == [True, True]


def test_a_page_may_be_much_higher_than_wide():
    page = np.full((600, 200), 255, "uint8")
    page[450:550, 40:52] = page[450:550, 130:142] = 0
    ends = [[200 * part.box[0], 600 * part.box[3]] for part in split_digits(page)]
    assert ends == [pytest.approx([40, 550], abs=3), pytest.approx([130, 550], abs=3)]


def test_a_blackened_digit_is_a_blot_and_a_pen_that_varies_makes_none():
    page = np.full((160, 500), 255, "uint8")
    for left, pen in ((20, 8), (100, 10), (180, 13), (260, 8), (340, 30)):
        page[30:130, left : left + pen] = 0
    assert [part.blot for part in split_digits(page)] == [False, False, False, False, True]


def test_touching_digits_are_reported():
    page = Image.new("L", (500, 320), 255)
    for x in (10, 110, 330):
        page.paste(seven(), (x, 10), mask=Image.eval(seven(), lambda value: 255 - value))
    assert [part.touching for part in split_digits(page)] == [True, False]


APART = [sample for sample in sample_pictures() if sample.kind == "number" and "touch" not in sample.note]


@pytest.mark.parametrize("sample", APART, ids=lambda sample: sample.note)
def test_the_sample_numbers_are_split_into_their_digits(sample):
    parts = split_digits(sample.path)
    assert [sum(part.row == row for part in parts) for row in range(parts[-1].row + 1)] == [
        len(digits) for digits in sample.label.split("-")
    ]
