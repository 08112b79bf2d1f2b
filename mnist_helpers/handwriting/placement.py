"""From strokes to MNIST's format: the stroke width, the square, and the position in 28×28 pixels.

MNIST's way (LeCun et al., 1998; reconstructed by Yadav & Bottou, 2019): cut out the square around the ink, bring its
longer side to 20 pixels by averaging over areas, and place it in 28×28 pixels so that the centre of mass is in the
middle.
"""

import numpy as np
from PIL import Image
from scipy import ndimage

from mnist_helpers.checks import check_count, check_ink, check_square

SQUARE = 20  # the longer side of a digit in MNIST
THINNEST = 1.9  # pixels of those 20; in MNIST 95% of the digits have thicker strokes (the first 3,000, enlarged 4×)


def average_areas(square, size):
    """Make a square picture smaller; each new pixel is the mean over the area that it covers.

    Args:
        square: array of shape ``(n, n)``.
        size: height and width of the new picture, in pixels.

    Returns:
        Array of shape ``(size, size)``.
    """
    check_square("square", square)
    check_count("size", size, maximum=10_000)
    edges = np.linspace(0, len(square), size + 1)[:, np.newaxis]
    pixels = np.arange(len(square))
    overlap = np.minimum(edges[1:], pixels + 1) - np.maximum(edges[:-1], pixels)
    shares = np.clip(overlap, 0, None) / (len(square) / size)  # (size, n): of each new pixel, what each old one covers
    return shares @ square @ shares.T


def place_digit(square):
    """Ink as MNIST places it: 20 pixels long, by area, the centre of mass in the middle of 28×28 pixels.

    Args:
        square: array of shape ``(n, n)``, 0 paper and 1 ink, with some ink, that the digit fills from edge to edge.

    Returns:
        ``float32`` array of shape ``(28, 28)`` from 0 to 1; the darkest place is 1.
    """
    check_square("square", square)
    check_ink("square", square)
    small = average_areas(square, SQUARE)
    small /= small.max()
    image = np.zeros((28, 28), "float32")
    # By whole pixels, so that the centre is above 13.5 and at most 14.5, as it is in MNIST.
    row, column = ndimage.center_of_mass(small)
    top = int(np.clip(np.floor(14.5 - row), 0, 8))
    left = int(np.clip(np.floor(14.5 - column), 0, 8))
    image[top : top + SQUARE, left : left + SQUARE] = small
    return image


def make_square(cut):
    side = max(cut.shape)
    square = np.zeros((side, side), "float32")
    top, left = (side - cut.shape[0]) // 2, (side - cut.shape[1]) // 2
    square[top : top + cut.shape[0], left : left + cut.shape[1]] = cut
    return square


def with_pen_of_mnist(cut, thickness):
    """Thicken strokes that would be too faint at a size of 20 pixels."""
    if thickness >= THINNEST:
        return cut
    factor = 4 * SQUARE / max(cut.shape)
    size = max(round(cut.shape[1] * factor), 1), max(round(cut.shape[0] * factor), 1)
    cut = np.asarray(Image.fromarray(cut).resize(size, Image.Resampling.BILINEAR))
    # The dilation enlarges the digit on both sides, and the reduction to 20 pixels makes up for it.
    radius = 2 * (THINNEST - thickness) / (1 - THINNEST / SQUARE)
    whole = int(np.ceil(radius))
    y, x = np.mgrid[-whole : whole + 1, -whole : whole + 1]
    thick = ndimage.grey_dilation(np.pad(cut, whole), footprint=np.hypot(y, x) <= radius + 0.3)
    # A line thinner than a pixel is pale where it falls between two pixels; a thicker one would not be.
    return np.clip(thick / np.percentile(thick[thick > 0.3 * thick.max()], 25), 0, 1)
