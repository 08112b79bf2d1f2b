"""Any picture of a handwritten digit, prepared as the digits of MNIST were.

MNIST's way (LeCun et al., 1998; reconstructed by Yadav & Bottou, 2019): cut out the square around the ink, bring its
longer side to 20 pixels by averaging over areas, and place it in 28×28 pixels so that the centre of mass lies in the
middle. What comes before that, here, makes ink of any picture: which way it was held, what is paper, what is shadow,
what is a speck, a frame or a ruled line, and how thick the pen was.
"""

from dataclasses import dataclass

import numpy as np
from PIL import Image
from scipy import ndimage

from mnist_helpers.checks import check_count, check_ink, check_square
from mnist_helpers.pictures import LEAST_CONTRAST, NoDigitError, named, open_picture, strongest

DIGIT_SIDE, PAGE_SIDE = 400, 1600  # the longer side, in pixels, at which one digit, and several, are looked for
MOST_STROKES = 300  # on a page of digits; a page of text has more
SMALLEST = 8  # pixels of the longer side of a digit
TOO_SMALL = "holds nothing large enough for a digit; cut the picture closer around it."
PENS = 4  # a stroke is narrower than so many pens; what is broader is paper, or a shadow on it
EVERYWHERE = np.ones((3, 3))  # pixels that touch at a corner belong together, too
SQUARE = 20  # the longer side of a digit in MNIST
THINNEST = 1.9  # pixels of those 20; in MNIST 95% of the digits have thicker strokes (the first 3,000, enlarged 4×)


@dataclass(frozen=True, eq=False)
class Preparation:
    """A digit as the networks read it, and how it came to be.

    Attributes:
        image: ``uint8`` array of shape ``(28, 28)``, 0 paper and 255 ink.
        stages: dictionary from the name of each stage to its picture, a ``float32`` array with two axes, from 0 to 1:
            ``"picture"`` in shades of grey and upright, ``"ink"`` on paper without shadows, ``"digit"`` without what
            does not belong to it, ``"square"`` cut out and with MNIST's pen.
        box: (left, top, right, bottom) of the digit, as shares of the width and the height of the upright picture.
    """

    image: np.ndarray
    stages: dict[str, np.ndarray]
    box: tuple[float, float, float, float]


@dataclass(frozen=True, eq=False)
class Part(Preparation):
    """One of several digits in a picture.

    Attributes:
        row: which row it stands in, from 0 at the top.
        touching: whether it is wider than it and its row are high, so that two digits may have run into one; some
            single digits are as wide.
        blot: whether its strokes are more than twice as broad as is usual in its row, as of a digit that was blackened.
    """

    row: int
    touching: bool
    blot: bool


def prepare_digit(picture):
    """Prepare the one digit in a picture as MNIST's digits were prepared.

    Args:
        picture: a path, the bytes of a file, a Pillow image, or an array of shape ``(height, width)`` or
            ``(height, width, 1 to 4)``: integers, or floating point values from 0 to 1.

    Returns:
        A ``Preparation``.

    Raises:
        PictureError: the picture cannot be opened, or is damaged.
        NoDigitError: a kind of ``PictureError``: it holds no ink, or too little.
        TypeError, ValueError: what was handed in is no picture.
    """
    with named(picture):
        pixels = open_picture(picture, DIGIT_SIDE)
        ink = find_ink(pixels)
        strokes = find_strokes(ink)
        digit = choose_digit(strokes, ink)
        if np.ptp(np.argwhere(digit), axis=0).max() < SMALLEST - 1:
            raise NoDigitError(TOO_SMALL)
        return Preparation(**_prepare(pixels, ink, strokes, digit))


def split_digits(picture):
    """Find and prepare every digit in a picture, row by row, from left to right.

    Args:
        picture: as for ``prepare_digit``.

    Returns:
        A list of ``Part``, in reading order.

    Raises:
        PictureError, TypeError, ValueError: as for ``prepare_digit``.
        NoDigitError: it holds no ink or too little, or more strokes than a page of digits does.
    """
    with named(picture):
        pixels = open_picture(picture, PAGE_SIDE)
        ink = _without_margins(find_ink(pixels))
        strokes = find_strokes(ink)
        labels, groups = group_strokes(strokes)
        if not groups:
            raise NoDigitError(TOO_SMALL)
    height, width = ink.shape
    parts = []
    for row, members in enumerate(sort_into_rows(groups)):
        usual = np.median([group.height for group in members])
        row_of_parts = []
        for group in members:
            window = group.window(ink.shape)
            digit = np.isin(labels[window], group.labels)
            prepared = _prepare(pixels[window], ink[window], strokes[window], digit)
            prepared["box"] = (group.left / width, group.top / height, group.right / width, group.bottom / height)
            row_of_parts.append(prepared)
        pens = [stroke_width(prepared["stages"]["digit"] > 0.5) for prepared in row_of_parts]
        for group, prepared, pen in zip(members, row_of_parts, pens, strict=True):
            touching = group.right - group.left > max(usual, group.height)
            parts.append(Part(**prepared, row=row, touching=bool(touching), blot=bool(pen > 2 * np.median(pens))))
    return parts


# From a picture to ink


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
    if strong < max(LEAST_CONTRAST, 4.5 * noise):
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
    if strong < LEAST_CONTRAST:
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
        powers = np.array([(_along_rows(small[:, ::step], step * some)[0] ** 2).sum() for some in slopes])
        slope = slopes[powers >= 0.99 * powers.max()].mean().round(6)  # of several that are as good, the middle
    return slope


def _along_rows(ink, slope):
    """What three quarters of each row exceed, and in which of these rows each pixel lies; the rows may climb."""
    height, width = ink.shape
    shift = np.round(slope * (np.arange(width) - width / 2)).astype(int)
    y, x = np.arange(height)[:, np.newaxis], np.arange(width)
    quarter = width // 4
    return np.partition(ink[(y + shift) % height, x], quarter, axis=1)[:, quarter], (y - shift) % height


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


# From ink to strokes and digits


def find_strokes(ink):
    """Which pixels are strokes: connected parts that are strong somewhere, and no specks."""
    smooth = ndimage.gaussian_filter(ink, 0.7) if min(ink.shape) > 100 else ink
    faint = smooth[smooth < 0.3]
    noise = 1.4826 * np.median(np.abs(faint - np.median(faint))) if faint.size else 0
    labels, count = ndimage.label(smooth > np.clip(5 * noise, 0.15, 0.3), EVERYWHERE)
    numbers = np.arange(1, count + 1)
    sums = ndimage.sum_labels(ink, labels, numbers)
    keep = (ndimage.maximum(smooth, labels, numbers) > 0.5) & (sums > 0.02 * sums.max(initial=0))
    keep &= ~_is_fold(labels, numbers)
    if not keep.any():
        raise NoDigitError("holds no strokes, only specks, noise, or a line from edge to edge.")
    return np.isin(labels, numbers[keep])


def _is_fold(labels, numbers):
    """Which parts are thin lines from one edge of the picture to another: folds, or the edges of shadows."""
    borders = [set(np.unique(line)) for line in (labels[0], labels[-1], labels[:, 0], labels[:, -1])]
    across = np.array([sum(number in border for border in borders) >= 2 for number in numbers], bool)
    longer = np.array([max(side.stop - side.start for side in box) for box in ndimage.find_objects(labels)])
    return across & (ndimage.sum_labels(labels > 0, labels, numbers) < 0.03 * longer**2)


def choose_digit(strokes, ink):
    """The part of the strokes that holds most of the ink, with what lies close by."""
    labels, count = ndimage.label(strokes, EVERYWHERE)
    numbers, boxes = np.arange(1, count + 1), ndimage.find_objects(labels)
    weights = ndimage.sum_labels(ink, labels, numbers)
    edge = np.ones_like(strokes)
    edge[1:-1, 1:-1] = False
    longer = np.array([max(side.stop - side.start for side in box) for box in boxes])
    # What runs along the edge is a frame, a shadow or a neighbour; a digit may touch it.
    along = ndimage.sum_labels(edge, labels, numbers) / longer > 0.3
    main = int(np.argmax(weights * np.where(along, 0.1, 1)))
    reach = 0.25 * longer[main]
    near = [_gap(box, boxes[main]) < reach for box in boxes]
    chosen = near & ~along & (weights > 0.03 * weights[main])
    chosen[main] = True
    return np.isin(labels, numbers[chosen])


def _gap(one, other):
    """How far apart two boxes are, along the axis that separates them most; below 0 where they overlap."""
    return max(max(a.start - b.stop, b.start - a.stop) for a, b in zip(one, other, strict=True))


@dataclass(frozen=True)
class _Group:
    """Connected strokes that make one digit: their labels, and the box around them."""

    labels: tuple[int, ...]
    top: int
    bottom: int
    left: int
    right: int

    @property
    def height(self):
        return self.bottom - self.top

    @property
    def box(self):
        return slice(self.top, self.bottom), slice(self.left, self.right)

    def window(self, shape):
        """The box with the soft edges of the strokes."""
        margin = max(round(0.1 * max(self.height, self.right - self.left)), 2)
        rows = slice(max(self.top - margin, 0), min(self.bottom + margin, shape[0]))
        return rows, slice(max(self.left - margin, 0), min(self.right + margin, shape[1]))

    def joined(self, other):
        return _Group(
            self.labels + other.labels,
            min(self.top, other.top),
            max(self.bottom, other.bottom),
            min(self.left, other.left),
            max(self.right, other.right),
        )


def _without_margins(ink):
    """Ink without what reaches the edge: on a page that is no digit, but the edge of the paper, a finger or a pen."""
    labels, _ = ndimage.label(ink > 0.3, EVERYWHERE)
    outside = np.unique(np.concatenate([labels[0], labels[-1], labels[:, 0], labels[:, -1]]))
    margins = np.isin(labels, outside[outside > 0])
    if not margins.any():
        return ink
    rest = np.where(ndimage.binary_dilation(margins, EVERYWHERE, iterations=3), 0, ink)
    return np.clip(rest / max(strongest(rest), 1e-3), 0, 1)


def group_strokes(strokes):
    """Put the strokes of one digit together, such as a 5 and its roof, and leave out what is too small for a digit.

    Returns:
        The labelled strokes, and a list of groups.
    """
    labels, _ = ndimage.label(strokes, EVERYWHERE)
    boxes = ndimage.find_objects(labels)
    if len(boxes) > MOST_STROKES:
        raise NoDigitError(f"holds {len(boxes):,} separate strokes; up to {MOST_STROKES} are looked at.")
    groups = [_Group((i,), y.start, y.stop, x.start, x.stop) for i, (y, x) in enumerate(boxes, 1)]
    usual = np.percentile([group.height for group in groups], 70)
    groups.sort(key=lambda group: group.height)
    done = []
    while groups:
        part = groups.pop(0)
        whole = next((other for other in reversed(groups) if _belongs(part, other, usual)), None)
        if whole is None:
            done.append(part)
        else:
            groups[groups.index(whole)] = whole.joined(part)
    longer = [max(side.stop - side.start for side in box) for box in boxes]
    # A digit may be flat, but one of its strokes is long: a colon and a row of specks have short ones only.
    digits = [
        group
        for group in done
        if group.height > max(usual / 3, SMALLEST - 1) and max(longer[i - 1] for i in group.labels) > 0.45 * usual
    ]
    # What is too small for a digit and lies close to one is a piece of it, such as the roof of a 5 set off to the side.
    for piece in [group for group in done if group not in digits]:
        gaps = [_gap(piece.box, group.box) for group in digits]
        if gaps and min(gaps) < 0.2 * usual:
            nearest = gaps.index(min(gaps))
            together = digits[nearest].joined(piece)
            if together.height < 1.25 * usual:
                digits[nearest] = together
    return labels, digits


def _belongs(part, whole, usual):
    """Whether a part stands above, below or in a whole, close by, and both together are no taller than the others."""
    together = part.joined(whole)
    overlap = min(part.right, whole.right) - max(part.left, whole.left)
    beside = overlap < 0.3 * min(part.right - part.left, whole.right - whole.left)
    gap = _gap(part.box, whole.box)
    tallest = (1.25 if gap >= 0 else 1.5) * max(usual, whole.height)  # parts that interlock may be a little taller
    return not beside and gap < 0.25 * usual and together.height < tallest


def sort_into_rows(groups):
    """Rows from top to bottom, each from left to right; a row may climb or fall."""
    rows: list[list[_Group]] = []
    for group in sorted(groups, key=lambda group: group.left):
        overlaps = [
            (min(group.bottom, row[-1].bottom) - max(group.top, row[-1].top)) / min(group.height, row[-1].height)
            for row in rows
        ]
        if overlaps and max(overlaps) > 0.3:
            rows[int(np.argmax(overlaps))].append(group)
        else:
            rows.append([group])
    return sorted(rows, key=lambda row: np.mean([group.top + group.bottom for group in row]))


def stroke_width(mask):
    """Mean width of the strokes plus one pixel, by how far they reach from paper; infinite if there are none."""
    if not mask.any():
        return np.inf
    distance = ndimage.distance_transform_edt(np.pad(mask, 1))
    return 4 * distance[distance > 0].mean() - 1  # over a stroke w pixels wide the mean is about (w + 2) / 4


# From strokes to MNIST


def _prepare(pixels, ink, strokes, digit):
    height, width = ink.shape
    margin = max(round(min(height, width) / 100), 1)  # the soft edge of the strokes
    around = ndimage.binary_dilation(digit, EVERYWHERE, iterations=margin)
    alone = np.where(around & ~(strokes & ~digit) & (ink > 0.1), ink, 0).astype("float32")
    rows, columns = np.flatnonzero(alone.any(axis=1)), np.flatnonzero(alone.any(axis=0))
    top, bottom, left, right = int(rows[0]), int(rows[-1]) + 1, int(columns[0]), int(columns[-1]) + 1
    cut, inside = alone[top:bottom, left:right], digit[top:bottom, left:right]
    cut = np.clip(cut / max(np.percentile(cut[inside], 75), 0.1), 0, 1)
    square = _make_square(_with_pen_of_mnist(cut, stroke_width(cut > 0.5) * SQUARE / max(cut.shape)))
    return {
        "image": (255 * place_digit(square)).round().astype("uint8"),
        "stages": {"picture": pixels.mean(axis=2), "ink": ink, "digit": alone, "square": square},
        "box": (left / width, top / height, right / width, bottom / height),
    }


def _with_pen_of_mnist(cut, thickness):
    """Thicken the strokes of a pen that would hardly be seen among 20 pixels."""
    if thickness >= THINNEST:
        return cut
    factor = 4 * SQUARE / max(cut.shape)
    size = max(round(cut.shape[1] * factor), 1), max(round(cut.shape[0] * factor), 1)
    cut = np.asarray(Image.fromarray(cut).resize(size, Image.Resampling.BILINEAR))
    # The digit grows with its strokes, on both sides, and is made smaller again afterwards.
    radius = 2 * (THINNEST - thickness) / (1 - THINNEST / SQUARE)
    whole = int(np.ceil(radius))
    y, x = np.mgrid[-whole : whole + 1, -whole : whole + 1]
    thick = ndimage.grey_dilation(np.pad(cut, whole), footprint=np.hypot(y, x) <= radius + 0.3)
    # A hairline is pale wherever it lies between two pixels; a thicker pen would not be.
    return np.clip(thick / np.percentile(thick[thick > 0.3 * thick.max()], 25), 0, 1)


def _make_square(cut):
    side = max(cut.shape)
    square = np.zeros((side, side), "float32")
    top, left = (side - cut.shape[0]) // 2, (side - cut.shape[1]) // 2
    square[top : top + cut.shape[0], left : left + cut.shape[1]] = cut
    return square


def average_areas(square, size):
    """Make a square picture smaller; each new pixel is the mean over the area that it covers.

    Args:
        square: array of shape ``(n, n)``.
        size: height and width of the new picture, in pixels.

    Returns:
        Array of shape ``(size, size)``.
    """
    check_square("square", square)
    check_count("size", size, most=10_000)
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
    # By whole pixels, so that the centre comes to lie above 13.5 and up to 14.5, as it does in MNIST.
    top, left = (int(np.clip(np.floor(14.5 - middle), 0, 8)) for middle in ndimage.center_of_mass(small))
    image[top : top + SQUARE, left : left + SQUARE] = small
    return image
