"""Strokes, and which of them make a digit."""

from dataclasses import dataclass

import numpy as np
from scipy import ndimage

from mnist_helpers.handwriting.pictures import NoDigitError

MAX_STROKES = 300  # on a page of digits; a page of text has more
SMALLEST = 8  # pixels of the longer side of a digit
TOO_SMALL = "holds nothing large enough for a digit; cut the picture closer around it."
EVERYWHERE = np.ones((3, 3))  # pixels that touch at a corner belong together, too


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
    """The part of the strokes that holds most of the ink, with the parts close to it."""
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


def _gap(first, second):
    """How far apart two boxes are, along the axis that separates them most; below 0 where they overlap."""
    return max(max(a.start - b.stop, b.start - a.stop) for a, b in zip(first, second, strict=True))


@dataclass(frozen=True)
class Group:
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
        return Group(
            self.labels + other.labels,
            min(self.top, other.top),
            max(self.bottom, other.bottom),
            min(self.left, other.left),
            max(self.right, other.right),
        )


def group_strokes(strokes):
    """Put the strokes of one digit together, such as a 5 and its bar, and leave out what is too small for a digit.

    Returns:
        The labelled strokes, and a list of groups.
    """
    labels, _ = ndimage.label(strokes, EVERYWHERE)
    boxes = ndimage.find_objects(labels)
    if len(boxes) > MAX_STROKES:
        raise NoDigitError(f"holds {len(boxes):,} separate strokes; up to {MAX_STROKES} are looked at.")
    groups = [Group((i,), y.start, y.stop, x.start, x.stop) for i, (y, x) in enumerate(boxes, 1)]
    usual = np.percentile([group.height for group in groups], 70)
    groups.sort(key=lambda group: group.height)
    done = []
    while groups:
        part = groups.pop(0)
        whole = next((group for group in reversed(groups) if _belongs(part, group, usual)), None)
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
    # What is too small for a digit and close to one is a piece of it, such as the bar of a 5 set off to the side.
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
    """Rows from top to bottom, each from left to right; a row may be tilted."""
    rows: list[list[Group]] = []
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
    """Mean width of the strokes plus one pixel, from the distance transform; infinite if there are none."""
    if not mask.any():
        return np.inf
    distance = ndimage.distance_transform_edt(np.pad(mask, 1))
    return 4 * distance[distance > 0].mean() - 1  # over a stroke w pixels wide the mean is about (w + 2) / 4
