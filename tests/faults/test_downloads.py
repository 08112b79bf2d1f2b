"""A download that breaks off, a server that answers anything but MNIST: an error with ways on, and nothing is kept."""

import dataclasses
import gzip
import hashlib
import socketserver
import threading
import time
from pathlib import Path

import numpy as np
import pytest

from mnist_helpers import DATASETS, DatasetError, datasets, load_arrays, load_writers


@pytest.fixture
def server(monkeypatch):
    """A server whose whole answer is ``server.answer``; with ``server.silent`` it keeps the line open after it."""

    class Handler(socketserver.BaseRequestHandler):
        def handle(self):
            self.request.recv(65_536)
            self.request.sendall(self.server.answer)
            if self.server.silent:
                self.server.ended.wait(20)

    with socketserver.ThreadingTCPServer(("127.0.0.1", 0), Handler) as server:
        server.daemon_threads, server.block_on_close = True, False
        server.answer, server.silent, server.ended = b"", False, threading.Event()
        address = f"http://127.0.0.1:{server.server_address[1]}/mnist.npz"
        monkeypatch.setitem(DATASETS, "mnist", dataclasses.replace(DATASETS["mnist"], url=address))
        monkeypatch.setattr(datasets, "WRITERS_URL", address.removesuffix("mnist.npz"))
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield server
        server.ended.set()
        server.shutdown()


@pytest.fixture
def packed(tiny_mnist, tmp_path):
    """Four small arrays that pass for MNIST, as the bytes of a file."""
    np.savez(tmp_path / "packed.npz", **tiny_mnist)
    return (tmp_path / "packed.npz").read_bytes()


def answered(body, status="200 OK", length=None):
    head = f"HTTP/1.0 {status}\r\nContent-Type: application/octet-stream\r\n"
    head += "" if length is None else f"Content-Length: {length}\r\n"
    return head.encode() + b"\r\n" + body


def refused_and_nothing_kept(cache):
    with pytest.raises(DatasetError, match="Three ways on"):
        load_arrays("mnist")
    assert not cache.exists()
    assert list(cache.parent.iterdir()) == []


def then_all_of_it_comes(server, packed, tiny_mnist, cache):
    server.answer, server.silent = answered(packed, length=len(packed)), False
    (x, y), (x_test, y_test) = load_arrays("mnist")
    for array, name in zip((x, y, x_test, y_test), ("x_train", "y_train", "x_test", "y_test"), strict=True):
        np.testing.assert_array_equal(array, tiny_mnist[name])
    assert [path.name for path in cache.parent.iterdir()] == ["mnist.npz"]


@pytest.mark.parametrize("announced", [True, False], ids=["with its length", "without its length"])
def test_a_download_cut_at_any_byte(no_mnist, tiny_mnist, packed, server, chance, announced):
    cuts = [0, 1, len(packed) - 1, *chance.sample(range(2, len(packed) - 1), 30)]
    for cut in cuts:
        server.answer = answered(packed[:cut], length=len(packed) if announced else None)
        refused_and_nothing_kept(no_mnist)
    then_all_of_it_comes(server, packed, tiny_mnist, no_mnist)


@pytest.mark.parametrize(
    "answer",
    [
        answered(b"forbidden", "403 Forbidden"),
        answered(b"gone", "404 Not Found"),
        answered(b"broken", "500 Internal Server Error"),
        answered(b"later", "503 Service Unavailable"),
        answered(b"<html>Please log in</html>"),
        answered(bytes(range(256)) * 20),
        answered(b""),
        b"",
        b"no HTTP at all\r\n\r\n",
    ],
    ids=["403", "404", "500", "503", "a page", "garbage", "an empty file", "nothing", "no HTTP"],
)
def test_a_server_that_answers_something_else(no_mnist, tiny_mnist, packed, server, answer):
    server.answer = answer
    refused_and_nothing_kept(no_mnist)
    then_all_of_it_comes(server, packed, tiny_mnist, no_mnist)


@pytest.mark.parametrize("said", [0, 400], ids=["at once", "in the middle"])
def test_a_server_that_falls_silent_is_given_up(no_mnist, tiny_mnist, packed, server, monkeypatch, said):
    monkeypatch.setattr(datasets, "TIMEOUT", 1)
    server.answer = answered(packed[:said], length=len(packed)) if said else b""
    server.silent = True
    start = time.perf_counter()
    refused_and_nothing_kept(no_mnist)
    assert time.perf_counter() - start < 10
    then_all_of_it_comes(server, packed, tiny_mnist, no_mnist)


def test_a_download_of_label_files_cut_at_any_byte(no_mnist, monkeypatch, server, chance):
    """Mini needs no download but this one, the label file of MNIST's training part; here it holds mini's labels."""
    monkeypatch.delenv("QMNIST_LABELS", raising=False)
    text = Path(datasets.__file__).with_name("data").joinpath("mini_labels.txt").read_text(encoding="ascii")
    rows = np.zeros((5_000, 8), dtype=">i4")
    rows[:, 0] = [int(digit) for digit in text if digit.isdigit()]
    rows[:, 2] = np.arange(5_000)
    packed = gzip.compress(bytes(12) + rows.tobytes(), mtime=0)
    file = datasets.WRITERS_FILES["train"][0]
    monkeypatch.setitem(datasets.WRITERS_FILES, "train", (file, hashlib.sha256(packed).hexdigest()))
    for cut in [0, 1, len(packed) - 1, *chance.sample(range(2, len(packed) - 1), 10)]:
        for length in (len(packed), None):
            server.answer = answered(packed[:cut], length=length)
            with pytest.raises(DatasetError, match="Three ways on"):
                load_writers("mini")
            assert list(no_mnist.parent.iterdir()) == []
    server.answer = answered(packed, length=len(packed))
    writers = load_writers("mini")
    assert sorted([*writers.train, *writers.valid, *writers.test]) == list(range(5_000))
    assert [path.name for path in no_mnist.parent.iterdir()] == [file]
