"""Keep the numbers that a chapter measured, so that other pages can show them without measuring again."""

import dataclasses
import json
import os
import re
import tempfile
from pathlib import Path


def record(name, **numbers):
    """Store the numbers of one model or experiment under ``name``, replacing what an earlier run stored there.

    The file is ``<folder>/<name>.json``; the folder is the one in the environment variable ``MNIST_RESULTS`` (the build
    of the book sets it), otherwise ``results`` in the current folder.

    Args:
        name: lower-case letters, digits and underscores, such as ``"deep_mlp"``.
        numbers: what was measured: numbers, texts, lists and dictionaries of them. NumPy's numbers and arrays are
            welcome, and so are results such as ``ErrorRate``, which are stored as dictionaries.

    Returns:
        The path of the file written.

    Raises:
        ValueError: the name has other characters, or a number is infinite or not a number.
        TypeError: a value cannot be stored as JSON.
    """
    if not isinstance(name, str) or not re.fullmatch(r"[a-z0-9_]+", name):
        raise ValueError(f"name: expected lower-case letters, digits and underscores, got {name!r}.")
    text = _to_json(numbers, f"the numbers of {name!r}")
    folder = _folder()
    folder.mkdir(parents=True, exist_ok=True)
    return write_text(folder / f"{name}.json", text)


def load_results(folder=None):
    """Read everything that was recorded.

    Args:
        folder: where to look; by default where ``record`` writes.

    Returns:
        A dictionary from each name, in alphabetical order, to its numbers; empty when nothing was recorded.

    Raises:
        ValueError: a file is not what ``record`` writes; the message names it.
    """
    results = {}
    for path in sorted((_folder() if folder is None else Path(folder)).glob("*.json")):
        try:
            results[path.stem] = json.loads(path.read_text(encoding="utf-8"))
        except ValueError as error:
            raise ValueError(f"{path} does not hold recorded results ({error}); delete it and record again.") from error
    return results


def write_text(path, text):
    """Write a text file so that readers see the old one or the new one whole, never a part."""
    path = Path(path)
    handle, temporary = tempfile.mkstemp(prefix=f".{path.name}-", dir=path.parent)
    try:
        with os.fdopen(handle, "w", encoding="utf-8") as file:
            file.write(text)
        os.chmod(temporary, 0o644)  # mkstemp makes files that only their owner may read
        os.replace(temporary, path)
    except BaseException:
        os.unlink(temporary)
        raise
    return path


def _folder():
    return Path(os.environ.get("MNIST_RESULTS") or "results")


def _to_json(value, what):
    try:
        return json.dumps(value, indent=1, ensure_ascii=False, allow_nan=False, default=_to_plain) + "\n"
    except TypeError as error:
        raise TypeError(f"{what} cannot be stored: {error}.") from error
    except ValueError as error:
        raise ValueError(f"{what} hold an infinite value, one that is not a number, or themselves.") from error


def _to_plain(item):
    if dataclasses.is_dataclass(item) and not isinstance(item, type):
        return dataclasses.asdict(item)
    if hasattr(item, "tolist"):  # NumPy's numbers and arrays, without importing NumPy
        return item.tolist()
    raise TypeError(f"{item!r} is neither a number nor a text")
