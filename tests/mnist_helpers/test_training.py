import random
import re
import subprocess
import sys
from functools import partial

import keras
import numpy as np
import pytest

from mnist_helpers import (
    Augmentation,
    OneCycle,
    build_fast_cnn,
    build_mlp,
    compare_recipes,
    set_seed,
    smooth_labels,
    train,
    train_one_cycle,
)

ONES, ONE_HOT = np.ones((2, 28, 28, 1), "float32"), np.eye(10)[:2]
STILL = Augmentation(shift=0, rotation=0, scale=0, shear=0, stroke=0)


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


def test_one_cycle_rises_in_a_line_and_falls_to_nothing():
    rates = np.array([float(OneCycle(0.4, steps=1_000, rise=0.2)(step)) for step in range(1_000)])
    assert rates.argmax() in (199, 200)
    assert rates.max() == pytest.approx(0.4, rel=1e-2)
    assert rates[49] == pytest.approx(0.1, rel=2e-2)  # a quarter of the way up
    assert rates[599] == pytest.approx(0.2, rel=2e-2)  # half of the way down
    assert 0 < rates[-1] < 1e-4
    np.testing.assert_allclose(np.diff(rates[:200]), rates[1] - rates[0], rtol=1e-2)


def test_a_model_trained_with_one_cycle_can_be_saved_and_loaded(few, tmp_path):
    model = train_one_cycle(build_mlp, *few, epochs=1, batch_size=50, seed=7, peak_learning_rate=0.004).model
    model.save(tmp_path / "model.keras")
    np.save(tmp_path / "images.npy", few[0][:20])
    # In a process that knows nothing of this package, and so nothing of its schedule.
    code = (
        "import keras, numpy; model = keras.saving.load_model('model.keras'); "
        "model.optimizer.learning_rate = 0.001; "
        "numpy.save('answers.npy', model.predict(numpy.load('images.npy'), verbose=0))"
    )
    subprocess.run([sys.executable, "-c", code], cwd=tmp_path, check=True, capture_output=True)
    answers = np.load(tmp_path / "answers.npy")
    np.testing.assert_allclose(answers, model.predict(few[0][:20], verbose=0), atol=1e-6)


def test_smoothed_labels_are_those_of_the_paper():
    """Szegedy et al. 2016, section 7: q'(k) = (1 - e) times 1 at the label, plus e/K everywhere."""
    y = np.eye(10, dtype="float32")[[3, 0]]
    smoothed = smooth_labels(y, 0.1)
    np.testing.assert_allclose(smoothed[0], [0.01] * 3 + [0.91] + [0.01] * 6, atol=1e-7)
    np.testing.assert_allclose(smoothed.sum(axis=1), 1, rtol=1e-6)
    assert smoothed.dtype == np.float32
    # Keras' own loss with label smoothing is another way to the same number.
    answers = np.random.default_rng(7).dirichlet(np.ones(10), 2).astype("float32")
    ours = keras.losses.CategoricalCrossentropy()(smooth_labels(y, 0.2), answers)
    assert float(ours) == pytest.approx(
        float(keras.losses.CategoricalCrossentropy(label_smoothing=0.2)(y, answers)), rel=1e-5
    )


def test_one_cycle_training_learns_and_repeats(few):
    settings = {"epochs": 4, "batch_size": 50, "seed": 7, "peak_learning_rate": 0.01, "augmentation": Augmentation()}
    optimizers = []

    def build():
        model = build_fast_cnn()
        optimizers.append(model.optimizer)
        return model

    first, again = (train_one_cycle(build, *few, **settings) for _ in range(2))
    assert first.model.evaluate(*few, verbose=0)[1] > 0.8
    assert first.history == again.history
    # 32 steps: the last is taken with next to no learning rate left.
    assert float(optimizers[0].learning_rate) < 1e-4
    assert int(optimizers[0].iterations) == 4 * 8


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: smooth_labels(np.array([3, 0])), r"y: expected one-hot rows .* got \(2,\); write one_hot"),
        (lambda: smooth_labels(ONE_HOT, 1.5), "share: expected a number from 0 to 1, got 1.5"),
        (
            lambda: OneCycle(peak_learning_rate=float("nan"), steps=10),
            "peak_learning_rate: expected a number of 0 or more",
        ),
        (lambda: OneCycle(peak_learning_rate=0.1, steps=0), "steps: expected an integer of 1 or more"),
        (lambda: train(build_mlp, ONES, np.ones((3, 10)), epochs=1, batch_size=1, seed=1), "x and y: .*2 images and 3"),
        (lambda: train(build_mlp, ONES, ONE_HOT, epochs=0, batch_size=1, seed=1), "epochs: expected an integer of 1"),
        (
            lambda: train_one_cycle(build_mlp, ONES, ONE_HOT, epochs=0, batch_size=1, seed=1, peak_learning_rate=0.1),
            "epochs: expected an integer of 1",
        ),
    ],
)
def test_impossible_settings_are_refused(call, message):
    with pytest.raises(ValueError, match=message):
        call()


def test_recipes_are_compared_by_what_each_training_alone_gives(few, capsys):
    x, y = few
    same = {"epochs": 1, "batch_size": 50, "validation_data": (x[:100], y[:100])}
    recipes = {
        "plain": partial(train, build_mlp, x, y, **same),
        # Stands for a function that is defined in a notebook: it can be sent only by its code.
        "one cycle": lambda seed: train_one_cycle(
            build_mlp, x, y, seed=seed, peak_learning_rate=0.001, augmentation=STILL, **same
        ),
    }
    histories = compare_recipes(recipes, [3, 4])
    assert list(histories) == list(recipes)
    for name, recipe in recipes.items():
        for seed, history in zip([3, 4], histories[name], strict=True):
            np.testing.assert_allclose(history["loss"], recipe(seed=seed).history["loss"], rtol=1e-4)
    assert histories["plain"][0] != histories["plain"][1]
    assert len(re.findall(r"(?m)^(plain|one cycle), seed [34]: \d+\.\d\d% wrong, \d+ s$", capsys.readouterr().out)) == 4
