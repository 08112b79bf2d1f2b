"""Repeatable training of a model: with its own learning rate, or with one cycle on augmented images."""

import contextlib
import logging
import math
import random
import time
from dataclasses import dataclass

import keras
import numpy as np
from keras import ops

from mnist_helpers.augmentation import ImageBatches
from mnist_helpers.checks import (
    check_builder,
    check_count,
    check_dictionary,
    check_kind,
    check_one_hot,
    check_range,
    check_seed,
    check_training,
)
from mnist_helpers.parallel import run_in_parallel
from mnist_helpers.training_cache import keep_trainings

# Each new model is traced anew; from the fifth on TensorFlow warns of retracing, which would appear in the page.
logging.getLogger("tensorflow").setLevel(logging.ERROR)
keep_trainings()  # in a build of the book; elsewhere it does nothing


@dataclass(frozen=True)
class Training:
    """The result of a training run.

    Attributes:
        model: the trained Keras model, as it was after the last epoch.
        history: one list an observed quantity (``"loss"``, ``"accuracy"``, and with validation data ``"val_loss"``,
            ``"val_accuracy"``), one number an epoch.
        seconds: wall-clock time of the training.
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
        y: labels as the model's loss expects them, here one-hot of shape ``(n, 10)``.
        epochs: number of passes over the images.
        batch_size: number of images for each step.
        seed: fixes the first weights and the order of the images.
        validation_data: ``(x, y)`` to be evaluated after each epoch, never trained on.
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


@keras.saving.register_keras_serializable(package="mnist_helpers")
class OneCycle(keras.optimizers.schedules.LearningRateSchedule):
    """A learning rate that rises along a straight line to its peak and falls along half a cosine to zero.

    Smith & Topin, 2018, arXiv 1708.07120; the cosine is that of Loshchilov & Hutter, 2017, arXiv 1608.03983.

    Args:
        peak_learning_rate: the largest learning rate.
        steps: how many steps the whole training takes.
        rise: the share of the steps before the peak.
    """

    def __init__(self, peak_learning_rate, steps, rise=0.25):
        check_range("peak_learning_rate", peak_learning_rate, 0, math.inf)
        check_count("steps", steps)
        check_range("rise", rise, 0.01, 0.99)
        self.peak_learning_rate, self.steps, self.rise = peak_learning_rate, steps, rise

    def __call__(self, step):
        done = (ops.cast(step, "float32") + 1) / (self.steps + 1)
        falling = ops.clip((done - self.rise) / (1 - self.rise), 0, 1)
        return self.peak_learning_rate * ops.minimum(done / self.rise, (1 + ops.cos(math.pi * falling)) / 2)

    def get_config(self):
        return {"peak_learning_rate": self.peak_learning_rate, "steps": self.steps, "rise": self.rise}


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


def train_one_cycle(
    build, x, y, *, epochs, batch_size, seed, peak_learning_rate, augmentation=None, validation_data=None, verbose=0
):
    """As ``train``, with a learning rate that rises and falls once, and on images that are changed in every epoch.

    Args:
        build: a function without arguments that returns a new, compiled model; its learning rate is replaced, and
            after the training it is compiled anew, with Adam's own.
        x, y, epochs, batch_size, seed, validation_data, verbose: as for ``train``.
        peak_learning_rate: the largest learning rate.
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
    model.optimizer.learning_rate = OneCycle(peak_learning_rate, steps=epochs * len(batches))
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
    """Train, and return history and seconds only, so that no model is sent between processes."""
    with own_layer_seeds(seed):
        training = recipe(seed=seed)
    return training.history, training.seconds


@contextlib.contextmanager
def own_layer_seeds(seed):
    """Context manager: layers draw their seeds from a generator of their own, whatever else the process does.

    Keras draws them from Python's global generator, which all threads of a Dask worker share. The same seed gives the
    same draws. Two trainings in one process must not overlap; ``run_in_parallel`` holds a lock.
    """
    shared = random.randint
    random.randint = random.Random(seed).randint
    try:
        yield
    finally:
        random.randint = shared
