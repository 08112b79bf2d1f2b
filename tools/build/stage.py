"""Lay out what Jupyter Book reads: the pages, the chapters with what their runs put out, and what runs made for pages.

    python -m tools.build.stage mini

writes _build/book/, whose paths are those of the repository, so that every link to a source file is right. The text is
that of the sources as they are now; of the runs only the outputs are taken.
"""

import ast
import base64
import json
import re
import shutil
import sys
from pathlib import Path

import nbformat
import numpy as np
from PIL import Image

import mnist_helpers
from mnist_helpers import DATASETS, describe_run, export_network, load_dataset, results_table
from mnist_helpers.colours import BLUE
from tools.build.chapters import CORE_PATH, list_chapters, numbers_of, renumber
from tools.build.digest import RUNS, run_of
from tools.build.glossary import link
from tools.build.parameters import write_parameters
from tools.build.sync import current_repository, minutes_of, pages_address, update

BOOK = Path("_build/book")
MARK = "●"  # of the core path
CLAIMED = (
    "Each of these sentences was compared with the numbers recorded on all of MNIST when this page was built. If one "
    "of them did not hold, there would be no page.\n"
)


def main(dataset):
    runs = RUNS / dataset
    shutil.rmtree(BOOK, ignore_errors=True)
    shutil.copytree("book", BOOK / "book", ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy("_config.yml", BOOK)

    for drawing in (BOOK / "book/assets").glob("*.svg"):  # as pictures of their own they inherit no colour
        drawing.write_text(drawing.read_text(encoding="utf-8").replace("currentColor", BLUE), encoding="utf-8")
    lay_out_site(BOOK / "book/extra")

    (BOOK / "notebooks").mkdir()
    generated = BOOK / "book" / "generated"
    generated.mkdir()
    chapters = list_chapters()
    toc = Path("_toc.yml").read_text(encoding="utf-8")
    (BOOK / "_toc.yml").write_text(mark_core_path(toc, chapters), encoding="utf-8")
    numbers = numbers_of(chapters)
    facts = {chapter: run_of(runs / f"{chapter.name}.ipynb") for chapter in chapters}
    for chapter in chapters:
        notebook = lay_over(chapter, runs / f"{chapter.name}.ipynb", numbers)
        save_figures(notebook, chapter.path, generated)
        link_terms(notebook)
        (BOOK / chapter.path).write_text(json.dumps(notebook, ensure_ascii=False), encoding="utf-8")
    draw_card(generated)
    refuse_broken_claims(facts)
    results = {name: numbers for run in facts.values() for name, numbers in run["results"].items()}
    models = {name: numbers for name, numbers in sorted(results.items()) if "test" in numbers}
    for name, text in {
        "results": results_tables(models, dataset, chapters),
        "api": reference(),
        "about": about(facts, dataset),
        "time": time_needed(facts),
        "machines": machines(Path("book/results")),
    }.items():
        generated.joinpath(f"{name}.md").write_text(text, encoding="utf-8")


def refuse_broken_claims(facts):
    """Stop the build of the pages where a conclusion of the text is not what the recorded run shows."""
    broken = [
        f"{chapter.path}: this no longer holds: {sentence}."
        for chapter, run in facts.items()
        for sentence, holds in zip(chapter.claims, run["claims"], strict=True)
        if not holds
    ]
    if broken:
        sys.exit("\n".join([*broken, "Rewrite the sentence with what the recorded run shows, or find the reason."]))


def lay_over(chapter, path, numbers):
    """A chapter as it is written now, with the outputs of its run."""
    executed = nbformat.read(path, as_version=4)
    run = executed.metadata["run"]
    notebook = json.loads(update(json.dumps(chapter.notebook), chapter.path, current_repository()))
    ran = [cell for cell in executed.cells if cell.cell_type == "code"]
    cells = [cell for cell in notebook["cells"] if cell["cell_type"] == "code"]
    if len(ran) != len(cells):
        sys.exit(f"{chapter.path}: has {len(cells)} cells of code, but its run had {len(ran)}; run it again.")
    for cell, done in zip(cells, ran, strict=True):
        if "parameters" in cell["metadata"].get("tags", []):
            cell["source"] = write_parameters("".join(cell["source"]), run["parameters"])
        cell["execution_count"] = done.execution_count
        # Chapters may have been moved since, and outputs name them by their numbers.
        cell["outputs"] = [renumber_output(output, run["numbers"], numbers) for output in done.outputs]
    for cell in notebook["cells"][:3]:
        if cell["cell_type"] == "markdown" and re.search(r"(?m)^\*\*Time:\*\*", "".join(cell["source"])):
            cell["source"] = "".join(cell["source"]) + f"\n\n{made_with(run['parameters'].get('dataset'))}"
    notebook["metadata"].pop("book", None)
    notebook["metadata"]["language_info"] = executed.metadata.get("language_info", {})  # how its code is highlighted
    return notebook


def made_with(dataset):
    """Says on each page which images it was made with, and what the others come from."""
    sentence = f"This page was made with **{dataset}**, {DATASETS[dataset].title}."
    if not DATASETS[dataset].is_full:
        sentence += " What is called *recorded* comes from a run on all 70,000."
    return sentence


def renumber_output(output, before, after):
    for holder, kinds in ((output, ["text"]), (output.get("data", {}), ["text/plain", "text/markdown", "text/html"])):
        for kind in kinds:
            if kind in holder:
                holder[kind] = renumber(holder[kind], before, after)
    return output


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


def about(facts, dataset):
    """How this build was made: the machine, the versions, and what each chapter took."""
    span = sorted({run["date"] for run in facts.values()})
    packages = dict.fromkeys(name for run in facts.values() for name in run["packages"])
    rows = [
        ("Images", describe_data(dataset)),
        ("Notebooks ran", " to ".join(dict.fromkeys([span[0], span[-1]]))),
        ("Code", f"commit {all_of(run['commit'] for run in facts.values())}"),
        ("Processor", all_of(f"{run['processor']}, {run['cores']} cores" for run in facts.values())),
        ("Python", all_of(run["python"] for run in facts.values())),
        *((name, all_of(run["packages"].get(name, "none") for run in facts.values())) for name in packages),
    ]
    times = [
        f"| [{title_of(chapter)}](../{chapter.path}) | {run['seconds']:,.0f} | {run['memory_mb']:,} |"
        for chapter, run in facts.items()
    ]
    total, kept = (sum(run[name] for run in facts.values()) for name in ("seconds", "kept_seconds"))
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
    if kept >= 1:
        lines.append(
            f"Of these seconds {kept:,.0f} went into trainings that an earlier run had done, for the same code on the "
            "same kind of machine; they count as long as they took then.\n"
        )
    claims = [
        f"| [{title_of(chapter)}](../{chapter.path}) | {sentence[0].upper()}{sentence[1:]}. |"
        for chapter in facts
        for sentence in chapter.claims
    ]
    lines += ["## What the text concludes\n", CLAIMED, "| chapter | conclusion |\n|---|---|", *claims, ""]
    return "\n".join(lines)


def all_of(values):
    """Each value once: chapters may have run on different days, and on different machines."""
    return "; ".join(dict.fromkeys(values))


def describe_data(dataset):
    return f"{DATASETS[dataset].title}, `{dataset}`"


def time_needed(facts):
    """How long the core path takes to read, and how long the whole book, to read and to run."""
    core = [minutes_of(chapter.notebook) for chapter in facts if chapter.name in CORE_PATH]
    every = [minutes_of(chapter.notebook) for chapter in facts]
    reading, exercises = (sum(times[i] for times in core) for i in (0, 1))
    all_reading, all_exercises = (sum(times[i] for times in every) for i in (0, 1))
    running = sum(run["seconds"] for run in facts.values()) / 60
    return (
        f"**How long?** The core path, marked {MARK} in the contents, has {len(core)} chapters: about "
        f"{hours(reading)} to read, and {hours(exercises)} more for the exercises. It leads from the first pixel to "
        f"your own handwriting. All {len(facts)} chapters take about {hours(all_reading)}, and {hours(all_exercises)} "
        f"for the exercises; to run them takes {running:.0f} minutes in this build ([About this build](about.md) says "
        "what each took).\n"
    )


def hours(minutes):
    """A length of time in half hours, as it is said."""
    halves = max(1, round(minutes / 30))
    number = f"{halves // 2 or ''}{'½' * (halves % 2)}"
    return f"{number} hour{'' if halves <= 2 else 's'}"


def mark_core_path(toc, chapters):
    """The table of contents with a mark before the titles of the core path."""
    for chapter in chapters:
        if chapter.name in CORE_PATH:
            line = f"      - file: {chapter.path.with_suffix('').as_posix()}\n"
            toc = toc.replace(line, f'{line}        title: "{MARK} {title_of(chapter)}"\n')
    return toc


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


def title_of(chapter):
    return chapter.notebook["cells"][0]["source"].splitlines()[0].removeprefix("# ")


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


def results_tables(models, dataset, chapters):
    """The models of this build, and above them what the last full run on all of MNIST recorded of them."""
    tables = {f"**This build** ({describe_data(dataset)})": models}
    full = read_record(Path("book/results/mnist.json"))
    if not DATASETS[dataset].is_full and full:
        recorded = {name: full["results"][name] for name in models if name in full["results"]}
        tables = {f"**All 70,000 images of MNIST** ({describe_run(full)})": recorded} | tables
    pages = {chapter.name: f"../{chapter.path}" for chapter in chapters}
    parts = [f"{title}\n\n{results_table(rows, pages, 'references.md')}" for title, rows in tables.items()]
    parts.append(
        "Test errors stand with the 95% interval for the luck of the images. Where a model was trained with several "
        "seeds, seconds, error and interval are means over them. The order of the rows is no ranking, and overlapping "
        "intervals are no test: whether two models differ is tested in the chapter that compares them."
    )
    return "\n\n".join(parts) + "\n"


if __name__ == "__main__":
    main(*sys.argv[1:])
