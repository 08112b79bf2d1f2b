"""Any picture becomes what MNIST would have made of it, or an error that says why not."""

import io
import os
import time

import numpy as np
import pytest
from hypothesis import given, settings, strategies as st
from PIL import Image, ImageDraw
from scipy import ndimage

from mnist_helpers import (
    NoDigitError,
    PictureError,
    average_areas,
    place_digit,
    prepare_digit,
    sample_pictures,
    split_digits,
)
from mnist_helpers.handwriting import pictures, placement, strokes


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


def difference(one, other):
    """Mean difference of two images, in shares of the ink of the first."""
    return np.abs(one.astype(float) - other).sum() / one.sum()


# MNIST's own rules (LeCun et al. 1998; Yadav & Bottou 2019)


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


def test_the_digits_of_mnist_hardly_change(mini):
    changes = [difference(image, prepare_digit(image).image) for image in mini.x_test[:200]]
    assert np.median(changes) < 0.03
    assert np.percentile(changes, 95) < 0.15


@pytest.mark.full_mnist
def test_all_digits_of_the_test_part_hardly_change(mnist_npz):
    from mnist_helpers import load_dataset, load_model, model_error

    data, model = load_dataset("mnist"), load_model()
    prepared = np.stack([prepare_digit(image).image for image in data.x_test])
    change = np.abs(prepared.astype(float) - data.x_test).sum(axis=(1, 2)) / data.x_test.sum(axis=(1, 2))
    assert np.mean(change) < 0.05
    assert np.percentile(change, 99) < 0.7
    plain, again = (model_error(model, images, data.y_test).rate for images in (data.x_test, prepared))
    assert abs(again - plain) <= 0.001


# Media


@pytest.mark.parametrize(
    "picture",
    [
        seven(),
        encode(seven("RGB", "white", "blue"), "JPEG"),
        encode(seven("RGB", "white", "blue").convert("CMYK"), "JPEG"),
        encode(seven("RGB", "white", "black"), "WEBP", lossless=True),
        encode(seven("RGB", "white", "black"), "BMP"),
        encode(seven(), "TIFF"),
        encode(seven("1", 1, 0)),
        encode(seven("P", 0, 1), transparency=0),
        encode(seven("LA", (255, 0), (0, 255))),
        encode(seven("RGBA", (0, 0, 0, 0), (0, 0, 0, 255))),
        encode(seven("RGBA", (255, 255, 255, 0), (255, 255, 255, 255))),
        encode(Image.fromarray(np.asarray(seven()).astype("uint16") * 257)),
        Image.fromarray(np.asarray(seven()).astype("uint16") * 257),
        np.asarray(seven()),
        np.asarray(seven()) / 255,
        np.asarray(seven()) < 128,
        (np.asarray(seven()) < 128).astype("uint8"),
        np.asarray(seven()).astype(int),
        np.asarray(seven())[..., np.newaxis],
        np.asarray(seven("RGB", "yellow", "red")),
        np.asarray(seven(paper=20, ink=230)),
        np.asarray(seven(paper=180, ink=130)),
    ],
    ids=[
        "grey",
        "JPEG",
        "CMYK",
        "WEBP",
        "BMP",
        "TIFF",
        "two colours",
        "palette",
        "LA",
        "transparent paper",
        "light ink on nothing",
        "16 bits in a file",
        "16 bits",
        "array",
        "shares",
        "truth values",
        "0 and 1",
        "64 bits",
        "an axis for one channel",
        "red on yellow",
        "dark paper",
        "little contrast",
    ],
)
def test_whatever_it_comes_in_the_digit_is_the_same(plain, picture):
    assert difference(plain, prepare_digit(picture).image) < 0.12


@pytest.mark.parametrize("orientation", range(1, 9))
def test_it_is_held_as_the_camera_says(plain, orientation):
    turned = {
        2: Image.Transpose.FLIP_LEFT_RIGHT,
        3: Image.Transpose.ROTATE_180,
        4: Image.Transpose.FLIP_TOP_BOTTOM,
        5: Image.Transpose.TRANSPOSE,
        6: Image.Transpose.ROTATE_90,
        7: Image.Transpose.TRANSVERSE,
        8: Image.Transpose.ROTATE_270,
    }
    stored = seven().transpose(turned[orientation]) if orientation > 1 else seven()
    exif = Image.Exif()
    exif[0x0112] = orientation
    assert difference(plain, prepare_digit(encode(stored, exif=exif)).image) < 0.02


def test_the_picture_that_was_handed_in_stays_as_it_is():
    picture = Image.open(io.BytesIO(encode(seven().resize((1600, 2400)), "JPEG")))
    image = prepare_digit(picture).image
    assert picture.size == (1600, 2400)
    np.testing.assert_array_equal(image, prepare_digit(picture).image)


def test_a_phones_photo_that_holds_a_smaller_copy_is_read(plain):
    small = seven("RGB", "white", "black").resize((40, 60))
    content = encode(seven("RGB", "white", "black"), "MPO", save_all=True, append_images=[small])
    assert difference(plain, prepare_digit(content).image) < 0.12


def test_a_one_that_fills_its_box_on_a_transparent_ground_is_ink():
    picture = Image.new("RGBA", (200, 300), (0, 0, 0, 0))
    ImageDraw.Draw(picture).rectangle([90, 60, 104, 249], fill=(0, 0, 0, 255))
    assert prepare_digit(picture).box == pytest.approx((90 / 200, 60 / 300, 105 / 200, 250 / 300), abs=0.02)


def test_a_sheet_with_transparent_margins_keeps_its_own_paper(plain):
    page = Image.new("RGBA", (300, 400), (0, 0, 0, 0))
    page.paste(seven("RGBA", "white", "black"), (50, 50))
    assert difference(plain, prepare_digit(page).image) < 0.12


def test_pictures_of_rare_kinds_are_read_all_the_same(plain):
    exif = Image.Exif()
    exif[0x0112] = 6
    deep = np.asarray(seven().transpose(Image.Transpose.ROTATE_90)).astype("uint16") * 257
    for picture in (
        encode(Image.fromarray(deep), exif=exif),
        encode(seven(), exif=b"no notes at all"),
        np.asarray(seven("LA", (255, 0), (0, 255))),
        np.asarray(seven("RGBA", (0, 0, 0, 0), (0, 0, 0, 255))),
    ):
        assert difference(plain, prepare_digit(picture).image) < 0.02


def test_more_bytes_than_are_read_are_refused(tmp_path, monkeypatch):
    content = encode(seven())
    monkeypatch.setattr(pictures, "MAX_BYTES", len(content) - 1)
    (tmp_path / "large.png").write_bytes(content)
    for picture in (content, tmp_path / "large.png"):
        with pytest.raises(PictureError, match=f"{len(content) - 1:,}"):
            prepare_digit(picture)
    monkeypatch.setattr(pictures, "MAX_BYTES", len(content))
    assert prepare_digit(content)


def test_the_stages_are_what_they_are_called():
    stages = prepare_digit(seven()).stages
    assert [stages[name].shape for name in ("picture", "ink", "digit")] == [(300, 200)] * 3
    places = (0, 0), (60, 90)  # paper, and the roof of the 7
    assert [stages["picture"][place] for place in places] == pytest.approx([1, 0])
    assert [stages["ink"][place] for place in places] == pytest.approx([0, 1])
    assert [stages["digit"][place] for place in places] == pytest.approx([0, 1])


def test_a_digit_that_is_all_top_is_placed_within_the_image():
    """Its centre of mass would push it out of the image; 4 pixels to either side is all there is."""
    square = np.full((20, 20), 0.01)
    square[:2] = 1
    for turned, rows in ((square, [8, 9]), (square[::-1], [18, 19])):
        assert np.flatnonzero(place_digit(turned).max(axis=1) > 0.5).tolist() == rows


# Paper and pens


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


def test_a_dark_blot_does_not_make_the_strokes_pale(plain):
    picture = seven(ink=110)
    ImageDraw.Draw(picture).ellipse([143, 53, 156, 66], fill=0)  # where the two strokes meet
    assert difference(plain, prepare_digit(picture).image) < 0.1


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


# Several digits


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


def test_a_page_may_be_much_higher_than_wide():
    page = np.full((600, 200), 255, "uint8")
    page[450:550, 40:52] = page[450:550, 130:142] = 0
    ends = [[200 * part.box[0], 600 * part.box[3]] for part in split_digits(page)]
    assert ends == [pytest.approx([40, 550], abs=3), pytest.approx([130, 550], abs=3)]


def test_the_halves_of_a_digit_are_joined_and_those_of_close_lines_are_not():
    page = np.full((300, 400), 255, "uint8")
    page[20:120, 40:52] = page[130:230, 40:52] = 0
    page[20:66, 180:192] = page[72:120, 180:192] = 0
    parts = split_digits(page)
    assert [part.row for part in parts] == [0, 0, 1]
    assert [400 * part.box[0] for part in parts] == pytest.approx([40, 180, 40], abs=3)


@pytest.mark.parametrize("thumb", [np.s_[150:280, :40], np.s_[150:280, -40:], np.s_[:90, 60:120], np.s_[-90:, 60:120]])
def test_what_reaches_in_from_an_edge_is_no_digit_and_does_not_make_others_faint(thumb):
    page = np.full((400, 400), 255, "uint8")
    page[100:300, 195:210] = 170  # so pale that beside the thumb it would count as a smudge
    alone = split_digits(page)[0].image
    page[thumb] = 0
    parts = split_digits(page)
    assert [400 * part.box[0] for part in parts] == pytest.approx([195], abs=3)
    assert difference(alone, parts[0].image) < 0.02


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


def test_a_blackened_digit_is_a_blot_and_a_pen_that_varies_makes_none():
    page = np.full((160, 500), 255, "uint8")
    for left, pen in ((20, 8), (100, 10), (180, 13), (260, 8), (340, 30)):
        page[30:130, left : left + pen] = 0
    assert [part.blot for part in split_digits(page)] == [False, False, False, False, True]


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


@pytest.mark.parametrize("prepare", [prepare_digit, split_digits])
def test_eight_pixels_are_a_digit_and_seven_are_not(prepare):
    page = np.full((60, 60), 255, "uint8")
    page[20:27, 30:33] = 0
    with pytest.raises(NoDigitError, match="large enough for a digit"):
        prepare(page)
    page[27, 30:33] = 0
    assert prepare(page)


def test_touching_digits_are_reported():
    page = Image.new("L", (500, 320), 255)
    for x in (10, 110, 330):
        page.paste(seven(), (x, 10), mask=Image.eval(seven(), lambda value: 255 - value))
    assert [part.touching for part in split_digits(page)] == [True, False]


# Bad input

BROKEN = {
    "blank": (encode(Image.new("L", (300, 300), 255)), "holds no ink"),
    "black": (encode(Image.new("L", (300, 300), 0)), "holds no ink"),
    "one pixel": (encode(Image.new("L", (1, 1), 7)), "holds no ink"),
    "a speck": (np.where(np.arange(10_000).reshape(100, 100) == 5050, 0, 255).astype("uint8"), "holds no ink|specks"),
    "a long strip": (
        np.random.default_rng(7).integers(0, 255, (1, 5000), dtype="uint8"),
        "large enough for a digit|only specks",
    ),
    "too many pixels": (encode(Image.new("1", (12_000, 12_000), 1)), "12,000×12,000 pixels|far too many pixels"),
    "a bomb": (encode(Image.new("1", (30_000, 30_000), 1)), "far too many pixels"),
    "cut off": (encode(seven())[:300], "cut off or damaged"),
    "a JPEG that is cut off": (encode(seven(), "JPEG")[:900], "cut off or damaged"),
    "random bytes": (np.random.default_rng(7).bytes(5_000), "is none of BMP, GIF, JPEG"),
    "nothing": (b"", "is none of BMP"),
    "SVG": (b"<svg xmlns='http://www.w3.org/2000/svg'/>", "is none of BMP"),
    "PDF": (b"%PDF-1.7\n", "is none of BMP"),
    "64 million pixels": (encode(Image.new("1", (8_000, 8_000), 1)), "8,000×8,000 pixels"),
    "a JPEG of 64 million pixels": (encode(Image.new("L", (8_000, 8_000), 255), "JPEG"), "8,000×8,000 pixels"),
    "an array of 64 million pixels": (np.broadcast_to(np.uint8(255), (8_000, 8_000)), "8,000×8,000 pixels"),
    "HEIC": (b"\0\0\0\x18ftypheic" + bytes(60), "is HEIC.*export it as JPEG"),
    "all transparent": (encode(Image.new("RGBA", (50, 50), (0, 0, 0, 0))), "holds no ink"),
    "thousands of scans": (encode(seven(), "JPEG")[:-2] + b"\xff\xda" * 3_000, "very many scans"),
    "thousands of scans in a phone's photo": (
        encode(seven("RGB", "white"), "MPO", save_all=True, append_images=[seven("RGB", "white")])
        + b"\xff\xda" * 3_000,
        "very many scans",
    ),
    "numbers below 0": (Image.fromarray(np.full((50, 50), -1, "float32")), "expected values from 0 to 1"),
    "a film": (encode(seven(), "GIF", save_all=True, append_images=[seven(paper=0, ink=255)]), "holds 2 pictures"),
}


@pytest.mark.parametrize("prepare", [prepare_digit, split_digits])
@pytest.mark.parametrize(("picture", "message"), list(BROKEN.values()), ids=list(BROKEN))
def test_what_cannot_be_read_is_refused_soon(prepare, picture, message):
    start = time.perf_counter()
    with pytest.raises(PictureError, match=message):
        prepare(picture)
    assert time.perf_counter() - start < 2


@pytest.mark.parametrize(
    ("array", "error", "message"),
    [
        (np.full((50, 50), np.nan), ValueError, "infinite or not a number"),
        (np.full((50, 50), np.inf), ValueError, "infinite or not a number"),
        (np.full((50, 50), -1), ValueError, "expected values from 0 to 1.*got -1 to -1"),
        (np.full((50, 50), 70_000.0), ValueError, "expected values from 0 to 1.*got 70000"),
        (np.full((5, 5), None), TypeError, "expected an array of numbers, got object"),
        (np.ones((1, 28, 28, 1)), ValueError, r"expected shape .* got \(1, 28, 28, 1\)"),
        (np.ones(784), ValueError, r"got \(784,\)"),
        (np.ones((0, 5)), ValueError, r"got \(0, 5\)"),
        (3, TypeError, "expected a path, bytes, a Pillow image or a NumPy array, got int"),
    ],
)
def test_what_is_no_picture_is_named(array, error, message):
    with pytest.raises(error, match=rf"^picture: .*{message}"):
        prepare_digit(array)


@pytest.mark.parametrize("prepare", [prepare_digit, split_digits])
def test_files_that_cannot_be_read_are_named(prepare, tmp_path):
    (tmp_path / "broken.png").write_bytes(b"no picture")
    os.mkfifo(tmp_path / "pipe")
    for name, message in {
        "broken.png": "is none of",
        "missing.png": "cannot be read: No such file",
        ".": "is a folder",
        "pipe": "no ordinary file",
    }.items():
        with pytest.raises(PictureError, match=message) as caught:
            prepare(tmp_path / name)
        assert str(tmp_path / name) in str(caught.value)


def test_a_file_or_folder_without_permission_is_named(locked_out):
    folder, as_nobody = locked_out
    (folder / "secret.png").write_bytes(encode(seven()))
    (folder / "inner").mkdir()
    for name in ("secret.png", "inner"):
        (folder / name).chmod(0)
        with as_nobody(), pytest.raises(PictureError, match=rf"{name}: cannot be read: Permission denied"):
            prepare_digit(folder / name)


# Properties

shifts = st.integers(0, 60)


@settings(deadline=None, max_examples=40)
@given(left=shifts, top=shifts, scale=st.floats(0.5, 3), dark=st.booleans(), seed=st.integers(0, 2**32 - 1))
def test_place_size_polarity_and_noise_change_little(plain, left, top, scale, dark, seed):
    picture = seven().resize((round(200 * scale), round(300 * scale)), Image.Resampling.BICUBIC)
    page = Image.new("L", (picture.width + 60, picture.height + 60), 255)
    page.paste(picture, (left, top))
    values = np.asarray(page) / 255
    noise = np.random.default_rng(seed).normal(0, 0.02, values.shape)
    values = np.clip(0.9 * (1 - values if dark else values) + 0.05 + noise, 0, 1)
    assert difference(plain, prepare_digit(values).image) < 0.3


@settings(deadline=None, max_examples=200)
@given(
    st.binary(max_size=2_000),
    st.sampled_from([b"", b"\x89PNG\r\n\x1a\n", b"\xff\xd8\xff", b"GIF89a", b"BM", b"II*\x00"]),
)
def test_random_bytes_raise_nothing_but_our_error(content, start):
    with pytest.raises(PictureError):
        prepare_digit(start + content)


@settings(deadline=None, max_examples=60)
@given(st.integers(1, 40), st.integers(1, 40), st.integers(0, 2**32 - 1))
def test_random_pixels_become_an_image_or_our_error(height, width, seed):
    pixels = np.random.default_rng(seed).integers(0, 256, (height, width), dtype="uint8")
    try:
        image = prepare_digit(pixels).image
    except PictureError:
        return
    assert image.shape == (28, 28)


@settings(deadline=None, max_examples=150)
@given(st.integers(1, 50), st.integers(1, 50), st.integers(0, 2), st.integers(2, 9), st.booleans())
def test_fine_stripes_become_an_image_or_our_error(height, width, slant, period, several):
    stripes = np.add.outer(np.arange(height), slant * np.arange(width)) % period == 0
    try:
        parts = split_digits(stripes) if several else [prepare_digit(stripes)]
    except PictureError:
        return
    assert parts
    assert all(part.image.max() == 255 for part in parts)


APART = [sample for sample in sample_pictures() if sample.kind == "number" and "touch" not in sample.note]


@pytest.mark.parametrize("sample", APART, ids=lambda sample: sample.note)
def test_the_sample_numbers_are_split_into_their_digits(sample):
    parts = split_digits(sample.path)
    assert [sum(part.row == row for part in parts) for row in range(parts[-1].row + 1)] == [
        len(digits) for digits in sample.label.split("-")
    ]


def test_a_fold_across_the_page_is_no_stroke(plain):
    picture = seven()
    ImageDraw.Draw(picture).line([(0, 20), (199, 35)], fill=90, width=2)
    assert difference(plain, prepare_digit(picture).image) < 0.05
    folded = Image.new("L", (200, 300), 255)
    ImageDraw.Draw(folded).line([(0, 20), (199, 280)], fill=90, width=2)
    with pytest.raises(NoDigitError, match="a line from edge to edge"):
        prepare_digit(folded)


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
