"""Atomic writing of files, and the paths of files that ship with the package."""

import contextlib
import os
import stat
import tempfile
from pathlib import Path

# Name of each folder within the package, and within book/ in the repository (see pyproject.toml).
FOLDERS = {"pad": "pad", "recorded": "results", "samples": "samples"}


def shipped(folder, name):
    """Path of a file: within the package where that is installed, in ``book/`` in a checkout; None if it is missing."""
    package = Path(__file__).parent
    places = (package / folder / name, package.parent / "book" / FOLDERS[folder] / name)
    return next((place for place in places if place.is_file()), None)


def write_text(path, text):
    """Write a text file atomically: other processes see the old content or the new, never a part."""
    return write_bytes(path, text.encode())


def write_bytes(path, content):
    """The same for bytes. A symbolic link stays, and the file that it points to is replaced.

    Raises:
        OSError: the path is no regular file, or it cannot be written.
    """
    with contextlib.suppress(FileNotFoundError):
        if not stat.S_ISREG(os.stat(path).st_mode):  # as root, the new file would replace a device
            raise OSError(f"{path} is a folder, a device or a pipe, and is not replaced; name a file to write.")
    target = Path(os.path.realpath(path))
    handle, temporary = tempfile.mkstemp(prefix=f".{target.name}-", dir=target.parent)
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(content)
        os.chmod(temporary, 0o644)  # mkstemp makes files that only their owner may read
        os.replace(temporary, target)
    except BaseException:
        os.unlink(temporary)
        raise
    return Path(path)
