"""Compare two runs of the notebooks: what they printed, drew and recorded has to be the same, but for times.

    python -m tools.build.repeat _build/runs/mini _build/again/mini

prints what was compared, and exits with 1 and a list if anything differs. A cell whose output depends on how long
something took says so in its metadata, "timed": true, and is left out; so are numbers recorded as "seconds". What such
cells show besides times, scores above all, is in the records.
"""

import itertools
import sys
from collections import Counter
from pathlib import Path

import nbformat

from tools.build.digest import results_of, run_of

SHARED = ("processor", "cores", "python", "packages")  # what has to be the same for the numbers to be


def main(first, second):
    first, second = Path(first), Path(second)
    counts, faults = Counter(), []
    for name in sorted({path.name for folder in (first, second) for path in folder.glob("*.ipynb")}):
        if not name.endswith(".partial.ipynb"):
            faults += compare_notebooks(first / name, second / name, counts)
    compared = ", ".join(f"{kind} {counts[kind]:,}" for kind in ("notebooks", "texts", "pictures", "records"))
    print(f"compared: {compared}; different: {len(faults)}; left out, since they hold times: cells {counts['timed']:,}")
    for fault in faults:
        print(fault, file=sys.stderr)
    if not counts["notebooks"]:
        print(f"repeat: there are no notebooks in {first}", file=sys.stderr)
    return 1 if faults or not counts["notebooks"] else 0


def compare_notebooks(first, second, counts):
    """Yield each cell whose code or outputs differ; count what was compared."""
    for path in (first, second):
        if not path.exists():
            yield f"{path}: is missing"
            return
    counts["notebooks"] += 1
    machines = [made_by(path) for path in (first, second)]
    if machines[0] != machines[1]:
        yield f"{first.stem}: ran on different machines or versions, {machines[0]} and {machines[1]}; run both anew"
    pairs = itertools.zip_longest(*(code_cells(path) for path in (first, second)))
    for cell, repeated in pairs:
        if cell is None or repeated is None or cell.source != repeated.source:
            yield f"{first.stem}: the code of cell {(cell or repeated).id} is not the same; run both again"
        elif cell.metadata.get("timed"):
            counts["timed"] += 1
        else:
            seen, again = shown(cell), shown(repeated)
            counts["pictures"] += sum("image/png" in kind for kind in seen)
            counts["texts"] += sum("image/png" not in kind for kind in seen)
            if seen != again:
                kinds = [kind for kind in {**seen, **again} if seen.get(kind) != again.get(kind)]
                changed = " and ".join(kinds)
                yield f"{first.stem}: cell {cell.id} shows another {changed}{excerpt(seen, again, kinds[0])}"
    yield from compare_records(results_of(first), results_of(second), counts)


def made_by(path):
    made = run_of(path) or {}
    return {name: made.get(name) for name in SHARED}


def code_cells(path):
    return [cell for cell in nbformat.read(path, as_version=4).cells if cell.cell_type == "code"]


def shown(cell):
    """What a cell shows: a dictionary from the kind and number of each piece to the piece.

    All text that was printed is one piece, because the kernel splits it into messages at random.
    """
    pieces = {}
    rest = [output for output in cell.outputs if output.output_type != "stream"]
    for output in cell.outputs:
        if output.output_type == "stream":
            pieces[output.name] = pieces.get(output.name, "") + output.text
    for number, output in enumerate(rest, 1):
        pieces |= {f"{kind} {number}": data for kind, data in output.get("data", {}).items()}
    return pieces


def excerpt(seen, again, kind):
    """The first line that differs, of texts."""
    if "image" in kind:
        return ""
    lines = [str(pieces.get(kind, "")).splitlines(keepends=True) for pieces in (seen, again)]
    before, after = next((pair for pair in itertools.zip_longest(*lines) if pair[0] != pair[1]), (None, None))
    return f": {before!r}, then {after!r}"


def compare_records(first, second, counts):
    """Yield each recorded number that differs, by its place in the record."""
    counts["records"] += len(first.keys() & second.keys())
    numbers, again = dict(leaves(first)), dict(leaves(second))
    for place in {**numbers, **again}:
        before, after = numbers.get(place, "missing"), again.get(place, "missing")
        if before != after:
            yield f"{'.'.join(map(str, place))} is {before}, then {after}"


def leaves(value, place=()):
    """Yield the place and the value of everything in a record that is no time."""
    if isinstance(value, dict) and value:
        for name, part in value.items():
            if name != "seconds":
                yield from leaves(part, (*place, name))
    elif isinstance(value, list) and value:
        for number, part in enumerate(value):
            yield from leaves(part, (*place, number))
    else:
        yield place, value


if __name__ == "__main__":
    if len(sys.argv) != 3:
        sys.exit(__doc__)
    sys.exit(main(*sys.argv[1:]))
