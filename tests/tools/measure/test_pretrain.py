"""How the weights that ship are trained, chosen and published."""

import ast
import dataclasses
import inspect
import json
import re
import shutil
from pathlib import Path

import joblib
import keras
import numpy as np
import pytest

from mnist_helpers import Augmentation, build_strong_cnn, load_model, model_card, smooth_labels
from mnist_helpers.handwriting import reading, weights
from tools.measure import pretrain


def test_the_recipe_is_the_final_one_of_the_chapters_but_for_wider_changes_and_was_followed(root):
    def cells_of(chapter):
        return json.loads(Path(root, f"notebooks/{chapter}.ipynb").read_text(encoding="utf-8"))["cells"]

    def augmentation_in(cells):
        shown = next(
            line for cell in cells for line in cell["source"] if line.startswith("augmentation = Augmentation(")
        )
        changes = eval(shown.partition("=")[2], {"Augmentation": Augmentation})  # noqa: S307  (a line of our chapter)
        return dataclasses.asdict(changes)

    explained, trained = cells_of("12_train_better"), cells_of("14_closing_in_on_the_record")
    code = "\n".join("".join(cell["source"]) for cell in trained if "parameters" in cell["metadata"].get("tags", []))
    chapter = {line.targets[0].id: ast.literal_eval(line.value) for line in ast.parse(code).body}
    ours = pretrain.RECIPE
    assert ours["epochs"] >= chapter["epochs"]
    assert [ours[name] for name in ("batch_size", "peak_learning_rate", "seed")] == [
        chapter[n] for n in ("batch_size", "peak_learning_rate", "seed")
    ]
    chapters = augmentation_in(trained)
    assert chapters == augmentation_in(explained)
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
        model, facts, answered = pretrain.pretrain()
    assert [len(part) for part in answered] == [40, 40, 6]
    assert facts["data"]["images"] == 190
    assert facts["data"]["continental"] == 6
    assert 4 <= facts["data"]["non_digits"] <= 24
    assert facts["validation"]["digits"] == 40
    assert facts["validation"]["non_digits"] == 6
    assert facts["test"]["total"] == len(mini.y_test)
    assert model.count_params() == facts["parameters"]
    card = pretrain.model_card(facts | {"bytes": 0, "sha256": "", "versions": []})
    assert f"{facts['test']['wrong']:,} of 1,000" in card


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


@pytest.fixture
def elsewhere(tmp_path, monkeypatch):
    """A data folder of this test's own, published with untrained weights."""
    monkeypatch.setattr(weights, "_data", lambda name: tmp_path / name)
    publish(build_strong_cnn(), tmp_path)
    return tmp_path


def publish(model, folder):
    answered = np.full((3, 10), 0.1), np.zeros(3, int), np.full((2, 10), 0.1)
    return pretrain.publish(model, model_card_of_a_test(), answered, folder, kept=folder / "answers.npz")


def model_card_of_a_test():
    """The facts of the shipped card, read from its place whatever the package thinks it is."""
    return json.loads((pretrain.DATA / weights.CARD).read_text(encoding="utf-8"))


def test_what_is_published_is_what_is_loaded(elsewhere):
    model = build_strong_cnn()
    facts = publish(model, elsewhere)
    for ours, theirs in zip(model.get_weights(), load_model().get_weights(), strict=True):
        np.testing.assert_array_equal(ours, theirs)
    assert model_card() == facts
    assert facts["sha256"] in (elsewhere / "strong_cnn.md").read_text(encoding="utf-8")
    assert sorted(path.name for path in elsewhere.iterdir()) == sorted(
        [weights.CARD, weights.WEIGHTS, "answers.npz", "strong_cnn.md"]
    )


def test_a_new_version_keeps_the_scores_of_all_before_it(elsewhere):
    """Otherwise nobody could say how often the test part has been looked at."""
    first = model_card()
    assert [version["sha256"] for version in first["versions"]] == [first["sha256"]]
    second = publish(build_strong_cnn(), elsewhere)
    third = publish(build_strong_cnn(), elsewhere)
    assert [version["sha256"] for version in third["versions"]] == [first["sha256"], second["sha256"], third["sha256"]]


def test_the_shipped_card_publishes_every_score_on_the_test_part():
    """The first seven are those of the commits that replaced the weights."""
    facts = model_card_of_a_test()
    assert [version["wrong"] for version in facts["versions"]][:7] == [25, 37, 41, 37, 29, 33, 33]
    assert facts["versions"][-1] == pretrain.version_of(facts)
    text = (pretrain.DATA / weights.CARD).with_suffix(".md").read_text(encoding="utf-8")
    assert text == pretrain.model_card(facts)
    assert len(re.findall(r"(?m)^\| \d+ \| .+ \| \d+ of 10,000 \|$", text)) == len(facts["versions"])


def test_a_saving_that_breaks_off_leaves_the_old_files(elsewhere, monkeypatch):
    before = {path.name: path.read_bytes() for path in elsewhere.iterdir()}

    def break_off(model, path):
        path.write_bytes(b"half of it")
        raise KeyboardInterrupt

    monkeypatch.setattr(keras.Model, "save_weights", break_off)
    with pytest.raises(KeyboardInterrupt):
        publish(build_strong_cnn(), elsewhere)
    assert {path.name: path.read_bytes() for path in elsewhere.iterdir()} == before


@pytest.fixture
def card_folder(tmp_path):
    """A copy of the shipped card."""
    shutil.copy(pretrain.DATA / weights.CARD, tmp_path)
    return tmp_path


def test_the_shipped_threshold_is_chosen_again_from_the_answers_that_were_kept(card_folder):
    """As nearly as the same training on another processor gives the same answers."""
    shipped, again = model_card_of_a_test(), pretrain.calibrate(card_folder)
    assert again["threshold"] == pytest.approx(shipped["threshold"], abs=0.001)
    assert again["temperature"] == pytest.approx(shipped["temperature"], abs=0.011)
    assert again["validation"] == pytest.approx(shipped["validation"], rel=0.002)
    assert json.loads((card_folder / weights.CARD).read_text(encoding="utf-8")) == again
    assert f"{again['threshold']:g}" in (card_folder / "strong_cnn.md").read_text(encoding="utf-8")


def test_another_share_of_digits_gives_another_threshold_and_leaves_the_rest(card_folder):
    before, after = model_card_of_a_test(), pretrain.calibrate(card_folder, read=0.95)
    assert after["threshold"] > before["threshold"]
    assert after["validation"]["read"] == pytest.approx(0.95 * after["validation"]["digits"], rel=0.002)
    changed = {name for name in before if before[name] != after[name]}
    assert changed <= {"temperature", "threshold", "validation"}


def test_answers_of_other_weights_are_refused(card_folder):
    card = card_folder / weights.CARD
    facts = json.loads(card.read_text(encoding="utf-8")) | {"sha256": "0" * 64}
    card.write_text(json.dumps(facts), encoding="utf-8")
    with pytest.raises(SystemExit, match=r"validation_answers.npz belongs to other weights .* make pretrained"):
        pretrain.calibrate(card_folder)
    assert json.loads(card.read_text(encoding="utf-8")) == facts
