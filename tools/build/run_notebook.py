"""Run one notebook with papermill, refuse anything a reader should not see, and put the clean result into place.

    python -m tools.build.run_notebook notebooks/01_look_at_the_data.ipynb output.ipynb dataset=mini

Parameters of the command line come before those that the chapter's own metadata name for a data set, and these before
the values in the notebook. The results of the chapters that it needs are read from the notebooks beside the output;
those that it records are stored in the output itself, with what the run depended on. Networks that it saves lie in a
folder beside the output, NAME.models, from which the chapters that need it load them.

The exit code is 0 only if every cell ran and the outputs are fit to be published. On failure the partly executed copy
stays beside the output, as NAME.partial.ipynb.
"""

import argparse
import ast
import contextlib
import difflib
import json
import logging
import os
import re
import resource
import shutil
import sys
import tempfile
import time
from pathlib import Path

import nbformat
import papermill

from mnist_helpers import DATASETS, load_results
from mnist_helpers.files import write_text
from mnist_helpers.results import CLAIMS
from tools.build.chapters import Chapter, ChapterError, list_chapters, needed_by, numbers_of
from tools.build.digest import WORKING, files_in, models_of, parts_of, results_of
from tools.build.parameters import assigned_names, write_parameters
from tools.build.provenance import provenance

# TensorFlow prints start-up lines that say nothing about the page; Keras and papermill are quiet by themselves.
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
os.environ.setdefault("PYDEVD_DISABLE_FILE_VALIDATION", "1")
# A line of TensorFlow's C++ log, or the notice that comes before the first.
NATIVE_LOG = re.compile(
    r"[IWEF]\d{4} |WARNING: All log messages before absl|To enable the following instructions|Skipping registering GPU"
)

# A warning printed on stdout, or the control characters of a progress bar.
NOISE = re.compile(r"^WARNING:|[\x08\x1b\r]", re.MULTILINE)


class NotebookError(Exception):
    """The notebook cannot be published; the message names the notebook and the cell."""


def main(arguments=None):
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("source", type=Path)
    parser.add_argument("output", type=Path)
    parser.add_argument("parameters", nargs="*", metavar="name=value", help="values for the parameters cell")
    options = parser.parse_args(arguments)
    logging.getLogger("papermill").setLevel(logging.ERROR)
    # The notebook runs in its own folder, where a relative path would resolve differently.
    for name in ("MNIST_NPZ", "QMNIST_LABELS"):
        if os.environ.get(name):
            os.environ[name] = str(Path(os.environ[name]).expanduser().absolute())
    try:
        run(options.source, options.output, dict(parse_parameter(item) for item in options.parameters))
    except (NotebookError, ChapterError) as error:
        print(f"\n{error}", file=sys.stderr)
        return 1
    return 0


def parse_parameter(item):
    name, equals, value = item.partition("=")
    if not equals:
        raise NotebookError(f"parameter {item!r}: expected name=value.")
    return name, parse_value(value)


def parse_value(text):
    """Read ``3``, ``0.5``, ``True`` or ``[1, 2]`` as Python does; anything else is a text."""
    try:
        return ast.literal_eval(text)
    except (ValueError, SyntaxError):
        return text


def run(source, output, given):
    """Execute ``source`` with the parameters ``given`` and write the cleaned notebook to ``output``."""
    chapter = Chapter(source)
    try:
        notebook = nbformat.read(source, as_version=4)
    except Exception as error:  # a missing file, merge markers, another format: each has an exception of its own
        raise NotebookError(f"{source}: cannot be read as a notebook: {error}") from error
    parameters = chapter.parameters(given.get("dataset")) | given
    refuse_bad_outputs(notebook, source, "is stored with")
    refuse_unknown_parameters(notebook, source, parameters)

    output.parent.mkdir(parents=True, exist_ok=True)
    chapters = list_chapters(source.parent)
    facts = {"parts": parts_of(chapter, parameters, output.parent, chapters), "numbers": numbers_of(chapters)}
    facts |= {"parameters": parameters} | provenance()
    partial = output.with_suffix(".partial.ipynb")
    with folders_of_run(output) as (results, kept, models):
        given_results = {
            name: numbers
            for earlier in needed_by(chapter, chapters)
            for name, numbers in results_of(output.parent / f"{earlier.name}.ipynb").items()
        }
        for name, numbers in given_results.items():
            write_text(results / f"{name}.json", json.dumps(numbers))
        for earlier in needed_by(chapter, chapters):
            if models_of(given_run := output.parent / f"{earlier.name}.ipynb").is_dir():
                shutil.copytree(models_of(given_run), models, dirs_exist_ok=True)
        given_models = files_in(models)
        start = time.perf_counter()
        with stderr_to(output.with_suffix(".log")):
            execute(source, partial, parameters)
        seconds = time.perf_counter() - start
        facts["results"] = own_results(load_results(results), given_results, chapter)
        facts["claims"] = claims_held(results / CLAIMS)
        facts["kept_seconds"] = round(sum_of_kept(kept), 1)
        facts["models"] = keep_models(models, given_models, models_of(output))
    # The kernel was by far the largest child of this process.
    memory = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / (1024 if sys.platform == "linux" else 1024**2)
    facts |= {"seconds": round(seconds + facts["kept_seconds"], 1), "memory_mb": round(memory)}

    executed = nbformat.read(partial, as_version=4)
    refuse_bad_outputs(executed, source, "left", partial)
    clean(executed, parameters)
    drop_stderr(executed, source)
    refuse_noise(executed, source, partial)
    refuse_paths(executed, source, partial)
    dataset = parameters.get("dataset", "no data set")
    limit = DATASETS[dataset].memory_limit if dataset in DATASETS else None
    if limit and memory > limit:
        raise NotebookError(
            f"{source}: its kernel needed {memory:,.0f} MB; with {dataset} at most {limit:,} are allowed."
        )

    nbformat.write(executed, partial)
    store_facts(partial, facts)
    os.replace(partial, output)
    print(f"{source.stem:32} {dataset:8} {seconds:6.1f} s  {memory:6,.0f} MB", flush=True)


def store_facts(path, facts):
    """Store the facts of a run in its notebook. nbformat would sort them, and figures show results in their order."""
    notebook = json.loads(path.read_text(encoding="utf-8"))
    notebook["metadata"]["run"] = facts
    write_text(path, json.dumps(notebook, indent=1, ensure_ascii=False) + "\n")


@contextlib.contextmanager
def folders_of_run(output):
    """Folders for what the kernel reads and records, for the seconds of cached trainings, and for saved networks."""
    with tempfile.TemporaryDirectory(prefix=f".{output.stem}", suffix=WORKING, dir=output.parent) as folder:
        places = {"MNIST_RESULTS": Path(folder, "results"), "MNIST_KEPT_SECONDS": Path(folder, "kept")}
        places["MNIST_MODELS"] = Path(folder, "models")
        before = {name: os.environ.get(name) for name in places}
        for name, place in places.items():
            place.mkdir()
            os.environ[name] = str(place.absolute())
        try:
            yield places.values()
        finally:
            for name, value in before.items():
                os.environ.pop(name) if value is None else os.environ.update({name: value})


def own_results(found, given, chapter):
    """The results that the chapter recorded itself, under its own name."""
    own = {name: numbers for name, numbers in found.items() if numbers != given.get(name)}
    for name, numbers in own.items():
        if numbers.get("chapter") != chapter.name:
            raise NotebookError(
                f"{chapter.path}: recorded {name!r} under the chapter {numbers.get('chapter')!r}; "
                f"write record({name!r}, chapter={chapter.name!r}, …)."
            )
    return own


def keep_models(folder, given, place):
    """Put the files that the chapter saved into a place, without those of an earlier run. Returns their digests."""
    own = {name: content for name, content in files_in(folder).items() if content != given.get(name)}
    shutil.rmtree(place, ignore_errors=True)
    for name in own:
        (place / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.move(folder / name, place / name)
    return own


def claims_held(path):
    """Whether each claim that the chapter made holds, in their order."""
    lines = path.read_text(encoding="utf-8").splitlines() if path.exists() else []
    return [json.loads(line)[0] for line in lines]


def sum_of_kept(folder):
    """Seconds of the trainings read from the cache; those of worker processes are divided by the number of cores."""
    notes = [json.loads(path.read_text(encoding="utf-8")) for path in folder.glob("*.json")]
    return sum(note["seconds"] / (os.cpu_count() if note["worker"] else 1) for note in notes)


@contextlib.contextmanager
def stderr_to(path):
    """Redirect file descriptor 2, to which the kernel's libraries log, to a file, and restore it afterwards."""
    sys.stderr.flush()
    terminal = os.dup(2)
    with path.open("w") as log:
        os.dup2(log.fileno(), 2)
        try:
            yield
        finally:
            sys.stderr.flush()
            os.dup2(terminal, 2)
            os.close(terminal)


def execute(source, output, parameters):
    """Run every cell; a kernel that fails to *start* gets a second try, since two starts can race for a port."""
    for last_try in (False, True):
        try:
            papermill.execute_notebook(
                source, output, parameters, kernel_name="python3", cwd=source.parent, progress_bar=False
            )
            return
        except papermill.PapermillExecutionError as error:
            raise NotebookError(describe_failure(source, output, error)) from None
        except Exception as error:
            if last_try or not failed_to_start(error):
                raise NotebookError(f"{source}: the kernel failed: {error}\nSo far as it ran: {output}") from error


def failed_to_start(error):
    """Whether the kernel never replied: then no cell has run, and a second try repeats nothing."""
    signs = ("before replying to kernel_info", "didn't respond", "Address already in use")
    return any(sign in str(error) for sign in signs)


def describe_failure(source, output, error):
    cells = nbformat.read(output, as_version=4).cells
    raised = (i for i, cell in enumerate(cells) if any(o.output_type == "error" for o in cell.get("outputs", [])))
    position = next(raised, None)
    if position is None:
        return f"{source}: {error}"
    code = "\n".join(f"    {line}" for line in cells[position].source.splitlines())
    failure = f"{error.ename}: {error.evalue}"
    return f"{source}: {name_cell(cells, position)} failed.\n{code}\n{failure}\nSo far as it ran: {output}"


def name_cell(cells, position):
    """Number a cell as a reader of the source counts it: cells that papermill added are skipped."""
    number = sum(1 for cell in cells[: position + 1] if not is_papermills(cell))
    return f"cell {number} (id {cells[position].get('id', 'none')})"


def is_papermills(cell):
    return bool({"injected-parameters", "papermill-error-cell-tag"} & set(cell.metadata.get("tags", [])))


def refuse_unknown_parameters(notebook, source, parameters):
    """Papermill only logs an unknown name and goes on; so a misspelt parameter would be ignored unnoticed."""
    position, cell = next(
        ((i, c) for i, c in enumerate(notebook.cells) if "parameters" in c.metadata.get("tags", [])), (None, None)
    )
    try:
        known = list(assigned_names(cell.source)) if cell else []
    except SyntaxError as error:
        raise NotebookError(f"{source}: {name_cell(notebook.cells, position)} is no Python: {error}") from error
    for name in parameters:
        if name not in known:
            close = difflib.get_close_matches(name, known, n=1)
            hint = f" Did you mean {close[0]!r}?" if close else ""
            where = name_cell(notebook.cells, position) if cell else "no cell tagged 'parameters'"
            raise NotebookError(
                f"{source}: unknown parameter {name!r}.{hint} {where} sets: {', '.join(known) or 'nothing'}."
            )


def error_outputs(cell):
    """The errors and tracebacks among a cell's outputs, as texts."""
    for output in cell.get("outputs", []):
        if output.output_type == "error":
            yield f"{output.ename}: {output.evalue}"
        elif (
            output.output_type == "stream"
            and output.name == "stderr"
            and "Traceback (most recent call last)" in output.text
        ):
            yield output.text.strip().splitlines()[-1]


def refuse_bad_outputs(notebook, source, verb, partial=None):
    for position, cell in enumerate(notebook.cells):
        for text in error_outputs(cell):
            place = f"{source}: {name_cell(notebook.cells, position)} {verb} an error output: {text}"
            advice = (
                f"So far as it ran: {partial}"
                if partial
                else "Strip the outputs of the notebook (make strip) and run again."
            )
            raise NotebookError(f"{place}\n{advice}")


def clean(notebook, parameters):
    """Leave what a reader would have got by typing the parameters in: no extra cell, no paths, no run data."""
    notebook.cells = [cell for cell in notebook.cells if not is_papermills(cell)]
    notebook.metadata.pop("papermill", None)
    notebook.metadata.pop("widgets", None)  # a page would load their JavaScript from another host
    count = 0
    for cell in notebook.cells:
        cell.metadata.pop("papermill", None)
        cell.metadata.pop("execution", None)
        if "parameters" in cell.metadata.get("tags", []):
            cell.source = write_parameters(cell.source, parameters)
        if cell.cell_type == "code" and cell.get("execution_count"):
            count += 1
            cell.execution_count = count
            for output in cell.outputs:
                output.get("data", {}).pop("application/vnd.jupyter.widget-view+json", None)  # its picture remains
                if "execution_count" in output:
                    output.execution_count = count


def drop_stderr(notebook, source):
    """Remove stderr from the outputs, and print the first line of each that is not TensorFlow's start-up log."""
    for position, cell in enumerate(notebook.cells):
        for output in [o for o in cell.get("outputs", []) if o.get("name") == "stderr"]:
            cell.outputs.remove(output)
            lines = [line for line in output.text.splitlines() if line and not NATIVE_LOG.match(line)]
            if lines:
                print(f"{source}: {name_cell(notebook.cells, position)} wrote to stderr: {lines[0]}", flush=True)


def refuse_noise(notebook, source, partial):
    """Refuse a library's warning, or a progress bar that moves the cursor, in an output."""
    for position, cell in enumerate(notebook.cells):
        for output in cell.get("outputs", []):
            if output.output_type == "stream" and (noise := NOISE.search(output.text)):
                place = f"{source}: {name_cell(notebook.cells, position)}"
                line = output.text[noise.start() :].splitlines()[0]
                raise NotebookError(f"{place} leaves noise in the page: {line!r}\nSo far as it ran: {partial}")


def refuse_paths(notebook, source, partial):
    """Refuse a path of this machine in an output."""
    places = {str(Path.cwd()), str(Path.home()), sys.prefix, sys.base_prefix, tempfile.gettempdir()}
    places |= {str(Path(os.environ[name]).parent) for name in ("MNIST_NPZ", "KERAS_HOME") if os.environ.get(name)}
    if labels := os.environ.get("QMNIST_LABELS"):  # the folder itself
        places.add(str(Path(labels)))
    for position, cell in enumerate(notebook.cells):
        text = json.dumps(cell.get("outputs", []), ensure_ascii=False)
        for path in places - {"/", "/usr", "."}:
            if re.search(rf"(?<![\w.]){re.escape(path)}(?![\w.-])", text):
                cell_name = name_cell(notebook.cells, position)
                raise NotebookError(
                    f"{source}: {cell_name} shows a path of this machine: {path}\nSo far as it ran: {partial}"
                )


if __name__ == "__main__":
    sys.exit(main())
