"""Paper and ink: how much ink lies at each place of a picture, on paper of any colour under uneven light."""

import numpy as np
from PIL import Image
from scipy import ndimage

from mnist_helpers.handwriting.pictures import MIN_CONTRAST, NoDigitError, strongest
from mnist_helpers.handwriting.strokes import EVERYWHERE, stroke_width

DIGIT_SIDE, PAGE_SIDE = 400, 1600  # the longer side, in pixels, at which one digit, and several, are looked for
PENS = 4  # in pen widths: what is broader than this is paper, or a shadow on it


def find_ink(pixels):
    """How much ink lies at each place, from 0 to 1, on paper of any colour under uneven light."""
    value, base, direction = _project(pixels)
    # A window that is broad enough for any pen follows the lighting less closely than one fitted to this pen. So the
    # broad window only serves to measure the pen, on a small copy.
    small = _small(value, DIGIT_SIDE)
    rough = _above_paper(small, _broad(small), base, direction)
    pen = stroke_width(rough > 0.5 * strongest(rough)) * max(value.shape) / max(small.shape)
    ink = _above_paper(value, int(min(PENS * pen, _broad(value))) | 1, base, direction)
    strong, noise = strongest(ink), 1.4826 * np.median(np.abs(ink))  # from a median deviation to a standard deviation
    if strong < max(MIN_CONTRAST, 4.5 * noise):
        raise NoDigitError("holds no ink; it is blank, or the pen is too faint.")
    return _without_lines(np.clip(ink / strong, 0, 1))


def _broad(value):
    return max(round(0.4 * min(value.shape)), 3) | 1


def _above_paper(value, broad, base, direction):
    paper = _paper(value, broad)
    ink = value - paper
    if direction.mean() < 0:  # dark ink absorbs a share of the light, so its contrast is lower in a shadow
        light = base.mean() + paper * direction.mean()
        ink /= np.clip(light / light.max(), 0.3, 1)
    return ink - np.median(ink)


def _project(pixels):
    """Project the colour of each pixel onto the direction from paper to ink: the larger, the more ink.

    Returns:
        The projections, the median colour (projection 0), and the direction.
    """
    pixels = np.broadcast_to(pixels, (*pixels.shape[:2], 3))  # grey as three equal channels
    base = np.median(pixels, axis=(0, 1))
    difference = pixels - base
    strength = np.linalg.norm(difference, axis=2)
    strong = strongest(strength)
    if strong < MIN_CONTRAST:
        raise NoDigitError("holds no ink; it is blank, or the pen is too faint.")
    inked = difference[strength >= 0.7 * strong]
    _, directions = np.linalg.eigh(inked.T @ inked)
    direction = directions[:, -1]  # that of the largest eigenvalue
    along = difference @ direction
    # Most of a picture is paper, so the differences are skewed towards the ink; noise is symmetric.
    small = _small(along, 32)
    flat = along - _large(ndimage.median_filter(small, [2 * (n // 4) + 1 for n in small.shape], mode="mirror"), along)
    inner = np.outer(*(np.hanning(n + 2)[1:-1] for n in flat.shape))  # less weight at the border, for shadows there
    sign = 1 if (inner * flat**3).sum() >= 0 else -1
    return sign * along, base, sign * direction


def _paper(value, broad):
    """The paper below the ink, by a grey opening that removes everything narrower than a broad stroke.

    Unlike a median filter it follows the edges of shadows and of pasted crops exactly.
    """
    values, counts = np.unique(value, return_counts=True)
    if counts.max() > 0.3 * value.size:  # drawn on a screen, where paper has one colour and no shadow
        return np.minimum(values[counts.argmax()], value)
    smooth = ndimage.gaussian_filter(value, min(value.shape) / 200)
    beyond = np.pad(smooth, broad, mode="edge")  # the window may extend past the edge, as a shadow does
    low = ndimage.grey_opening(beyond, broad)[broad:-broad, broad:-broad]
    # At the edge of a shadow the picture is sharper than its smoothed copy. That difference is not ink.
    return np.minimum(np.maximum(low, value - 3 * (smooth - low)), value)


def _without_lines(ink):
    """Remove ruled and squared lines: what is fainter than the pen, along nearly all of a row or a column."""
    for _ in range(2):
        profile, rows = _along_rows(ink, _slope_of_lines(ink))
        profile = ndimage.maximum_filter1d(profile, 3)  # a tilted sharp line has steps, up to a pixel off its row
        line = np.where(profile < 0.6, profile, 0)[rows]
        # Much more ink than the line's is a stroke that covers the line, and stays.
        ink = np.clip(ink - np.clip(3 * line - ink, 0, line), 0, 1).T
    return ink


def _slope_of_lines(ink):
    """Slope of the lines, if there are any, in pixels downwards for each pixel to the right."""
    slope = 0.0
    if min(_small(ink, 128).shape) <= 60:
        return slope
    # A coarse search, then a fine one on a copy that is large enough for thin lines. About 100 columns suffice.
    for side, reach in ((128, 0.1), (DIGIT_SIDE, 0.015)):
        small = _small(ink, side)
        step = max(small.shape[1] // 100, 1)
        slopes = slope + np.linspace(-reach, reach, 31)
        powers = np.array([(_along_rows(small[:, ::step], step * steepness)[0] ** 2).sum() for steepness in slopes])
        slope = slopes[powers >= 0.99 * powers.max()].mean().round(6)  # the mean of the nearly best ones
    return slope


def _along_rows(ink, slope):
    """The lower quartile of each row, tilted by the slope, and the row that each pixel belongs to."""
    height, width = ink.shape
    shift = np.round(slope * (np.arange(width) - width / 2)).astype(int)
    y, x = np.arange(height)[:, np.newaxis], np.arange(width)
    quarter = width // 4
    return np.partition(ink[(y + shift) % height, x], quarter, axis=1)[:, quarter], (y - shift) % height


def without_margins(ink):
    """Ink without the parts that touch the border: on a page these are its own edge, a finger or a pen."""
    labels, _ = ndimage.label(ink > 0.3, EVERYWHERE)
    outside = np.unique(np.concatenate([labels[0], labels[-1], labels[:, 0], labels[:, -1]]))
    margins = np.isin(labels, outside[outside > 0])
    if not margins.any():
        return ink
    rest = np.where(ndimage.binary_dilation(margins, EVERYWHERE, iterations=3), 0, ink)
    return np.clip(rest / max(strongest(rest), 1e-3), 0, 1)


def _small(values, side):
    height, width = values.shape
    scale = max(height, width) / side
    if scale <= 1:
        return values
    size = max(round(width / scale), 1), max(round(height / scale), 1)
    return np.asarray(Image.fromarray(values.astype("float32")).resize(size, Image.Resampling.HAMMING))


def _large(small, like):
    if small.shape == like.shape:
        return small
    return np.asarray(Image.fromarray(small.astype("float32")).resize(like.shape[::-1], Image.Resampling.BILINEAR))
