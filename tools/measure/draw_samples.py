"""Draw the sample pictures of handwritten digits: what people photograph, scan or draw, without anybody's photos.

    python -m tools.measure.draw_samples [FOLDER]

Every stroke is a spline through a few points written below; models of a hand, a pen, paper, a lamp and a camera
do the rest. Nothing in it is measured from a data set. The same script draws the same pictures again, since every
picture has its own fixed seed, made of its name.

Beside the pictures, index.tsv says what each one shows. Without a FOLDER the strokes of one hand are also written for
the drawing pad.
"""

import csv
import json
import sys
import zlib
from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw
from scipy.interpolate import CubicSpline
from scipy.ndimage import gaussian_filter, gaussian_filter1d, rotate

FOLDER = "book/samples"
STROKES = Path("book/pad/strokes.js")
FINER = 4  # strokes are drawn so many times as large, then reduced by averaging over areas
ORIENTATION = 0x0112  # the EXIF tag that says which side of the stored pixels is up

# fmt: off
# Strokes in the order of the pen, in units of the digit's height, y downwards. A point given twice is a corner.
# One hand writes a hooked 1, an open 4 and a crossed 7 ...
FIRST_HAND = {
    "0": [[(0.42, 0.03), (0.24, 0.06), (0.08, 0.29), (0.03, 0.59), (0.12, 0.89), (0.31, 0.99), (0.52, 0.84),
           (0.60, 0.54), (0.55, 0.22), (0.42, 0.05), (0.31, 0.05)]],
    "1": [[(0.02, 0.40), (0.17, 0.23), (0.34, 0.01), (0.34, 0.01), (0.33, 0.30), (0.31, 0.65), (0.30, 1.00)]],
    "2": [[(0.06, 0.25), (0.13, 0.09), (0.32, 0.01), (0.50, 0.09), (0.54, 0.28), (0.43, 0.52), (0.24, 0.76),
           (0.03, 0.97), (0.03, 0.97), (0.24, 0.945), (0.44, 0.95), (0.64, 0.93)]],
    "3": [[(0.07, 0.14), (0.22, 0.02), (0.42, 0.04), (0.50, 0.18), (0.41, 0.36), (0.20, 0.45), (0.20, 0.45),
           (0.43, 0.49), (0.56, 0.67), (0.48, 0.90), (0.26, 1.00), (0.03, 0.89)]],
    "4": [[(0.23, 0.02), (0.15, 0.30), (0.03, 0.61), (0.03, 0.61), (0.30, 0.605), (0.63, 0.57)],
          [(0.47, 0.33), (0.44, 0.62), (0.41, 1.00)]],
    "5": [[(0.17, 0.05), (0.14, 0.23), (0.09, 0.43), (0.09, 0.43), (0.26, 0.37), (0.45, 0.43), (0.54, 0.63),
           (0.46, 0.87), (0.27, 0.99), (0.03, 0.93)],
          [(0.16, 0.06), (0.36, 0.055), (0.60, 0.02)]],
    "6": [[(0.47, 0.02), (0.29, 0.16), (0.12, 0.42), (0.04, 0.69), (0.10, 0.90), (0.28, 0.99), (0.46, 0.92),
           (0.54, 0.75), (0.45, 0.59), (0.27, 0.57), (0.12, 0.68), (0.06, 0.80)]],
    "7": [[(0.03, 0.08), (0.28, 0.055), (0.58, 0.03), (0.58, 0.03), (0.43, 0.34), (0.31, 0.66), (0.22, 1.00)],
          [(0.15, 0.53), (0.34, 0.505), (0.55, 0.47)]],
    "8": [[(0.47, 0.10), (0.34, 0.01), (0.17, 0.05), (0.10, 0.21), (0.23, 0.40), (0.43, 0.55), (0.53, 0.75),
           (0.43, 0.95), (0.21, 0.98), (0.06, 0.82), (0.15, 0.60), (0.34, 0.42), (0.48, 0.26), (0.495, 0.10)]],
    "9": [[(0.51, 0.15), (0.36, 0.03), (0.16, 0.08), (0.06, 0.28), (0.14, 0.46), (0.32, 0.46), (0.47, 0.31),
           (0.54, 0.10), (0.54, 0.10), (0.54, 0.38), (0.49, 0.70), (0.33, 0.95), (0.10, 0.90)]],
}
# ... the other a 1 with a foot, a closed 4, a 7 without a bar, and everything a little rounder.
SECOND_HAND = {
    "0": [[(0.48, 0.09), (0.31, 0.02), (0.12, 0.13), (0.03, 0.41), (0.06, 0.74), (0.23, 0.97), (0.44, 0.94),
           (0.60, 0.70), (0.63, 0.38), (0.53, 0.13), (0.37, 0.06), (0.25, 0.13)]],
    "1": [[(0.12, 0.22), (0.23, 0.13), (0.33, 0.00), (0.33, 0.00), (0.32, 0.33), (0.315, 0.66), (0.30, 0.97)],
          [(0.07, 0.985), (0.30, 0.965), (0.56, 0.97)]],
    "2": [[(0.09, 0.23), (0.20, 0.05), (0.39, 0.02), (0.54, 0.15), (0.52, 0.38), (0.37, 0.64), (0.20, 0.87),
           (0.09, 0.97), (0.02, 0.92), (0.07, 0.83), (0.22, 0.86), (0.39, 0.96), (0.54, 0.98), (0.68, 0.87)]],
    "3": [[(0.05, 0.05), (0.28, 0.045), (0.54, 0.02), (0.54, 0.02), (0.37, 0.21), (0.22, 0.40), (0.22, 0.40),
           (0.43, 0.43), (0.57, 0.61), (0.54, 0.84), (0.34, 0.99), (0.13, 0.98), (0.01, 0.87)]],
    "4": [[(0.47, 0.01), (0.32, 0.25), (0.16, 0.47), (0.01, 0.66), (0.01, 0.66), (0.30, 0.665), (0.66, 0.645)],
          [(0.48, 0.02), (0.465, 0.35), (0.46, 0.70), (0.44, 1.00)]],
    "5": [[(0.57, 0.02), (0.37, 0.045), (0.17, 0.05), (0.17, 0.05), (0.15, 0.23), (0.11, 0.42), (0.11, 0.42),
           (0.30, 0.38), (0.49, 0.48), (0.55, 0.69), (0.43, 0.91), (0.23, 0.99), (0.02, 0.90)]],
    "6": [[(0.36, 0.00), (0.21, 0.22), (0.09, 0.49), (0.06, 0.77), (0.18, 0.96), (0.38, 0.97), (0.50, 0.80),
           (0.43, 0.64), (0.27, 0.62), (0.13, 0.72), (0.075, 0.83)]],
    "7": [[(0.05, 0.17), (0.06, 0.05), (0.06, 0.05), (0.30, 0.075), (0.59, 0.04), (0.59, 0.04), (0.47, 0.28),
           (0.36, 0.60), (0.31, 1.00)]],
    "8": [[(0.33, 0.46), (0.16, 0.38), (0.11, 0.19), (0.24, 0.03), (0.42, 0.05), (0.51, 0.21), (0.43, 0.39),
           (0.28, 0.47), (0.10, 0.61), (0.04, 0.80), (0.16, 0.97), (0.38, 0.98), (0.54, 0.84), (0.51, 0.64),
           (0.36, 0.50), (0.25, 0.44)]],
    "9": [[(0.49, 0.13), (0.32, 0.02), (0.12, 0.11), (0.05, 0.30), (0.16, 0.46), (0.36, 0.41), (0.48, 0.22),
           (0.52, 0.06), (0.52, 0.06), (0.515, 0.38), (0.49, 0.70), (0.47, 1.00)]],
}
LETTER_K = [[(0.00, 0.72), (0.18, 0.42), (0.28, 0.13), (0.21, 0.00), (0.11, 0.17), (0.09, 0.55), (0.07, 0.99),
             (0.07, 0.99), (0.14, 0.66), (0.31, 0.48), (0.43, 0.54), (0.35, 0.68), (0.15, 0.72), (0.15, 0.72),
             (0.31, 0.77), (0.42, 0.96), (0.60, 0.88)]]
SCRIBBLE = [[(0.05, 0.55), (0.22, 0.18), (0.36, 0.32), (0.20, 0.82), (0.34, 0.90), (0.56, 0.28), (0.66, 0.10),
             (0.70, 0.30), (0.48, 0.76), (0.58, 0.92), (0.84, 0.44), (0.96, 0.20), (1.02, 0.36), (0.80, 0.72),
             (0.92, 0.84), (1.16, 0.50), (1.24, 0.22), (1.12, 0.08), (0.78, 0.22), (0.40, 0.52), (0.08, 0.80),
             (0.02, 0.66), (0.30, 0.46), (0.74, 0.50), (1.10, 0.66), (1.32, 0.58)]]
# fmt: on


# ---- the hand and the pen


def follow(points):
    """The path of the pen through the points: smooth, except where a point is given twice, and in equal small steps."""
    points = np.asarray(points, float)
    corners = [i for i in range(1, len(points)) if np.array_equal(points[i], points[i - 1])]
    paths = []
    for piece in np.split(points, corners):
        # Centripetal parametrisation (root of the distance): without it, splines overshoot between close points.
        times = np.concatenate([[0], np.cumsum(np.sqrt(np.hypot(*np.diff(piece, axis=0).T)))])
        paths.append(CubicSpline(times, piece, bc_type="natural")(np.linspace(0, times[-1], 60 * len(piece))))
    path = np.concatenate(paths)
    lengths = np.concatenate([[0], np.cumsum(np.hypot(*np.diff(path, axis=0).T))])
    steps = np.linspace(0, lengths[-1], int(lengths[-1] / 0.001))
    return np.stack([np.interp(steps, lengths, path[:, axis]) for axis in (0, 1)], axis=1)


def wander(rng, count, smooth):
    """Noise along a path, of spread 1, that changes over about ``smooth`` steps: the tremor of a hand."""
    noise = gaussian_filter1d(rng.normal(size=count + 8 * smooth), smooth)[4 * smooth : -4 * smooth]
    return noise * np.sqrt(2 * np.sqrt(np.pi) * smooth)


def write(rng, strokes, height, left, top, slant=0.08, tremor=1.0):
    """Strokes as a hand would repeat them: in pixels, slanted, with every point a little off and a slight tremor."""
    lines = []
    for points in strokes:
        points = np.asarray(points, float)
        off = rng.normal(scale=0.006, size=points.shape)
        for i in range(1, len(points)):
            if np.array_equal(points[i], points[i - 1]):
                off[i] = off[i - 1]  # still a corner
        line = follow(points + off)
        for axis in (0, 1):
            line[:, axis] += tremor * (0.006 * wander(rng, len(line), 180) + 0.001 * wander(rng, len(line), 50))
        line[:, 0] += slant * (0.5 - line[:, 1])
        lines.append(line * height + (left, top))
    return lines


def write_row(rng, text, hand, height, left, top, gap=0.3, slant=0.08):
    """Digits side by side, with small random differences in size, distance and slant."""
    lines = []
    for digit in text:
        tall = height * rng.normal(1, 0.04)
        width = max(x for stroke in hand[digit] for x, _ in stroke)
        lines += write(rng, hand[digit], tall, left, top + rng.normal(0, 0.03) * height, slant + rng.normal(0, 0.02))
        left += (width + gap + rng.normal(0, 0.04)) * height
    return lines


def press(rng, line, taper, unsteady):
    """How hard the pen presses along a line, about 1: more in bends, where the hand is slow, and less at the ends."""
    way = np.arange(len(line)) / 1000  # in heights of a digit
    direction = np.unwrap(np.arctan2(*gaussian_filter1d(np.gradient(line, axis=0), 12, axis=0).T))
    bend = np.abs(gaussian_filter1d(np.gradient(direction), 30)) * 100  # 0.4 in a bend as wide as half a digit
    force = 1 + 0.08 * (np.minimum(bend, 1.5) - 0.4) + unsteady * wander(rng, len(line), 90)
    start = 1 - 0.6 * taper * np.exp(-way / 0.04)
    end = 1 - taper * np.exp(-(way[-1] - way) / 0.09)
    return np.clip(force * start * end, 0.15, 1.6)


def draw(rng, shape, lines, pen, taper=0.35, unsteady=0.06, depth=0.3, nib=0.0):
    """Ink of the lines, from 0 to 1, by stamping the tip of the pen along them on a finer canvas.

    Args:
        pen: width of the pen in pixels.
        taper: how thin lines become where the pen is lifted.
        unsteady: how much the pressure varies.
        depth: how much paler a line is where there is less pressure.
        nib: how much thinner a line is along the edge of a broad nib, held at 45 degrees, than across it.
    """
    height, width = shape
    canvas = np.zeros((height * FINER, width * FINER), np.float32)
    for line in lines:
        force = press(rng, line, taper, unsteady)
        dx, dy = gaussian_filter1d(np.gradient(line, axis=0), 12, axis=0).T
        across = np.abs(np.sin(np.arctan2(dy, dx) + np.pi / 4))
        radii = FINER * pen / 2 * force**0.8 * (1 - nib + nib * across)
        values = 1 - depth + depth * np.minimum(force, 1)
        step = FINER * np.hypot(*np.diff(line, axis=0).T).mean()
        for i in range(0, len(line), max(1, int(radii.mean() / 6 / step))):  # so close that the edge is smooth
            stamp(canvas, *line[i] * FINER, radii[i], values[i])
    return canvas.reshape(height, FINER, width, FINER).mean(axis=(1, 3))


def stamp(canvas, x, y, radius, value):
    """One touch of the tip: a disc, where it is darker than what is there already."""
    left, top = max(0, int(x - radius - 1)), max(0, int(y - radius - 1))
    part = canvas[top : max(0, int(y + radius + 2)), left : max(0, int(x + radius + 2))]
    rows, columns = np.ogrid[top : top + part.shape[0], left : left + part.shape[1]]
    distance = np.sqrt((columns + 0.5 - x) ** 2 + (rows + 0.5 - y) ** 2)
    np.maximum(part, value * np.clip(radius - distance + 0.5, 0, 1), out=part)


# ---- paper, ink, light and camera


def cloud(rng, shape, smooth):
    """Noise of spread 1 over an area, in spots of about ``smooth`` pixels; two numbers stretch the spots."""
    noise = gaussian_filter(rng.standard_normal(shape, dtype=np.float32), smooth, mode="wrap")
    return noise / noise.std()


def make_paper(rng, shape, colour, rough=0.006):
    """Paper of uneven colour: fibres, and larger spots that are a little darker."""
    grain = rough * (cloud(rng, shape, 1) + 0.4 * cloud(rng, shape, 6) + 1.2 * cloud(rng, shape, 60))
    return np.asarray(colour) / 255 * (1 + grain[..., None])


def put_ink(paper, ink, colour):
    """Ink filters the light that the paper returns, so whatever is on the paper shows through pale ink."""
    return paper * (1 - ink[..., None] * (1 - np.asarray(colour) / 255))


def put_chalk(board, chalk, colour):
    """Chalk covers what is under it."""
    return board + chalk[..., None] * (np.asarray(colour) / 255 - board)


def roughen(rng, ink, tooth, depth):
    """Pencil and chalk mark only the raised spots of the surface; ``tooth`` is their size in pixels."""
    surface = 0.75 * cloud(rng, ink.shape, tooth) + 0.45 * cloud(rng, ink.shape, 2.5 * tooth)
    soft = gaussian_filter(ink, 0.8)
    return ink.max() * np.clip(soft * (1 + depth * surface) - 0.35 * depth * (1 - soft), 0, 1)


def rule(shape, distance, angle, width=1.6, shift=0.0, near=0.0):
    """Parallel lines as ink from 0 to 1, printed ``distance`` pixels apart; ``near`` widens them towards the bottom."""
    rows, columns = np.mgrid[: shape[0], : shape[1]]
    zoom = 1 + near * rows / shape[0]
    place = (rows * np.cos(angle) + (columns - shape[1] / 2) * np.sin(angle)) / zoom - shift
    off = np.abs((place + distance / 2) % distance - distance / 2) * zoom
    return np.clip((width + 1) / 2 - off, 0, 1)


def light(shape, angle, dark, corners=0.05):
    """Light from one side, and the darker corners of every lens; ``angle`` 0 is dark at the right, 90 below."""
    rows, columns = np.mgrid[: shape[0], : shape[1]] / max(shape) - np.array(shape)[:, None, None] / max(shape) / 2
    slope = np.cos(np.radians(angle)) * columns + np.sin(np.radians(angle)) * rows
    return (1.05 - dark * (slope + 0.5) - 4 * corners * (rows**2 + columns**2))[..., None]


def cast_shadow(shape, corners, blur, dark, tint=(0.94, 0.98, 1.0)):
    """Shadow of a thing with such corners; it is bluish, since only indirect light reaches it."""
    mask = Image.new("L", (shape[1], shape[0]))
    ImageDraw.Draw(mask).polygon(corners, fill=255)
    shade = gaussian_filter(np.asarray(mask, np.float32) / 255, blur)[..., None]
    return 1 - shade * (1 - (1 - dark) * np.asarray(tint))


def photograph(rng, scene, blur=0.7, noise=0.011):
    """The camera: not quite sharp, with noise in brightness and colour."""
    shape = scene.shape[:2]
    scene = gaussian_filter(scene, (blur, blur, 0)) + noise * cloud(rng, shape, 0.6)[..., None]
    scene += 0.35 * noise * np.stack([cloud(rng, shape, 1.5) for _ in range(3)], axis=-1)
    return to_image(scene)


def scan(rng, scene):
    """The scanner: grey, with paper clipped to white, so that only ink keeps its noise."""
    grey = gaussian_filter(scene.mean(axis=2), 0.5) + 0.01 * cloud(rng, scene.shape[:2], 0.6)
    return to_image(np.clip((grey - 0.1) / (0.86 - 0.1), 0.06, 1))


def to_image(scene):
    """Picture of values from 0 to 1, grey or in colour."""
    return Image.fromarray((np.clip(scene, 0, 1) * 255 + 0.5).astype(np.uint8))


# ---- plain digits


def draw_0(rng):
    """Blue ballpoint on greyish paper, with the light from the left."""
    shape = 640, 520
    ink = draw(rng, shape, write(rng, FIRST_HAND["0"], 400, 130, 118), pen=11, depth=0.25)
    ink *= 0.9 + 0.06 * cloud(rng, shape, 1.5)
    scene = put_ink(make_paper(rng, shape, (214, 212, 208)), ink, (36, 56, 150))
    return photograph(rng, scene * light(shape, 20, 0.36))


def draw_1(rng):
    """Soft pencil on white paper."""
    shape = 600, 480
    ink = draw(rng, shape, write(rng, FIRST_HAND["1"], 400, 150, 100), pen=11, taper=0.5, unsteady=0.1, depth=0.7)
    ink = 0.85 * roughen(rng, ink, 0.8, 0.3)
    scene = put_ink(make_paper(rng, shape, (240, 238, 232)), ink, (62, 62, 68))
    return photograph(rng, scene * light(shape, 100, 0.12))


def draw_2(rng):
    """Broad black felt pen."""
    shape = 560, 560
    ink = draw(rng, shape, write(rng, FIRST_HAND["2"], 370, 165, 95), pen=36, taper=0.1, unsteady=0.03, depth=0.1)
    scene = put_ink(make_paper(rng, shape, (238, 236, 230)), 0.95 * ink, (28, 27, 30))
    return photograph(rng, scene * light(shape, 215, 0.2))


def draw_3(rng):
    """Drawing program with a pressure-sensitive pen."""
    shape = 512, 512
    ink = draw(rng, shape, write(rng, FIRST_HAND["3"], 350, 165, 80), pen=22, taper=0.75, unsteady=0.12, depth=0)
    return to_image(put_ink(np.ones((*shape, 3)), ink, (24, 34, 84)))


def draw_4(rng):
    """White chalk on a blackboard that was wiped, not washed."""
    shape = 560, 560
    board = np.array([44, 60, 54]) / 255 * np.ones((*shape, 1))
    wiped = gaussian_filter(draw(rng, shape, write(rng, SCRIBBLE, 560, -100, 0), pen=110), 30)
    streaks = rotate(cloud(rng, (900, 900), (5, 70)), 35)[300 : 300 + shape[0], 300 : 300 + shape[1]]
    board = board + (0.06 * wiped * (1 + 0.3 * streaks) + 0.008 * streaks)[..., None]
    chalk = draw(rng, shape, write(rng, FIRST_HAND["4"], 370, 160, 90), pen=24, taper=0.3, unsteady=0.1, depth=0.4)
    chalk = roughen(rng, chalk, 1.0, 0.42)
    chalk = np.maximum(0.92 * chalk, 0.1 * gaussian_filter(chalk, 9))
    return photograph(rng, put_chalk(board, chalk, (238, 238, 230)) * light(shape, 150, 0.25), noise=0.008)


def draw_5(rng):
    """Fountain pen on ivory paper: thick and thin, dark and pale."""
    shape = 620, 500
    ink = draw(rng, shape, write(rng, FIRST_HAND["5"], 400, 125, 105, slant=0.16), pen=19, unsteady=0.07, nib=0.6)
    ink *= 0.88 + 0.07 * cloud(rng, shape, 14)
    scene = put_ink(make_paper(rng, shape, (244, 236, 214)), np.clip(ink, 0, 1), (22, 36, 82))
    return photograph(rng, scene * light(shape, 60, 0.16))


def draw_6(rng):
    """Green marker on a whiteboard, with the lamp mirrored in it."""
    shape = 560, 600
    board = np.array([222, 226, 226]) / 255 * np.ones((*shape, 1))
    ghost = draw(rng, shape, write(rng, SCRIBBLE, 300, 90, 160), pen=34, depth=0)
    board = put_ink(board, 0.05 * gaussian_filter(ghost, 7), (60, 80, 160))
    ink = draw(rng, shape, write(rng, FIRST_HAND["6"], 360, 195, 95), pen=25, taper=0.1, unsteady=0.04, depth=0.3)
    ink *= 0.8 + 0.4 * (ink - gaussian_filter(ink, 4)) + 0.02 * cloud(rng, shape, 3)  # it dries darker at its edges
    scene = put_ink(board, ink, (0, 104, 66))
    rows, columns = np.mgrid[: shape[0], : shape[1]]
    glare = 0.2 * np.exp(-(((columns - 490) / 75) ** 2) - ((rows - 90) / 50) ** 2)
    return photograph(rng, scene * light(shape, 120, 0.2) + glare[..., None], noise=0.008)


def draw_7(rng):
    """Black ballpoint on a yellow note whose lower edge bends away."""
    shape = 520, 520
    ink = draw(rng, shape, write(rng, FIRST_HAND["7"], 340, 165, 85), pen=10, taper=0.4, unsteady=0.08, depth=0.35)
    scene = put_ink(make_paper(rng, shape, (250, 226, 104), 0.006), 0.92 * ink, (34, 34, 44))
    bend = 1 - 0.2 * np.linspace(0, 1, shape[0])[:, None, None] ** 4
    return photograph(rng, scene * light(shape, 15, 0.15) * bend)


def draw_8(rng):
    """Black gel pen, scanned."""
    shape = 500, 420
    ink = draw(rng, shape, write(rng, FIRST_HAND["8"], 340, 120, 78), pen=13, unsteady=0.05, depth=0.15)
    return scan(rng, put_ink(make_paper(rng, shape, (246, 246, 246), 0.006), ink, (24, 24, 24)))


def draw_9(rng):
    """Finger on a phone: one width everywhere, round ends, and a rather unsteady line."""
    shape = 640, 480
    lines = write(rng, FIRST_HAND["9"], 380, 140, 125, tremor=1.5)
    return to_image(1 - draw(rng, shape, lines, pen=26, taper=0, unsteady=0, depth=0))


# ---- one difficulty each


def draw_thin_pen(rng):
    """Reduced to 28 pixels, so thin a line is gone."""
    shape = 1000, 1000
    ink = draw(rng, shape, write(rng, SECOND_HAND["3"], 700, 300, 150), pen=2.6, taper=0.2, depth=0.2)
    return to_image(put_ink(np.ones((*shape, 3)), ink, (20, 20, 20)).mean(axis=2))


def draw_shadow(rng):
    """Between shadow and light, the paper differs more than paper and pale ink do."""
    shape = 640, 640
    ink = draw(rng, shape, write(rng, SECOND_HAND["2"], 400, 190, 115), pen=15, depth=0.2)
    scene = put_ink(make_paper(rng, shape, (236, 232, 224)), 0.94 * ink, (34, 36, 60)) * light(shape, 35, 0.34)
    corners = [(-50, 700), (-50, 420), (180, 330), (330, 290), (470, 60), (560, -50), (740, -50), (740, 700)]
    return photograph(rng, scene * cast_shadow(shape, corners, 2.5, 0.5))


def draw_off_centre(rng):
    """Most of the picture is empty."""
    shape = 700, 900
    ink = draw(rng, shape, write(rng, SECOND_HAND["4"], 110, 765, 540), pen=6, depth=0.2)
    return scan(rng, put_ink(make_paper(rng, shape, (246, 246, 246), 0.006), ink, (30, 30, 30)))


def draw_ruled_paper(rng):
    """Printed lines are strokes, too."""
    shape = 600, 600
    lines = rule(shape, 62, 0.02, 2.2, 21, 0.06)
    scene = put_ink(make_paper(rng, shape, (243, 242, 236)), 0.55 * lines, (70, 120, 190))
    ink = draw(rng, shape, write(rng, SECOND_HAND["8"], 330, 205, 120), pen=10, depth=0.25)
    scene = put_ink(scene, 0.92 * ink, (26, 34, 96))
    return photograph(rng, scene * light(shape, 60, 0.2))


def draw_squared_paper(rng):
    """Squares of 5 mm; the digit is two and a half high."""
    shape = 600, 600
    grid = np.maximum(rule(shape, 92, -0.025, 1.8, 40), rule(shape[::-1], 92, 0.025, 1.8, 30).T)
    scene = put_ink(make_paper(rng, shape, (237, 240, 243)), 0.5 * grid, (110, 128, 160))
    ink = draw(rng, shape, write(rng, SECOND_HAND["6"], 300, 215, 145), pen=12, depth=0.25)
    scene = put_ink(scene, 0.92 * ink, (30, 30, 36))
    return photograph(rng, scene * light(shape, 200, 0.2))


def draw_white_on_black(rng):
    """Ink brighter than paper."""
    shape = 480, 480
    return to_image(draw(rng, shape, write(rng, SECOND_HAND["9"], 340, 155, 70), pen=24, taper=0.2, depth=0))


def draw_transparent(rng):
    """Without its alpha channel, black on black."""
    shape = 520, 440
    ink = draw(rng, shape, write(rng, SECOND_HAND["5"], 360, 115, 80), pen=20, taper=0.3, depth=0)
    pixels = np.zeros((*shape, 4))
    pixels[..., 3] = ink
    return to_image(pixels)


def draw_rotated(rng):
    """A phone held sideways stores the picture lying, and says so in a tag."""
    shape = 640, 480
    ink = draw(rng, shape, write(rng, SECOND_HAND["7"], 390, 130, 125), pen=15, depth=0.2)
    scene = put_ink(make_paper(rng, shape, (226, 231, 237)), 0.95 * ink, (160, 34, 40))
    return photograph(rng, scene * light(shape, 250, 0.22)).transpose(Image.Transpose.ROTATE_90)


def draw_faint_pencil(rng):
    """Hard pencil, hardly pressed."""
    shape = 580, 500
    ink = draw(rng, shape, write(rng, SECOND_HAND["0"], 380, 130, 100), pen=7, taper=0.5, unsteady=0.1, depth=0.7)
    ink = 0.42 * roughen(rng, ink, 0.8, 0.32)
    return photograph(rng, put_ink(make_paper(rng, shape, (240, 236, 226)), ink, (90, 90, 96)) * light(shape, 30, 0.14))


def draw_cropped_frame(rng):
    """Cut out of a form together with the frame of its field, not quite straight."""
    shape = 480, 400
    ink = draw(rng, shape, write(rng, SECOND_HAND["1"], 310, 115, 85), pen=12, depth=0.2)
    frame = Image.new("L", (400 * FINER, 480 * FINER), 255)
    corners = [(13, 17), (386, 9), (391, 465), (18, 473)]
    ImageDraw.Draw(frame).polygon([(FINER * x, FINER * y) for x, y in corners], fill=0)
    frame = np.asarray(frame.reduce(FINER), np.float32) / 255
    scene = put_ink(make_paper(rng, shape, (246, 246, 246), 0.006), np.maximum(0.9 * ink, 0.85 * frame), (20, 20, 20))
    return scan(rng, scene)


def draw_touching_edge(rng):
    """Cut out too tightly: ink reaches the border."""
    shape = 400, 330
    ink = draw(rng, shape, write(rng, SECOND_HAND["4"], 345, 35, 66, slant=0.1), pen=17, depth=0.2)
    return scan(rng, put_ink(make_paper(rng, shape, (246, 246, 246), 0.006), ink, (24, 24, 30)))


# ---- several digits


def draw_one_row(rng):
    """A number in one row."""
    shape = 400, 900
    ink = draw(rng, shape, write_row(rng, "40827", FIRST_HAND, 175, 85, 105), pen=9, depth=0.25)
    scene = put_ink(make_paper(rng, shape, (226, 230, 234)), 0.92 * ink, (34, 48, 132))
    return photograph(rng, scene * light(shape, 10, 0.26))


def draw_two_rows(rng):
    """Two rows of five, every digit once."""
    shape = 640, 900
    lines = write_row(rng, "95613", SECOND_HAND, 170, 95, 95) + write_row(rng, "27084", SECOND_HAND, 170, 90, 365)
    ink = draw(rng, shape, lines, pen=11, taper=0.25, depth=0.2)
    scene = put_ink(make_paper(rng, shape, (244, 238, 224)), 0.94 * ink, (30, 30, 34))
    return photograph(rng, scene * light(shape, 300, 0.2))


def draw_touching(rng):
    """The bowl of the 5 touches the 0, so that they are one piece of ink."""
    shape = 440, 600
    lines = write(rng, FIRST_HAND["5"], 290, 95, 75) + write(rng, FIRST_HAND["0"], 290, 245, 72)
    return to_image(put_ink(np.ones((*shape, 3)), draw(rng, shape, lines, 17, depth=0), (20, 20, 20)).mean(axis=2))


# ---- no digits


def draw_scribble(rng):
    """Somebody trying a pen."""
    shape = 440, 640
    ink = draw(rng, shape, write(rng, SCRIBBLE, 310, 110, 65), pen=12, taper=0.5, unsteady=0.1, depth=0)
    return to_image(put_ink(np.ones((*shape, 3)), ink, (30, 30, 34)).mean(axis=2))


def draw_letter(rng):
    """A handwritten k."""
    shape = 500, 480
    ink = draw(rng, shape, write(rng, LETTER_K, 350, 135, 75, slant=0.12), pen=15, depth=0.1)
    return scan(rng, put_ink(make_paper(rng, shape, (246, 246, 246), 0.006), ink, (24, 24, 24)))


def draw_blank(rng):
    """Nothing but paper."""
    shape = 480, 600
    return photograph(rng, make_paper(rng, shape, (228, 226, 220), 0.012) * light(shape, 40, 0.22))


def draw_texture(rng):
    """Boards of a wooden table."""
    shape = 480, 640
    scene = np.empty((*shape, 3))
    for top, bottom in ((0, 142), (142, 318), (318, 480)):
        scene[top:bottom] = make_board(rng, (bottom - top, shape[1]))
    for gap in (142, 318):
        scene[gap - 2 : gap + 2] *= 0.35
    return photograph(rng, scene * light(shape, 30, 0.25), noise=0.008)


def make_board(rng, shape):
    """Rings of a tree, cut lengthwise, and fibres along them."""
    rows, columns = np.mgrid[: shape[0], : shape[1]]
    middle, peak = rng.uniform(0.3, 0.7) * shape[0], rng.uniform(0.2, 0.8) * shape[1]
    depth = np.hypot((rows - middle) / 13, (columns - peak) / 230) + 0.35 * cloud(rng, shape, (14, 90))
    ring = (depth % 1) ** 2.5
    fibres = 0.05 * cloud(rng, shape, (0.7, 25)) + 0.03 * cloud(rng, shape, (3, 120))
    tone = rng.normal(1, 0.05) * (1 + fibres - 0.2 * gaussian_filter(ring, 1))
    return np.array([178, 132, 86]) / 255 * tone[..., None]


SAMPLES = [
    ("digit_0.jpg", draw_0, "0", "plain", "photo: blue ballpoint on greyish paper, light from the left"),
    ("digit_1.jpg", draw_1, "1", "plain", "photo: soft pencil on white paper"),
    ("digit_2.jpg", draw_2, "2", "plain", "photo: broad black felt pen"),
    ("digit_3.png", draw_3, "3", "plain", "drawing program: pen that feels pressure"),
    ("digit_4.jpg", draw_4, "4", "plain", "photo: white chalk on a blackboard"),
    ("digit_5.jpg", draw_5, "5", "plain", "photo: fountain pen on ivory paper"),
    ("digit_6.jpg", draw_6, "6", "plain", "photo: green marker on a whiteboard"),
    ("digit_7.jpg", draw_7, "7", "plain", "photo: black ballpoint on a yellow note"),
    ("digit_8.png", draw_8, "8", "plain", "scan: black gel pen"),
    ("digit_9.png", draw_9, "9", "plain", "phone: drawn with a finger"),
    ("thin_pen.png", draw_thin_pen, "3", "difficult", "hairline in a large frame"),
    ("shadow.jpg", draw_shadow, "2", "difficult", "hard edge of a shadow across the digit, uneven light"),
    ("off_centre.png", draw_off_centre, "4", "difficult", "small digit in a corner"),
    ("ruled_paper.jpg", draw_ruled_paper, "8", "difficult", "printed lines cross the digit"),
    ("squared_paper.jpg", draw_squared_paper, "6", "difficult", "printed squares of 5 mm"),
    ("white_on_black.png", draw_white_on_black, "9", "difficult", "white ink on black"),
    ("transparent.png", draw_transparent, "5", "difficult", "black ink on a transparent ground"),
    ("rotated_exif.jpg", draw_rotated, "7", "difficult", "pixels stored lying, upright by the EXIF tag"),
    ("faint_pencil.jpg", draw_faint_pencil, "0", "difficult", "hard pencil, hardly pressed"),
    ("cropped_frame.png", draw_cropped_frame, "1", "difficult", "dark frame of a form left at the border"),
    ("touching_edge.png", draw_touching_edge, "4", "difficult", "ink reaches the border of the picture"),
    ("number_one_row.jpg", draw_one_row, "40827", "number", "five digits in one row"),
    ("number_two_rows.jpg", draw_two_rows, "95613-27084", "number", "two rows of five digits"),
    ("number_touching.png", draw_touching, "50", "number", "two digits that touch"),
    ("scribble.png", draw_scribble, "-", "no digit", "somebody tried a pen"),
    ("letter.png", draw_letter, "-", "no digit", "the letter k"),
    ("blank.jpg", draw_blank, "-", "no digit", "paper without any ink"),
    ("photo_of_texture.jpg", draw_texture, "-", "no digit", "boards of a wooden table"),
]


def save(image, path, rotated):
    """Write a picture as small as its format allows; ``rotated`` adds the tag by which viewers turn it upright."""
    if path.suffix == ".png":
        image.save(path, optimize=True)
        return
    tags = Image.Exif()
    if rotated:
        tags[ORIENTATION] = 6
    image.save(path, quality=76, optimize=True, exif=tags)


def main(folder=FOLDER):
    """Draw every picture, each from a seed of its own: adding one leaves the others as they are."""
    folder = Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    for name, picture, *_ in SAMPLES:
        rng = np.random.default_rng(zlib.crc32(name.encode()))
        save(picture(rng), folder / name, rotated=picture is draw_rotated)
    with (folder / "index.tsv").open("w", encoding="utf-8", newline="") as file:
        table = csv.writer(file, delimiter="\t", lineterminator="\n")
        table.writerow(["path", "label", "kind", "note"])
        table.writerows([name, *row] for name, _, *row in SAMPLES)


def strokes_for_the_pad():
    """The first hand's digits as JavaScript: for each digit its strokes, as points so close that they make a curve."""
    digits = [[follow(stroke)[::30].round(3).tolist() for stroke in FIRST_HAND[str(digit)]] for digit in range(10)]
    return (
        "/* Sample digits for the pad, written by draw_samples.py: their strokes, in heights of the digit. */\n"
        f"const DIGIT_STROKES = {json.dumps(digits, separators=(',', ':'))};\n"
    )


if __name__ == "__main__":
    main(*sys.argv[1:2])
    if not sys.argv[1:]:
        STROKES.write_text(strokes_for_the_pad(), encoding="utf-8")
