"""Training a model, in a way that can be repeated."""

import logging
import time
from dataclasses import dataclass

import keras

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
    """
    set_seed(seed)
    model = build()
    start = time.perf_counter()
    fit = model.fit(x, y, epochs=epochs, batch_size=batch_size, validation_data=validation_data, verbose=verbose)
    return Training(model=model, history=fit.history, seconds=time.perf_counter() - start)
