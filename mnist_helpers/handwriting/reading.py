"""What the shipped network reads in pictures: one digit, many pictures, or a page of numbers."""

import os
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from functools import cache
from itertools import islice

import numpy as np

from mnist_helpers.checks import check_answers, check_kind, check_model, check_range
from mnist_helpers.handwriting.numbers import split_digits
from mnist_helpers.handwriting.pictures import NoDigitError, PictureError
from mnist_helpers.handwriting.preparation import prepare_digit
from mnist_helpers.handwriting.weights import load_model, model_card
from mnist_helpers.preprocessing import prepare_images

AT_ONCE = 32  # so many pictures are prepared before the network reads them; a folder may hold thousands


@dataclass(frozen=True, eq=False)
class Reading:
    """What the shipped network reads in a picture.

    Attributes:
        digit: the digit, or None if the picture shows none, or none that can be told.
        probability: how sure the answer is, from 0 to 1: the largest of ``probabilities``. Where nothing was found to
            ask the network about, all of them are 0.1.
        probabilities: ``float32`` array of shape ``(10,)``, one probability a digit.
        reason: why there is no digit; None if there is one.
        image: the picture as the network got it, ``uint8`` of shape ``(28, 28)``, 0 paper and 255 ink.
        box: (left, top, right, bottom) of the digit, as shares of the width and the height of the upright picture.
        row: which row of the picture the digit stands in, from 0 at the top.
        touching: whether ``read_number`` found it wider than high, and than its row is usually high, so that two digits
            may have run into one.
    """

    digit: int | None
    probability: float
    probabilities: np.ndarray = field(repr=False)
    reason: str | None
    image: np.ndarray = field(repr=False)
    box: tuple[float, float, float, float]
    row: int = 0
    touching: bool = False

    def __str__(self):
        return self.reason if self.digit is None else f"{self.digit} ({self.probability:.1%})"


def read_digit(picture, *, best=False, model=None, threshold=None):
    """Read the one digit in a picture.

    Args:
        picture: a path, a file opened in binary mode or its bytes, a Pillow image, or an array of shape
            ``(height, width)`` or ``(height, width, 1 to 4)``: integers, or floating point values from 0 to 1.
        best: give the likeliest digit also when it is unsure.
        model: another network than the shipped one, which reads images as ``prepare_images`` makes them and answers
            with probabilities. Nobody has chosen a threshold for it, so it always answers, and its probabilities stay
            as they are.
        threshold: the probability, from 0 to 1, below which no digit is given; by default the one that was chosen for
            the shipped network (``model_card()["threshold"]``), and none for another model.

    Returns:
        A ``Reading``. Its ``digit`` is None for blank paper, for anything that does not look like a digit, and when
        two digits are about as likely; ``reason`` says which.

    Raises:
        PictureError: the picture cannot be opened, or is damaged.
        TypeError, ValueError: what was handed in is no picture, or the model answers with something else.
        WeightsError: the shipped weights are missing or damaged.
    """
    reading = next(read_digits([picture], best=best, model=model, threshold=threshold))
    if isinstance(reading, PictureError):
        raise reading
    return reading


def read_digits(pictures, *, best=False, model=None, threshold=None):
    """Read the digits in many pictures, one in each, faster than one after the other.

    Args:
        pictures: pictures as ``read_digit`` takes them, as many as you like.
        best, model, threshold: as for ``read_digit``.

    Returns:
        A generator. For each picture, in their order, it yields a ``Reading``, or the ``PictureError`` that says why
        it cannot be opened.

    Raises:
        TypeError, ValueError, WeightsError: as for ``read_digit``.
    """
    single = str | bytes | bytearray | memoryview | os.PathLike
    if isinstance(pictures, single) or hasattr(pictures, "read") or not hasattr(pictures, "__iter__"):
        raise TypeError(f"pictures: expected several pictures, got {type(pictures).__name__}; read_digit reads one.")
    _check_options(best, model, threshold)
    return _read_in_groups(
        iter(pictures), best, model, threshold
    )  # a generator of its own, so that mistakes show at the call


def _read_in_groups(pictures, best, model, threshold):
    with ThreadPoolExecutor(2) as pool:
        while group := list(islice(pictures, AT_ONCE)):
            prepared = list(pool.map(_prepare_or_error, group))
            found = [preparation for preparation in prepared if not isinstance(preparation, PictureError)]
            readings = iter(_read(found, best, model, threshold))
            for preparation in prepared:
                if isinstance(preparation, NoDigitError):
                    even = np.full(10, 0.1, "float32")
                    blank = np.zeros((28, 28), "uint8")
                    yield Reading(None, 0.1, even, f"no digit here: {preparation.reason}", blank, (0.0, 0.0, 1.0, 1.0))
                else:
                    yield preparation if isinstance(preparation, PictureError) else next(readings)


def read_number(picture, *, best=False, model=None, threshold=None):
    """Read every digit in a picture, row by row, from left to right.

    A row of three parts or more, more than a third of which cannot be read, is taken for words and left out, unless
    there is no other row. Any other part that cannot be read stays, with ``digit`` None, since a number that lacks a
    digit is another number.

    Args:
        picture, best, model, threshold: as for ``read_digit``.

    Returns:
        A list of ``Reading`` in reading order; empty if there is no ink, or nothing as large as a digit.

    Raises:
        PictureError, TypeError, ValueError, WeightsError: as for ``read_digit``.
    """
    _check_options(best, model, threshold)
    try:
        parts = split_digits(picture)
    except NoDigitError:
        return []
    rows: dict[int, list[Reading]] = {}
    for reading in _read(parts, False, model, threshold):
        rows.setdefault(reading.row, []).append(reading)
    # Joined letters look like digits that touch, and single ones, such as l and o, like digits that are read.
    numbers = [
        row for row in rows.values() if len(row) < 3 or 3 * sum(reading.digit is None for reading in row) <= len(row)
    ]
    kept = [reading for row in numbers or rows.values() for reading in row]
    if best:
        kept = [replace(reading, digit=int(reading.probabilities.argmax()), reason=None) for reading in kept]
    return kept


def apply_temperature(probabilities, temperature):
    """Make probabilities less sure, or with a temperature below 1 surer. Which digit is likeliest stays the same.

    Temperature scaling: Guo et al., 2017, arXiv 1706.04599.

    Args:
        probabilities: array of shape ``(n, 10)``, each row summing to 1.
        temperature: the logarithms are divided by it; 1 changes nothing.
    """
    logits = np.log(np.maximum(probabilities, 1e-30)) / temperature
    powers = np.exp(logits - logits.max(axis=1, keepdims=True))
    return powers / powers.sum(axis=1, keepdims=True)


def _prepare_or_error(picture):
    try:
        return prepare_digit(picture)
    except PictureError as error:
        return error


def _check_options(best, model, threshold):
    check_kind("best", best, bool | np.bool_, "True or False")
    if model is not None:
        check_model("model", model)
    if threshold is not None:
        check_range("threshold", threshold, 0, 1)


def _read(prepared, best, model, threshold):
    if not prepared:
        return []
    images = prepare_images(np.stack([preparation.image for preparation in prepared]))
    answers = (model or _model()).predict(images, batch_size=AT_ONCE, verbose=0)
    if model is not None:
        check_answers("model", answers)
    else:
        card = model_card()
        answers = apply_temperature(answers, card["temperature"])
        threshold = card["threshold"] if threshold is None else threshold
    reasons = [None] * len(answers)
    if threshold is not None and not best:
        reasons = [_refuse(part, answer, threshold) for part, answer in zip(prepared, answers, strict=True)]
    return [
        Reading(
            digit=int(answer.argmax()) if reason is None else None,
            probability=float(answer.max()),
            probabilities=answer,
            reason=reason,
            image=part.image,
            box=part.box,
            row=getattr(part, "row", 0),  # which only a Part has
            touching=getattr(part, "touching", False),
        )
        for part, answer, reason in zip(prepared, answers, reasons, strict=True)
    ]


def _refuse(part, answer, threshold):
    """Why a digit is not given, or None if it is."""
    if getattr(part, "blot", False):
        return "unsure: blackened, or written with a far broader pen than the others"
    second, first = np.argsort(answer)[-2:]
    if answer[first] >= threshold:
        return None
    if getattr(part, "touching", False):
        return "unsure: two digits may touch here"
    if answer[first] + answer[second] >= threshold:
        return f"unsure: {first} or {second}"
    return "no digit here, or none that can be told"


@cache
def _model():
    return load_model()
