"""Lay out what Jupyter Book reads: the pages, the executed notebooks, and what the run made for the pages.

    python tools/stage.py mini

writes _build/book/, whose paths are those of the repository, so that every link to a source file is right.
"""

import base64
import json
import os
import shutil
import sys
from pathlib import Path

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
    for source in sorted(Path("notebooks").glob("*.ipynb")):
        executed = runs / source.name
        shutil.copy(executed, BOOK / "notebooks")
        save_figures(json.loads(executed.read_text(encoding="utf-8")), generated)
    generated.joinpath("results.md").write_text(results_table(runs, dataset), encoding="utf-8")


def save_figures(notebook, folder):
    """Save the picture of each cell with a ``figure`` name in its metadata, for the pages that are no notebooks."""
    for cell in notebook["cells"]:
        if name := cell["metadata"].get("figure"):
            pictures = [
                output["data"]["image/png"] for output in cell["outputs"] if "image/png" in output.get("data", {})
            ]
            folder.joinpath(f"{name}.png").write_bytes(base64.b64decode(pictures[0]))


def results_table(runs, dataset):
    """A Markdown table of every recorded model: this build, the last full run, and what was published elsewhere."""
    os.environ["MNIST_RESULTS"] = str(runs / "results")
    from mnist_helpers import load_results

    here = {name: numbers for name, numbers in load_results().items() if "test" in numbers}
    path = Path("book/results/mnist.json")
    full = json.loads(path.read_text(encoding="utf-8"))["results"] if path.exists() else {}
    rows = [
        "| model | chapter | this build | all of MNIST, last full run | published elsewhere |",
        "|---|---|--:|--:|--:|",
    ]
    for name, numbers in sorted(here.items(), key=lambda item: -mean_error(item[1])):
        chapter = numbers["chapter"]
        recorded = f"{mean_error(full[name]):.2%}" if name in full else "–"
        rows.append(
            f"| {numbers['title']} | [{chapter[:2]}](../notebooks/{chapter}.ipynb) | {mean_error(numbers):.2%} "
            f"| {recorded} | {numbers.get('published', '–')} |"
        )
    sizes = {"mini": "5,000 of MNIST's images (`mini`)", "mnist": "all of MNIST (`mnist`)"}
    rows.append(
        "\nTest errors; where a model was trained with several seeds, their mean. "
        f"This build was made with {sizes[dataset]}."
    )
    return "\n".join(rows) + "\n"


def mean_error(numbers):
    errors = [score["wrong"] / score["total"] for score in numbers["test"]]
    return sum(errors) / len(errors)


if __name__ == "__main__":
    main(*sys.argv[1:])
