"""k-fold cross-validation: folds in parallel, repeatable to the last digit, and resumed where they stopped."""

import inspect
import json
import math
import os
import time
import warnings
from dataclasses import dataclass, field
from pathlib import Path

import keras
import numpy as np
from sklearn.model_selection import StratifiedGroupKFold, StratifiedKFold

from mnist_helpers.augmentation import ImageBatches
from mnist_helpers.checks import check_builder, check_count, check_dictionary, check_groups, check_path, check_seed
from mnist_helpers.digests import digest_arrays, digest_texts, normalise_code
from mnist_helpers.files import write_text
from mnist_helpers.parallel import run_in_parallel
from mnist_helpers.training import own_layer_seeds, set_seed
from mnist_helpers.training_cache import VERSIONS, describe_model, note_kept_seconds


class TrainingError(Exception):
    """The loss became infinite or not a number; the message names the fold, the epoch and the learning rate."""


@dataclass(frozen=True)
class CrossValidation:
    """What k-fold cross-validation measured, in the order of the folds.

    Attributes:
        scores: accuracy on the images left out of each fold's training, from 0 to 1.
        histories: the Keras history of each fold, with ``"val_loss"`` and ``"val_accuracy"`` on the images left out.
        seconds: how long each fold took.
        train_size: how many images the first fold trained on.
        test_size: how many it was scored on.
        answers: the digit that each image was read as by the one network that had not learned from it, integers of
            shape ``(n,)`` in the order of the images; ``mcnemar_test`` compares two models by them.
    """

    scores: tuple[float, ...]
    histories: tuple[dict[str, list[float]], ...]
    seconds: tuple[float, ...]
    train_size: int
    test_size: int
    answers: np.ndarray = field(compare=False)


@dataclass(frozen=True)
class _Fold:
    """One training: everything a worker needs but the images."""

    model: str
    number: int
    folds: int
    train: np.ndarray
    test: np.ndarray
    epochs: int
    batch_size: int
    seed: int
    file: Path | None


def cross_validate(build, x, y, folds=5, epochs=10, batch_size=32, seed=7, checkpoint=None, groups=None):
    """Train a new model for each fold on the rest of the images, and score it on the fold.

    The folds are shuffled and stratified. Each runs in a process of its own with one thread, as many at a time as
    ``joblib.parallel_config(n_jobs=…)`` says (all cores by default), or on the cluster of
    ``joblib.parallel_config("dask")``; the scores are the same to the last digit. On a GPU they run one by one.

    Args:
        build: a function without arguments that returns a new, compiled, untrained model.
        x: images as the model reads them, ``float32`` of shape ``(n, 28, 28, 1)``.
        y: labels as the model's loss expects them, integers ``(n,)`` or one-hot ``(n, 10)``.
        folds: how many parts.
        epochs, batch_size: as for ``train``.
        seed: fixes the folds, and gives each fold a random stream of its own for weights and order.
        checkpoint: a folder in which each finished fold is kept, so that an interrupted run goes on where it stopped.
            A fold is reused only for the same model, data, seed, settings and versions. The code of your own losses,
            metrics and layers is not compared, nor are weights that the builder loads: after a change there, name
            another folder.
        groups: an integer for each image, of shape ``(n,)``, such as its writer (``load_writers``): all images of a
            group are in the same fold, so that each network is scored on groups that it has not seen. The folds then
            differ a little in size. None cuts without regard to groups.

    Returns:
        A ``CrossValidation``.

    Raises:
        TypeError, ValueError: model, images, labels or settings do not fit together; the message says what to change.
        TrainingError: the loss of a fold became infinite or not a number.
    """
    return compare_models({"": build}, x, y, folds, epochs, batch_size, seed, checkpoint, groups)[""]


def compare_models(builders, x, y, folds=5, epochs=10, batch_size=32, seed=7, checkpoint=None, groups=None):
    """Cross-validate several models on the same folds, all folds of all models in one pool.

    Args:
        builders: dictionary from a model's name to its builder.
        x, y, folds, epochs, batch_size, seed, checkpoint, groups: as for ``cross_validate``.

    Returns:
        A dictionary from each name to its ``CrossValidation``.

    Raises:
        TypeError, ValueError, TrainingError: as for ``cross_validate``.
    """
    check_dictionary("builders", builders, "from names to functions that build a model")
    for name, build in builders.items():
        check_builder(f"builders[{name!r}]" if name else "build", build)
    x, y = np.asarray(x), np.asarray(y)
    models = {name: _inspect(name, build, x, y) for name, build in builders.items()}
    labels = y.argmax(axis=1) if y.ndim == 2 else y
    _check_settings(y, folds, epochs, batch_size, seed, groups)
    kept = os.environ.get("MNIST_TRAININGS") if checkpoint is None else None  # in a build of the book
    folder = _open_checkpoint(Path(kept, "folds") if kept else checkpoint) if kept or checkpoint is not None else None
    data = digest_arrays(x, y) if folder else ""

    cut_by = StratifiedKFold if groups is None else StratifiedGroupKFold
    splits = list(cut_by(folds, shuffle=True, random_state=seed).split(labels, labels, groups))
    grouped = [digest_arrays(np.asarray(groups))] if folder and groups is not None else []
    tasks = []
    for name, model in models.items():
        description = describe_model(model)
        for number, (train, test) in enumerate(splits):
            stream = int(np.random.SeedSequence([seed, number]).generate_state(1)[0])
            # The fold's indices are part of the key, since another version of scikit-learn might split differently.
            cut = digest_arrays(test) if folder else ""
            key = digest_texts([description, data, cut, seed, folds, number, epochs, batch_size, *grouped, *WAY])
            file = folder / f"fold-{key}.json" if folder else None
            tasks.append(_Fold(name, number, folds, train, test, epochs, batch_size, stream, file))

    results = {(task.model, task.number): _load_fold(task.file) for task in tasks}
    waiting = [task for task in tasks if results[task.model, task.number] is None]
    if kept:  # without a checkpoint of their own, readers see the report of every fold
        for task in tasks:
            if result := results[task.model, task.number]:
                _report(task, result)
                note_kept_seconds(result["seconds"], worker=True)
    # The longest first, so that no long training starts last while the other cores are idle.
    waiting.sort(key=lambda task: -_estimate_work(models[task.model]))
    for i, result in run_in_parallel(_run_fold, [(task, builders[task.model], x, y) for task in waiting]):
        task = waiting[i]
        results[task.model, task.number] = result
        _report(task, result)
    answers = {name: np.empty(len(labels), dtype=int) for name in builders}
    for (name, number), result in results.items():
        answers[name][splits[number][1]] = result["answers"]
    return {
        name: CrossValidation(
            scores=tuple(results[name, number]["score"] for number in range(folds)),
            histories=tuple(results[name, number]["history"] for number in range(folds)),
            seconds=tuple(results[name, number]["seconds"] for number in range(folds)),
            train_size=len(splits[0][0]),
            test_size=len(splits[0][1]),
            answers=answers[name],
        )
        for name in builders
    }


def _report(task, result):
    title = f"{task.model}, fold" if task.model else "fold"
    print(f"{title} {task.number + 1}/{task.folds}: {result['score']:.2%}, {result['seconds']:.0f} s", flush=True)


def _run_fold(task, build, x, y):
    """Train and score one fold, and write the result if the task names a file."""
    start = time.perf_counter()
    held_out = ImageBatches(x, y, 250, shuffle=False, indices=task.test)
    set_seed(task.seed)
    with own_layer_seeds(task.seed):  # on a Dask worker, other threads build models, too
        model = build()
        if model.steps_per_execution == 1:
            # The same steps without going back to Python after each: with small batches, up to 40% less time.
            model.steps_per_execution = 100
        fit = model.fit(
            ImageBatches(x, y, task.batch_size, seed=task.seed, indices=task.train),
            epochs=task.epochs,
            validation_data=held_out,
            callbacks=[_StopAtBrokenLoss(task)],
            shuffle=False,  # the batches are shuffled already; Keras would use the process-wide generator
            verbose=0,
        )
    answers = model.predict(held_out, verbose=0).argmax(axis=1)
    labels = y[task.test].argmax(axis=1) if y.ndim == 2 else y[task.test]
    score = float(np.mean(answers == labels))
    seconds = time.perf_counter() - start
    result = {"score": score, "history": fit.history, "seconds": seconds, "answers": answers.tolist()}
    if task.file:
        write_text(task.file, json.dumps(result) + "\n")
    return result


class _StopAtBrokenLoss(keras.callbacks.Callback):
    def __init__(self, task):
        super().__init__()
        self.task = task

    def on_epoch_end(self, epoch, logs=None):
        if not np.isfinite(logs["loss"]):
            rate = float(self.model.optimizer.learning_rate)
            raise TrainingError(
                f"{self.task.model or 'model'}: the loss of fold {self.task.number + 1} is {logs['loss']} after epoch "
                f"{epoch + 1}, at a learning rate of {rate:g}; try a smaller one."
            )


def _inspect(name, build, x, y):
    """Build a model, and refuse it if it cannot be cross-validated on these data."""
    what = f"the builder {name!r}" if name else "build"
    model = build()
    if not isinstance(model, keras.Model):
        raise TypeError(f"{what}: expected a function that returns a Keras model, got {type(model).__name__}.")
    if getattr(model, "optimizer", None) is None:
        raise ValueError(f"{what}: the model is not compiled; call model.compile(...) before you return it.")
    ours = {id(weight) for weight in model.weights}
    if int(model.optimizer.iterations) > 0 or any(id(weight) in ours for weight in build().weights):
        raise ValueError(f"{what}: each fold needs a new, untrained model; build all of it inside the function.")
    if x.ndim == 0 or y.ndim == 0 or len(x) != len(y) or len(x) == 0:
        raise ValueError(
            f"x and y: expected one label for each image, and at least one, got shapes {x.shape} and {y.shape}."
        )
    wanted = model.input_shape[1:]
    if len(x.shape[1:]) != len(wanted) or any(w not in (None, got) for w, got in zip(wanted, x.shape[1:], strict=True)):
        fits = None not in wanted and math.prod(x.shape[1:]) == math.prod(wanted)
        way = f"write x.reshape(-1, {', '.join(map(str, wanted))})" if fits else ""
        raise ValueError(f"x: {what} reads images of shape {wanted}, got {x.shape[1:]}. {way}".strip())
    if not np.isfinite(x).all():
        raise ValueError("x: holds values that are infinite or not a number; look for them with np.isfinite(x).")
    loss = model.loss if isinstance(model.loss, str) else getattr(model.loss, "name", "")  # "" for a function
    if "sparse" in loss and y.ndim != 1:
        way = "y.ravel()" if y.shape[1:] == (1,) else "y.argmax(axis=1)"
        raise ValueError(f"y: the loss {loss} wants integers of shape (n,), got {y.shape}; write {way}.")
    classes = model.output_shape[-1]
    if "categorical" in loss and "sparse" not in loss and y.shape[1:] != (classes,):
        way = "give the last layer as many outputs as there are classes"
        if y.shape[1:] in ((), (1,)):
            way = "write one_hot(y)" if y.ndim == 1 else "write one_hot(y.ravel())"
        raise ValueError(f"y: the loss {loss} wants one-hot rows of shape (n, {classes}), got {y.shape}; {way}.")
    scales = any(isinstance(layer, keras.layers.Rescaling | keras.layers.Normalization) for layer in model.layers)
    if np.max(x) > 100 and not scales:
        warnings.warn(f"x holds values up to {np.max(x):g}; the models of this book expect 0 to 1.", stacklevel=4)
    return model


def _estimate_work(model):
    """About how many multiplications an image takes: each weight is used once at every position of its feature map."""
    try:
        return sum(layer.count_params() * math.prod(layer.output.shape[1:-1]) for layer in model.layers)
    except (AttributeError, TypeError, ValueError):  # other kinds of layers; the order affects only the duration
        return 0


def _check_settings(y, folds, epochs, batch_size, seed, groups):
    check_count("folds", folds, minimum=2)
    check_count("epochs", epochs)
    check_count("batch_size", batch_size)
    check_seed("seed", seed)
    # In one-hot rows each column is a class, even one without images; with integers only those that occur are known.
    classes, counts = np.unique(y, return_counts=True)
    if y.ndim == 2:
        classes, counts = np.arange(y.shape[1]), np.bincount(y.argmax(axis=1), minlength=y.shape[1])
    if counts.min() < folds:
        rare = classes[counts.argmin()]
        raise ValueError(
            f"folds: {folds} folds need {folds} images of each class, but class {rare} has {counts.min()}; "
            "take fewer folds or more images."
        )
    if groups is not None:
        check_groups("groups", groups, len(y), folds)


def _open_checkpoint(checkpoint):
    check_path("checkpoint", checkpoint)
    folder = Path(checkpoint)
    try:
        folder.mkdir(parents=True, exist_ok=True)
        # Hidden files come from other programs, such as file managers and Jupyter.
        strangers = [path.name for path in folder.iterdir() if not path.name.startswith(("fold-", "."))]
        if strangers:
            raise ValueError(
                f"checkpoint: {folder} holds something else ({strangers[0]}); name an empty or a new folder."
            )
        write_text(folder / "fold-writable", "").unlink(missing_ok=True)
    except OSError as error:
        raise ValueError(f"checkpoint: {folder} cannot be used as a folder: {error}; name another.") from error
    return folder.absolute()


def _load_fold(file):
    if file is None or not file.exists():
        return None
    try:
        fold = json.loads(file.read_text(encoding="utf-8"))
        os.utime(file)  # a build deletes files that have not been used for a long time
        return {name: fold[name] for name in ("score", "history", "seconds", "answers")}
    except (ValueError, KeyError, TypeError) as error:
        raise ValueError(
            f"checkpoint: {file} is damaged ({error!r}); delete it, and the fold is trained again."
        ) from error


# Part of a fold's key, so that folds of other versions, or trained in another way, are not reused.
WAY = (*VERSIONS, *(normalise_code(inspect.getsource(part)) for part in (_run_fold, ImageBatches)))
