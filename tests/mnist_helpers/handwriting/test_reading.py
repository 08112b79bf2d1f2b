"""What the network reads in pictures, what it refuses, and that nothing is lost on the way."""

import io
from types import SimpleNamespace

import numpy as np
import pytest

from mnist_helpers import (
    Part,
    PictureError,
    load_model,
    photograph_digit,
    read_digit,
    read_digits,
    read_number,
    sample_pictures,
)
from mnist_helpers.handwriting import reading

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
    digits = [reading.digit for reading in readings]
    if "touch" in sample.note:
        assert digits == [None]
        assert readings[0].reason == "unsure: two digits may touch here"
    else:
        rows = [[reading.digit for reading in readings if reading.row == row] for row in range(readings[-1].row + 1)]
        assert "-".join("".join(map(str, row)) for row in rows) == sample.label
        assert [reading.digit for reading in read_number(sample.path, best=True)] == digits


def test_a_number_on_a_blank_page_is_empty():
    assert read_number(np.ones((50, 50))) == []


def test_many_pictures_keep_their_order_and_what_is_broken_stops_nothing(monkeypatch):
    monkeypatch.setattr(reading, "AT_ONCE", 2)
    paths = [s.path for s in SAMPLES if s.kind == "plain"]
    readings = list(read_digits([paths[3], b"no picture", paths[5], np.ones((50, 50)), paths[7]]))
    assert [getattr(reading, "digit", "error") for reading in readings] == [3, "error", 5, None, 7]
    assert isinstance(readings[1], PictureError)
    with pytest.raises(PictureError, match="is none of"):
        read_digit(b"no picture")


@pytest.mark.parametrize(
    ("pictures", "options", "error"),
    [
        (b"one picture", {}, "pictures: expected several pictures, got bytes; read_digit reads one"),
        (bytearray(b"one picture"), {}, "pictures: expected several pictures, got bytearray"),
        (io.BytesIO(b"one picture"), {}, "pictures: expected several pictures, got BytesIO"),
        (7, {}, "pictures: expected several pictures, got int"),
        ([], {"best": "yes"}, "best: expected True or False, got str"),
        ([], {"model": "strong_cnn"}, "model: expected a Keras model, got str"),
    ],
)
def test_what_cannot_be_read_at_all_is_refused_by_the_call_itself(pictures, options, error):
    with pytest.raises(TypeError, match=error):
        read_digits(pictures, **options)  # and nobody has asked for the first answer yet


def answering(answers):
    """A network that gives the same answers to whatever it is shown."""
    return SimpleNamespace(layers=[], predict=lambda images, **_: answers)


@pytest.mark.parametrize(
    ("answers", "found"),
    [
        (np.array([[0, 0, 10.278, 1, 2, 3, 4, 5, 6, 7]]), "got values from 0 to 10.3 with sums from 38.3 to 38.3"),
        (np.array([[-0.1, 0.2] + [0.1] * 7 + [0.2]]), "got values from -0.1 to 0.2"),
        (np.full((1, 10), 0.4), "with sums from 4 to 4"),  # ten sigmoids
        (np.full((1, 10), np.nan), "got values from nan to nan"),
        (np.full((1, 2), 0.5), r"got shape \(1, 2\); give it one output for each digit"),
        (np.full((1, 3, 10), 0.1), r"got shape \(1, 3, 10\)"),
        ([np.full((1, 10), 0.1)] * 2, "got list"),
    ],
)
def test_a_network_that_does_not_answer_with_probabilities_is_refused(answers, found):
    path = next(sample.path for sample in SAMPLES if sample.kind == "plain")
    for read in (read_digit, read_number, lambda picture, model: list(read_digits([picture], model=model))):
        with pytest.raises(ValueError, match=rf"^model: expected a network .*{found}.*end it with softmax"):
            read(path, model=answering(answers))


@pytest.mark.parametrize("precision", ["float16", "float32", "float64"])
def test_probabilities_of_any_precision_are_read_as_they_are(precision):
    path = next(sample.path for sample in SAMPLES if sample.kind == "plain")
    answers = np.array([[0.05] * 3 + [0.55] + [0.05] * 6], precision)
    assert read_digit(path, model=answering(answers)).probability == pytest.approx(0.55, abs=1e-3)


def test_a_temperature_changes_how_sure_but_not_what():
    probabilities = np.array([[0.7, 0.2, 0.1], [0.0, 1.0, 0.0]], "float32")
    np.testing.assert_allclose(reading.apply_temperature(probabilities, 1), probabilities, atol=1e-6)
    surer, less = reading.apply_temperature(probabilities, 0.5), reading.apply_temperature(probabilities, 2)
    np.testing.assert_allclose(surer[0], np.array([0.49, 0.04, 0.01]) / 0.54, rtol=1e-5)
    assert less[0, 0] < 0.7 < surer[0, 0]
    assert np.isfinite(surer).all()


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
    assert [(reading.row, reading.digit) for reading in readings] == [(1, 3), (1, None), (1, 3), (2, None)]
    assert readings[3].reason in ("unsure: 3 or 5", "unsure: 5 or 3")
    assert None not in [reading.digit for reading in read_number("any", best=True)]
    answers = np.concatenate([answers[:8], even[np.newaxis]])  # a row of its own, of one part, is no word
    assert [(reading.row, reading.digit) for reading in read_number("any")][-1] == (2, None)
    parts, answers = parts[:5], answers[:5]  # nothing but a word: it is not read, but it is not hidden
    assert [reading.digit for reading in read_number("any")] == [None, None, 3, 3, 3]


def test_a_blackened_digit_of_a_number_is_not_read(monkeypatch):
    parts = [Part(**blank_part(), row=0, touching=False, blot=blot) for blot in (False, False, False, True)]
    answers = np.eye(10, dtype="float32")[[1, 2, 3, 1]]
    monkeypatch.setattr(reading, "split_digits", lambda picture: parts)
    monkeypatch.setattr(reading, "_model", lambda: SimpleNamespace(predict=lambda *_, **__: answers))
    readings = read_number("any")
    assert [reading.digit for reading in readings] == [1, 2, 3, None]
    assert "blackened" in readings[-1].reason
    assert [reading.digit for reading in read_number("any", best=True)] == [1, 2, 3, 1]


def blank_part():
    return {"image": np.zeros((28, 28), "uint8"), "stages": {}, "box": (0, 0, 1, 1)}


def test_blank_paper_under_any_lamp_is_refused():
    generator = np.random.default_rng(7)
    pages = [photograph_digit(np.zeros((28, 28), "uint8"), generator) for _ in range(60)]
    assert sum(reading.digit is None for reading in read_digits(pages)) >= 57


def test_a_threshold_is_used_in_place_of_the_chosen_one():
    picture = next(sample.path for sample in sample_pictures() if sample.kind == "plain")
    sure = read_digit(picture)
    assert sure.digit is not None
    assert read_digit(picture, threshold=sure.probability).digit == sure.digit
    assert read_digit(picture, threshold=min(1, sure.probability + 1e-6)).digit is None
    assert read_digit(picture, threshold=1, best=True).digit == sure.digit
    assert next(read_digits([picture], threshold=0)).digit == sure.digit
    assert read_number(picture, threshold=0)[0].digit == sure.digit


def test_a_threshold_is_for_a_model_of_your_own_too():
    picture = next(sample.path for sample in sample_pictures() if sample.kind == "plain")
    own = load_model()
    assert read_digit(picture, model=own, threshold=1).digit is None
    assert read_digit(picture, model=own).digit is not None


@pytest.mark.parametrize("threshold", [-0.1, 1.1, "0.5"])
def test_a_threshold_that_is_no_probability_is_refused(threshold):
    with pytest.raises((TypeError, ValueError), match="threshold: expected a number from 0 to 1"):
        read_digits([], threshold=threshold)
