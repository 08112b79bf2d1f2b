"""Which strokes make a digit, and which stand in one row."""

import numpy as np
import pytest
from PIL import Image, ImageDraw

from mnist_helpers import NoDigitError, prepare_digit, split_digits
from tests.mnist_helpers.handwriting.conftest import difference, seven


@pytest.mark.parametrize("bar", [np.s_[:, :30], np.s_[:, -30:], np.s_[:30], np.s_[-30:]])
def test_a_broad_bar_along_an_edge_is_no_digit(plain, bar):
    page = np.array(seven())
    page[bar] = 90
    assert difference(plain, prepare_digit(page).image) < 0.02


def test_a_digit_may_touch_an_edge():
    page = np.full((300, 300), 255, "uint8")
    page[100:, 100:112] = page[120:150, 200:212] = 0
    assert [300 * end for end in prepare_digit(page).box] == pytest.approx([100, 100, 112, 300])


@pytest.mark.parametrize("prepare", [prepare_digit, lambda page: split_digits(page)[0]])
def test_a_slanting_hairline_is_one_stroke(prepare):
    page = np.where(np.eye(60), 0, 255).astype("uint8")
    page[:10] = page[-10:] = 255
    assert [60 * end for end in prepare(page).box] == pytest.approx([10, 10, 50, 50])


def test_a_mark_at_a_distance_is_no_part_of_the_digit():
    page = np.full((300, 300), 255, "uint8")
    page[100:200, 100:112] = page[120:150, 172:184] = 0
    assert [300 * end for end in prepare_digit(page).box] == pytest.approx([100, 100, 112, 200])


def test_a_roof_apart_belongs_to_its_five():
    picture = Image.new("L", (200, 300), 255)
    draw = ImageDraw.Draw(picture)
    draw.line([(70, 95), (150, 95)], fill=0, width=12)
    draw.arc([50, 120, 150, 250], 200, 140, fill=0, width=12)
    _, top, _, bottom = prepare_digit(picture).box
    assert top < 100 / 300
    assert bottom > 230 / 300


def test_a_fold_across_the_page_is_no_stroke(plain):
    picture = seven()
    ImageDraw.Draw(picture).line([(0, 20), (199, 35)], fill=90, width=2)
    assert difference(plain, prepare_digit(picture).image) < 0.05
    folded = Image.new("L", (200, 300), 255)
    ImageDraw.Draw(folded).line([(0, 20), (199, 280)], fill=90, width=2)
    with pytest.raises(NoDigitError, match="a line from edge to edge"):
        prepare_digit(folded)


@pytest.mark.parametrize("prepare", [prepare_digit, split_digits])
def test_eight_pixels_are_a_digit_and_seven_are_not(prepare):
    page = np.full((60, 60), 255, "uint8")
    page[20:27, 30:33] = 0
    with pytest.raises(NoDigitError, match="large enough for a digit"):
        prepare(page)
    page[27, 30:33] = 0
    assert prepare(page)


def test_a_dash_between_two_digits_belongs_to_neither():
    page = np.full((140, 400), 255, "uint8")
    page[20:120, 40:52] = page[20:120, 330:342] = page[65:77, 160:220] = 0
    ends = [400 * end for part in split_digits(page) for end in part.box[::2]]
    assert ends == pytest.approx([40, 52, 330, 342], abs=3)


def test_a_colon_is_no_digit_and_a_dot_below_one_is_no_part_of_it():
    page = np.full((200, 400), 255, "uint8")
    page[20:120, 40:52] = page[20:120, 330:342] = 0
    page[40:60, 180:200] = page[90:110, 180:200] = 0
    page[135:155, 40:52] = 0
    parts = split_digits(page)
    ends = [[400 * part.box[0], 200 * part.box[3]] for part in parts]
    assert ends == [pytest.approx([40, 120], abs=3), pytest.approx([330, 120], abs=3)]


def test_the_halves_of_a_digit_are_joined_and_those_of_close_lines_are_not():
    page = np.full((300, 400), 255, "uint8")
    page[20:120, 40:52] = page[130:230, 40:52] = 0
    page[20:66, 180:192] = page[72:120, 180:192] = 0
    parts = split_digits(page)
    assert [part.row for part in parts] == [0, 0, 1]
    assert [400 * part.box[0] for part in parts] == pytest.approx([40, 180, 40], abs=3)


def test_lines_that_overlap_a_little_stay_two():
    page = np.full((300, 300), 255, "uint8")
    page[20:120, 40:52] = page[20:120, 200:212] = page[112:212, 100:112] = 0
    assert [part.row for part in split_digits(page)] == [0, 0, 1]


@pytest.mark.parametrize(
    "parts",
    [
        [np.s_[20:32, 180:250], np.s_[40:120, 205:217]],  # a roof over a stem
        [np.s_[20:45, 205:217], np.s_[52:64, 180:250], np.s_[64:120, 180:192], np.s_[64:120, 238:250]],  # on a bow
        [np.s_[20:100, 180:192], np.s_[20:32, 180:240], np.s_[60:160, 210:222]],  # interlocked, so it may be taller
    ],
)
def test_parts_of_any_width_make_one_digit(parts):
    page = np.full((200, 400), 255, "uint8")
    page[20:120, 40:52] = page[20:120, 330:342] = 0
    for part in parts:
        page[part] = 0
    assert [400 * part.box[0] for part in split_digits(page)] == pytest.approx([40, 180, 330], abs=3)


def test_a_flat_digit_counts_and_a_row_of_specks_does_not():
    page = np.full((200, 400), 255, "uint8")
    for left in (20, 100, 180):
        page[40:140, left : left + 12] = 0
    page[90:126, 260:272] = page[114:126, 260:320] = 0  # a third as tall as the others, and longer than that
    for top in (30, 62, 94):
        page[top : top + 20, 360:372] = 0
    assert [400 * part.box[0] for part in split_digits(page)] == pytest.approx([20, 100, 180, 260], abs=3)


@pytest.mark.parametrize("start", [205, 218])
def test_a_piece_set_off_to_the_side_goes_to_the_digit_that_it_lies_close_to(start):
    """A 5 whose roof stands to the right of it, between two other digits."""
    page = np.full((140, 400), 255, "uint8")
    page[20:120, 40:52] = page[20:120, 330:342] = 0
    page[30:120, 150:162] = page[108:120, 150:210] = 0
    page[20:32, start:250] = 0
    parts = split_digits(page)
    assert len(parts) == 3
    left, top, right, bottom = parts[1].box
    assert (left * 400, top * 140, right * 400, bottom * 140) == pytest.approx((150, 20, 250, 120), abs=3)


def test_a_row_may_climb_by_more_than_a_digit():
    page = np.full((270, 340), 255, "uint8")
    for number in range(5):
        page[20 + 30 * number : 120 + 30 * number, 20 + 70 * number : 32 + 70 * number] = 0
    assert [part.row for part in split_digits(page)] == [0] * 5


def test_a_page_of_text_is_refused():
    page = np.full((400, 500), 255, "uint8")
    for y, x in np.ndindex(16, 20):
        page[20 + 20 * y : 30 + 20 * y, 20 + 20 * x : 30 + 20 * x] = 0
    with pytest.raises(NoDigitError, match="320 separate strokes; up to 300"):
        split_digits(page)
