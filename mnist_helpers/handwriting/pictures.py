"""Opening pictures: any file, bytes, Pillow image or array becomes an upright array from 0 to 1, or an error.

Pictures are untrusted input: only a few formats are accepted, sizes are checked before anything is decoded, and every
exception of a decoder is replaced by an error that names the picture.
"""

import contextlib
import io
import os
import warnings
from pathlib import Path

import numpy as np
from PIL import Image

ORIENTATION = 0x0112  # the EXIF tag for the camera's orientation; below, what turns the picture upright
TURNS = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}
# From cameras, scanners, drawing programs and the web. Anything else is refused before a byte of it is decoded.
FORMATS = ("BMP", "GIF", "JPEG", "PNG", "PPM", "TIFF", "WEBP")
MAX_PIXELS = 50_000_000  # a large phone's photo; decoding it takes a second and some hundred megabytes
MAX_BYTES = 100_000_000
MAX_SCANS = 50  # of a JPEG; a progressive one has about ten, one made to exhaust its decoder has thousands
OUTSIDE = "is a link that leads out of the folder, and is not followed"
MIN_CONTRAST = 0.06  # of the way from black to white; less is paper, or noise

# Pillow warns of damaged metadata, which does not affect the pixels; damage that does raises an error.
warnings.filterwarnings("ignore", category=UserWarning, module=r"PIL\.TiffImagePlugin")


class PictureError(ValueError):
    """The picture cannot be opened.

    Attributes:
        reason: what is wrong with it, and what to do.
        name: the picture, as a path or in words.
    """

    def __init__(self, reason):
        super().__init__(reason)
        self.reason, self.name = reason, "the picture"

    def __str__(self):
        return f"{self.name}: {self.reason}"


class NoDigitError(PictureError):
    """The picture can be opened, but there is nothing in it that could be a digit."""


@contextlib.contextmanager
def named(picture):
    """Context manager: errors raised inside it name the picture."""
    try:
        yield
    except PictureError as error:
        if isinstance(picture, str | os.PathLike):
            error.name = os.fspath(picture)
        elif isinstance(picture, np.ndarray):
            error.name = "the array"
        elif isinstance(getattr(picture, "name", None), str):  # of an open file
            error.name = picture.name
        raise


def leads_out(path, folder):
    """Whether a path in a folder is, or passes through, a link to outside the folder.

    Otherwise a link in a folder from somebody else could make this program read any file of the machine.
    """
    return not Path(os.path.realpath(path)).is_relative_to(os.path.realpath(folder))


def open_picture(picture, side):
    """The picture as a ``float32`` array of shape ``(height, width, channels)`` from 0 to 1, upright.

    Its longer side is reduced to ``side`` pixels; smaller pictures keep their size.
    """
    if isinstance(picture, np.ndarray):
        return _from_array(picture, side)
    if isinstance(picture, str | os.PathLike):
        picture = _read(Path(picture))
    elif hasattr(picture, "read"):
        picture = _read_open_file(picture)
    if isinstance(picture, bytes | bytearray | memoryview):
        picture = _decode(bytes(picture), side)
    elif not isinstance(picture, Image.Image):
        raise TypeError(
            "picture: expected a path, bytes, a file opened in binary mode, a Pillow image or a NumPy array, "
            f"got {type(picture).__name__}."
        )
    try:
        _check_size(picture.size)
        frames = getattr(picture, "n_frames", 1)
        if frames > 1 and picture.format != "MPO":  # a phone's photo may hold a smaller copy of itself
            raise PictureError(f"holds {frames} pictures; save the one you mean as PNG.")
        return _from_image(picture, side)
    except PictureError:
        raise
    except Exception as error:  # decoders raise many types, with messages that seldom help
        raise PictureError(f"cannot be decoded, it may be cut off or damaged ({error}).") from error


def _read(path):
    try:
        size = path.stat().st_size
        if path.is_dir():
            os.scandir(path).close()  # raises PermissionError for a folder that may not be opened
            raise PictureError("is a folder; name a picture in it.")
        if not path.is_file():
            raise PictureError("is no ordinary file.")  # a pipe or a device may never end
        if size > MAX_BYTES:
            raise PictureError(f"has {size:,} bytes; pictures of up to {MAX_BYTES:,} are read.")
        return path.read_bytes()
    except PictureError:
        raise
    except (OSError, ValueError) as error:  # a name that holds a null character is a ValueError
        raise PictureError(f"cannot be read: {getattr(error, 'strerror', None) or error}.") from error


def _read_open_file(file):
    """What an open file holds: from its beginning, if it can be rewound, since it may have been read or written."""
    content = bytearray()
    try:
        if getattr(file, "seekable", lambda: False)():
            file.seek(0)
        # A stream may return fewer bytes than requested, and may never end.
        while len(content) <= MAX_BYTES and (part := file.read(MAX_BYTES + 1 - len(content))):
            if not isinstance(part, bytes | bytearray | memoryview):
                raise TypeError("picture: expected a file opened in binary mode, got one of text; open it with 'rb'.")
            content += part
    except (OSError, ValueError) as error:  # one that is closed, or opened for writing, is a ValueError
        raise PictureError(f"cannot be read: {getattr(error, 'strerror', None) or error}.") from error
    return content


def _decode(content, side):
    if len(content) > MAX_BYTES:
        raise PictureError(f"has more than {MAX_BYTES:,} bytes, the most that are read.")
    if content[4:12] in (b"ftypheic", b"ftypheix", b"ftypmif1"):
        raise PictureError("is HEIC, as phones of Apple store photos, which is not read; export it as JPEG.")
    try:
        image = Image.open(io.BytesIO(content), formats=FORMATS)
    except (Image.DecompressionBombError, Image.DecompressionBombWarning) as error:
        raise PictureError(f"has far too many pixels; up to {MAX_PIXELS:,} are read.") from error
    except Exception as error:
        raise PictureError(f"is none of {', '.join(FORMATS)}, or is damaged; save it as PNG or JPEG.") from error
    _check_size(image.size)  # before draft(), which reduces the size of a JPEG
    if image.format in ("JPEG", "MPO"):  # MPO is a JPEG followed by others
        if content.count(b"\xff\xda") > MAX_SCANS:
            raise PictureError("is a JPEG of very many scans; save it again as an ordinary one.")
        image.draft("RGB", (side, side))  # a JPEG can be decoded at a fraction of its size
    return image


def _check_size(size):
    width, height = size
    if width * height > MAX_PIXELS:
        raise PictureError(f"has {width:,}×{height:,} pixels; up to {MAX_PIXELS:,} in all are read; make it smaller.")


def _from_image(image, side):
    turn = TURNS.get(_orientation(image))
    if image.mode.startswith("I") or image.mode == "F":
        try:
            return _from_array(np.asarray(image.transpose(turn) if turn is not None else image), side)
        except ValueError as error:
            raise PictureError(f"cannot be used: {error}") from error
    transparent = image.mode in ("RGBA", "LA", "PA", "La", "RGBa") or "transparency" in image.info
    if image.mode == "La":  # its values are multiplied by the transparency; Pillow makes RGBA of them by way of LA
        image = image.convert("LA")
    image = image.convert("RGBA" if transparent else "L" if image.mode in ("1", "L") else "RGB")
    image = _reduce(image, side)
    values = np.asarray(image.transpose(turn) if turn is not None else image, "float32") / 255
    return _on_paper(values) if transparent else values.reshape(*values.shape[:2], -1)


def _orientation(image):
    try:
        return image.getexif().get(ORIENTATION)
    except Exception:  # damaged metadata is no reason to refuse an intact picture
        return None


def _reduce(image, side):
    scale = side / max(image.size)
    if scale >= 1:
        return image
    size = max(round(image.width * scale), 1), max(round(image.height * scale), 1)
    return image.resize(size, Image.Resampling.HAMMING, reducing_gap=2)


def _from_array(array, side):
    kind = array.dtype.kind
    if kind not in "buif":
        raise TypeError(f"picture: expected an array of numbers, got {array.dtype}.")
    if array.ndim not in (2, 3) or 0 in array.shape or (array.ndim == 3 and array.shape[2] not in (1, 2, 3, 4)):
        raise ValueError(f"picture: expected shape (height, width) or (height, width, 1 to 4), got {array.shape}.")
    _check_size(array.shape[1::-1])
    low, high = array.min(), array.max()
    if not (np.isfinite(low) and np.isfinite(high)):
        raise ValueError("picture: holds values that are infinite or not a number.")
    largest = next((limit for limit in (1, 255, 65_535) if high <= limit), None)
    if low < 0 or largest is None:
        raise ValueError(f"picture: expected values from 0 to 1, to 255 or to 65,535, got {low} to {high}.")
    channels = array.reshape(*array.shape[:2], -1)
    planes = []
    for i in range(channels.shape[2]):  # one at a time, because float32 takes more memory
        plane = Image.fromarray(np.asarray(channels[..., i], "float32"))
        planes.append(np.asarray(_reduce(plane, side)) / np.float32(largest))
    values = np.stack(planes, axis=2)
    return _on_paper(values) if values.shape[2] in (2, 4) else values


def _on_paper(values):
    """Composite a transparent picture onto its own paper colour, if it has one, or white, or black for light ink."""
    colour, alpha = values[..., :-1], values[..., -1:]
    solid = alpha[..., 0] > 0.5
    if not solid.any():
        return np.ones_like(colour)
    rows, columns = np.flatnonzero(solid.any(axis=1)), np.flatnonzero(solid.any(axis=0))
    box = solid[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1]
    usual = np.median(colour[solid], axis=0)
    strokes = strongest(np.linalg.norm(colour[solid] - usual, axis=1)) > MIN_CONTRAST
    if box.mean() > 0.8 and strokes:  # a sheet with something on it
        paper = usual
    else:
        paper = 0.0 if colour[solid].mean() > 0.5 and not solid.all() else 1.0
    return colour * alpha + paper * (1 - alpha)


def strongest(values):
    """A robust maximum of the ink: not the very largest value, which may be a speck.

    The median of the largest values: 0.3% of them in a small picture, and at most 100, for a page may hold little ink.
    """
    count = min(int(np.clip(0.003 * values.size, 6, 100)), values.size)
    return float(np.median(np.partition(values.ravel(), -count)[-count:]))
