"""Lay out what Jupyter Book reads: the pages, the executed notebooks, and what the run made for the pages.

    python tools/stage.py mini

writes _build/book/, whose paths are those of the repository, so that every link to a source file is right.
"""

import base64
import json
import shutil
import sys
from pathlib import Path

from sync import current_repository, update

from mnist_helpers import describe_run, export_network, load_results, results_table

BOOK = Path("_build/book")


def main(dataset):
    runs = Path("_build/runs") / dataset
    shutil.rmtree(BOOK, ignore_errors=True)
    shutil.copytree("book", BOOK / "book")
    shutil.copytree("tools", BOOK / "tools", ignore=shutil.ignore_patterns("__pycache__"))
    for name in ("_config.yml", "_toc.yml"):
        shutil.copy(name, BOOK)

    lay_out_pad(BOOK / "book/extra/pad")

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
    generated.joinpath("results.md").write_text(results_tables(models, dataset), encoding="utf-8")


def lay_out_pad(folder):
    """The drawing pad, as the pages load it, with the weights of the shipped network."""
    shutil.copytree("book/pad", folder, ignore=shutil.ignore_patterns("widget.js"))
    weights = f"const DIGIT_NETWORK = {json.dumps(export_network())};\n"
    (folder / "weights.js").write_text(weights, encoding="utf-8")


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


def results_tables(models, dataset):
    """The models of this build, and above them what the last full run on all of MNIST recorded of them."""
    sizes = {"mini": "5,000 of MNIST's images, `mini`", "mnist": "all 70,000 images of MNIST, `mnist`"}
    tables = {f"**This build** ({sizes[dataset]})": models}
    path = Path("book/results/mnist.json")
    if dataset != "mnist" and path.exists():
        full = json.loads(path.read_text(encoding="utf-8"))
        recorded = {name: full["results"][name] for name in models if name in full["results"]}
        tables = {f"**All 70,000 images of MNIST** ({describe_run(full)})": recorded} | tables
    parts = [f"{title}\n\n{results_table(rows, '../notebooks', 'references.md')}" for title, rows in tables.items()]
    parts.append(
        "Test errors stand with the 95% interval for the luck of the images. Where a model was trained with several "
        "seeds, seconds, error and interval are means over them. Rows whose intervals overlap are not ranked."
    )
    return "\n\n".join(parts) + "\n"


if __name__ == "__main__":
    main(*sys.argv[1:])
