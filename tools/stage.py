"""Lay out what Jupyter Book reads: the pages, the executed notebooks, and what the run made for the pages.

    python tools/stage.py mini

writes _build/book/, whose paths are those of the repository, so that every link to a source file is right.
"""

import base64
import json
import shutil
import sys
from pathlib import Path
from statistics import mean

from sync import current_repository, update

from mnist_helpers import load_results

BOOK = Path("_build/book")


def main(dataset):
    runs = Path("_build/runs") / dataset
    shutil.rmtree(BOOK, ignore_errors=True)
    shutil.copytree("book", BOOK / "book")
    shutil.copytree("tools", BOOK / "tools", ignore=shutil.ignore_patterns("__pycache__"))
    for name in ("_config.yml", "_toc.yml"):
        shutil.copy(name, BOOK)

    (BOOK / "notebooks").mkdir()
    generated = BOOK / "book" / "generated"
    generated.mkdir()
    chapters = sorted(Path("notebooks").glob("[0-9]*.ipynb"))
    for source in chapters:
        # Links and times may be newer than the run; nothing that they change was run.
        executed = update((runs / source.name).read_text(encoding="utf-8"), source, current_repository())
        (BOOK / "notebooks" / source.name).write_text(executed, encoding="utf-8")
        save_figures(json.loads(executed), source, generated)
    results = load_results(runs / "results")
    models = {
        name: numbers
        for name, numbers in results.items()
        if "test" in numbers and Path("notebooks") / f"{numbers['chapter']}.ipynb" in chapters
    }
    generated.joinpath("results.md").write_text(results_table(models, dataset), encoding="utf-8")


def save_figures(notebook, source, folder):
    """Save the picture of each cell with a ``figure`` name in its metadata, for the pages that are no notebooks."""
    for cell in notebook["cells"]:
        if name := cell["metadata"].get("figure"):
            pictures = [
                output["data"]["image/png"] for output in cell["outputs"] if "image/png" in output.get("data", {})
            ]
            if len(pictures) != 1:
                sys.exit(f"{source}: the cell of figure {name!r} shows {len(pictures)} pictures instead of one.")
            folder.joinpath(f"{name}.png").write_bytes(base64.b64decode(pictures[0]))


def results_table(models, dataset):
    """A Markdown table of the models: this build, the last full run, and what was published elsewhere."""
    path = Path("book/results/mnist.json")
    full = json.loads(path.read_text(encoding="utf-8"))["results"] if path.exists() else {}
    show_full = dataset != "mnist"
    columns = ["model", "this build", *(["all of MNIST, last full run"] if show_full else []), "published elsewhere"]
    rows = [f"| {' | '.join(columns)} |", f"|---{'|--:' * (len(columns) - 1)}|"]
    for name, numbers in sorted(models.items(), key=lambda item: -mean_error(item[1])):
        cells = [f"[{numbers['title']}](../notebooks/{numbers['chapter']}.ipynb)", error_text(numbers)]
        if show_full:
            cells.append(error_text(full[name]) if name in full else "–")
        published = (
            f"{numbers['published']}, [{numbers['published_by']}](references.md)" if "published" in numbers else "–"
        )
        rows.append(f"| {' | '.join([*cells, published])} |")
    sizes = {"mini": "5,000 of MNIST's images (`mini`)", "mnist": "all of MNIST (`mnist`)"}
    rows.append(
        f"\nErrors on the test part, with the 95% interval for the luck of the images; this build was made with "
        f"{sizes[dataset]}. Where a model was trained with several seeds, error and interval are means over them. "
        "Rows whose intervals overlap are not ranked by this table."
    )
    return "\n".join(rows) + "\n"


def mean_error(numbers):
    return mean(score["wrong"] / score["total"] for score in numbers["test"])


def error_text(numbers):
    low, high = (mean(score[end] for score in numbers["test"]) for end in ("low", "high"))
    return f"{mean_error(numbers):.2%} ({low:.1%}–{high:.1%})"


if __name__ == "__main__":
    main(*sys.argv[1:])
