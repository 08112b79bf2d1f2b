"""The two preparations that every network needs: images as numbers from 0 to 1, labels as rows."""

import numpy as np

from mnist_helpers.checks import check_images, check_labels, check_range


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
    """Turn each label into a row of zeros with a single one at the label's position.

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
