"""Pictures that nobody took: they repeat with their seed, and they are what they are said to be."""

import numpy as np
import pytest
from scipy import ndimage

from mnist_helpers import (
    compose_number,
    draw_continental_digit,
    draw_non_digit,
    join_digits,
    photograph_digit,
    prepare_digit,
)
from mnist_helpers.handwriting.synthetic import _fonts

DRAWINGS = {
    "photograph": lambda generator: photograph_digit(np.eye(28, dtype="uint8") * 255, generator),
    "one": lambda generator: draw_continental_digit(1, generator),
    "seven": lambda generator: draw_continental_digit(7, generator),
    "train": lambda generator: draw_non_digit(generator),
    "test": lambda generator: draw_non_digit(generator, "test"),
}


@pytest.mark.parametrize("kind", DRAWINGS)
def test_the_same_seed_draws_the_same_pictures_and_another_seed_others(kind):
    def draw(seed):
        generator = np.random.default_rng(seed)
        return [np.asarray(DRAWINGS[kind](generator)) for _ in range(6)]

    first, again, other = draw(1), draw(1), draw(2)
    assert all(np.array_equal(a, b) for a, b in zip(first, again, strict=True))
    assert not any(np.array_equal(a, b) for a, b in zip(first, other, strict=True))
    assert not np.array_equal(first[0], first[1])


def test_photographs_come_in_both_polarities_with_shadows_and_the_digit_in_them(mini):
    generator = np.random.default_rng(7)
    pages = [photograph_digit(mini.x_test[0], generator) for _ in range(20)]
    dark = sum(np.median(page) < 128 for page in pages)
    assert 3 < dark < 17
    found = [prepare_digit(page) for page in pages]
    places = np.array([preparation.box[:2] for preparation in found])
    assert np.ptp(places, axis=0).min() > 0.2  # anywhere on the page
    plain = prepare_digit(mini.x_test[0]).image.ravel()
    likeness = [np.corrcoef(preparation.image.ravel(), plain)[0, 1] for preparation in found]
    assert np.median(likeness) > 0.9


def test_a_number_holds_all_its_digits_in_their_rows(mini):
    for seed in range(5):
        page, rows = compose_number(mini.x_test[10:17], np.random.default_rng(seed))
        assert sum(rows) == 7
        assert 1 <= len(rows) <= 3
        _, pieces = ndimage.label(page < 128, np.ones((3, 3)))
        assert pieces >= 7
        bands = ndimage.label((page < 128).any(axis=1))[1]  # lines of ink with white lines between them
        assert bands >= len(rows)


def test_what_is_tried_was_not_learned():
    assert _fonts("test")
    assert not set(_fonts("test")) & set(_fonts("train"))


def test_joined_digits_are_one_piece_that_is_wider_than_either(mini):
    generator = np.random.default_rng(7)
    for first, second in zip(mini.x_test[:20], mini.x_test[20:40], strict=True):
        pair = join_digits(first, second, generator)
        pieces = ndimage.label(pair > 99, np.ones((3, 3)))[1]
        apart = sum(ndimage.label(image > 99, np.ones((3, 3)))[1] for image in (first, second))
        assert pieces < apart
        assert pair.any(axis=0).sum() > max(image.any(axis=0).sum() for image in (first, second))
