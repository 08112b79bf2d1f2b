"""The network that ships with the package: trained once by ``make pretrained``, loaded by everybody else."""

import hashlib
import json
from importlib import resources

import keras

from mnist_helpers.models import build_strong_cnn

WEIGHTS = "strong_cnn.weights.h5"
CARD = "strong_cnn.json"


class WeightsError(Exception):
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


def without_optimizer(model):
    """The same layers as another model, which is not compiled: an optimizer's state would be two thirds of a file."""
    return keras.Model(model.inputs, model.outputs)


def _data(name):
    return resources.files("mnist_helpers") / "data" / name
