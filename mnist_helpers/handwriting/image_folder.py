"""A data set of your own: pictures sorted into one folder a class."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from mnist_helpers.checks import check_path
from mnist_helpers.datasets import DatasetError
from mnist_helpers.handwriting.pictures import OUTSIDE, leads_out
from mnist_helpers.handwriting.preparation import prepare_digit


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
        prepare: a function from a path to an array, the same shape for every picture. By default ``prepare_digit``,
            which makes a digit like MNIST's of every picture.

    Returns:
        An ``ImageFolder``, sorted by class and file name.

    Raises:
        DatasetError: there is no such folder, a class without pictures, a file that is no picture, a link to
            outside the folder, or pictures of unequal shapes. One message names all faulty files.
    """
    check_path("folder", folder)
    if prepare is not None and (not callable(prepare) or hasattr(prepare, "predict")):
        raise TypeError(f"prepare: expected a function from a path to an array, got {type(prepare).__name__}.")
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
