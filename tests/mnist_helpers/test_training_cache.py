"""A training that was kept is read, and everything is as if it had been done again."""

import dataclasses
import json
import time

import keras
import numpy as np
import pytest

from mnist_helpers import (
    Augmentation,
    ImageBatches,
    build_mlp,
    build_two_conv_cnn,
    cross_validate,
    one_hot,
    prepare_images,
    train,
    train_one_cycle,
    training_cache,
)

SETTINGS = {"epochs": 2, "batch_size": 50, "seed": 7}
CYCLE = SETTINGS | {"peak_learning_rate": 0.004, "augmentation": Augmentation()}


@pytest.fixture(scope="module")
def few(mini):
    return prepare_images(mini.x_train[:200]), one_hot(mini.y_train[:200])


@pytest.fixture
def kept(tmp_path, monkeypatch):
    """A folder in which trainings are kept from here on, with a list of those that were really done."""
    original, done = keras.Model.fit, []

    def fit(*arguments, **settings):
        done.append(settings)
        return original(*arguments, **settings)

    monkeypatch.setenv("MNIST_TRAININGS", str(tmp_path / "trainings"))
    monkeypatch.setenv("MNIST_KEPT_SECONDS", str(tmp_path))
    monkeypatch.setattr(time, "perf_counter", time.perf_counter)
    monkeypatch.setattr(keras.Model, "fit", fit)
    training_cache.keep_trainings()
    yield done
    monkeypatch.undo()


def outcome(training, x):
    """All that can be seen of a training: answers, history, the state of the optimizer."""
    return [
        training.model.predict(x, verbose=0).tolist(),
        training.history,
        [np.asarray(variable).tolist() for variable in training.model.optimizer.variables],
    ]


@pytest.mark.parametrize(
    "recipe",
    [
        lambda x, y: train(build_mlp, x, y, **SETTINGS),
        lambda x, y: train(build_two_conv_cnn, x, y, validation_data=(x[:50], y[:50]), **SETTINGS),
        lambda x, y: train_one_cycle(build_mlp, x, y, **CYCLE),
    ],
    ids=["plain", "with dropout, watched", "one cycle, augmented"],
)
def test_what_is_read_is_what_was_trained(few, kept, recipe, tmp_path):
    first = recipe(*few)
    again = recipe(*few)
    assert len(kept) == 1
    assert outcome(again, few[0]) == outcome(first, few[0])
    (note,) = [json.loads(path.read_text()) for path in tmp_path.glob("*.json")]
    # As long as it took when it was done, whatever the digest, the storing and the reading take.
    assert [first.seconds, again.seconds] == [pytest.approx(note["seconds"], abs=0.01)] * 2
    assert note["seconds"] > 0.1
    # And whoever goes on from there comes to the same place.
    for training in (first, again):
        keras.utils.set_random_seed(1)
        training.model.fit(*few, epochs=1, callbacks=[keras.callbacks.Callback()], verbose=0)
    assert outcome(again, few[0]) == outcome(first, few[0])


def test_what_was_printed_is_printed_again(few, kept, capsys):
    said = []
    for _ in range(2):
        train(build_mlp, *few, **SETTINGS, verbose=2)
        said.append(capsys.readouterr().out)
    assert len(kept) == 1
    assert said[0] == said[1]
    assert said[0].count("Epoch") == 2


@pytest.mark.parametrize(
    "change",
    [
        lambda x, y: train(build_mlp, x, y, **SETTINGS | {"seed": 8}),
        lambda x, y: train(build_mlp, x, y, **SETTINGS | {"epochs": 1}),
        lambda x, y: train(build_mlp, x, y, **SETTINGS | {"batch_size": 40}),
        lambda x, y: train(build_two_conv_cnn, x, y, **SETTINGS),
        lambda x, y: train(build_mlp, 1 - x, y, **SETTINGS),
        lambda x, y: train(build_mlp, x, np.roll(y, 1, axis=0), **SETTINGS),
        lambda x, y: train(build_mlp, x, y, validation_data=(x, y), **SETTINGS),
        lambda x, y: train(slower(build_mlp), x, y, **SETTINGS),
        lambda x, y: train(with_other_weights(build_mlp), x, y, **SETTINGS),
    ],
    ids=["seed", "epochs", "batch", "network", "images", "labels", "validation", "learning rate", "weights"],
)
def test_another_training_is_done(few, kept, change):
    train(build_mlp, *few, **SETTINGS)
    change(*few)
    assert len(kept) == 2


def slower(build):
    def build_slower():
        model = build()
        model.optimizer.learning_rate = 0.0001
        return model

    return build_slower


def with_other_weights(build):
    def build_with_other_weights():
        model = build()
        model.set_weights([weight / 2 for weight in model.get_weights()])
        return model

    return build_with_other_weights


@pytest.mark.parametrize("change", [{"peak_learning_rate": 0.003}, {"augmentation": Augmentation(shift=1)}])
def test_another_cycle_is_done(few, kept, change):
    train_one_cycle(build_mlp, *few, **CYCLE)
    train_one_cycle(build_mlp, *few, **CYCLE | change)
    assert len(kept) == 2


def test_batches_that_were_learned_from_go_on_with_the_next_epoch(few, kept):
    batches = [ImageBatches(*few, 50, Augmentation(), seed=3) for _ in range(2)]
    for own in batches:
        keras.utils.set_random_seed(1)
        build_mlp().fit(own, epochs=2, verbose=0, shuffle=False)
    assert len(kept) == 1
    assert batches[0].epoch == batches[1].epoch
    np.testing.assert_array_equal(batches[0][0][0], batches[1][0][0])


@pytest.mark.parametrize("given", [{"callbacks": [keras.callbacks.Callback()]}, {"initial_epoch": 1}])
def test_what_cannot_be_told_apart_is_done_again(few, kept, given):
    for _ in range(2):
        keras.utils.set_random_seed(1)
        build_mlp().fit(*few, epochs=2, verbose=0, **given)
    assert len(kept) == 2


def test_a_damaged_file_is_written_anew(few, kept, tmp_path):
    first = train(build_mlp, *few, **SETTINGS)
    (file,) = (tmp_path / "trainings").iterdir()
    file.write_bytes(file.read_bytes()[:-100])
    again = train(build_mlp, *few, **SETTINGS)
    assert len(kept) == 2
    assert outcome(again, few[0]) == outcome(first, few[0])
    train(build_mlp, *few, **SETTINGS)
    assert len(kept) == 2


class Doubling(keras.layers.Layer):
    def call(self, inputs):
        return 2 * inputs


def nested(layer):
    return keras.Sequential([keras.Input((28, 28, 1)), layer, keras.layers.Flatten(), keras.layers.Dense(10)])


@pytest.mark.parametrize(
    "layer",
    [
        Doubling,
        lambda: keras.Sequential([keras.layers.Dropout(0.5)]),
        lambda: keras.layers.RandomRotation(0.1),
    ],
    ids=["a layer of one's own", "layers within a layer", "a layer that changes images at random"],
)
def test_a_network_whose_parts_are_not_described_is_trained_again(few, kept, layer):
    for _ in range(2):
        keras.utils.set_random_seed(1)
        model = nested(layer())
        model.compile(optimizer="adam", loss="mse")
        model.fit(*few, epochs=1, verbose=0)
    assert len(kept) == 2


def test_many_trainings_that_are_read_make_the_clock_no_slower(few, kept):
    clock = time.perf_counter
    for _ in range(3):
        train(build_mlp, *few, **SETTINGS)
    assert time.perf_counter is clock


def test_folds_are_kept_as_well_and_reported_alike(few, kept, capsys):
    said, results = [], []
    for _ in range(2):
        results.append(cross_validate(build_mlp, *few, folds=2, epochs=1))
        said.append(sorted(capsys.readouterr().out.splitlines()))
    assert said[0] == said[1]
    assert len(said[0]) == 2
    first, second = (dataclasses.asdict(result) for result in results)
    np.testing.assert_array_equal(first.pop("answers"), second.pop("answers"))
    assert first == second


def test_without_the_variable_fit_is_keras_own(monkeypatch):
    monkeypatch.delenv("MNIST_TRAININGS", raising=False)
    before = keras.Model.fit
    training_cache.keep_trainings()
    assert keras.Model.fit is before
