"""Run independent trainings at the same time: one thread each, in processes of their own."""

import os
import threading
import warnings

import joblib
import keras
from joblib.parallel import get_active_backend

# A process trains one model at a time, whatever threads it has: random generators and settings are global to it.
_ONE_AT_A_TIME = threading.Lock()
ONE_THREAD_OF_XLA = "--xla_cpu_multi_thread_eigen=false"


def run_in_parallel(function, tasks):
    """Yield the position and the result of each task, as they come.

    Each runs in a process with one thread, as many at a time as ``joblib.parallel_config(n_jobs=…)`` says (all cores by
    default), or on the cluster of ``joblib.parallel_config("dask")``. On a GPU they run one by one, in this process.
    Everywhere the dtype policy is that of this process's Keras.

    Args:
        function: what to call; it and its arguments are sent to the processes, and large arrays are shared with them.
            It must not call ``run_in_parallel`` itself.
        tasks: a list of tuples, the arguments of each call.
    """
    if not tasks:
        return
    if _has_gpu():
        yield from ((i, function(*task)) for i, task in enumerate(tasks))
        return
    _, workers = get_active_backend()
    workers = -1 if workers is None else workers
    # Even a single worker is a separate process: with this one's threads, the last digits would differ.
    one_by_one = joblib.effective_n_jobs(workers) == 1
    options = {"n_jobs": 2, "pre_dispatch": 1} if one_by_one else {"n_jobs": workers}
    pool = joblib.Parallel(return_as="generator_unordered", batch_size=1, **options)
    with warnings.catch_warnings():
        # joblib replaces a worker whose memory has grown, and gives the pending task to the new one: no fault.
        warnings.filterwarnings("ignore", "A worker stopped while some jobs were given to the executor")
        settings = os.getpid(), keras.backend.backend(), keras.config.dtype_policy().name
        yield from pool(
            joblib.delayed(_run_with_one_thread)(settings, i, function, task) for i, task in enumerate(tasks)
        )


def _run_with_one_thread(settings, i, function, task):
    process, backend, policy = settings
    if os.getpid() != process:
        # Before the first operation, which fixes the number of a backend's threads: TensorFlow reads the first two
        # variables, JAX the others.
        flags = os.environ.get("XLA_FLAGS", "")
        if ONE_THREAD_OF_XLA not in flags:  # a worker runs many tasks
            flags = f"{flags} {ONE_THREAD_OF_XLA}".strip()
        single_thread = dict.fromkeys(["TF_NUM_INTRAOP_THREADS", "TF_NUM_INTEROP_THREADS", "PJRT_NPROC", "NPROC"], "1")
        os.environ.update(single_thread, XLA_FLAGS=flags)
    if keras.backend.backend() != backend:
        raise RuntimeError(
            f"a worker runs Keras on {keras.backend.backend()}, but the trainings were asked for on {backend}; "
            f"start it with KERAS_BACKEND={backend}."
        )
    with _ONE_AT_A_TIME:
        keras.config.set_dtype_policy(policy)
        return i, function(*task)


def _has_gpu():
    try:
        return bool(keras.distribution.list_devices("gpu"))
    except (NotImplementedError, RuntimeError, ValueError):
        return False
