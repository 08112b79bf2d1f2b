import random
import re
import subprocess
import sys
from functools import partial
from unittest import mock

import keras
import numpy as np
import pytest

from mnist_helpers import (
    Augmentation,
    ImageBatches,
    OneCycle,
    augment_images,
    build_fast_cnn,
    build_mlp,
    compare_recipes,
    one_hot,
    prepare_images,
    set_seed,
    smooth_labels,
    train,
    train_one_cycle,
)

ONES, ONE_HOT = np.ones((2, 28, 28, 1), "float32"), np.eye(10)[:2]
STILL = Augmentation(shift=0, rotation=0, scale=0, shear=0, stroke=0)


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


def change(images, seed=7, **reaches):
    """Images with only the named changes."""
    values = dict.fromkeys(("shift", "rotation", "scale", "shear", "stroke"), 0.0) | reaches
    return np.asarray(augment_images(images, Augmentation(**values), seed))[..., 0]


def moments(images):
    """Centre of mass (x, y) and the matrix of second moments of each image, by their definition."""
    y, x = np.mgrid[: images.shape[1], : images.shape[2]]
    ink = images.sum(axis=(1, 2))
    centre = np.stack([(images * x).sum(axis=(1, 2)), (images * y).sum(axis=(1, 2))], axis=1) / ink[:, None]
    dx, dy = x - centre[:, :1, None], y - centre[:, 1:, None]
    spread = [(images * a * b).sum(axis=(1, 2)) / ink for a, b in ((dx, dx), (dx, dy), (dy, dy))]
    return centre, np.array(spread).T


@pytest.fixture(scope="module")
def bars():
    """Two hundred times one upright bar in the middle, three pixels wide and thirteen long."""
    images = np.zeros((200, 28, 28, 1), "float32")
    images[:, 8:21, 12:15] = 1
    return images


def test_no_change_leaves_the_images_as_they_are(few):
    np.testing.assert_allclose(np.asarray(augment_images(few[0], STILL, 7)), few[0], atol=1e-5)


def test_shifts_fill_their_range_and_keep_the_shape(bars):
    centre, spread = moments(change(bars, shift=3))
    offset = centre - moments(bars[..., 0])[0]
    assert 2.7 < np.abs(offset).max(axis=0).min() <= np.abs(offset).max() <= 3.001
    assert np.abs(offset.mean(axis=0)).max() < 0.5
    # Interpolation blurs by a quarter of a pixel squared at most.
    np.testing.assert_allclose(spread, np.broadcast_to(moments(bars[..., 0])[1], spread.shape), atol=0.26)


def test_turns_fill_their_range_about_the_middle(bars):
    centre, spread = moments(change(bars, rotation=20))
    tilt = np.degrees(np.arctan2(2 * spread[:, 1], spread[:, 2] - spread[:, 0]) / 2)
    assert 18 < np.abs(tilt).max() < 20.5
    assert tilt.min() < -15
    assert tilt.max() > 15
    assert np.abs(centre - moments(bars[..., 0])[0]).max() < 0.3


def test_sizes_change_on_both_axes_each_on_its_own(bars):
    _, spread = moments(change(bars, scale=0.3))
    height = np.sqrt(spread[:, 2] / moments(bars[..., 0])[1][0, 2])
    assert 0.69 < height.min() < 0.75
    assert 1.25 < height.max() < 1.32
    assert abs(np.corrcoef(spread[:, 0], spread[:, 2])[0, 1]) < 0.3


def test_a_slant_moves_rows_to_the_side_and_keeps_them_level(bars):
    _, spread = moments(change(bars, shear=0.3))
    slant = spread[:, 1] / spread[:, 2]
    assert 0.26 < np.abs(slant).max() < 0.31
    np.testing.assert_allclose(spread[:, 2], moments(bars[..., 0])[1][0, 2], rtol=0.02)


def test_pens_become_thicker_and_thinner_by_a_pixel_on_each_side_at_most(bars):
    ink = change(bars, stroke=1).sum(axis=(1, 2))
    assert 1 * 11 <= ink.min() < 20
    assert 65 < ink.max() <= 5 * 15


def test_each_batch_has_its_own_repeatable_changes(few):
    batches = ImageBatches(*few, 64, Augmentation(), seed=3)
    first, again = batches[0], batches[0]
    np.testing.assert_array_equal(np.asarray(first[0]), np.asarray(again[0]))
    still = ImageBatches(*few, 64, None, seed=3)
    assert not np.array_equal(np.asarray(first[0]), still[0][0])
    batches.on_epoch_end()
    assert not np.array_equal(np.asarray(first[0]), np.asarray(batches[0][0]))


def test_order_and_changes_are_drawn_from_different_streams(few):
    x, y = few
    batches = ImageBatches(x, y, 64, Augmentation(), seed=3)
    drawn = [np.random.default_rng([3, 0]).uniform(size=5)]
    for number in range(3):
        with mock.patch.object(np.random, "default_rng", wraps=np.random.default_rng) as default_rng:
            batches[number]
        drawn.append(np.random.default_rng(default_rng.call_args.args[0]).uniform(size=5))
    assert len({tuple(values) for values in drawn}) == 4


def test_a_training_sees_every_image_once_in_each_epoch():
    """With more batches than Keras fetches ahead: a batch must not slip from one epoch into the next."""
    number = 160
    x = np.arange(number, dtype="float32").reshape(-1, 1)
    seen = []

    class Watch(keras.Model):
        def __init__(self):
            super().__init__()
            self.total = self.add_weight(shape=(number,), initializer="zeros", trainable=False)
            self.dense = keras.layers.Dense(1)

        def call(self, inputs, training=False):
            if training:
                self.total.assign_add(
                    keras.ops.sum(keras.ops.one_hot(keras.ops.cast(inputs[:, 0], "int32"), number), 0)
                )
            return self.dense(inputs / number)

    model = Watch()
    model.compile(optimizer="sgd", loss="mse")
    keep = keras.callbacks.LambdaCallback(on_epoch_end=lambda epoch, logs: seen.append(np.array(model.total)))
    model.fit(ImageBatches(x, x, 4, seed=3), epochs=3, shuffle=False, verbose=0, callbacks=[keep])
    for epoch, counts in enumerate(seen, 1):
        np.testing.assert_array_equal(counts, np.full(number, epoch))


def test_an_epoch_holds_every_image_once_with_its_label(few):
    x, y = few
    batches = ImageBatches(x, y, 64, None, seed=3)
    assert len(batches) == 7  # six times 64, and the last 16
    order = batches.order
    assert sorted(order) == list(range(400))
    np.testing.assert_array_equal(np.concatenate([batches[i][0] for i in range(7)]), x[order])
    np.testing.assert_array_equal(np.concatenate([batches[i][1] for i in range(7)]), y[order])
    batches.on_epoch_end()
    assert list(batches.order) != list(order)


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
        (lambda: Augmentation(rotation=-1), "rotation: expected a number from 0 to 180, got -1"),
        (lambda: Augmentation(stroke=2), "stroke: expected a number from 0 to 1"),
        (lambda: smooth_labels(np.array([3, 0])), r"y: expected one-hot rows .* got \(2,\); write one_hot"),
        (lambda: smooth_labels(ONE_HOT, 1.5), "share: expected a number from 0 to 1, got 1.5"),
        (
            lambda: OneCycle(peak_learning_rate=float("nan"), steps=10),
            "peak_learning_rate: expected a number of 0 or more",
        ),
        (lambda: OneCycle(peak_learning_rate=0.1, steps=0), "steps: expected an integer of 1 or more"),
        (lambda: augment_images(ONES[..., 0], STILL, 1), "images: expected float32 of shape .* got float32 of shape"),
        (lambda: augment_images(255 * ONES, STILL, 1), "images: .*from 0 to 1"),
        (lambda: augment_images(ONES.astype("uint8"), STILL, 1), "images: .*got uint8.*prepare_images"),
        (lambda: ImageBatches(ONES, np.ones(3), 2), "x and y: expected one label for each image.*got 2 images and 3"),
        (lambda: ImageBatches(ONES[:0], np.ones(0), 2), "x and y: .*at least one"),
        (lambda: ImageBatches(ONES, np.ones(2), 0), "batch_size: expected an integer of 1 or more"),
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
