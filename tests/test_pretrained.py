"""The weights that ship: they are those that were trained, in any version of Keras, and nothing else is loaded."""

import ast
import dataclasses
import inspect
import json
from pathlib import Path

import keras
import numpy as np
import pretrain
import pytest

from mnist_helpers import (
    MODELS,
    Augmentation,
    WeightsError,
    build_strong_cnn,
    load_dataset,
    load_model,
    model_card,
    model_error,
    pretrained,
    smooth_labels,
)


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
    assert error.rate < 0.004


def test_the_weights_read_what_they_learned_from(mini):
    """Says nothing about how well they read other images, and much about mixed-up labels."""
    assert model_error(load_model(), mini.x_test, mini.y_test).rate < 0.005


def test_the_model_is_compiled_and_goes_on_learning():
    model = load_model()
    x, y = pretrain.hard_examples(), np.eye(10, dtype="float32")[[3] * 20]
    before = model.evaluate(x, y, verbose=0)[0]
    model.fit(x, y, epochs=3, verbose=0)
    assert model.evaluate(x, y, verbose=0)[0] < before


def test_the_card_says_what_the_file_is():
    card = model_card()
    file = pretrained._data(pretrained.WEIGHTS)
    assert card["bytes"] == len(file.read_bytes()) <= 1_500_000
    assert card["parameters"] == MODELS["strong_cnn"]().count_params()
    text = pretrained._data("strong_cnn.md").read_text(encoding="utf-8")
    assert card["sha256"] in text
    assert f"{card['test']['wrong']} of {card['test']['total']:,}" in text
    assert not card["commit"].endswith("+")


def test_the_recipe_is_the_final_one_of_the_chapter_and_was_followed(root):
    cells = json.loads(Path(root, "notebooks/11_closing_in_on_the_record.ipynb").read_text(encoding="utf-8"))["cells"]
    code = "\n".join("".join(cell["source"]) for cell in cells if "parameters" in cell["metadata"].get("tags", []))
    chapter = {line.targets[0].id: ast.literal_eval(line.value) for line in ast.parse(code).body}
    ours = pretrain.RECIPE
    assert ours["epochs"] == chapter["strong_epochs"]
    assert [ours[name] for name in ("batch_size", "peak", "seed")] == [
        chapter[n] for n in ("batch_size", "peak", "seed")
    ]
    shown = next(line for cell in cells for line in cell["source"] if line.startswith("augmentation = Augmentation("))
    assert eval(shown.partition("=")[2], {"Augmentation": Augmentation}) == pretrain.AUGMENTATION
    recorded = model_card()["recipe"]
    assert recorded == pretrain.RECIPE | {
        "label_smoothing": pretrain.SMOOTHING,
        "augmentation": dataclasses.asdict(pretrain.AUGMENTATION),
    }
    assert inspect.signature(smooth_labels).parameters["share"].default == pretrain.SMOOTHING


@pytest.fixture
def elsewhere(tmp_path, monkeypatch):
    """A data folder of this test's own, published with untrained weights."""
    monkeypatch.setattr(pretrained, "_data", lambda name: tmp_path / name)
    pretrain.publish(build_strong_cnn(), model_card_of_a_test(), tmp_path)
    return tmp_path


def model_card_of_a_test():
    """The facts of the shipped card, read from its place whatever the package thinks it is."""
    return json.loads((pretrain.DATA / pretrained.CARD).read_text(encoding="utf-8"))


def test_what_is_published_is_what_is_loaded(elsewhere):
    model = build_strong_cnn()
    facts = pretrain.publish(model, model_card_of_a_test(), elsewhere)
    for ours, theirs in zip(model.get_weights(), load_model().get_weights(), strict=True):
        np.testing.assert_array_equal(ours, theirs)
    assert model_card() == facts
    assert facts["sha256"] in (elsewhere / "strong_cnn.md").read_text(encoding="utf-8")
    assert sorted(path.name for path in elsewhere.iterdir()) == sorted(
        [pretrained.CARD, pretrained.WEIGHTS, "strong_cnn.md"]
    )


def test_other_weights_are_refused(elsewhere):
    with (elsewhere / pretrained.WEIGHTS).open("ab") as file:
        file.write(b"one byte more")
    with pytest.raises(WeightsError, match=r"weights.h5 is not the file that was recorded.*install the package again"):
        load_model()


@pytest.mark.parametrize("name", [pretrained.WEIGHTS, pretrained.CARD])
def test_a_missing_file_is_named(elsewhere, name):
    (elsewhere / name).unlink()
    with pytest.raises(WeightsError, match=rf"{name} .*install the package again"):
        load_model()


@pytest.mark.parametrize("text", ["", "[]", "{}", "{"])
def test_a_damaged_card_is_named(elsewhere, text):
    (elsewhere / pretrained.CARD).write_text(text)
    with pytest.raises(WeightsError, match=r"strong_cnn.json .*install the package again"):
        load_model()


def test_a_saving_that_breaks_off_leaves_the_old_files(elsewhere, monkeypatch):
    before = {path.name: path.read_bytes() for path in elsewhere.iterdir()}

    def break_off(model, path):
        path.write_bytes(b"half of it")
        raise KeyboardInterrupt

    monkeypatch.setattr(keras.Model, "save_weights", break_off)
    with pytest.raises(KeyboardInterrupt):
        pretrain.publish(build_strong_cnn(), model_card_of_a_test(), elsewhere)
    assert {path.name: path.read_bytes() for path in elsewhere.iterdir()} == before
