"""Lay out what Jupyter Book reads: the pages, the executed notebooks, and what the run made for the pages.

    python -m tools.build.stage mini

writes _build/book/, whose paths are those of the repository, so that every link to a source file is right.
"""

import ast
import base64
import json
import re
import shutil
import sys
from pathlib import Path

import numpy as np
from PIL import Image

import mnist_helpers
from mnist_helpers import describe_run, export_network, load_dataset, load_results, results_table
from tools.build.glossary import link
from tools.build.sync import current_repository, pages_address, update

BOOK = Path("_build/book")
SIZES = {"mini": "5,000 of MNIST's images, `mini`", "mnist": "all 70,000 images of MNIST, `mnist`"}


def main(dataset):
    runs = Path("_build/runs") / dataset
    shutil.rmtree(BOOK, ignore_errors=True)
    shutil.copytree("book", BOOK / "book", ignore=shutil.ignore_patterns("__pycache__"))
    for name in ("_config.yml", "_toc.yml"):
        shutil.copy(name, BOOK)

    lay_out_site(BOOK / "book/extra")

    (BOOK / "notebooks").mkdir()
    generated = BOOK / "book" / "generated"
    generated.mkdir()
    chapters = sorted(Path("notebooks").glob("[0-9]*.ipynb"))
    for source in chapters:
        # Links and times may be newer than the run; nothing that they change was run.
        executed = update((runs / source.name).read_text(encoding="utf-8"), source, current_repository())
        notebook = json.loads(executed)
        save_figures(notebook, source, generated)
        link_terms(notebook)
        (BOOK / "notebooks" / source.name).write_text(json.dumps(notebook, ensure_ascii=False), encoding="utf-8")
    draw_card(generated)
    results = load_results(runs / "results")
    models = {
        name: numbers
        for name, numbers in results.items()
        if "test" in numbers and Path("notebooks") / f"{numbers['chapter']}.ipynb" in chapters
    }
    for name, text in {
        "results": results_tables(models, dataset),
        "api": reference(),
        "about": about(runs, chapters, dataset),
        "time": time_needed(runs, chapters),
        "machines": machines(Path("book/results")),
    }.items():
        generated.joinpath(f"{name}.md").write_text(text, encoding="utf-8")


def lay_out_site(folder):
    """What lies beside the pages: the drawing pad with the weights of the shipped network, and signs for robots."""
    shutil.copytree("book/pad", folder / "pad", ignore=shutil.ignore_patterns("widget.js"))
    weights = f"const DIGIT_NETWORK = {json.dumps(export_network())};\n"
    (folder / "pad/weights.js").write_text(weights, encoding="utf-8")
    (folder / ".nojekyll").touch()  # GitHub Pages would leave out the folders that begin with _
    sitemap = f"{pages_address(current_repository())}sitemap.xml"
    (folder / "robots.txt").write_text(f"User-agent: *\nAllow: /\nSitemap: {sitemap}\n", encoding="utf-8")


def public_names():
    """The public names of each module, in the order of the package's stub file."""
    stub = ast.parse(Path(mnist_helpers.__file__).with_suffix(".pyi").read_text(encoding="utf-8"))
    return {node.module: [alias.name for alias in node.names] for node in stub.body}


def reference():
    """Every public name of the package, by module, for autodoc."""
    parts = []
    for module, names in public_names().items():
        full = f"mnist_helpers.{module}"
        lines = [
            f"## {module}\n\n```{{eval-rst}}",
            f".. automodule:: {full}",
            *(directive(name, f"{full}.{name}") for name in names),
        ]
        parts.append("\n\n".join(lines) + "\n```\n")
    return "\n".join(parts)


def directive(name, full):
    thing = getattr(mnist_helpers, name)
    if isinstance(thing, type):
        return f".. autoexception:: {full}" if issubclass(thing, Exception) else f".. autoclass:: {full}"
    return f".. autofunction:: {full}" if callable(thing) else f".. autodata:: {full}\n   :no-value:"


def read_record(path):
    return json.loads(path.read_text(encoding="utf-8")) if path.exists() else None


def about(runs, chapters, dataset):
    """How this build was made: the machine, the versions, and what each chapter took."""
    facts = {source: json.loads((runs / f"{source.stem}.run.json").read_text(encoding="utf-8")) for source in chapters}
    some = next(iter(facts.values()))
    span = sorted({run["date"] for run in facts.values()})
    rows = [
        ("Images", SIZES[dataset]),
        ("Notebooks ran", " to ".join(dict.fromkeys([span[0], span[-1]]))),
        ("Code", "commit " + ", ".join(dict.fromkeys(run["commit"] for run in facts.values()))),
        ("Processor", f"{some['processor']}, {some['cores']} cores"),
        ("Python", some["python"]),
        *((name, number) for name, number in some["packages"].items()),
    ]
    times = [
        f"| [{title_of(source)}](../notebooks/{source.name}) | {run['seconds']:,.0f} | {run['memory_mb']:,} |"
        for source, run in facts.items()
    ]
    total = sum(run["seconds"] for run in facts.values())
    lines = [
        "| what | this build |",
        "|---|---|",
        *(f"| {name} | {value} |" for name, value in rows),
        "\n## What each chapter took\n",
        "| chapter | seconds | memory, MB |",
        "|---|--:|--:|",
        *times,
        f"| **sum** | **{total:,.0f}** | |\n",
    ]
    return "\n".join(lines)


def time_needed(runs, chapters):
    """How long the whole book takes, to read and to run."""
    texts = [source.read_text(encoding="utf-8") for source in chapters]
    minutes = sum(int(found[1]) for text in texts if (found := re.search(r"about (\d+) minutes to read", text)))
    facts = [json.loads((runs / f"{source.stem}.run.json").read_text(encoding="utf-8")) for source in chapters]
    running = sum(run["seconds"] for run in facts) / 60
    return (
        f"**How long?** {len(chapters)} chapters, about {minutes / 60:.0f} hours to read. Their times of running "
        f"add up to {running:.0f} minutes in this build; [About this build](about.md) says what each took.\n"
    )


def machines(folder):
    """The mistakes of each network in two recorded runs on different processors, seed by seed."""
    runs = [read_record(folder / name) for name in ("mnist.json", "mnist_other.json")]
    if None in runs or runs[0]["packages"] != runs[1]["packages"] or runs[0]["processor"] == runs[1]["processor"]:
        return "Full runs on two processors with the same versions have not been recorded yet.\n"
    rows = [f"| network | {' | '.join(run['processor'] for run in runs)} |", "|---|--:|--:|"]
    pairs = []
    for name, numbers in sorted(runs[0]["results"].items()):
        other = runs[1]["results"].get(name, {})
        same_plan = all(numbers.get(key) == other.get(key) for key in ("seeds", "settings", "parameters"))
        trained = len(numbers.get("seeds", ())) == len(numbers.get("test", ()))  # an ensemble trains nothing of its own
        if trained and "test" in other and same_plan:
            wrong = [[score["wrong"] for score in record["test"]] for record in (numbers, other)]
            pairs += zip(*wrong, strict=True)
            rows.append(f"| {numbers['title']} | {' | '.join(', '.join(map(str, mistakes)) for mistakes in wrong)} |")
    same = sum(first == second for first, second in pairs)
    largest = max((abs(first - second) for first, second in pairs), default=0)
    return (
        "\n".join(rows)
        + f"\n\nMistakes among the 10,000 test images, one number a seed. {same} of {len(pairs)} trainings "
        f"ended with equally many; the largest difference is {largest}. First column: {describe_run(runs[0])}. Second: "
        f"{describe_run(runs[1])}.\n"
    )


def title_of(source):
    cells = json.loads(source.read_text(encoding="utf-8"))["cells"]
    return "".join(cells[0]["source"]).splitlines()[0].removeprefix("# ")


def link_terms(notebook):
    """Let the first bold use of each term lead to the glossary; the sources stay plain Markdown."""
    done = set()
    for cell in notebook["cells"]:
        if cell["cell_type"] == "markdown":
            cell["source"] = link("".join(cell["source"]), done)


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


def draw_card(folder):
    """What links to the pages show where they are shared: a digit as the computer sees it, and one of each kind."""
    data = load_dataset("mini")
    digits = 255 - np.stack([data.x_train[data.y_train == digit][0] for digit in range(10)])
    large = Image.fromarray(digits[5]).convert("RGB").resize((560, 560), Image.Resampling.NEAREST)
    large.save(folder / "card.png")
    Image.fromarray(np.concatenate(digits, axis=1)).convert("RGB").save(folder / "card_small.png")


def results_tables(models, dataset):
    """The models of this build, and above them what the last full run on all of MNIST recorded of them."""
    tables = {f"**This build** ({SIZES[dataset]})": models}
    full = read_record(Path("book/results/mnist.json"))
    if dataset != "mnist" and full:
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
