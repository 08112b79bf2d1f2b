"""The weights that ship with the package, their model card, and the network in the format of the browser's code."""

import base64
import hashlib
import json
from importlib import resources

import keras
import numpy as np

from mnist_helpers.checks import check_model, check_range
from mnist_helpers.models import build_strong_cnn

WEIGHTS = "strong_cnn.weights.h5"
CARD = "strong_cnn.json"


class WeightsError(RuntimeError):
    """The shipped weights or their card are missing or differ from the recorded ones; the message says what to do."""


def load_model():
    """Return the strong CNN with its trained weights, ready to predict or to be trained further.

    The weights are in the package as ``data/strong_cnn.weights.h5``; how they were made and how well they read is in
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
        A dictionary: ``"recipe"``, ``"data"``, ``"test"``, ``"packages"``, ``"sha256"`` and more. The same is
        described in ``data/strong_cnn.md``.

    Raises:
        WeightsError: the card is missing or damaged.
    """
    try:
        facts = json.loads(_data(CARD).read_text(encoding="utf-8"))
        facts["sha256"]
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise WeightsError(f"{_data(CARD)} cannot be read ({error!r}); install the package again.") from error
    return facts


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
        ValueError: the model has a layer that the browser's code does not support.
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
    layers, kernel = [], None  # the kernel of a convolution until its normalisation follows
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


def without_optimizer(model):
    """The same layers as another model, which is not compiled: an optimizer's state would be two thirds of a file."""
    return keras.Model(model.inputs, model.outputs)


def _data(name):
    return resources.files("mnist_helpers") / "data" / name
