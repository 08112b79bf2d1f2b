"""The network that ships with the package, trained once by ``make pretrained``, and what it reads in pictures."""

import base64
import hashlib
import json
import os
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from functools import cache
from importlib import resources
from itertools import islice

import keras
import numpy as np

from mnist_helpers.checks import check_kind, check_model, check_range
from mnist_helpers.datasets import prepare_images
from mnist_helpers.handwriting import prepare_digit, split_digits
from mnist_helpers.models import build_strong_cnn
from mnist_helpers.pictures import NoDigitError, PictureError

WEIGHTS = "strong_cnn.weights.h5"
CARD = "strong_cnn.json"
AT_ONCE = 32  # so many pictures are prepared before the network reads them; a folder may hold thousands


class WeightsError(RuntimeError):
    """The shipped weights or their card are missing or are not those that were made; the message says what to do."""


def load_model():
    """Return the strong CNN with its trained weights, ready to predict or to be trained further.

    The weights lie in the package as ``data/strong_cnn.weights.h5``; how they were made and how well they read is in
    ``data/strong_cnn.md``. They are loaded only if their SHA-256 is the recorded one.

    Returns:
        A new, compiled Keras model of ``build_strong_cnn``. It reads ``float32`` images of shape ``(n, 28, 28, 1)``,
        0 paper and 1 ink, as ``prepare_images`` makes them, and answers with probabilities of shape ``(n, 10)``.

    Raises:
        WeightsError: the file is missing, or is not the one that was recorded.
    """
    recorded = model_card()["sha256"]
    with resources.as_file(_data(WEIGHTS)) as path:
        try:
            found = hashlib.sha256(path.read_bytes()).hexdigest()
        except OSError as error:
            raise WeightsError(f"{path} cannot be read ({error}); install the package again.") from error
        if found != recorded:
            raise WeightsError(
                f"{path} is not the file that was recorded: its SHA-256 is {found}, not {recorded}; "
                "install the package again."
            )
        model = build_strong_cnn()
        without_optimizer(model).load_weights(path)
    return model


def model_card():
    """How the shipped weights were made and how well they read.

    Returns:
        A dictionary: ``"recipe"``, ``"data"``, ``"test"``, ``"packages"``, ``"sha256"`` and more. The same stands in
        words in ``data/strong_cnn.md``.

    Raises:
        WeightsError: the card is missing or damaged.
    """
    try:
        facts = json.loads(_data(CARD).read_text(encoding="utf-8"))
        facts["sha256"]
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise WeightsError(f"{_data(CARD)} cannot be read ({error!r}); install the package again.") from error
    return facts


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


def read_digit(picture, *, best=False, model=None):
    """Read the one digit in a picture.

    Args:
        picture: a path, the bytes of a file, a Pillow image, or an array of shape ``(height, width)`` or
            ``(height, width, 1 to 4)``: integers, or floating point values from 0 to 1.
        best: give the likeliest digit also when it is unsure.
        model: another network than the shipped one, which reads images as ``prepare_images`` makes them. Nobody has
            chosen a threshold for it, so it always answers, and its probabilities stay as they are.

    Returns:
        A ``Reading``. Its ``digit`` is None for blank paper, for anything that does not look like a digit, and when
        two digits are about as likely; ``reason`` says which.

    Raises:
        PictureError: the picture cannot be opened, or is damaged.
        TypeError, ValueError: what was handed in is no picture.
        WeightsError: the shipped weights are missing or damaged.
    """
    reading = next(read_digits([picture], best=best, model=model))
    if isinstance(reading, PictureError):
        raise reading
    return reading


def read_digits(pictures, *, best=False, model=None):
    """Read the digits in many pictures, one in each, faster than one after the other.

    Args:
        pictures: pictures as ``read_digit`` takes them, as many as you like.
        best, model: as for ``read_digit``.

    Yields:
        For each picture, in their order, a ``Reading``, or the ``PictureError`` that says why it cannot be opened.

    Raises:
        TypeError, ValueError, WeightsError: as for ``read_digit``.
    """
    if isinstance(pictures, str | bytes | os.PathLike) or not hasattr(pictures, "__iter__"):
        raise TypeError(f"pictures: expected several pictures, got {type(pictures).__name__}; read_digit reads one.")
    check_kind("best", best, bool | np.bool_, "True or False")
    if model is not None:
        check_model("model", model)
    pictures = iter(pictures)
    with ThreadPoolExecutor(2) as pool:
        while some := list(islice(pictures, AT_ONCE)):
            prepared = list(pool.map(_prepare_or_error, some))
            found = [one for one in prepared if not isinstance(one, PictureError)]
            readings = iter(_read(found, best, model))
            for one in prepared:
                if isinstance(one, NoDigitError):
                    even = np.full(10, 0.1, "float32")
                    blank = np.zeros((28, 28), "uint8")
                    yield Reading(None, 0.1, even, f"no digit here: {one.reason}", blank, (0.0, 0.0, 1.0, 1.0))
                else:
                    yield one if isinstance(one, PictureError) else next(readings)


def read_number(picture, *, best=False, model=None):
    """Read every digit in a picture, row by row, from left to right.

    A row of three parts or more, more than a third of which cannot be read, is taken for words and left out, unless
    there is no other row. Any other part that cannot be read stays, with ``digit`` None, since a number that lacks a
    digit is another number.

    Args:
        picture, best, model: as for ``read_digit``.

    Returns:
        A list of ``Reading`` in reading order; empty if there is no ink, or nothing as large as a digit.

    Raises:
        PictureError, TypeError, ValueError, WeightsError: as for ``read_digit``.
    """
    check_kind("best", best, bool | np.bool_, "True or False")
    if model is not None:
        check_model("model", model)
    try:
        parts = split_digits(picture)
    except NoDigitError:
        return []
    rows: dict[int, list[Reading]] = {}
    for reading in _read(parts, best=False, model=model):
        rows.setdefault(reading.row, []).append(reading)
    # Joined letters look like digits that touch, and single ones, such as l and o, like digits that are read.
    numbers = [row for row in rows.values() if len(row) < 3 or 3 * sum(one.digit is None for one in row) <= len(row)]
    kept = [reading for row in numbers or rows.values() for reading in row]
    if best:
        kept = [replace(reading, digit=int(reading.probabilities.argmax()), reason=None) for reading in kept]
    return kept


def cool(probabilities, temperature):
    """Make probabilities less sure, or with a temperature below 1 surer. Which digit is likeliest stays the same.

    Temperature scaling: Guo et al., 2017, arXiv 1706.04599.

    Args:
        probabilities: array of shape ``(n, 10)``, each row summing to 1.
        temperature: the logarithms are divided by it; 1 changes nothing.
    """
    logits = np.log(np.maximum(probabilities, 1e-30)) / temperature
    powers = np.exp(logits - logits.max(axis=1, keepdims=True))
    return powers / powers.sum(axis=1, keepdims=True)


def export_network(model=None, *, temperature=1.0, threshold=0.0):
    """The network for a browser: what ``book/pad/network.js`` computes with.

    Batch normalisation is folded into the convolution before it. Each filter is stored as whole numbers from -127 to
    127 and one factor for all of them, so a weight takes one byte.

    Args:
        model: a model of ``build_strong_cnn``; by default the shipped one, with the temperature and the threshold
            that belong to it.
        temperature, threshold: those of your own model; by default its probabilities stay as they are, and it always
            answers.

    Returns:
        A dictionary that JSON can hold: ``"layers"``, ``"temperature"`` and ``"threshold"``. Each layer has ``"kind"``,
        ``"scales"`` and ``"biases"`` (one number a filter) and ``"weights"`` (bytes in Base64, in the order of Keras'
        kernel); a convolution also ``"size"`` and ``"strides"``.

    Raises:
        ValueError: the model has a layer that the browser does not know.
        WeightsError: the shipped weights are missing or damaged.
    """
    check_range("temperature", temperature, 0.01, 100)
    check_range("threshold", threshold, 0, 1)
    if model is not None:
        check_model("model", model)
    if model is None:
        model, card = load_model(), model_card()
        temperature, threshold = card["temperature"], card["threshold"]
    linear, relu, softmax = (getattr(keras.activations, name) for name in ("linear", "relu", "softmax"))
    layers, kernel = [], None  # the kernel of a convolution whose normalisation has not come yet
    for layer in model.layers:
        match layer:
            case keras.layers.Conv2D(use_bias=False, padding="same") if kernel is None and layer.activation is linear:
                kernel = layer.kernel.numpy()
                layers.append({"kind": "convolution", "size": layer.kernel_size[0], "strides": layer.strides[0]})
            case keras.layers.BatchNormalization() if kernel is not None:
                gamma, beta, mean, variance = layer.get_weights()
                factor = gamma / np.sqrt(variance + layer.epsilon)
                layers[-1] |= _in_bytes(kernel * factor, beta - mean * factor)
                kernel = None
            case keras.layers.Dense() if kernel is None and layer.activation is softmax:
                layers.append({"kind": "dense"} | _in_bytes(*layer.get_weights()))
            case keras.layers.Activation() if layer.activation is relu:
                pass  # the browser applies it after each convolution
            case keras.layers.Flatten() | keras.layers.InputLayer():
                pass  # the browser stores maps flat
            case _:
                raise ValueError(f"model: the browser knows no layer such as {layer.name!r}.")
    return {"layers": layers, "temperature": temperature, "threshold": threshold}


def _in_bytes(kernel, biases):
    scales = np.abs(kernel).max(axis=tuple(range(kernel.ndim - 1))) / 127
    content = np.round(kernel / np.maximum(scales, 1e-30)).astype("int8").tobytes()
    return {
        "scales": [float(f"{scale:.6g}") for scale in scales],
        "biases": [float(f"{bias:.6g}") for bias in biases],
        "weights": base64.b64encode(content).decode(),
    }


def _prepare_or_error(picture):
    try:
        return prepare_digit(picture)
    except PictureError as error:
        return error


def _read(prepared, best, model):
    if not prepared:
        return []
    images = prepare_images(np.stack([one.image for one in prepared]))
    answers = (model or _model()).predict(images, batch_size=AT_ONCE, verbose=0)
    reasons = [None] * len(answers)
    if model is None:
        card = model_card()
        answers = cool(answers, card["temperature"])
        if not best:
            reasons = [_refuse(one, answer, card["threshold"]) for one, answer in zip(prepared, answers, strict=True)]
    return [
        Reading(
            digit=int(answer.argmax()) if reason is None else None,
            probability=float(answer.max()),
            probabilities=answer,
            reason=reason,
            image=one.image,
            box=one.box,
            row=getattr(one, "row", 0),  # which only a Part has
            touching=getattr(one, "touching", False),
        )
        for one, answer, reason in zip(prepared, answers, reasons, strict=True)
    ]


def _refuse(one, answer, threshold):
    """Why a digit is not given, or None if it is."""
    if getattr(one, "blot", False):
        return "unsure: blackened, or written with a far broader pen than the others"
    second, first = np.argsort(answer)[-2:]
    if answer[first] >= threshold:
        return None
    if getattr(one, "touching", False):
        return "unsure: two digits may touch here"
    if answer[first] + answer[second] >= threshold:
        return f"unsure: {first} or {second}"
    return "no digit here, or none that can be told"


@cache
def _model():
    return load_model()


def without_optimizer(model):
    """The same layers as another model, which is not compiled: an optimizer's state would be two thirds of a file."""
    return keras.Model(model.inputs, model.outputs)


def _data(name):
    return resources.files("mnist_helpers") / "data" / name
