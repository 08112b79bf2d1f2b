"""Synthetic pictures: digits on paper under a lamp, forms of digits that MNIST lacks, and pictures without a digit.

The shipped network learned from some of them, and its threshold was chosen on others of the same kinds
(``tools/measure/pretrain.py``); ``make handwriting`` measures on other kinds, too. Every function draws from the
generator it is given, so that the same seed makes the same pictures.
"""

import string
from functools import cache
from itertools import pairwise
from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw, ImageFont
from scipy.interpolate import CubicSpline
from scipy.ndimage import gaussian_filter

from mnist_helpers.checks import check_choice, check_generator, check_image, check_images, check_ink

SIDE = 160  # height and width of a drawn picture
# Letters and signs, without those that many people write like a digit.
LETTERS = sorted(set(string.ascii_letters + "&@#%?$*+=~{}") - set("OoIilZzSsBbGgqYy"))
# Fonts that come with Matplotlib. One family is for training, the other for testing.
FONTS = {"train": ("DejaVuSans", "cmr", "cmss", "cmtt"), "test": ("STIX", "DejaVuSerif")}


def photograph_digit(image, generator):
    """Put a digit on paper: enlarged four times, anywhere, with noise, under a lamp and often half in a shadow.

    Args:
        image: ``uint8`` array of shape ``(28, 28)``, 0 paper and 255 ink.
        generator: a NumPy random generator.

    Returns:
        ``uint8`` array of shape ``(200, 200)``: dark ink on light paper, or light ink on dark paper.
    """
    check_image("image", image)
    check_generator("generator", generator)
    ink = np.zeros((200, 200))
    top, left = generator.integers(0, 200 - 112, 2)
    ink[top : top + 112, left : left + 112] = _enlarge(image, 112)
    y, x = np.mgrid[:200, :200] / 200 - 0.5
    light = 0.8 + generator.uniform(-0.25, 0.25) * x + generator.uniform(-0.25, 0.25) * y
    if generator.random() < 0.5:
        angle = generator.uniform(0, 2 * np.pi)
        light *= np.where(x * np.cos(angle) + y * np.sin(angle) > generator.uniform(-0.2, 0.2), 1, 0.7)
    picture = light * (1 - generator.uniform(0.4, 0.9) * ink) + generator.normal(0, 0.02, ink.shape)
    return _to_bytes(1 - picture if generator.random() < 0.5 else picture)


def compose_number(images, generator):
    """Write digits on one page, in one to three rows, with unequal sizes and gaps.

    Args:
        images: ``uint8`` array of shape ``(n, 28, 28)``, 0 paper and 255 ink, with n of at least 3.
        generator: a NumPy random generator.

    Returns:
        The page, a ``uint8`` array with two axes, dark ink on light paper, and how many digits each row holds.
    """
    check_images("images", images)
    for image in images:
        check_ink("images", image)
    check_generator("generator", generator)
    rows = np.array_split(images, generator.integers(1, 4))
    lines = []
    for row in rows:
        line = [np.zeros((130, int(generator.integers(10, 60))))]
        for image in row:
            ink = image[np.ix_(image.any(axis=1), image.any(axis=0))]
            scale = generator.uniform(2.2, 3.8)
            digit = _enlarge(ink, round(ink.shape[1] * scale), round(ink.shape[0] * scale))
            top = int(np.clip((130 - len(digit)) / 2 + generator.normal(0, 5), 2, 128 - len(digit)))
            gap = int(generator.integers(8, 40))
            line.append(np.pad(digit, [(top, 130 - top - len(digit)), (0, gap)]))
        lines.append(np.concatenate(line, axis=1))
    width = max(line.shape[1] for line in lines) + 20
    page = np.concatenate([np.pad(line, [(5, 10), (0, width - line.shape[1])]) for line in lines])
    return _to_bytes(0.92 - 0.8 * page + generator.normal(0, 0.02, page.shape)), [len(row) for row in rows]


def join_digits(first, second, generator):
    """Write two digits so close that they touch: ink for which no single digit is right.

    Args:
        first, second: ``uint8`` arrays of shape ``(28, 28)``, 0 paper and 255 ink.
        generator: a NumPy random generator.

    Returns:
        ``uint8`` array with two axes, 0 paper and 255 ink.
    """
    check_image("first", first)
    check_image("second", second)
    check_ink("first", first)
    check_ink("second", second)
    check_generator("generator", generator)
    pair = [image[:, image.any(axis=0)] for image in (first, second)]
    space = np.zeros((28, pair[0].shape[1] + pair[1].shape[1]), "uint8")
    left, right = space.copy(), space
    left[:, : pair[0].shape[1]] = pair[0]
    right[:, pair[0].shape[1] :] = pair[1]
    # Moved together until their ink touches in a row, and a little further.
    ends = [np.flatnonzero(row)[-1] if row.any() else -99 for row in left > 99]
    starts = [np.flatnonzero(row)[0] if row.any() else 99 for row in right > 99]
    gap = min(start - end for start, end in zip(starts, ends, strict=True))
    right = np.roll(right, -(gap - 1 + int(generator.integers(0, 3))), axis=1)
    return np.maximum(left, right)


def draw_continental_digit(digit, generator):
    """Draw a 1 with a long upstroke or a 7 with a bar, as they are written in most of Europe, and hardly in MNIST.

    Args:
        digit: 1 or 7. Half of the sevens have no bar, and a form between the two.
        generator: a NumPy random generator.

    Returns:
        A grey Pillow image, black on white.
    """
    check_choice("digit", digit, (1, 7))
    check_generator("generator", generator)
    between = generator.uniform
    lean = between(-0.1, 0.3) if digit == 1 else between(0.2, 0.6)
    top, bottom = np.array([0.0, 0.0]), np.array([-lean, 1.0])
    if digit == 1:
        steep, length = np.radians(between(30, 65)), between(0.25, 0.7)
        left = np.array([-np.cos(steep), np.sin(steep)]) * length
        strokes = [[left, top, bottom]]
        if generator.random() < 0.25:  # a hook at the start of the stroke
            strokes[0].insert(0, left - np.array([between(-0.03, 0.08), between(0.05, 0.15)]))
        if generator.random() < 0.2:  # a hook at its end
            strokes[0].append(bottom + np.array([between(0.05, 0.2), between(-0.08, 0.03)]))
        elif generator.random() < 0.25:
            strokes.append([np.array([between(-0.3, -0.15) - lean, 1]), np.array([between(0.15, 0.3) - lean, 1])])
    else:
        left = np.array([between(-0.7, -0.4), between(-0.06, 0.08)])
        strokes = [[left, top, bottom / 2 + generator.normal(0, 0.03, 2), bottom]]
        if generator.random() < 0.4:
            strokes[0].insert(0, left + np.array([between(-0.05, 0.02), between(0.08, 0.2)]))
        if generator.random() < 0.5:
            middle, reach = between(0.4, 0.6) * bottom, np.array([between(0.12, 0.28), between(-0.08, 0.03)])
            strokes.append([middle - reach, middle + reach])
    return _draw_strokes([_bend(stroke, generator) for stroke in strokes], generator)


def draw_non_digit(generator, split="train"):
    """Draw a letter, a scribble, a few shapes, a texture, or blank paper.

    Args:
        generator: a NumPy random generator.
        split: ``"train"`` for the kinds that the shipped network has seen, ``"test"`` for others to measure with:
            letters of other fonts, and zigzags.

    Returns:
        A grey Pillow image.
    """
    check_generator("generator", generator)
    check_choice("split", split, tuple(FONTS))
    kinds = [_draw_letter, _draw_scribble, _draw_shapes, _draw_texture, _draw_blank]
    if split == "test":
        kinds = [_draw_letter, _draw_zigzag]
    return kinds[generator.integers(len(kinds))](generator, split)


def _draw_letter(generator, split):
    font = ImageFont.truetype(str(generator.choice(_fonts(split))), 110)
    picture = Image.new("L", (SIDE, SIDE), 255)
    middle = (SIDE / 2, SIDE / 2)
    ImageDraw.Draw(picture).text(middle, str(generator.choice(LETTERS)), fill=0, font=font, anchor="mm")
    slant = generator.uniform(-0.3, 0.3)
    matrix = (1, slant, -slant * SIDE / 2, 0, 1, 0)
    picture = picture.transform(picture.size, Image.Transform.AFFINE, matrix, Image.Resampling.BILINEAR, fillcolor=255)
    return picture.rotate(generator.uniform(-15, 15), Image.Resampling.BILINEAR, fillcolor=255)


@cache
def _fonts(split):
    import matplotlib

    files = sorted(Path(matplotlib.get_data_path(), "fonts/ttf").glob("*.ttf"))
    # Those with symbols in place of letters, or without small letters, are left out.
    usable = [file for file in files if not any(word in file.name for word in ("Siz", "NonUni", "Display"))]
    return [str(file) for file in usable if file.name.startswith(FONTS[split])]


def _draw_scribble(generator, split):
    strokes = [generator.uniform(0, 1, (generator.integers(7, 16), 2)) for _ in range(generator.integers(1, 4))]
    return _draw_strokes([_smooth(stroke) for stroke in strokes], generator)


def _draw_zigzag(generator, split):
    turns = int(generator.integers(8, 20))
    across = np.linspace(0, generator.uniform(0.6, 1.2), turns)
    along = np.where(np.arange(turns) % 2, 1, 0) + generator.normal(0, 0.15, turns)
    stroke = np.stack([across + generator.normal(0, 0.08, turns), along], axis=1)
    return _draw_strokes([_smooth(stroke) if generator.random() < 0.5 else stroke], generator)


def _draw_shapes(generator, split):
    picture = Image.new("L", (SIDE, SIDE), 255)
    draw = ImageDraw.Draw(picture)
    for _ in range(generator.integers(1, 5)):  # no rings and no single lines, which look like 0 and 1
        x, y = np.sort(generator.uniform(0.05 * SIDE, 0.9 * SIDE, (2, 2)), axis=1)
        points, width = generator.uniform(0.05 * SIDE, 0.95 * SIDE, 8).tolist(), int(generator.integers(3, 12))
        match generator.integers(3):
            case 0:
                draw.rectangle([x[0], y[0], x[1] + 8, y[1] + 8], outline=0, width=width)
            case 1:
                draw.polygon(points, fill=0)
            case 2:
                draw.line([x[0], y[0], x[1] + 30, y[1] + 30], fill=0, width=width)
                draw.line([x[1] + 30, y[0], x[0], y[1] + 30], fill=0, width=width)
    return picture


def _draw_texture(generator, split):
    rough = gaussian_filter(generator.normal(size=(SIDE, SIDE)), generator.uniform(1, 20, 2), mode="wrap")
    return Image.fromarray(_to_bytes(0.5 + 0.25 * (rough - rough.mean()) / rough.std()))


def _draw_blank(generator, split):
    return Image.fromarray(photograph_digit(np.zeros((28, 28), "uint8"), generator))


def _smooth(points):
    """A cubic spline through the points."""
    steps = np.arange(len(points))
    return CubicSpline(steps, points)(np.linspace(0, steps[-1], 20 * len(points)))


def _bend(points, generator):
    """Join the points by slightly bent lines, as in handwriting."""
    share = np.linspace(0, 1, 10)[:, np.newaxis]
    lines = []
    for start, end in pairwise(points):
        across = np.array([start[1] - end[1], end[0] - start[0]])
        lines.append(start + share * (end - start) + 4 * share * (1 - share) * generator.normal(0, 0.04) * across)
    return np.concatenate(lines)


def _draw_strokes(strokes, generator):
    """Strokes in any unit, drawn with one pen so that they fill a picture."""
    low = np.concatenate(strokes).min(axis=0)
    size = (np.concatenate(strokes).max(axis=0) - low).max()
    picture = Image.new("L", (SIDE, SIDE), 255)
    draw, width = ImageDraw.Draw(picture), int(generator.integers(4, 17))
    for stroke in strokes:
        points = 0.15 * SIDE + (stroke - low) / size * 0.7 * SIDE
        draw.line([tuple(point) for point in points], fill=0, width=width, joint="curve")
        for x, y in points[[0, -1]]:
            draw.ellipse([x - width / 2, y - width / 2, x + width / 2, y + width / 2], fill=0)
    return picture


def _enlarge(image, width, height=None):
    """Resize an image of ink, and scale its values to 0 to 1."""
    resized = Image.fromarray(image).resize((width, height or width), Image.Resampling.BICUBIC)
    return np.asarray(resized, "float32") / 255


def _to_bytes(values):
    return (255 * np.clip(values, 0, 1)).round().astype("uint8")
