"""The two preparations that every network needs, and what they refuse."""

import numpy as np
import pytest

from mnist_helpers import one_hot, prepare_images


def test_prepared_images_are_floats_from_0_to_1_with_a_channel(mini):
    prepared = prepare_images(mini.x_train[:50])
    assert prepared.shape == (50, 28, 28, 1)
    assert prepared.dtype == np.float32
    assert (prepared.min(), prepared.max()) == (0, 1)
    np.testing.assert_allclose(prepared[..., 0] * 255, mini.x_train[:50], rtol=1e-6)


def test_one_hot_and_back():
    rows = one_hot(np.array([3, 0, 9], dtype="uint8"))
    assert rows.tolist()[0] == [0, 0, 0, 1, 0, 0, 0, 0, 0, 0]
    assert rows.dtype == np.float32
    assert rows.argmax(axis=1).tolist() == [3, 0, 9]
    assert one_hot([2, 1], classes=3).tolist() == [[0, 0, 1], [0, 1, 0]]


@pytest.mark.parametrize(
    ("images", "error", "advice"),
    [
        (np.zeros((28, 28), "uint8"), ValueError, r"images\[np.newaxis\]"),
        (np.zeros((3, 784), "uint8"), ValueError, r"images.reshape\(-1, 28, 28\)"),
        (np.zeros((3, 28, 28, 1), "uint8"), ValueError, "channel axis is there already"),
        (np.zeros((3, 56, 56), "uint8"), ValueError, r"got shape \(3, 56, 56\)"),
        (np.zeros((3, 28, 28, 3), "uint8"), ValueError, r"got shape \(3, 28, 28, 3\)"),
        (np.zeros((0, 28, 28), "uint8"), ValueError, "there is no image in it"),
        (np.array(5, "uint8"), ValueError, r"got shape \(\)"),
        (np.zeros((3, 28, 28), "float32"), TypeError, "must not be divided again"),
        (np.zeros((3, 28, 28)).tolist(), TypeError, "got list; load_dataset gives"),
        ("digits.png", TypeError, "images: expected a uint8 array of shape .* got str"),
        (None, TypeError, "images: expected a uint8 array of shape .* got NoneType"),
    ],
)
def test_images_that_cannot_be_prepared_are_refused_with_advice(images, error, advice):
    with pytest.raises(error, match=advice):
        prepare_images(images)


@pytest.mark.parametrize(
    ("labels", "error", "advice"),
    [
        ([3, 10], ValueError, "got 10 at position 1"),
        ([0, 4, -1], ValueError, "got -1 at position 2"),
        ([], ValueError, "got none; check how they were selected"),
        ([1.0, 2.0], TypeError, r"float64; write np.asarray\(labels, dtype=int\)"),
        ([[1], [2]], ValueError, r"got shape \(2, 1\); write np.ravel\(labels\)"),
        ([[1], [2, 3]], ValueError, "labels: .* rows of different lengths"),
        (["3"], TypeError, "labels: expected integers"),
        (np.eye(10), ValueError, r"labels.argmax\(axis=1\)"),
        (7, ValueError, r"got shape \(\)"),
    ],
)
def test_labels_that_cannot_be_encoded_are_refused_with_advice(labels, error, advice):
    with pytest.raises(error, match=advice):
        one_hot(labels)


@pytest.mark.parametrize(
    ("classes", "error"), [("a", TypeError), (2.5, TypeError), (None, TypeError), (0, ValueError), (-1, ValueError)]
)
def test_a_number_of_classes_that_is_none_is_refused(classes, error):
    with pytest.raises(error, match="classes: expected"):
        one_hot([0, 1], classes=classes)
