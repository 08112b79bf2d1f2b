"""Independent trainings run beside one another, each with one thread, in the types that Keras is set to."""

import os

import joblib
import keras

from mnist_helpers.parallel import run_in_parallel


def where(number):
    return number, os.getpid(), keras.config.dtype_policy().name


def test_even_a_single_worker_is_a_process_of_its_own():
    """With one core, or on a machine that leaves one to us, all cores are one worker."""
    with joblib.parallel_config(n_jobs=-joblib.cpu_count()):
        assert joblib.effective_n_jobs(-joblib.cpu_count()) == 1
        results = dict(run_in_parallel(where, [(3,), (4,)]))
    assert [result[0] for result in results.values()] == [3, 4]
    assert os.getpid() not in [result[1] for result in results.values()]


def test_workers_compute_in_the_types_that_keras_is_set_to(monkeypatch):
    before = keras.config.dtype_policy().name
    keras.config.set_dtype_policy("mixed_bfloat16")
    try:
        assert [result[2] for _, result in run_in_parallel(where, [(1,), (2,)])] == ["mixed_bfloat16"] * 2
    finally:
        keras.config.set_dtype_policy(before)
    assert [result[2] for _, result in run_in_parallel(where, [(1,), (2,)])] == [before] * 2


def threads_of_worker(number):
    return os.environ.get("TF_NUM_INTRAOP_THREADS"), os.environ.get("XLA_FLAGS"), number


def test_workers_have_one_thread_and_this_process_keeps_its_own():
    before = dict(os.environ)
    for _, (threads, flags, _) in run_in_parallel(threads_of_worker, [(1,), (2,)]):
        assert threads == "1"
        assert "--xla_cpu_multi_thread_eigen=false" in flags
    with joblib.parallel_config("threading", n_jobs=2):
        assert len(list(run_in_parallel(threads_of_worker, [(1,), (2,)]))) == 2
    assert dict(os.environ) == before
