import random
import subprocess
import sys

import keras
import numpy as np
import pytest

from mnist_helpers import build_mlp, one_hot, prepare_images, set_seed, train


@pytest.fixture(scope="module")
def few(mini):
    return prepare_images(mini.x_train[:400]), one_hot(mini.y_train[:400])


def test_training_learns(few):
    training = train(build_mlp, *few, epochs=3, batch_size=50, seed=7)
    losses = training.history["loss"]
    assert len(losses) == 3
    assert losses[-1] < 0.5 * np.log(10)  # half of what a model without a clue pays
    assert training.seconds > 0
    assert training.model.evaluate(*few, verbose=0)[1] > 0.9


def test_the_same_seed_gives_the_same_model_and_another_seed_another(few):
    first, again, other = (
        train(build_mlp, *few, epochs=1, batch_size=50, seed=seed).model.predict(few[0][:20], verbose=0)
        for seed in (3, 3, 4)
    )
    np.testing.assert_array_equal(first, again)
    assert not np.array_equal(first, other)


def test_validation_data_are_watched_and_change_nothing(few):
    x, y = few
    alone = train(build_mlp, x, y, epochs=1, batch_size=50, seed=7)
    watched = train(build_mlp, x, y, epochs=1, batch_size=50, seed=7, validation_data=(x[:50], y[:50]))
    assert watched.history.keys() - alone.history.keys() == {"val_loss", "val_accuracy"}
    assert watched.history["loss"] == alone.history["loss"]


def test_many_models_in_one_process_leave_no_warning(few):
    """In a process of its own, as a reader's kernel is: TensorFlow counts the models since its start."""
    code = (
        "import numpy as np; from mnist_helpers import build_mlp, set_seed\n"
        "for _ in range(8):\n    set_seed(1)\n    build_mlp().predict(np.zeros((1, 28, 28, 1)), verbose=0)"
    )
    done = subprocess.run([sys.executable, "-i", "-c", code], capture_output=True, text=True, stdin=subprocess.DEVNULL)
    assert "retracing" not in done.stdout + done.stderr


def test_a_seed_fixes_python_numpy_and_keras():
    def draw():
        return random.random(), np.random.rand(), float(keras.random.uniform(()))

    set_seed(5)
    first = draw()
    set_seed(5)
    assert draw() == first
    set_seed(6)
    assert all(a != b for a, b in zip(draw(), first, strict=True))
