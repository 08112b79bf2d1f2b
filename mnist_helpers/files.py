"""Files: written whole or not at all, and found where they ship with the package."""

import os
import tempfile
from pathlib import Path

# Within the package, and within book/, where they stand beside the pages in the repository (see pyproject.toml).
FOLDERS = {"pad": "pad", "recorded": "results", "samples": "samples"}


def shipped(folder, name):
    """Path of a file: within the package where that is installed, in ``book/`` in a checkout; None if it is missing."""
    package = Path(__file__).parent
    places = (package / folder / name, package.parent / "book" / FOLDERS[folder] / name)
    return next((place for place in places if place.is_file()), None)


def write_text(path, text):
    """Write a text file so that readers see the old one or the new one whole, never a part."""
    return write_bytes(path, text.encode())


def write_bytes(path, content):
    """The same for any file."""
    path = Path(path)
    handle, temporary = tempfile.mkstemp(prefix=f".{path.name}-", dir=path.parent)
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(content)
        os.chmod(temporary, 0o644)  # mkstemp makes files that only their owner may read
        os.replace(temporary, path)
    except BaseException:
        os.unlink(temporary)
        raise
    return path
