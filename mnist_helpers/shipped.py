"""Where the files lie that ship with the package, and in the repository stand beside the pages (see pyproject.toml)."""

from pathlib import Path

FOLDERS = {"pad": "pad", "recorded": "results", "samples": "samples"}  # within the package, and within book/


def shipped(folder, name):
    """Path of a file: within the package where that is installed, in ``book/`` in a checkout; None if it is missing."""
    package = Path(__file__).parent
    places = (package / folder / name, package.parent / "book" / FOLDERS[folder] / name)
    return next((place for place in places if place.is_file()), None)
