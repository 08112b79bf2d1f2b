"""The weights that ship: they are those that were trained, in any version of Keras, and nothing else is loaded."""

import shutil

import numpy as np
import pytest

from mnist_helpers import MODELS, WeightsError, load_dataset, load_model, model_card, model_error
from mnist_helpers.handwriting import weights
from tools.measure import pretrain


@pytest.fixture(scope="module")
def full(mnist_npz):
    return load_dataset("mnist")


def test_the_weights_give_the_answers_that_they_gave_when_they_were_trained():
    answers = load_model().predict(pretrain.hard_examples(), verbose=0)
    np.testing.assert_allclose(answers, model_card()["examples"], atol=1e-3)
    assert (answers.max(axis=1) < 0.8).sum() >= 5  # some are unsure, so a small change would show


def test_the_weights_make_as_many_mistakes_as_their_card_says(full):
    error = model_error(load_model(), full.x_test, full.y_test)
    card = model_card()["test"]
    assert abs(error.wrong - card["wrong"]) <= 1  # another processor may decide one image that hangs in the balance
    assert error.rate < 0.005


def test_the_weights_read_mini(mini):
    assert model_error(load_model(), mini.x_test, mini.y_test).rate < 0.01


def test_the_model_is_compiled_and_goes_on_learning():
    model = load_model()
    x, y = pretrain.hard_examples(), np.eye(10, dtype="float32")[[3] * 20]
    before = model.evaluate(x, y, verbose=0)[0]
    model.fit(x, y, epochs=3, verbose=0)
    assert model.evaluate(x, y, verbose=0)[0] < before


def test_the_card_says_what_the_file_is():
    card = model_card()
    file = weights._data(weights.WEIGHTS)
    assert card["bytes"] == len(file.read_bytes()) <= 1_500_000
    assert card["parameters"] == MODELS["strong_cnn"]().count_params()
    text = weights._data("strong_cnn.md").read_text(encoding="utf-8")
    assert card["sha256"] in text
    assert f"{card['test']['wrong']} of {card['test']['total']:,}" in text
    assert not card["commit"].endswith("+")


@pytest.fixture
def elsewhere(tmp_path, monkeypatch):
    """A data folder of this test's own, with copies of what ships."""
    for name in (weights.WEIGHTS, weights.CARD):
        shutil.copy(weights._data(name), tmp_path)
    monkeypatch.setattr(weights, "_data", lambda name: tmp_path / name)
    return tmp_path


def test_other_weights_are_refused(elsewhere):
    with (elsewhere / weights.WEIGHTS).open("ab") as file:
        file.write(b"one byte more")
    with pytest.raises(WeightsError, match=r"weights.h5 is not the file that was recorded.*install the package again"):
        load_model()


@pytest.mark.parametrize("name", [weights.WEIGHTS, weights.CARD])
def test_a_missing_file_is_named(elsewhere, name):
    (elsewhere / name).unlink()
    with pytest.raises(WeightsError, match=rf"{name} .*install the package again"):
        load_model()


@pytest.mark.parametrize("text", ["", "[]", "{}", "{"])
def test_a_damaged_card_is_named(elsewhere, text):
    (elsewhere / weights.CARD).write_text(text)
    with pytest.raises(WeightsError, match=r"strong_cnn.json .*install the package again"):
        load_model()
