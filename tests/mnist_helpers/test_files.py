"""Files are written whole or not at all, and nothing but a file is replaced by one."""

import os
import stat

import pytest

from mnist_helpers.files import write_bytes, write_text


def test_what_is_written_replaces_what_was_there_and_leaves_nothing_else(tmp_path):
    path = tmp_path / "numbers.txt"
    assert write_text(path, "old") == path
    assert write_text(str(path), "new – and no ASCII") == path
    assert path.read_text(encoding="utf-8") == "new – and no ASCII"
    assert [file.name for file in tmp_path.iterdir()] == ["numbers.txt"]


@pytest.mark.parametrize("there", [True, False], ids=["a file", "nothing"])
def test_a_link_stays_and_what_it_leads_to_is_written(tmp_path, there):
    (tmp_path / "real").mkdir()
    target, link = tmp_path / "real/numbers.txt", tmp_path / "link.txt"
    if there:
        target.write_text("old")
    link.symlink_to("real/numbers.txt")
    assert write_bytes(link, b"new") == link
    assert os.readlink(link) == "real/numbers.txt"
    assert target.read_bytes() == b"new"
    assert [file.name for file in (tmp_path / "real").iterdir()] == ["numbers.txt"]


def make_device(path):
    if os.geteuid():
        pytest.skip("only root makes devices")
    try:
        os.mknod(path, stat.S_IFCHR | 0o600, os.makedev(1, 3))  # a second /dev/null
    except PermissionError:
        pytest.skip("this machine lets nobody make devices")


@pytest.mark.parametrize("make", [os.mkfifo, os.mkdir, make_device])
@pytest.mark.parametrize("linked", [False, True], ids=["named", "behind a link"])
def test_what_is_no_file_is_refused_by_name_and_stays(tmp_path, make, linked):
    path = tmp_path / "target"
    make(path)
    before = os.stat(path)
    if linked:
        (tmp_path / "link").symlink_to("target")
        path = tmp_path / "link"
    with pytest.raises(OSError, match=rf"{path} is a folder, a device or a pipe.*name a file"):
        write_bytes(path, b"new")
    assert os.stat(tmp_path / "target") == before
    assert len(list(tmp_path.iterdir())) == 1 + linked
