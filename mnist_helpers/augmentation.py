"""Data augmentation: small random changes to the training images in every epoch."""

import math
from dataclasses import dataclass

import keras
import numpy as np
from keras import ops

from mnist_helpers.checks import check_count, check_kind, check_lengths, check_range, check_seed


@dataclass(frozen=True)
class Augmentation:
    """The largest random changes to an image in each epoch. 0 turns a change off.

    Attributes:
        shift: largest shift to either side, in pixels.
        rotation: largest rotation either way, in degrees.
        scale: largest change of width and of height, each on its own; 0.1 is from 90 to 110%.
        shear: largest slant either way, in pixels to the side for each pixel upwards.
        stroke: largest change of the stroke width; at 1 strokes become up to a pixel thicker on each side, or thinner.
    """

    shift: float = 2.0
    rotation: float = 10.0
    scale: float = 0.1
    shear: float = 0.1
    stroke: float = 0.0

    def __post_init__(self):
        limits = {"shift": 14, "rotation": 180, "scale": 0.9, "shear": 2, "stroke": 1}
        for name, limit in limits.items():
            check_range(name, getattr(self, name), 0, limit)


def augment_images(images, augmentation, seed):
    """Change each image at random: first its stroke width, then shift, rotation, scale and shear in one transform.

    One transform means one interpolation, so that an image gets blurred once and not four times.

    Args:
        images: ``float32`` array of shape ``(n, height, width, 1)`` with values from 0 (paper) to 1 (ink).
        augmentation: an ``Augmentation``.
        seed: an integer or a sequence of them; the same seed gives the same changes.

    Returns:
        The changed images, a tensor of the backend with the same shape and type. Areas from outside it are 0 (paper).

    Raises:
        ValueError: the images have another shape or type, or values below 0 or above 1.
    """
    check_kind("images", images, np.ndarray, "an array, as prepare_images makes it")
    check_kind("augmentation", augmentation, Augmentation, "an Augmentation")
    for part in np.ravel(seed):
        check_seed("seed", part)
    if images.ndim != 4 or images.shape[3] != 1 or images.dtype != np.float32 or images.min() < 0 or images.max() > 1:
        raise ValueError(
            "images: expected float32 of shape (n, height, width, 1) with values from 0 to 1, got "
            f"{images.dtype} of shape {images.shape}; prepare_images makes them so."
        )
    count, height, width = images.shape[:3]
    generator = np.random.default_rng(seed)

    def draw(reach):
        return generator.uniform(-reach, reach, count).astype("float32")

    shift_x, shift_y = draw(augmentation.shift), draw(augmentation.shift)
    scale_x, scale_y = 1 + draw(augmentation.scale), 1 + draw(augmentation.scale)
    turn, shear = np.radians(draw(augmentation.rotation)), draw(augmentation.shear)
    stroke = draw(augmentation.stroke).reshape(-1, 1, 1, 1)

    if augmentation.stroke:
        thick = ops.max_pool(images, 3, strides=1, padding="same")
        thin = -ops.max_pool(-images, 3, strides=1, padding="same")
        images = images + np.maximum(stroke, 0) * (thick - images) + np.maximum(-stroke, 0) * (thin - images)

    # From output to input coordinates, as affine_transform expects: sheared and rotated back, then rescaled.
    xx, xy = np.cos(turn) / scale_x, (shear * np.cos(turn) - np.sin(turn)) / scale_x
    yx, yy = np.sin(turn) / scale_y, (shear * np.sin(turn) + np.cos(turn)) / scale_y
    # The centre of the image moves only by the shift.
    middle_x, middle_y, zero = (width - 1) / 2, (height - 1) / 2, np.zeros(count, "float32")
    to_x, to_y = middle_x + shift_x, middle_y + shift_y
    x_offset, y_offset = middle_x - xx * to_x - xy * to_y, middle_y - yx * to_x - yy * to_y
    transforms = np.stack([xx, xy, x_offset, yx, yy, y_offset, zero, zero], axis=1)
    return ops.image.affine_transform(images, transforms.astype("float32"))


class ImageBatches(keras.utils.PyDataset):
    """Batches for ``model.fit``, in a new order and with new changes in every epoch.

    The random numbers of a batch depend only on seed, epoch and position, so batches can be requested in any order, in
    any thread and repeatedly. Images are copied one batch at a time.

    Args:
        x: images, ``float32`` of shape ``(n, 28, 28, 1)``.
        y: labels as the model's loss expects them.
        batch_size: how many images a batch holds; the last one may be smaller.
        augmentation: an ``Augmentation``, or None to leave the images as they are.
        seed: an integer of 0 or more.
        shuffle: whether the order is a new one in every epoch.
        indices: which images, as positions in ``x``; all of them by default.

    Raises:
        TypeError, ValueError: images and labels are not equally many, or a number is out of its range.
    """

    def __init__(self, x, y, batch_size, augmentation=None, seed=0, shuffle=True, indices=None):
        check_lengths(x, y)
        check_count("batch_size", batch_size)
        check_seed("seed", seed)
        # With two threads Keras prefetches batches itself. With one it leaves that to tf.data, whose autotuning thread
        # often misses the end of an epoch, so that training blocks until its sleep is over (TensorFlow 2.21). Other
        # backends have no such thread, and in JAX's `fit` prefetched batches would end up in the next epoch.
        super().__init__(workers=2 if keras.backend.backend() == "tensorflow" else 1)
        self.x, self.y, self.batch_size = x, y, batch_size
        self.augmentation, self.seed, self.shuffle = augmentation, seed, shuffle
        self.indices = np.arange(len(x)) if indices is None else np.asarray(indices)
        self.epoch = -1
        self.on_epoch_end()

    def __len__(self):
        return math.ceil(len(self.indices) / self.batch_size)

    def on_epoch_end(self):
        # Not on_epoch_begin: by then the first batches of the epoch have been fetched.
        self.epoch += 1
        self.order = self.indices
        if self.shuffle:
            self.order = np.random.default_rng([self.seed, self.epoch]).permutation(self.indices)

    def __getitem__(self, number):
        indices = self.order[number * self.batch_size : (number + 1) * self.batch_size]
        x, y = self.x[indices], self.y[indices]
        if self.augmentation is not None:
            # From 1, since [seed, epoch, 0] is the same stream as [seed, epoch], which shuffled the epoch.
            x = augment_images(x, self.augmentation, [self.seed, self.epoch, number + 1])
        return x, y
