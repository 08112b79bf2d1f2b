"""Paper and ink: how much ink lies at each place of a picture, on paper of any colour under uneven light."""

import numpy as np
from PIL import Image
from scipy import ndimage

from mnist_helpers.handwriting.pictures import MIN_CONTRAST, NoDigitError, strongest
from mnist_helpers.handwriting.strokes import EVERYWHERE, stroke_width

DIGIT_SIDE, PAGE_SIDE = 400, 1600  # the longer side, in pixels, at which one digit, and several, are looked for
PENS = 4  # a stroke is narrower than so many pens; what is broader is paper, or a shadow on it


def find_ink(pixels):
    """How much ink lies at each place, from 0 to 1, on paper of any colour under uneven light."""
    value, base, direction = _project(pixels)
    # A square that is broad enough for any pen follows the light less closely than one for the pen at hand. So the
    # first serves to measure the pen, and that can be done on a small copy.
    small = _small(value, DIGIT_SIDE)
    rough = _above_paper(small, _broad(small), base, direction)
    pen = stroke_width(rough > 0.5 * strongest(rough)) * max(value.shape) / max(small.shape)
    ink = _above_paper(value, int(min(PENS * pen, _broad(value))) | 1, base, direction)
    strong, noise = strongest(ink), 1.4826 * np.median(np.abs(ink))  # the factor makes a standard deviation of it
    if strong < max(MIN_CONTRAST, 4.5 * noise):
        raise NoDigitError("holds no ink; it is blank, or the pen is too faint.")
    return _without_lines(np.clip(ink / strong, 0, 1))


def _broad(value):
    return max(round(0.4 * min(value.shape)), 3) | 1


def _above_paper(value, broad, base, direction):
    paper = _paper(value, broad)
    ink = value - paper
    if direction.mean() < 0:  # dark ink takes a share of the light, and in a shadow there is less to take
        light = base.mean() + paper * direction.mean()
        ink /= np.clip(light / light.max(), 0.3, 1)
    return ink - np.median(ink)


def _project(pixels):
    """One number a pixel, in the direction of colour in which the ink lies: the more, the more ink.

    Returns:
        The numbers, the colour where they are 0, and the direction.
    """
    pixels = np.broadcast_to(pixels, (*pixels.shape[:2], 3))  # so that grey counts as it does among colours
    base = np.median(pixels, axis=(0, 1))
    difference = pixels - base
    strength = np.linalg.norm(difference, axis=2)
    strong = strongest(strength)
    if strong < MIN_CONTRAST:
        raise NoDigitError("holds no ink; it is blank, or the pen is too faint.")
    inked = difference[strength >= 0.7 * strong]
    _, directions = np.linalg.eigh(inked.T @ inked)
    direction = directions[:, -1]  # in which they are largest
    along = difference @ direction
    # Most of a picture is paper, so its stronger differences are on the side of the ink; noise lies on both alike.
    small = _small(along, 32)
    flat = along - _large(ndimage.median_filter(small, [2 * (n // 4) + 1 for n in small.shape], mode="mirror"), along)
    inner = np.outer(*(np.hanning(n + 2)[1:-1] for n in flat.shape))  # the tip of a shadow may reach in from the border
    sign = 1 if (inner * flat**3).sum() >= 0 else -1
    return sign * along, base, sign * direction


def _paper(value, broad):
    """The paper below the ink: what remains when everything narrower than a broad stroke is taken off the top.

    Unlike a median it follows the edges of shadows and of pasted crops exactly.
    """
    values, counts = np.unique(value, return_counts=True)
    if counts.max() > 0.3 * value.size:  # drawn on a screen, where paper has one colour and no shadow
        return np.minimum(values[counts.argmax()], value)
    smooth = ndimage.gaussian_filter(value, min(value.shape) / 200)
    beyond = np.pad(smooth, broad, mode="edge")  # the squares may reach over the edge, where a shadow does, too
    low = ndimage.grey_opening(beyond, broad)[broad:-broad, broad:-broad]
    # At the edge of a shadow the picture itself is sharper than the smooth one. That difference is no ink, either.
    return np.minimum(np.maximum(low, value - 3 * (smooth - low)), value)


def _without_lines(ink):
    """Take away ruled and squared lines: what is there, weaker than the pen, nearly all along a row or a column."""
    for _ in range(2):
        profile, rows = _along_rows(ink, _slope_of_lines(ink))
        profile = ndimage.maximum_filter1d(profile, 3)  # a sharp line climbs in steps, so it leaves its row by a pixel
        line = np.where(profile < 0.6, profile, 0)[rows]
        # Where there is much more ink than the line's, it is the pen's, which covers the line.
        ink = np.clip(ink - np.clip(3 * line - ink, 0, line), 0, 1).T
    return ink


def _slope_of_lines(ink):
    """How steep the lines are that there may be, in pixels downwards for each pixel to the right."""
    slope = 0.0
    if min(_small(ink, 128).shape) <= 60:
        return slope
    # First roughly, then on a copy that shows whether a thin line is met all along. Every hundredth of it will do.
    for side, reach in ((128, 0.1), (DIGIT_SIDE, 0.015)):
        small = _small(ink, side)
        step = max(small.shape[1] // 100, 1)
        slopes = slope + np.linspace(-reach, reach, 31)
        powers = np.array([(_along_rows(small[:, ::step], step * steepness)[0] ** 2).sum() for steepness in slopes])
        slope = slopes[powers >= 0.99 * powers.max()].mean().round(6)  # of several that are as good, the middle
    return slope


def _along_rows(ink, slope):
    """What three quarters of each row exceed, and in which of these rows each pixel lies; the rows may climb."""
    height, width = ink.shape
    shift = np.round(slope * (np.arange(width) - width / 2)).astype(int)
    y, x = np.arange(height)[:, np.newaxis], np.arange(width)
    quarter = width // 4
    return np.partition(ink[(y + shift) % height, x], quarter, axis=1)[:, quarter], (y - shift) % height


def without_margins(ink):
    """Ink without what reaches the edge: on a page that is no digit, but the edge of the paper, a finger or a pen."""
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
