"""Training a model, in a way that can be repeated: the plain way, and one cycle on images that are moved a little."""

import logging
import math
import random
import time
from dataclasses import dataclass
from unittest import mock

import keras
import numpy as np
from keras import ops

from mnist_helpers.checks import (
    check_builder,
    check_count,
    check_dictionary,
    check_kind,
    check_lengths,
    check_one_hot,
    check_range,
    check_seed,
    check_training,
)
from mnist_helpers.parallel import run_in_parallel

# Each new model is traced anew; from the fifth on TensorFlow takes that for a mistake and says so in the page.
logging.getLogger("tensorflow").setLevel(logging.ERROR)


@dataclass(frozen=True)
class Training:
    """What a training run leaves behind.

    Attributes:
        model: the trained Keras model, as it was after the last epoch.
        history: one list an observed quantity (``"loss"``, ``"accuracy"``, and with validation data ``"val_loss"``,
            ``"val_accuracy"``), one number an epoch.
        seconds: how long the training took, by the clock on the wall.
    """

    model: keras.Model
    history: dict[str, list[float]]
    seconds: float


def set_seed(seed):
    """Fix every random choice that follows: Python's, NumPy's and the backend's.

    With the same seed, versions, machine and number of threads, a run repeats to the last digit. Another processor may
    differ in the last digits, because it adds the same numbers in another order.

    Args:
        seed: an integer from 0 to 2**32 - 1.
    """
    check_seed("seed", seed)
    keras.utils.set_random_seed(seed)
    if keras.backend.backend() == "tensorflow":
        import tensorflow

        tensorflow.config.experimental.enable_op_determinism()


def train(build, x, y, *, epochs, batch_size, seed, validation_data=None, verbose=0):
    """Build a new model from a seed and train it for a number of epochs fixed beforehand.

    Args:
        build: a function without arguments that returns a new, compiled model.
        x: images as the model reads them, ``float32`` of shape ``(n, 28, 28, 1)``.
        y: labels as the model's loss wants them, here one-hot of shape ``(n, 10)``.
        epochs: how often the training looks at every image.
        batch_size: how many images it looks at before each step.
        seed: fixes the first weights and the order of the images.
        validation_data: ``(x, y)`` to be watched after each epoch, never learned from.
        verbose: 0 is silent, 2 prints a line an epoch.

    Returns:
        A ``Training``: the model after the last epoch, its history and the seconds it took.

    Raises:
        TypeError, ValueError: images and labels are not equally many, or a number is out of its range.
    """
    check_builder("build", build)
    check_training(x, y, epochs, batch_size)
    set_seed(seed)
    model = build()
    start = time.perf_counter()
    fit = model.fit(x, y, epochs=epochs, batch_size=batch_size, validation_data=validation_data, verbose=verbose)
    return Training(model=model, history=fit.history, seconds=time.perf_counter() - start)


@dataclass(frozen=True)
class Augmentation:
    """How far an image is changed at random each time that a network learns from it. 0 leaves a change out.

    Attributes:
        shift: largest shift to either side, in pixels.
        rotation: largest turn either way, in degrees.
        scale: largest change of width and of height, each on its own; 0.1 is from 90 to 110%.
        shear: largest slant either way, in pixels to the side for each pixel upwards.
        stroke: largest change of the pen: at 1 the strokes become up to a pixel thicker on each side, or thinner.
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
    """Change each image at random: first the width of its strokes, then place, turn, size and slant, all in one step.

    One step means one interpolation, so that an image gets blurred once and not four times.

    Args:
        images: ``float32`` array of shape ``(n, height, width, 1)`` with values from 0 (paper) to 1 (ink).
        augmentation: an ``Augmentation``.
        seed: an integer or a sequence of them; the same seed gives the same changes.

    Returns:
        The changed images, a tensor of the backend with the same shape and type. What comes in at the border is paper.

    Raises:
        ValueError: the images have another shape or type, or values below 0 or above 1.
    """
    check_kind("images", images, np.ndarray, "an array, as prepare_images makes it")
    check_kind("augmentation", augmentation, Augmentation, "an Augmentation")
    for one in np.ravel(seed):
        check_seed("seed", one)
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

    # From a place in the result to the place in the image that it shows: turned and slanted back, then rescaled.
    xx, xy = np.cos(turn) / scale_x, (shear * np.cos(turn) - np.sin(turn)) / scale_x
    yx, yy = np.sin(turn) / scale_y, (shear * np.sin(turn) + np.cos(turn)) / scale_y
    # The middle of the image stays where it is, but for the shift.
    middle_x, middle_y, zero = (width - 1) / 2, (height - 1) / 2, np.zeros(count, "float32")
    to_x, to_y = middle_x + shift_x, middle_y + shift_y
    x_offset, y_offset = middle_x - xx * to_x - xy * to_y, middle_y - yx * to_x - yy * to_y
    transforms = np.stack([xx, xy, x_offset, yx, yy, y_offset, zero, zero], axis=1)
    return ops.image.affine_transform(images, transforms.astype("float32"))


@keras.saving.register_keras_serializable(package="mnist_helpers")
class OneCycle(keras.optimizers.schedules.LearningRateSchedule):
    """A learning rate that rises along a straight line to its peak and falls along half a cosine to zero.

    Smith & Topin, 2018, arXiv 1708.07120; the cosine is that of Loshchilov & Hutter, 2017, arXiv 1608.03983.

    Args:
        peak: the largest learning rate.
        steps: how many steps the whole training takes.
        rise: the share of the steps before the peak.
    """

    def __init__(self, peak, steps, rise=0.25):
        check_range("peak", peak, 0, math.inf)
        check_count("steps", steps)
        check_range("rise", rise, 0.01, 0.99)
        self.peak, self.steps, self.rise = peak, steps, rise

    def __call__(self, step):
        done = (ops.cast(step, "float32") + 1) / (self.steps + 1)
        falling = ops.clip((done - self.rise) / (1 - self.rise), 0, 1)
        return self.peak * ops.minimum(done / self.rise, (1 + ops.cos(math.pi * falling)) / 2)

    def get_config(self):
        return {"peak": self.peak, "steps": self.steps, "rise": self.rise}


class ImageBatches(keras.utils.PyDataset):
    """Batches for ``model.fit``, in a new order and with new changes in every epoch.

    Every batch has random numbers of its own, by seed, epoch and position. So it does not matter in which order, in
    which thread or how often it is asked for. Images are taken as they are needed; nothing is copied beforehand.

    Args:
        x: images, ``float32`` of shape ``(n, 28, 28, 1)``.
        y: labels as the model's loss wants them.
        batch_size: how many images a batch holds; the last one may be smaller.
        augmentation: an ``Augmentation``, or None to leave the images as they are.
        seed: an integer of 0 or more.
        shuffle: whether the order is a new one in every epoch.
        places: which images, as positions in ``x``; all of them by default.

    Raises:
        TypeError, ValueError: images and labels are not equally many, or a number is out of its range.
    """

    def __init__(self, x, y, batch_size, augmentation=None, seed=0, shuffle=True, places=None):
        check_lengths(x, y)
        check_count("batch_size", batch_size)
        check_seed("seed", seed)
        # With two threads Keras fetches batches ahead by itself. With one it leaves that to tf.data, whose tuning
        # thread often is not told that an epoch is over, and sleeps on while the training waits (TensorFlow 2.21).
        # Other backends have no such thread, and in JAX's `fit` batches fetched ahead would end up in the next epoch.
        super().__init__(workers=2 if keras.backend.backend() == "tensorflow" else 1)
        self.x, self.y, self.batch_size = x, y, batch_size
        self.augmentation, self.seed, self.shuffle = augmentation, seed, shuffle
        self.places = np.arange(len(x)) if places is None else np.asarray(places)
        self.epoch = -1
        self.on_epoch_end()

    def __len__(self):
        return math.ceil(len(self.places) / self.batch_size)

    def on_epoch_end(self):
        # Not on_epoch_begin: by then the first batches of the epoch have been fetched.
        self.epoch += 1
        self.order = self.places
        if self.shuffle:
            self.order = np.random.default_rng([self.seed, self.epoch]).permutation(self.places)

    def __getitem__(self, number):
        places = self.order[number * self.batch_size : (number + 1) * self.batch_size]
        x, y = self.x[places], self.y[places]
        if self.augmentation is not None:
            # From 1, since [seed, epoch, 0] is the same stream as [seed, epoch], which shuffled the epoch.
            x = augment_images(x, self.augmentation, [self.seed, self.epoch, number + 1])
        return x, y


def smooth_labels(y, share=0.1):
    """Take a share of each label and spread it evenly over all classes, so that no answer has to be certain.

    Szegedy et al., 2016, arXiv 1512.00567.

    Args:
        y: one-hot labels of shape ``(n, classes)``, ``float32``.
        share: how much of each label is spread, from 0 to 1.

    Returns:
        Labels of the same shape and type; each row still sums to 1.

    Raises:
        TypeError, ValueError: the labels are no one-hot rows, or the share is out of its range.
    """
    check_one_hot("y", y)
    check_range("share", share, 0, 1)
    return (1 - share) * y + share / y.shape[1]


def train_one_cycle(build, x, y, *, epochs, batch_size, seed, peak, augmentation=None, validation_data=None, verbose=0):
    """As ``train``, with a learning rate that rises and falls once, and on images that are changed in every epoch.

    Args:
        build: a function without arguments that returns a new, compiled model; its learning rate is replaced, and
            after the training it is compiled anew, with Adam's own.
        x, y, epochs, batch_size, seed, validation_data, verbose: as for ``train``.
        peak: the largest learning rate.
        augmentation: an ``Augmentation``, or None to leave the images as they are.

    Returns:
        A ``Training``.

    Raises:
        TypeError, ValueError: images and labels are not equally many, or a number is out of its range.
    """
    check_builder("build", build)
    check_training(x, y, epochs, batch_size)
    set_seed(seed)
    model = build()
    batches = ImageBatches(x, y, batch_size, augmentation, seed)
    model.optimizer.learning_rate = OneCycle(peak, steps=epochs * len(batches))
    start = time.perf_counter()
    # ImageBatches shuffles already.
    fit = model.fit(batches, epochs=epochs, validation_data=validation_data, verbose=verbose, shuffle=False)
    seconds = time.perf_counter() - start
    # A saved model would need this package's schedule in order to load.
    model.compile(optimizer="adam", loss=model.loss, metrics=["accuracy"])
    return Training(model=model, history=fit.history, seconds=seconds)


def compare_recipes(recipes, seeds):
    """Train every recipe with every seed, all in one pool of processes, so that no core idles.

    Args:
        recipes: dictionary from a name to a function that takes ``seed`` and returns a ``Training`` with validation
            data, such as ``functools.partial(train, build, x, y, epochs=…, batch_size=…, validation_data=…)``.
        seeds: one integer a training.

    Returns:
        A dictionary from each name to a list of Keras histories, in the order of the seeds.

    Raises:
        TypeError, ValueError: there is no recipe or no seed, or one of them is something else.
    """
    check_dictionary("recipes", recipes, "from names to functions that train with a seed")
    for name, recipe in recipes.items():
        if not callable(recipe):
            raise TypeError(f"recipes[{name!r}]: expected a function that takes a seed, got {type(recipe).__name__}.")
    check_kind("seeds", seeds, list | tuple | range | np.ndarray, "a list of integers")
    if len(seeds) == 0:
        raise ValueError("seeds: expected one integer or more, got none.")
    for seed in seeds:
        check_seed("seeds", seed)
    tasks = [(name, seed) for name in recipes for seed in seeds]
    histories = {}
    for i, (history, seconds) in run_in_parallel(_follow, [(recipes[name], seed) for name, seed in tasks]):
        name, seed = tasks[i]
        histories[name, seed] = history
        error = 1 - history["val_accuracy"][-1]
        print(f"{name}, seed {seed}: {error:.2%} wrong, {seconds:.0f} s", flush=True)
    return {name: [histories[name, seed] for seed in seeds] for name in recipes}


def _follow(recipe, seed):
    """What is left of a training when its model has gone."""
    with own_layer_seeds(seed):
        training = recipe(seed=seed)
    return training.history, training.seconds


def own_layer_seeds(seed):
    """While it lasts, layers draw their seeds from a generator of their own, whatever else the process does.

    Keras draws them from Python's one generator, and so do the threads of a Dask worker. With the same seed, these are
    the same draws. Two trainings in one process must not overlap; ``run_in_parallel`` sees to that.
    """
    return mock.patch.object(random, "randint", random.Random(seed).randint)
