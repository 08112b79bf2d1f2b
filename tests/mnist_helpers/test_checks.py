"""Labels that are texts are named as such wherever they are handed in, before Keras says something else."""

import numpy as np
import pytest

from mnist_helpers import ImageBatches, build_mlp, cross_validate, error_rate, one_hot, train, train_one_cycle

IMAGES = np.zeros((3, 28, 28, 1), "float32")
ONCE = {"epochs": 1, "batch_size": 2, "seed": 7}
CALLS = {
    "train": lambda labels: train(build_mlp, IMAGES, labels, **ONCE),
    "train_one_cycle": lambda labels: train_one_cycle(build_mlp, IMAGES, labels, **ONCE, peak_learning_rate=0.1),
    "ImageBatches": lambda labels: ImageBatches(IMAGES, labels, 2),
    "one_hot": one_hot,
    "error_rate": lambda labels: error_rate(labels, [0, 1, 2]),
}
TEXTS = {
    "a list": ["cat", "dog", "cat"],
    "an array": np.array(["cat", "dog", "cat"]),
    "objects": np.array(["cat", "dog", "cat"], object),
    "bytes": np.array([b"cat", b"dog", b"cat"]),
}


@pytest.mark.parametrize("call", CALLS)
@pytest.mark.parametrize("kind", TEXTS)
def test_labels_that_are_texts_are_to_be_numbered(call, kind):
    with pytest.raises(TypeError, match=r"labels are texts; number the classes: classes, (\w+) = np.unique\(\1,"):
        CALLS[call](TEXTS[kind])
    numbers = np.unique(TEXTS[kind], return_inverse=True)[1]  # what the message says
    assert one_hot(numbers, classes=2).argmax(axis=1).tolist() == [0, 1, 0]


@pytest.mark.parametrize("call", CALLS)
def test_digits_that_are_texts_are_numbers_already(call):
    with pytest.raises(TypeError, match=r"labels are texts; number the classes: (\w+) = np.asarray\(\1, dtype=int\)"):
        CALLS[call](["3", "1", "4"])


def test_a_cross_validation_of_texts_leads_to_the_same_advice():
    texts = np.array(["cat", "dog"] * 10)
    with pytest.raises(ValueError, match=r"write one_hot\(y\)"):
        cross_validate(build_mlp, np.zeros((20, 28, 28, 1), "float32"), texts, folds=2)
    with pytest.raises(TypeError, match="number the classes"):
        one_hot(texts)


class Table:
    """As in pandas: its length is that of its columns, but who goes through it meets their names."""

    def __len__(self):
        return len(IMAGES)

    def __iter__(self):
        return iter(["is a cat", "is a dog"])


@pytest.mark.parametrize(
    "labels",
    [[0, 1, 2], [[1, 0], [0, 1], [1, 0]], np.eye(3), np.array([0.5, 1, 2]), np.array([0, 1, 2], object), Table()],
)
def test_labels_that_are_numbers_are_let_through(labels):
    assert len(ImageBatches(IMAGES, labels, 2)) == 2
