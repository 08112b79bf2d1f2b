"""Whatever a picture comes in, it is opened the right way up, or refused soon and by name."""

import io
import os
import time

import numpy as np
import pytest
from hypothesis import given, settings, strategies as st
from PIL import Image, ImageDraw

from mnist_helpers import PictureError, prepare_digit, split_digits
from mnist_helpers.handwriting import pictures
from tests.mnist_helpers.handwriting.conftest import difference, encode, seven


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


@pytest.mark.parametrize("place", ["memory", "disk", "stream"])
def test_an_open_file_is_read_from_its_beginning_each_time(plain, place, tmp_path):
    content = encode(seven())
    (tmp_path / "seven.png").write_bytes(content)
    read_end, write_end = os.pipe()
    with open(write_end, "wb") as end:
        end.write(content)
    with (
        io.BytesIO(content) as memory,
        (tmp_path / "seven.png").open("rb") as disk,
        open(read_end, "rb") as stream,
    ):
        file = {"memory": memory, "disk": disk, "stream": stream}[place]
        if file.seekable():
            file.seek(5)  # as whoever wrote it, or looked at its format, left it
            np.testing.assert_array_equal(prepare_digit(file).image, plain)
        np.testing.assert_array_equal(prepare_digit(file).image, plain)


class Endless:
    """A stream that never ends, and hands over less than it is asked for."""

    given = 0

    def read(self, size):
        part = bytes(min(size, 1_000))
        self.given += len(part)
        return part


def test_an_open_file_is_read_as_far_as_the_limit_and_named(tmp_path, monkeypatch):
    content = encode(seven())
    endless = Endless()
    monkeypatch.setattr(pictures, "MAX_BYTES", len(content))
    with pytest.raises(PictureError, match=f"the picture: has more than {len(content):,} bytes"):
        prepare_digit(endless)
    assert endless.given == len(content) + 1
    assert prepare_digit(io.BytesIO(content))
    (tmp_path / "large.png").write_bytes(content + b"more")
    with (tmp_path / "large.png").open("rb") as file, pytest.raises(PictureError, match=r"large\.png: has more than"):
        prepare_digit(file)


def test_an_open_file_that_cannot_be_read_is_named(tmp_path):
    (tmp_path / "seven.png").write_bytes(encode(seven()))
    with (tmp_path / "seven.png").open("rb") as closed:
        pass
    with pytest.raises(PictureError, match=r"seven\.png: cannot be read: I/O operation on closed file"):
        prepare_digit(closed)
    with (tmp_path / "new.png").open("wb") as writable, pytest.raises(PictureError, match=r"new\.png: cannot be read"):
        prepare_digit(writable)
    with pytest.raises(TypeError, match=r"picture: expected a file opened in binary mode, got one of text.*'rb'"):
        prepare_digit(io.StringIO("a picture"))


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
        (3, TypeError, "expected a path, bytes, .*a Pillow image or a NumPy array, got int"),
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


@settings(deadline=None, max_examples=200)
@given(
    st.binary(max_size=2_000),
    st.sampled_from([b"", b"\x89PNG\r\n\x1a\n", b"\xff\xd8\xff", b"GIF89a", b"BM", b"II*\x00"]),
)
def test_random_bytes_raise_nothing_but_our_error(content, start):
    with pytest.raises(PictureError):
        prepare_digit(start + content)
