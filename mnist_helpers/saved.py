"""Where the networks lie that a reader trained: one chapter saves them, and another reads with them."""

import os
from pathlib import Path

from mnist_helpers.checks import check_choice
from mnist_helpers.datasets import DATASETS


def saved_models(dataset):
    """The folder for networks that were trained with a data set; it is made if there is none.

    It is ``<folder>/<dataset>``, where the folder is the one in the environment variable ``MNIST_MODELS`` (the build of
    the book sets it), otherwise ``models`` in the current folder. Each data set has its own, so that a network trained
    with few images is never taken for one trained with all of them.

    Args:
        dataset: the name of a data set, such as ``"mini"``.

    Returns:
        The path of the folder. What lies in it, and whether anything does, is up to who saved it.

    Raises:
        TypeError, ValueError: there is no such data set.
        OSError: the folder cannot be made.
    """
    check_choice("dataset", dataset, DATASETS)
    folder = Path(os.environ.get("MNIST_MODELS") or "models") / dataset
    folder.mkdir(parents=True, exist_ok=True)
    return folder
