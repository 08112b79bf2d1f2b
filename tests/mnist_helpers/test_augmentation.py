"""Images are changed as far as was said, and every epoch holds each of them once."""

from unittest import mock

import keras
import numpy as np
import pytest

from mnist_helpers import Augmentation, ImageBatches, augment_images

ONES = np.ones((2, 28, 28, 1), "float32")
STILL = Augmentation(shift=0, rotation=0, scale=0, shear=0, stroke=0)


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


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: Augmentation(rotation=-1), "rotation: expected a number from 0 to 180, got -1"),
        (lambda: Augmentation(stroke=2), "stroke: expected a number from 0 to 1"),
        (lambda: augment_images(ONES[..., 0], STILL, 1), "images: expected float32 of shape .* got float32 of shape"),
        (lambda: augment_images(255 * ONES, STILL, 1), "images: .*from 0 to 1"),
        (lambda: augment_images(ONES.astype("uint8"), STILL, 1), "images: .*got uint8.*prepare_images"),
        (lambda: ImageBatches(ONES, np.ones(3), 2), "x and y: expected one label for each image.*got 2 images and 3"),
        (lambda: ImageBatches(ONES[:0], np.ones(0), 2), "x and y: .*at least one"),
        (lambda: ImageBatches(ONES, np.ones(2), 0), "batch_size: expected an integer of 1 or more"),
    ],
)
def test_impossible_settings_are_refused(call, message):
    with pytest.raises(ValueError, match=message):
        call()
