"""The pictures that ship with the package."""

import csv
from dataclasses import dataclass

from mnist_helpers.files import shipped


@dataclass(frozen=True)
class Sample:
    """One of the pictures that ship with the package, drawn for the book.

    Attributes:
        path: path of the file.
        label: the digits in it, ``-`` between rows; ``-`` alone where there is none.
        kind: ``"plain"``, ``"difficult"``, ``"number"`` or ``"no digit"``.
        note: what it shows, in a few words.
    """

    path: str
    label: str
    kind: str
    note: str


def sample_pictures():
    """The pictures that ship with the package: digits as people photograph, scan and draw them.

    ``tools/measure/draw_samples.py`` drew them for the book.

    Returns:
        A list of ``Sample``.
    """
    index = shipped("samples", "index.tsv")
    with index.open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file, delimiter="\t"))
    return [Sample(str(index.parent / row["path"]), row["label"], row["kind"], row["note"]) for row in rows]
