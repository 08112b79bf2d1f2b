"""The weights that ship: they are those that were trained, in any version of Keras, and nothing else is loaded."""

import ast
import dataclasses
import inspect
import json
from pathlib import Path
from types import SimpleNamespace

import joblib
import keras
import numpy as np
import pytest

from mnist_helpers import (
    MODELS,
    Augmentation,
    Part,
    PictureError,
    WeightsError,
    build_strong_cnn,
    load_dataset,
    load_model,
    model_card,
    model_error,
    photograph_digit,
    read_digit,
    read_digits,
    read_number,
    sample_pictures,
    smooth_labels,
)
from mnist_helpers.handwriting import reading, weights
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


def test_the_recipe_is_the_final_one_of_the_chapter_but_for_wider_changes_and_was_followed(root):
    cells = json.loads(Path(root, "notebooks/11_closing_in_on_the_record.ipynb").read_text(encoding="utf-8"))["cells"]
    code = "\n".join("".join(cell["source"]) for cell in cells if "parameters" in cell["metadata"].get("tags", []))
    chapter = {line.targets[0].id: ast.literal_eval(line.value) for line in ast.parse(code).body}
    ours = pretrain.RECIPE
    assert ours["epochs"] >= chapter["strong_epochs"]
    assert [ours[name] for name in ("batch_size", "peak_learning_rate", "seed")] == [
        chapter[n] for n in ("batch_size", "peak_learning_rate", "seed")
    ]
    shown = next(line for cell in cells for line in cell["source"] if line.startswith("augmentation = Augmentation("))
    chapters = dataclasses.asdict(eval(shown.partition("=")[2], {"Augmentation": Augmentation}))
    # People's pictures differ more than MNIST's do, so what ships has seen no less of each change.
    assert all(value >= chapters[name] for name, value in dataclasses.asdict(pretrain.AUGMENTATION).items())
    recorded = model_card()["recipe"]
    assert recorded == pretrain.RECIPE | {
        "label_smoothing": pretrain.SMOOTHING,
        "augmentation": dataclasses.asdict(pretrain.AUGMENTATION),
    }
    assert inspect.signature(smooth_labels).parameters["share"].default == pretrain.SMOOTHING


def test_the_whole_recipe_runs_on_a_few_images(monkeypatch, mini):
    few = dataclasses.replace(mini, x_train=mini.x_train[:150], y_train=mini.y_train[:150])
    few = dataclasses.replace(few, x_valid=mini.x_valid[:40], y_valid=mini.y_valid[:40])
    monkeypatch.setattr(pretrain, "load_dataset", lambda name: few)
    monkeypatch.setattr(pretrain, "RECIPE", pretrain.RECIPE | {"epochs": 1})
    sizes = {"CONTINENTAL": 6, "NON_DIGITS": 24, "JOINED": 4, "PHOTOGRAPHS": 1, "REFUSABLE": 6}
    for name, size in sizes.items():
        monkeypatch.setattr(pretrain, name, size)
    with joblib.parallel_config("threading"):  # other processes would not know of the smaller numbers
        model, facts = pretrain.pretrain()
    assert facts["data"]["images"] == 190
    assert facts["data"]["continental"] == 6
    assert 4 <= facts["data"]["non_digits"] <= 24
    assert facts["validation"]["digits"] == 40
    assert facts["validation"]["non_digits"] == 6
    assert facts["test"]["total"] == len(mini.y_test)
    assert model.count_params() == facts["parameters"]
    assert f"{facts['test']['wrong']:,} of 1,000" in pretrain.model_card(facts | {"bytes": 0, "sha256": ""})


@pytest.fixture
def elsewhere(tmp_path, monkeypatch):
    """A data folder of this test's own, published with untrained weights."""
    monkeypatch.setattr(weights, "_data", lambda name: tmp_path / name)
    pretrain.publish(build_strong_cnn(), model_card_of_a_test(), tmp_path)
    return tmp_path


def model_card_of_a_test():
    """The facts of the shipped card, read from its place whatever the package thinks it is."""
    return json.loads((pretrain.DATA / weights.CARD).read_text(encoding="utf-8"))


def test_what_is_published_is_what_is_loaded(elsewhere):
    model = build_strong_cnn()
    facts = pretrain.publish(model, model_card_of_a_test(), elsewhere)
    for ours, theirs in zip(model.get_weights(), load_model().get_weights(), strict=True):
        np.testing.assert_array_equal(ours, theirs)
    assert model_card() == facts
    assert facts["sha256"] in (elsewhere / "strong_cnn.md").read_text(encoding="utf-8")
    assert sorted(path.name for path in elsewhere.iterdir()) == sorted([weights.CARD, weights.WEIGHTS, "strong_cnn.md"])


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


def test_a_saving_that_breaks_off_leaves_the_old_files(elsewhere, monkeypatch):
    before = {path.name: path.read_bytes() for path in elsewhere.iterdir()}

    def break_off(model, path):
        path.write_bytes(b"half of it")
        raise KeyboardInterrupt

    monkeypatch.setattr(keras.Model, "save_weights", break_off)
    with pytest.raises(KeyboardInterrupt):
        pretrain.publish(build_strong_cnn(), model_card_of_a_test(), elsewhere)
    assert {path.name: path.read_bytes() for path in elsewhere.iterdir()} == before


# Reading pictures

SAMPLES = sample_pictures()


@pytest.mark.parametrize("sample", [s for s in SAMPLES if s.kind in ("plain", "difficult")], ids=lambda s: s.note)
def test_every_sample_of_a_digit_is_read(sample):
    reading = read_digit(sample.path)
    assert str(reading.digit) == sample.label
    assert reading.reason is None
    assert reading.probability == reading.probabilities.max()
    assert reading.probabilities.sum() == pytest.approx(1, abs=1e-4)
    assert reading.probabilities.shape == (10,)


@pytest.mark.parametrize("sample", [s for s in SAMPLES if s.kind == "no digit"], ids=lambda s: s.note)
def test_what_is_no_digit_is_refused(sample):
    reading = read_digit(sample.path)
    assert reading.digit is None
    assert reading.reason
    assert read_digit(sample.path, best=True).digit is not None or not reading.image.any()


@pytest.mark.parametrize("sample", [s for s in SAMPLES if s.kind == "number"], ids=lambda s: s.note)
def test_the_sample_numbers_are_read(sample):
    readings = read_number(sample.path)
    if "touch" in sample.note:
        assert [(one.digit, one.reason) for one in readings] == [(None, "unsure: two digits may touch here")]
    else:
        rows = sorted({one.row for one in readings})
        assert "-".join("".join(str(one.digit) for one in readings if one.row == row) for row in rows) == sample.label
        assert [one.digit for one in read_number(sample.path, best=True)] == [one.digit for one in readings]


def test_a_number_on_a_blank_page_is_empty():
    assert read_number(np.ones((50, 50))) == []


def test_many_pictures_keep_their_order_and_what_is_broken_stops_nothing(monkeypatch):
    monkeypatch.setattr(reading, "AT_ONCE", 2)
    paths = [s.path for s in SAMPLES if s.kind == "plain"]
    readings = list(read_digits([paths[3], b"no picture", paths[5], np.ones((50, 50)), paths[7]]))
    assert [getattr(one, "digit", "error") for one in readings] == [3, "error", 5, None, 7]
    assert isinstance(readings[1], PictureError)
    with pytest.raises(PictureError, match="is none of"):
        read_digit(b"no picture")


def test_a_temperature_changes_how_sure_but_not_what():
    probabilities = np.array([[0.7, 0.2, 0.1], [0.0, 1.0, 0.0]], "float32")
    np.testing.assert_allclose(reading.apply_temperature(probabilities, 1), probabilities, atol=1e-6)
    surer, less = reading.apply_temperature(probabilities, 0.5), reading.apply_temperature(probabilities, 2)
    np.testing.assert_allclose(surer[0], np.array([0.49, 0.04, 0.01]) / 0.54, rtol=1e-5)
    assert less[0, 0] < 0.7 < surer[0, 0]
    assert np.isfinite(surer).all()


def test_the_threshold_is_the_one_that_reads_what_it_should():
    generator = np.random.default_rng(7)
    labels = generator.integers(0, 10, 400)
    digits = np.full((400, 10), 0.01)
    digits[np.arange(400), labels] = np.linspace(0.5, 0.92, 400)
    labels[-8:] = (labels[-8:] + 1) % 10  # 2% are wrong, so these probabilities are too modest
    non_digits = generator.dirichlet(np.full(10, 2.0), 500)
    chosen = pretrain.choose_threshold(digits, labels, non_digits)
    assert 0.3 < chosen["temperature"] < 1
    refused = reading.apply_temperature(non_digits, chosen["temperature"]).max(axis=1) < chosen["threshold"]
    assert chosen["validation"]["refused"] == refused.sum()
    assert chosen["validation"]["read"] == pytest.approx(400 * pretrain.READ, abs=2)
    assert chosen["validation"]["right_of_read"] == chosen["validation"]["read"] - 8


def test_the_network_has_not_seen_what_the_pages_score_it_on(mini):
    images = np.concatenate([mini.x_test[:5], mini.x_train[:5]])
    kept, labels = pretrain.without_mini(images, np.arange(10))
    np.testing.assert_array_equal(labels, range(5, 10))
    np.testing.assert_array_equal(kept, mini.x_train[:5])


def test_words_are_no_numbers_and_what_cannot_be_told_stays_in_its_row(monkeypatch):
    """Of five parts two joined letters; of three parts one; and one part that is unsure."""
    rows, touching = [0, 0, 0, 0, 0, 1, 1, 1, 2], [True, True] + 7 * [False]
    parts = [
        Part(**blank_part(), row=row, touching=touch, blot=False) for row, touch in zip(rows, touching, strict=True)
    ]
    even, three, two = np.full(10, 0.1), np.eye(10)[3], (np.eye(10)[3] + np.eye(10)[5]) / 2
    answers = np.array([even, two, three, three, three, three, even, three, two], "float32")
    monkeypatch.setattr(reading, "split_digits", lambda picture: parts)
    monkeypatch.setattr(reading, "_model", lambda: SimpleNamespace(predict=lambda *_, **__: answers))
    readings = read_number("any")
    assert [(one.row, one.digit) for one in readings] == [(1, 3), (1, None), (1, 3), (2, None)]
    assert readings[3].reason in ("unsure: 3 or 5", "unsure: 5 or 3")
    assert None not in [one.digit for one in read_number("any", best=True)]
    answers = np.concatenate([answers[:8], even[np.newaxis]])  # a row of its own, of one part, is no word
    assert [(one.row, one.digit) for one in read_number("any")][-1] == (2, None)
    parts, answers = parts[:5], answers[:5]  # nothing but a word: it is not read, but it is not hidden
    assert [one.digit for one in read_number("any")] == [None, None, 3, 3, 3]


def test_a_blackened_digit_of_a_number_is_not_read(monkeypatch):
    parts = [Part(**blank_part(), row=0, touching=False, blot=blot) for blot in (False, False, False, True)]
    answers = np.eye(10, dtype="float32")[[1, 2, 3, 1]]
    monkeypatch.setattr(reading, "split_digits", lambda picture: parts)
    monkeypatch.setattr(reading, "_model", lambda: SimpleNamespace(predict=lambda *_, **__: answers))
    readings = read_number("any")
    assert [one.digit for one in readings] == [1, 2, 3, None]
    assert "blackened" in readings[-1].reason
    assert [one.digit for one in read_number("any", best=True)] == [1, 2, 3, 1]


def blank_part():
    return {"image": np.zeros((28, 28), "uint8"), "stages": {}, "box": (0, 0, 1, 1)}


def test_blank_paper_under_any_lamp_is_refused():
    generator = np.random.default_rng(7)
    pages = [photograph_digit(np.zeros((28, 28), "uint8"), generator) for _ in range(60)]
    assert sum(reading.digit is None for reading in read_digits(pages)) >= 57
