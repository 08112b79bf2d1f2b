"""A cache of trainings, whose key is a digest of everything that they depend on.

What ``fit`` does is a function of the model and its optimizer as they are, the images and labels, the settings, the
state of the random generators, and the versions below. Where the environment variable ``MNIST_TRAININGS`` names a
folder, as in a build of the book, the result of a training is stored there, and the same training is read instead of
being repeated: its weights, its history, what it printed, and the seconds that it took. So a figure can be drawn anew
without training its network again. Without the variable nothing is changed: ``fit`` is Keras' own.
"""

import contextlib
import functools
import inspect
import io
import json
import os
import random
import re
import sys
import time
import zipfile
from pathlib import Path

import keras
import numpy as np

from mnist_helpers.augmentation import ImageBatches
from mnist_helpers.digests import digest_arrays, digest_texts, normalise_code
from mnist_helpers.files import write_bytes, write_text

BACKEND = keras.backend.backend()
VERSIONS = (keras.__version__, BACKEND, getattr(sys.modules.get(BACKEND), "__version__", ""))
# With another number of threads, sums are computed in another order and differ in the last digits.
THREADS = ("TF_NUM_INTRAOP_THREADS", "TF_NUM_INTEROP_THREADS", "XLA_FLAGS")
PACKAGE = __name__.partition(".")[0]
SETTINGS = {"epochs", "batch_size", "shuffle", "verbose", "x", "y", "validation_data"}


def describe_model(model):
    """Architecture, initialisation and training settings as a text that is the same for two equal models."""
    text = model.to_json() + json.dumps(model.get_compile_config(), default=str, sort_keys=True)
    # Keras numbers the names of models and layers through a whole process: replace the number by their order.
    for place, name in enumerate(dict.fromkeys(re.findall(r'"name": "([^"]*)"', text))):
        stem = re.sub(r"_\d+$", "", name)
        text = text.replace(f'"{name}"', f'"{stem} {place}"')
    return text


def keep_trainings():
    """Make ``fit`` read stored trainings from the folder ``MNIST_TRAININGS``, and store new ones there."""
    if os.environ.get("MNIST_TRAININGS") and not isinstance(time.perf_counter, _Clock):
        time.perf_counter = _Clock(time.perf_counter)
        keras.Model.fit = _keeping(keras.Model.fit, time.perf_counter)


class _Clock:
    """``time.perf_counter``, adjusted so that code that times ``fit`` measures the training itself.

    A training that is read counts as long as it took when it was done; looking it up and storing it count nothing.
    """

    def __init__(self, measure):
        self.measure, self.ahead = measure, 0.0

    def __call__(self):
        return self.measure() + self.ahead


def _keeping(fit, clock):
    @functools.wraps(fit)
    def fit_or_read(model, *arguments, **settings):
        given = dict(zip(("x", "y"), arguments, strict=False)) | settings
        # Callbacks may have side effects, and are not among the settings.
        if len(arguments) > 2 or not given.keys() <= SETTINGS or not _can_be_kept(model, given.get("x")):
            return fit(model, *arguments, **settings)
        start = clock()
        file = Path(os.environ["MNIST_TRAININGS"]) / f"training-{_key(model, given)}.npz"
        if kept := _load(file):
            history, seconds = _restore(model, given, kept)
        else:
            begin, printed = clock(), _Tee(sys.stdout)
            with contextlib.redirect_stdout(printed):
                history = fit(model, *arguments, **settings)
            seconds = clock() - begin
            _write(model, given["x"], history, seconds, printed.getvalue(), file)
        clock.ahead += start + seconds - clock()
        return history

    return fit_or_read


class _Tee(io.StringIO):
    """Stores what is printed, and passes it on to the terminal."""

    def __init__(self, terminal):
        super().__init__()
        self.terminal = terminal

    def write(self, text):
        self.terminal.write(text)
        return super().write(text)

    def flush(self):
        self.terminal.flush()


def _can_be_kept(model, images):
    """Whether the key describes all of a training: Keras' own parts, and arrays or ``ImageBatches``."""
    loss = type(model.loss) if not callable(model.loss) else model.loss
    parts = [type(layer) for layer in model.layers] + [type(model.optimizer), loss]
    schedule = _schedule(model)
    return (
        model.built
        and isinstance(images, np.ndarray | ImageBatches)
        and all(part is str or part.__module__.startswith("keras.") for part in parts)
        # Layers within layers, and the generators of augmenting ones, would be missing in the state.
        and not any(isinstance(layer, keras.Model) or hasattr(layer, "generator") for layer in model.layers)
        and (schedule is None or type(schedule).__module__.startswith(("keras.", f"{PACKAGE}.")))
    )


def _schedule(model):
    rate = getattr(model.optimizer, "_learning_rate", None)  # the public attribute is its value at this step
    return rate if isinstance(rate, keras.optimizers.schedules.LearningRateSchedule) else None


def _key(model, given):
    own = {type(part).__module__ for part in (_schedule(model), given["x"])}
    optimizer = keras.optimizers.serialize(model.optimizer)
    settings = {name: value for name, value in given.items() if name not in ("x", "y", "validation_data")}
    return digest_texts(
        [
            describe_model(model),
            {name: value for name, value in optimizer["config"].items() if name != "name"},
            digest_arrays(*_state(model), *map(np.asarray, model.optimizer.variables)),
            *(_describe_data(given.get(name)) for name in ("x", "y", "validation_data")),
            sorted(settings.items()),
            [normalise_code(inspect.getsource(sys.modules[name])) for name in sorted(own) if name.startswith(PACKAGE)],
            random.getstate(),
            [digest_arrays(part) for part in np.random.get_state()],
            keras.config.dtype_policy().name,
            [os.environ.get(name) for name in THREADS],
            *VERSIONS,
        ]
    )


def _describe_data(data):
    if isinstance(data, ImageBatches):
        plan = (data.batch_size, data.augmentation, data.seed, data.shuffle, data.epoch)
        return f"{plan} {digest_arrays(data.x, data.y, data.indices)}"
    if isinstance(data, list | tuple):
        return [_describe_data(part) for part in data]
    return None if data is None else digest_arrays(data)


def _state(model):
    """The variables that a training changes, the seeds of dropout included."""
    seeds = [layer.seed_generator.state for layer in model.layers if hasattr(layer, "seed_generator")]
    return [*model.weights, *seeds]


def _write(model, images, history, seconds, printed, file):
    variables = {"model": _state(model), "optimizer": model.optimizer.variables}
    arrays = {f"{kind}{i}": np.asarray(value) for kind, values in variables.items() for i, value in enumerate(values)}
    _, key, *rest = np.random.get_state(legacy=True)
    facts = {"history": history.history, "seconds": seconds, "printed": printed}
    facts |= {"random": random.getstate(), "numpy_random": rest, "epoch": getattr(images, "epoch", None)}
    content = io.BytesIO()
    np.savez(content, allow_pickle=False, facts=np.array(json.dumps(facts)), numpy_random=np.asarray(key), **arrays)
    file.parent.mkdir(parents=True, exist_ok=True)
    write_bytes(file, content.getvalue())


def _load(file):
    """What is stored in a file; None if there is none, or if it is damaged: then it is written anew."""
    try:
        os.utime(file)  # the build deletes files that have not been used for a long time
        with np.load(file, allow_pickle=False) as stored:
            arrays = {name: stored[name] for name in stored.files}
        return arrays | {"facts": json.loads(str(arrays["facts"]))}
    except (OSError, KeyError, ValueError, EOFError, zipfile.BadZipFile):
        return None


def _restore(model, given, kept):
    """Put a model, the random generators and the batches into the state after the training; print what it printed."""
    facts = kept["facts"]
    model.optimizer.build(model.trainable_variables)
    for kind, variables in {"model": _state(model), "optimizer": model.optimizer.variables}.items():
        for i, variable in enumerate(variables):
            variable.assign(kept[f"{kind}{i}"])
    version, numbers, gauss = facts["random"]
    random.setstate((version, tuple(numbers), gauss))
    np.random.set_state(("MT19937", kept["numpy_random"], *facts["numpy_random"]))
    while getattr(given["x"], "epoch", None) != facts["epoch"]:
        given["x"].on_epoch_end()
    print(facts["printed"], end="")
    note_kept_seconds(facts["seconds"])
    model.history = keras.callbacks.History()
    model.history.set_model(model)
    model.history.history, model.history.epoch = facts["history"], list(range(given.get("epochs", 1)))
    return model.history, facts["seconds"]


def note_kept_seconds(seconds, worker=None):
    """Write a file for the build: the seconds of a training that was read, and whether a worker process ran it."""
    if folder := os.environ.get("MNIST_KEPT_SECONDS"):
        name = f"{time.time_ns()}-{os.getpid()}.json"
        worker = "TF_NUM_INTRAOP_THREADS" in os.environ if worker is None else worker
        write_text(Path(folder) / name, json.dumps({"seconds": seconds, "worker": worker}))
