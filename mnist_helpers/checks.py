"""Checks of what is handed in. Each error names the argument, what was expected, and the way out."""

import numpy as np


def check_images(argument, images):
    """Refuse anything but images as they are loaded: ``uint8``, shape ``(n, 28, 28)``, at least one.

    Args:
        argument: the name of the argument, for the message.
        images: what was handed in.

    Raises:
        TypeError: it is no array, or its numbers are not ``uint8``.
        ValueError: its shape is another, or there is no image in it.
    """
    wanted = "a uint8 array of shape (n, 28, 28) with values 0 to 255"
    if not isinstance(images, np.ndarray):
        raise TypeError(
            f"{argument}: expected {wanted}, got {type(images).__name__}; "
            "load_dataset gives such arrays, and np.asarray(..., dtype='uint8') makes one."
        )
    shape = images.shape
    if shape == (28, 28):
        way = f"for one image write {argument}[np.newaxis]"
    elif shape[1:] == (784,):
        way = f"write {argument}.reshape(-1, 28, 28)"
    elif shape[1:] == (28, 28, 1):
        way = f"the channel axis is there already; {argument}[..., 0] takes it off"
    elif shape[1:] != (28, 28):
        way = "images of another size must be brought to 28×28 pixels first"
    elif len(images) == 0:
        way = "there is no image in it; check how it was selected"
    else:
        way = None
    if way:
        raise ValueError(f"{argument}: expected {wanted}, got shape {shape}; {way}.")
    if images.dtype != np.uint8:
        raise TypeError(
            f"{argument}: expected {wanted}, got {images.dtype}; pass the images as they were loaded. "
            "Numbers that were divided by 255 already must not be divided again."
        )


def check_labels(argument, labels, classes=10):
    """Refuse anything but labels: integers, shape ``(n,)``, from 0 to ``classes - 1``, at least one.

    Args:
        argument: the name of the argument, for the message.
        labels: what was handed in; lists are as good as arrays.
        classes: how many classes there are.

    Raises:
        TypeError: the labels, or ``classes``, are not integers.
        ValueError: they have another shape or range, or there is none.
    """
    if not isinstance(classes, int | np.integer):
        raise TypeError(f"classes: expected an integer, got {classes!r}.")
    if classes < 1:
        raise ValueError(f"classes: expected 1 or more, got {classes}.")
    wanted = f"integers of shape (n,) from 0 to {classes - 1}"
    try:
        values = np.asarray(labels)
    except ValueError as error:
        raise ValueError(
            f"{argument}: expected {wanted}, got rows of different lengths; give one label each."
        ) from error
    if values.size == 0:
        raise ValueError(f"{argument}: expected {wanted}, got none; check how they were selected.")
    if values.ndim == 2 and values.shape[1] == classes:
        raise ValueError(f"{argument}: expected {wanted}, got one-hot rows; write {argument}.argmax(axis=1).")
    if values.ndim != 1:
        raise ValueError(f"{argument}: expected {wanted}, got shape {values.shape}; write np.ravel({argument}).")
    if not np.issubdtype(values.dtype, np.integer):
        raise TypeError(f"{argument}: expected {wanted}, got {values.dtype}; write np.asarray({argument}, dtype=int).")
    outside = np.flatnonzero((values < 0) | (values >= classes))
    if outside.size:
        raise ValueError(
            f"{argument}: expected {wanted}, got {values[outside[0]]} at position {outside[0]}; "
            "remove such labels, or number the classes from 0."
        )


def check_one_hot(argument, labels):
    """Refuse anything but one-hot rows: shape ``(n, classes)``, two classes or more.

    Args:
        argument: the name of the argument, for the message.
        labels: what was handed in.

    Raises:
        ValueError: it has another shape.
    """
    shape = np.shape(labels)
    if len(shape) != 2 or shape[1] < 2:
        raise ValueError(f"{argument}: expected one-hot rows of shape (n, classes), got {shape}; write one_hot(...).")


def check_range(argument, value, low, high):
    """Refuse anything but a finite number from ``low`` to ``high``.

    Args:
        argument: the name of the argument, for the message.
        value: what was handed in.
        low, high: the smallest and the largest value allowed; infinity means that there is no such limit.

    Raises:
        TypeError: it is no number.
        ValueError: it lies outside, or is not finite.
    """
    wanted = f"a number from {low:g} to {high:g}" if np.isfinite(high) else f"a number of {low:g} or more"
    if isinstance(value, bool) or not isinstance(value, int | float | np.integer | np.floating):
        raise TypeError(f"{argument}: expected {wanted}, got {value!r}.")
    if not low <= value <= high or not np.isfinite(value):
        raise ValueError(f"{argument}: expected {wanted}, got {value}.")


def check_count(argument, value, least=1):
    """Refuse anything but an integer of ``least`` or more.

    Args:
        argument: the name of the argument, for the message.
        value: what was handed in.
        least: the smallest value allowed.

    Raises:
        TypeError: it is no integer.
        ValueError: it is too small.
    """
    wanted = f"an integer of {least} or more"
    if isinstance(value, bool) or not isinstance(value, int | np.integer):
        raise TypeError(f"{argument}: expected {wanted}, got {value!r}.")
    if value < least:
        raise ValueError(f"{argument}: expected {wanted}, got {value}.")


def check_lengths(x, y):
    """Refuse images without labels, and labels without images.

    Args:
        x, y: arrays that should be of the same length.

    Raises:
        ValueError: they are empty, or one is longer than the other.
    """
    if len(x) != len(y) or len(x) == 0:
        raise ValueError(
            f"x and y: expected one label for each image, and at least one, got {len(x):,} images and {len(y):,} "
            "labels; cut both at the same places."
        )


def check_training(x, y, epochs, batch_size):
    """Refuse what no training can begin with.

    Args:
        x, y: images and labels, equally many.
        epochs, batch_size: integers of 1 or more.

    Raises:
        TypeError, ValueError: one of them is something else; the message names it.
    """
    check_lengths(x, y)
    check_count("epochs", epochs)
    check_count("batch_size", batch_size)
