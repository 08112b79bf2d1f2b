"""A few images, for tests that train."""

import pytest

from mnist_helpers import one_hot, prepare_images


@pytest.fixture(scope="module")
def few(mini):
    return prepare_images(mini.x_train[:400]), one_hot(mini.y_train[:400])
