"""What the tests share: where things are, small real data, and full MNIST where it can be had."""

import contextlib
import dataclasses
import os
import shutil
import tempfile
from pathlib import Path

import numpy as np
import pytest

from mnist_helpers import load_dataset

if "PYTEST_XDIST_WORKER" in os.environ:  # one process for each core, so more than one thread in each is in the way
    os.environ.setdefault("TF_NUM_INTRAOP_THREADS", "1")

ROOT = Path(__file__).parents[1]


@pytest.fixture(scope="session")
def root():
    return ROOT


@pytest.fixture(scope="session")
def mini():
    return load_dataset("mini")


@pytest.fixture(scope="session")
def mnist_npz():
    """Path of the real mnist.npz; a test that asks for it is skipped, with a word, where there is none."""
    path = os.environ.get("MNIST_NPZ")
    if not path:
        pytest.skip("needs all of MNIST: set MNIST_NPZ to the path of mnist.npz")
    return Path(path)


@pytest.fixture(scope="session")
def qmnist_labels():
    """Folder of QMNIST's label files; a test that asks for it is skipped, with a word, where there is none."""
    folder = os.environ.get("QMNIST_LABELS")
    if not folder:
        pytest.skip("needs QMNIST's label files: set QMNIST_LABELS to the path of their folder")
    return Path(folder)


@pytest.fixture
def no_mnist(monkeypatch, tmp_path):
    """A machine that has never seen MNIST: no variable, an empty cache. Returns where the cache would be."""
    monkeypatch.delenv("MNIST_NPZ", raising=False)
    monkeypatch.setenv("KERAS_HOME", str(tmp_path / "keras"))
    return tmp_path / "keras" / "datasets" / "mnist.npz"


@pytest.fixture
def tiny_mnist(monkeypatch):
    """Let four small arrays pass for MNIST, so that the ways of files can be tested without its 11 MB."""
    from mnist_helpers import datasets

    arrays = {
        "x_train": np.arange(2 * 784, dtype="uint8").reshape(2, 28, 28),
        "y_train": np.array([1, 2], dtype="uint8"),
        "x_test": np.zeros((1, 28, 28), dtype="uint8"),
        "y_test": np.array([3], dtype="uint8"),
    }
    facts = {
        "shapes": {name: array.shape for name, array in arrays.items()},
        "digests": {name: datasets._digest(array) for name, array in arrays.items()},
    }
    monkeypatch.setitem(datasets.DATASETS, "mnist", dataclasses.replace(datasets.DATASETS["mnist"], **facts))
    return arrays


@pytest.fixture
def locked_out(tmp_path):
    """A folder, and a context in which its owner's rights count; root, who may read everything, is nobody in it."""
    if os.geteuid():
        yield tmp_path, contextlib.nullcontext
        return

    @contextlib.contextmanager
    def as_nobody():
        os.seteuid(65_534)
        try:
            yield
        finally:
            os.seteuid(0)

    folder = Path(tempfile.mkdtemp())  # pytest's own folders are closed to everyone else
    folder.chmod(0o755)
    yield folder, as_nobody
    shutil.rmtree(folder)


@pytest.fixture(scope="session")
def browser():
    """A Chromium that is installed, driven by Playwright."""
    path = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
    if path is None and os.environ.get("REQUIRE_BROWSER"):
        pytest.fail("no Chromium is installed, and this run must not do without")
    if path is None:
        pytest.skip("needs Chromium (on Debian and Ubuntu: apt-get install chromium)")
    sync_api = pytest.importorskip("playwright.sync_api")
    with sync_api.sync_playwright() as playwright:
        # Its sandbox needs rights that a container seldom gives; these pages are our own.
        browser = playwright.chromium.launch(executable_path=path, args=["--no-sandbox"])
        yield browser
        browser.close()
