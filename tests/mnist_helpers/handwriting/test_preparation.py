"""Any picture becomes what MNIST would have made of it, or an error that says why not."""

import numpy as np
import pytest
from hypothesis import given, settings, strategies as st
from PIL import Image

from mnist_helpers import PictureError, prepare_digit, split_digits
from tests.mnist_helpers.handwriting.conftest import difference, seven


def test_the_digits_of_mnist_hardly_change(mini):
    changes = [difference(image, prepare_digit(image).image) for image in mini.x_test[:200]]
    assert np.median(changes) < 0.03
    assert np.percentile(changes, 95) < 0.15


@pytest.mark.full_mnist
def test_all_digits_of_the_test_part_hardly_change(mnist_npz):
    from mnist_helpers import load_dataset, load_model, model_error

    data, model = load_dataset("mnist"), load_model()
    prepared = np.stack([prepare_digit(image).image for image in data.x_test])
    change = np.abs(prepared.astype(float) - data.x_test).sum(axis=(1, 2)) / data.x_test.sum(axis=(1, 2))
    assert np.mean(change) < 0.05
    assert np.percentile(change, 99) < 0.7
    plain, again = (model_error(model, images, data.y_test).rate for images in (data.x_test, prepared))
    assert abs(again - plain) <= 0.001


def test_the_stages_are_what_they_are_called():
    stages = prepare_digit(seven()).stages
    assert [stages[name].shape for name in ("picture", "ink", "digit")] == [(300, 200)] * 3
    places = (0, 0), (60, 90)  # paper, and the roof of the 7
    assert [stages["picture"][place] for place in places] == pytest.approx([1, 0])
    assert [stages["ink"][place] for place in places] == pytest.approx([0, 1])
    assert [stages["digit"][place] for place in places] == pytest.approx([0, 1])


shifts = st.integers(0, 60)


@settings(deadline=None, max_examples=40)
@given(left=shifts, top=shifts, scale=st.floats(0.5, 3), dark=st.booleans(), seed=st.integers(0, 2**32 - 1))
def test_place_size_polarity_and_noise_change_little(plain, left, top, scale, dark, seed):
    picture = seven().resize((round(200 * scale), round(300 * scale)), Image.Resampling.BICUBIC)
    page = Image.new("L", (picture.width + 60, picture.height + 60), 255)
    page.paste(picture, (left, top))
    values = np.asarray(page) / 255
    noise = np.random.default_rng(seed).normal(0, 0.02, values.shape)
    values = np.clip(0.9 * (1 - values if dark else values) + 0.05 + noise, 0, 1)
    assert difference(plain, prepare_digit(values).image) < 0.3


@settings(deadline=None, max_examples=60)
@given(st.integers(1, 40), st.integers(1, 40), st.integers(0, 2**32 - 1))
def test_random_pixels_become_an_image_or_our_error(height, width, seed):
    pixels = np.random.default_rng(seed).integers(0, 256, (height, width), dtype="uint8")
    try:
        image = prepare_digit(pixels).image
    except PictureError:
        return
    assert image.shape == (28, 28)


@settings(deadline=None, max_examples=150)
@given(st.integers(1, 50), st.integers(1, 50), st.integers(0, 2), st.integers(2, 9), st.booleans())
def test_fine_stripes_become_an_image_or_our_error(height, width, slant, period, several):
    stripes = np.add.outer(np.arange(height), slant * np.arange(width)) % period == 0
    try:
        parts = split_digits(stripes) if several else [prepare_digit(stripes)]
    except PictureError:
        return
    assert parts
    assert all(part.image.max() == 255 for part in parts)
