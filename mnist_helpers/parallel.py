"""Run independent trainings at the same time: one thread each, in processes of their own."""

import os
import warnings

import joblib
import keras
from joblib.parallel import get_active_backend


def run_in_parallel(function, tasks):
    """Yield the position and the result of each task, as they come.

    Each runs in a process with one thread, as many at a time as ``joblib.parallel_config(n_jobs=…)`` says (all cores by
    default), or on the cluster of ``joblib.parallel_config("dask")``. On a GPU they run one by one, in this process.

    Args:
        function: what to call; it and its arguments are sent to the processes, and large arrays are shared with them.
        tasks: a list of tuples, the arguments of each call.
    """
    if not tasks:
        return
    if _has_gpu():
        yield from ((i, function(*task)) for i, task in enumerate(tasks))
        return
    _, workers = get_active_backend()
    one_by_one = workers == 1
    # One worker is a process too, not this one: with this one's threads, the last digits would differ.
    options = {"n_jobs": 2, "pre_dispatch": 1} if one_by_one else {"n_jobs": -1 if workers is None else workers}
    pool = joblib.Parallel(return_as="generator_unordered", batch_size=1, **options)
    with warnings.catch_warnings():
        # A worker that has grown is replaced by a new one, as it should be; the task in waiting goes to that one.
        warnings.filterwarnings("ignore", "A worker stopped while some jobs were given to the executor")
        yield from pool(joblib.delayed(_run_with_one_thread)(i, function, *task) for i, task in enumerate(tasks))


def _run_with_one_thread(i, function, *task):
    # Before the first operation, after which TensorFlow keeps the threads that it has.
    os.environ.update(TF_NUM_INTRAOP_THREADS="1", TF_NUM_INTEROP_THREADS="1")
    return i, function(*task)


def _has_gpu():
    try:
        return bool(keras.distribution.list_devices("gpu"))
    except (NotImplementedError, RuntimeError, ValueError):
        return False
