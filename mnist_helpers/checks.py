"""Checks of arguments. Each error names the argument, what was expected, and how to correct it."""

import os

import numpy as np
from PIL import Image


def check_kind(argument, value, kinds, wanted):
    """Refuse a value of another type.

    Args:
        argument: the name of the argument, for the message.
        value: the value of the argument.
        kinds: the accepted types, as ``isinstance`` takes them.
        wanted: these types in words, for the message.

    Raises:
        TypeError: it is of none of these types.
    """
    if not isinstance(value, kinds):
        raise TypeError(f"{argument}: expected {wanted}, got {type(value).__name__}.")


def check_dictionary(argument, value, wanted):
    """Refuse anything but a non-empty dictionary."""
    check_kind(argument, value, dict, f"a dictionary {wanted}")
    if not value:
        raise ValueError(f"{argument}: expected a dictionary {wanted}, got an empty one.")


def check_choice(argument, value, choices):
    """Refuse a value that is none of the choices; a NumPy scalar is converted to Python's type first."""
    value = value.item() if isinstance(value, np.generic) else value
    if not any(type(value) is type(choice) and value == choice for choice in choices):
        raise ValueError(f"{argument}: expected one of {', '.join(map(repr, choices))}, got {value!r:.80}.")


def check_path(argument, value):
    """Refuse anything but a path."""
    check_kind(argument, value, str | os.PathLike, "a path")


def check_generator(argument, value):
    """Refuse anything but a NumPy random generator."""
    check_kind(argument, value, np.random.Generator, "a NumPy random generator, as np.random.default_rng(7) makes one")


def check_seed(argument, value):
    """Refuse anything but an integer that Keras and NumPy take as a seed."""
    wanted = "an integer from 0 to 2**32 - 1"
    if isinstance(value, bool) or not isinstance(value, int | np.integer):
        raise TypeError(f"{argument}: expected {wanted}, got {value!r:.80}.")
    if not 0 <= value < 2**32:
        raise ValueError(f"{argument}: expected {wanted}, got {value}.")


def check_builder(argument, value):
    """Refuse anything but a function; a model that is already built can be called, too, and is refused."""
    if not callable(value) or hasattr(value, "predict"):
        raise TypeError(
            f"{argument}: expected a function that returns a new, compiled model, got {type(value).__name__}; "
            "hand over build_mlp, for example, and not build_mlp()."
        )


def check_model(argument, value):
    """Refuse anything without layers and a ``predict`` method."""
    if not callable(getattr(value, "predict", None)) or not hasattr(value, "layers"):
        raise TypeError(f"{argument}: expected a Keras model, got {type(value).__name__}; train returns it as .model.")


def check_scores(argument, values):
    """Refuse anything but a one-dimensional, non-empty sequence of finite numbers."""
    try:
        numbers = np.asarray(values, dtype=float)
    except (TypeError, ValueError):
        raise TypeError(f"{argument}: expected numbers, got {values!r}.") from None
    if numbers.ndim != 1 or len(numbers) == 0 or not np.all(np.isfinite(numbers)):
        raise ValueError(f"{argument}: expected one finite number or more in a row, got {numbers.tolist()!r:.80}.")


def check_probabilities(argument, values):
    """Refuse anything but rows of ten probabilities."""
    numbers = np.asarray(values)
    if numbers.ndim != 2 or numbers.shape[1] != 10 or len(numbers) == 0 or numbers.dtype.kind != "f":
        raise ValueError(
            f"{argument}: expected probabilities of shape (n, 10), as predict gives them, got {numbers.dtype} of shape "
            f"{numbers.shape}."
        )


def check_answers(argument, answers):
    """Refuse a network's output that is not rows of ten probabilities.

    Args:
        argument: the name of the network's argument, for the message.
        answers: what its ``predict`` returned.

    Raises:
        ValueError: they have another shape, are outside 0 to 1, or do not sum to 1.
    """
    wanted, way = "a network that answers with probabilities of shape (n, 10)", "end it with softmax"
    if not isinstance(answers, np.ndarray) or answers.ndim != 2 or answers.shape[1] != 10:
        found = f"shape {answers.shape}" if isinstance(answers, np.ndarray) else type(answers).__name__
        raise ValueError(f"{argument}: expected {wanted}, got {found}; give it one output for each digit, and {way}.")
    numbers = answers.astype("float32")  # half-precision sums would be too far from 1
    low, high, sums = numbers.min(), numbers.max(), numbers.sum(axis=1)
    if not (low >= 0 and high <= 1.001 and np.allclose(sums, 1, atol=0.01)):  # false for NaN, too
        raise ValueError(
            f"{argument}: expected {wanted}, got values from {low:.3g} to {high:.3g} with sums from {sums.min():.3g} "
            f"to {sums.max():.3g}; {way}."
        )


def check_ink(argument, values):
    """Refuse a picture without ink."""
    if not np.max(values) > 0:
        raise ValueError(f"{argument}: expected some ink, got no value above 0.")


def check_image(argument, image):
    """Refuse anything but one image as it is loaded."""
    check_kind(argument, image, np.ndarray, "a uint8 array of shape (28, 28)")
    if image.shape != (28, 28) or image.dtype != np.uint8:
        raise ValueError(f"{argument}: expected uint8 of shape (28, 28), got {image.dtype} of shape {image.shape}.")


def check_square(argument, square):
    """Refuse anything but a square picture of finite numbers."""
    check_kind(argument, square, np.ndarray, "an array of shape (n, n)")
    if square.ndim != 2 or square.shape[0] != square.shape[1] or not square.size or square.dtype.kind not in "fiub":
        raise ValueError(f"{argument}: expected numbers of shape (n, n), got {square.dtype} of shape {square.shape}.")
    if not np.all(np.isfinite(square)):
        raise ValueError(f"{argument}: expected finite numbers, got some that are infinite or none.")


def check_images(argument, images):
    """Refuse anything but images as they are loaded: ``uint8``, shape ``(n, 28, 28)``, at least one.

    Args:
        argument: the name of the argument, for the message.
        images: the value of the argument.

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
        labels: the value of the argument, a list or an array.
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
    if are_texts(values):
        raise TypeError(
            f"{argument}: expected {wanted}, but the labels are texts; {_way_to_numbers(argument, values)}."
        )
    if not np.issubdtype(values.dtype, np.integer):
        raise TypeError(f"{argument}: expected {wanted}, got {values.dtype}; write np.asarray({argument}, dtype=int).")
    outside = np.flatnonzero((values < 0) | (values >= classes))
    if outside.size:
        raise ValueError(
            f"{argument}: expected {wanted}, got {values[outside[0]]} at position {outside[0]}; "
            "remove such labels, or number the classes from 0."
        )


def check_groups(argument, groups, count, folds):
    """Refuse anything but an integer for each image, with no fewer different ones than there are folds.

    Args:
        argument: the name of the argument, for the message.
        groups: the value of the argument, a list or an array.
        count: how many images there are.
        folds: how many folds.

    Raises:
        TypeError: the groups are not integers.
        ValueError: they have another shape, are not one for each image, or are too few.
    """
    wanted = f"integers of shape ({count},), the group of each image"
    try:
        values = np.asarray(groups)
    except ValueError as error:
        raise ValueError(f"{argument}: expected {wanted}, got rows of different lengths; give one each.") from error
    if values.shape != (count,):
        way = "cut them at the same places as the images" if values.ndim == 1 else "load_writers gives such arrays"
        raise ValueError(f"{argument}: expected {wanted}, got shape {values.shape}; {way}.")
    if not np.issubdtype(values.dtype, np.integer):
        raise TypeError(
            f"{argument}: expected {wanted}, got {values.dtype}; number them: "
            f"_, {argument} = np.unique({argument}, return_inverse=True)."
        )
    if (different := len(np.unique(values))) < folds:
        raise ValueError(
            f"{argument}: {folds} folds need {folds} groups, got {different}; take fewer folds, or do without groups."
        )


def check_one_hot(argument, labels):
    """Refuse anything but one-hot rows: shape ``(n, classes)``, two classes or more, a sum of 1 in each row.

    Args:
        argument: the name of the argument, for the message.
        labels: the value of the argument.

    Raises:
        ValueError: it has another shape, or other sums.
    """
    shape = np.shape(labels)
    if len(shape) != 2 or shape[1] < 2:
        raise ValueError(f"{argument}: expected one-hot rows of shape (n, classes), got {shape}; write one_hot(...).")
    if not np.allclose(np.sum(labels, axis=1), 1, atol=1e-3):
        raise ValueError(f"{argument}: expected one-hot rows, each with a sum of 1; write one_hot(...).")


def check_range(argument, value, low, high):
    """Refuse anything but a finite number from ``low`` to ``high``.

    Args:
        argument: the name of the argument, for the message.
        value: the value of the argument.
        low, high: the smallest and the largest value allowed; infinity means that there is no such limit.

    Raises:
        TypeError: it is no number.
        ValueError: it is outside the range, or not finite.
    """
    wanted = f"a number from {low:g} to {high:g}" if np.isfinite(high) else f"a number of {low:g} or more"
    if isinstance(value, bool) or not isinstance(value, int | float | np.integer | np.floating):
        raise TypeError(f"{argument}: expected {wanted}, got {value!r}.")
    if not low <= value <= high or not value < float("inf"):
        raise ValueError(f"{argument}: expected {wanted}, got {value}.")


def check_count(argument, value, minimum=1, maximum=2**31 - 1):
    """Refuse anything but an integer from ``minimum`` to ``maximum``; no count in this book is larger.

    Args:
        argument: the name of the argument, for the message.
        value: the value of the argument.
        minimum, maximum: the smallest and the largest value allowed.

    Raises:
        TypeError: it is no integer.
        ValueError: it is too small, or too large.
    """
    wanted = f"an integer of {minimum} or more"
    if isinstance(value, bool) or not isinstance(value, int | np.integer):
        raise TypeError(f"{argument}: expected {wanted}, got {value!r}.")
    if value < minimum:
        raise ValueError(f"{argument}: expected {wanted}, got {value}.")
    if value > maximum:
        raise ValueError(f"{argument}: expected an integer from {minimum} to {maximum}, got {value}.")


def check_lengths(x, y):
    """Refuse images without labels, and labels without images.

    Args:
        x, y: arrays that should be of the same length.

    Raises:
        TypeError: one of them is no array, or the labels are texts.
        ValueError: they are empty, or one is longer than the other.
    """
    for name, values in (("x", x), ("y", y)):
        if not hasattr(values, "__len__") or isinstance(values, str | dict):
            raise TypeError(f"{name}: expected an array, got {type(values).__name__}.")
    if len(x) != len(y) or len(x) == 0:
        raise ValueError(
            f"x and y: expected one label for each image, and at least one, got {len(x):,} images and {len(y):,} "
            "labels; cut both at the same places."
        )
    if are_texts(y):
        raise TypeError(f"y: the labels are texts; {_way_to_numbers('y', y)}.")


def are_texts(labels):
    """Whether the labels are texts, not numbers; the first element of a list or an object array decides."""
    if not hasattr(labels, "dtype") and not isinstance(labels, list | tuple):
        return False  # iterating over a DataFrame, for example, yields column names
    kind = getattr(getattr(labels, "dtype", None), "kind", "O")
    return kind in "US" or (kind == "O" and any(isinstance(part, str | bytes) for part in np.ravel(next(iter(labels)))))


def _way_to_numbers(argument, labels):
    if all(str(label).isdecimal() for label in labels):
        return f"number the classes: {argument} = np.asarray({argument}, dtype=int)"
    return f"number the classes: classes, {argument} = np.unique({argument}, return_inverse=True)"


def check_training(x, y, epochs, batch_size):
    """Refuse wrong values of the arguments that every training takes.

    Args:
        x, y: images and labels, equally many.
        epochs, batch_size: integers of 1 or more.

    Raises:
        TypeError, ValueError: one of them is something else; the message names it.
    """
    check_lengths(x, y)
    check_count("epochs", epochs)
    check_count("batch_size", batch_size)


def check_titles(titles, wrong, count):
    """Refuse titles that are not one for each picture, and marks that are no positions."""
    if titles is not None:
        check_kind("titles", titles, list | tuple | range | np.ndarray, "a list, one for each image")
        if len(titles) != count:
            raise ValueError(f"titles: expected {count}, one for each image, got {len(titles)}.")
    check_kind("wrong", wrong, list | tuple | set | range | np.ndarray, "positions of images")


def check_numbers(argument, array):
    """Refuse an array of anything but numbers."""
    if array.dtype.kind not in "fiub":
        raise TypeError(f"{argument}: expected numbers, got {array.dtype}.")


def check_vector(argument, values, length=None):
    """Refuse anything but finite numbers of shape (n,), or of the length wanted. Returns them as an array."""
    wanted = f"{length} numbers" if length else "numbers of shape (n,)"
    try:
        array = np.asarray(values, dtype=float)
    except (TypeError, ValueError):
        raise TypeError(f"{argument}: expected {wanted}, got {values!r:.80}.") from None
    if array.ndim != 1 or len(array) != (length or len(array)) or not len(array) or not np.isfinite(array).all():
        raise ValueError(f"{argument}: expected {wanted}, all of them finite, got shape {array.shape}: {values!r:.80}.")
    return array


def check_picture(argument, picture):
    """Refuse what cannot be drawn as a picture."""
    check_kind(argument, picture, Image.Image | np.ndarray, "a Pillow image or an array")
    if isinstance(picture, np.ndarray):
        check_numbers(argument, picture)
        if not (picture.ndim == 2 or (picture.ndim == 3 and picture.shape[2] in (3, 4))) or not picture.size:
            raise ValueError(f"{argument}: expected shape (height, width) or (height, width, 3), got {picture.shape}.")


def check_histories(argument, runs):
    """Refuse Keras histories without loss or accuracy, or without the validation values that the first one has."""
    if not runs:
        raise ValueError(f"{argument}: expected a Keras history or several, got none.")
    for run in runs:
        check_kind(argument, run, dict, "a Keras history or several, as train returns one as .history")
        wanted = ["loss", "accuracy"] + (["val_loss", "val_accuracy"] if "val_loss" in runs[0] else [])
        if missing := [name for name in wanted if name not in run]:
            raise ValueError(
                f"{argument}: {missing[0]!r} is missing, the history holds {', '.join(map(repr, run)) or 'nothing'}; "
                'compile the model with metrics=["accuracy"].'
            )


def check_runs(runs, wanted):
    """Refuse anything but one or two dictionaries of numbers by the same names, by the names of their data sets."""
    check_dictionary("runs", runs, f"from the name of a data set to {wanted}")
    if len(runs) > 2:
        raise ValueError(f"runs: expected one or two data sets, got {len(runs)}.")
    first = next(iter(runs.values()))
    for name, numbers in runs.items():
        check_dictionary(f"runs[{name!r}]", numbers, f"of {wanted}")
        if list(numbers) != list(first):
            raise ValueError(f"runs: expected the same names for each data set, got {list(first)} and {list(numbers)}.")
        for key, values in numbers.items():
            check_vector(f"runs[{name!r}][{key!r}]", values)


def check_references(references):
    """Refuse anything but a dictionary of published errors, or None."""
    if references is not None:
        check_kind("references", references, dict, "a dictionary from a name to an error in per cent")


def check_shape(argument, array, shape, way):
    """Refuse an array of another shape; ``way`` says how to get the right one."""
    if np.shape(array) != shape:
        raise ValueError(f"{argument}: expected shape {shape}, got {np.shape(array)}; {way}.")


def check_pairs(y_true, y_pred, names=("y_true", "y_pred")):
    """Refuse labels and answers that are no class labels, or not equally many."""
    check_labels(names[0], y_true)
    check_labels(names[1], y_pred)
    if len(y_true) != len(y_pred):
        raise ValueError(
            f"{names[0]} has {len(y_true)} labels, but {names[1]} has {len(y_pred)} answers; give one answer for each "
            "label."
        )
