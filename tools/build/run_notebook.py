"""Run one notebook with papermill, refuse anything a reader should not see, and put the clean result into place.

    python -m tools.build.run_notebook notebooks/01_look_at_the_data.ipynb output.ipynb dataset=mini

A chapter that would take long has its parameters for a data set in notebooks/parameters/CHAPTER.DATASET.yml; those of
the command line come before them, and they before the ones in the notebook.

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
import sys
import tempfile
import time
from pathlib import Path

import nbformat
import papermill

from tools.build.provenance import provenance

# TensorFlow prints start-up lines that say nothing about the page; Keras and papermill are quiet by themselves.
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
os.environ.setdefault("PYDEVD_DISABLE_FILE_VALIDATION", "1")
# Readers on Binder have 2 GB.
MEMORY_LIMITS_MB = {"mini": 2_000}

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
    # The notebook runs in its own folder, where a relative path would lead elsewhere.
    if os.environ.get("MNIST_NPZ"):
        os.environ["MNIST_NPZ"] = str(Path(os.environ["MNIST_NPZ"]).expanduser().absolute())
    try:
        given = dict(parse_parameter(item) for item in options.parameters)
        run(options.source, options.output, parameters_of(options.source, given.get("dataset")) | given)
    except NotebookError as error:
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


def parameters_of(source, dataset):
    """What the parameter file of this chapter and this data set holds; nothing if there is none."""
    path = source.parent / "parameters" / f"{source.stem}.{dataset}.yml"
    if not path.exists():
        return {}
    try:
        parameters = papermill.iorw.read_yaml_file(str(path))
    except Exception as error:
        raise NotebookError(f"{path}: cannot be read as YAML: {error}") from error
    if not isinstance(parameters, dict):
        raise NotebookError(f"{path}: expected lines such as 'epochs: 2', got {type(parameters).__name__}.")
    return parameters


def run(source, output, parameters):
    """Execute ``source`` with ``parameters`` and write the cleaned notebook to ``output``."""
    try:
        notebook = nbformat.read(source, as_version=4)
    except Exception as error:  # a missing file, merge markers, another format: each has an exception of its own
        raise NotebookError(f"{source}: cannot be read as a notebook: {error}") from error
    refuse_bad_outputs(notebook, source, "is stored with")
    refuse_unknown_parameters(notebook, source, parameters)

    output.parent.mkdir(parents=True, exist_ok=True)
    forget_records(source.stem)
    partial = output.with_suffix(".partial.ipynb")
    made_by = provenance()
    start = time.perf_counter()
    with stderr_to(output.with_suffix(".log")):
        execute(source, partial, parameters)
    seconds = time.perf_counter() - start
    # The kernel was by far the largest child of this process.
    memory = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / (1024 if sys.platform == "linux" else 1024**2)

    executed = nbformat.read(partial, as_version=4)
    refuse_bad_outputs(executed, source, "left", partial)
    clean(executed, parameters)
    drop_stderr(executed, source)
    refuse_noise(executed, source, partial)
    refuse_paths(executed, source, partial)
    dataset = parameters.get("dataset", "no data set")
    if memory > MEMORY_LIMITS_MB.get(dataset, float("inf")):
        limit = MEMORY_LIMITS_MB[dataset]
        raise NotebookError(
            f"{source}: its kernel needed {memory:,.0f} MB; with {dataset} at most {limit:,} are allowed."
        )

    nbformat.write(executed, partial)
    facts = {"seconds": round(seconds, 1), "memory_mb": round(memory)} | made_by
    output.with_suffix(".run.json").write_text(json.dumps(facts), encoding="utf-8")
    os.replace(partial, output)
    print(f"{source.stem:32} {dataset:8} {seconds:6.1f} s  {memory:6,.0f} MB", flush=True)


def forget_records(chapter):
    """Delete what earlier runs of the chapter recorded, so that a renamed model leaves the tables."""
    folder = os.environ.get("MNIST_RESULTS")
    for path in Path(folder).glob("*.json") if folder else []:
        # Another chapter may be doing the same at the same time, or a file may be no record at all.
        with contextlib.suppress(FileNotFoundError, ValueError, AttributeError):
            if json.loads(path.read_text(encoding="utf-8")).get("chapter") == chapter:
                path.unlink(missing_ok=True)


@contextlib.contextmanager
def stderr_to(path):
    """Send what the kernel's libraries say of the machine to a log: the terminal is for results and errors."""
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
    """Whether the kernel never answered: then no cell has run, and a second try repeats nothing."""
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
    """Number a cell as a reader of the source counts it: what papermill adds is not there."""
    number = sum(1 for cell in cells[: position + 1] if not is_papermills(cell))
    return f"cell {number} (id {cells[position].get('id', 'none')})"


def is_papermills(cell):
    return bool({"injected-parameters", "papermill-error-cell-tag"} & set(cell.metadata.get("tags", [])))


def refuse_unknown_parameters(notebook, source, parameters):
    """Papermill only logs an unknown name and goes on; a misspelt parameter must not pass for a measured one."""
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


def assigned_names(code):
    """The names that plain assignments in ``code`` set, each with the lines it stands on."""
    return {
        statement.targets[0].id: (statement.lineno, statement.end_lineno)
        for statement in ast.parse(code).body
        if isinstance(statement, ast.Assign) and isinstance(statement.targets[0], ast.Name)
    }


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
    notebook.metadata.pop("widgets", None)  # a page would ask another host for what draws them
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


def write_parameters(code, parameters):
    """Put the values that were used into the parameters cell, and keep its comments."""
    lines = code.splitlines()
    for name, (first, last) in sorted(assigned_names(code).items(), key=lambda item: -item[1][0]):
        if name in parameters:
            _, hash_sign, comment = lines[last - 1].partition("  #")
            value = parameters[name]
            text = json.dumps(value, ensure_ascii=False) if isinstance(value, str) else repr(value)
            lines[first - 1 : last] = [f"{name} = {text}{hash_sign}{comment}"]
    return "\n".join(lines)


def drop_stderr(notebook, source):
    """Take out what TensorFlow says of the machine at its start; anything else is worth an author's look."""
    for position, cell in enumerate(notebook.cells):
        for output in [o for o in cell.get("outputs", []) if o.get("name") == "stderr"]:
            cell.outputs.remove(output)
            lines = [line for line in output.text.splitlines() if line and not NATIVE_LOG.match(line)]
            if lines:
                print(f"{source}: {name_cell(notebook.cells, position)} wrote to stderr: {lines[0]}", flush=True)


def refuse_noise(notebook, source, partial):
    """A library's warning or a progress bar that moves its cursor has no place on a page."""
    for position, cell in enumerate(notebook.cells):
        for output in cell.get("outputs", []):
            if output.output_type == "stream" and (noise := NOISE.search(output.text)):
                place = f"{source}: {name_cell(notebook.cells, position)}"
                line = output.text[noise.start() :].splitlines()[0]
                raise NotebookError(f"{place} leaves noise in the page: {line!r}\nSo far as it ran: {partial}")


def refuse_paths(notebook, source, partial):
    """A path in an output would tell where the book was built, and helps nobody."""
    places = {str(Path.cwd()), str(Path.home()), sys.prefix, sys.base_prefix, tempfile.gettempdir()}
    places |= {str(Path(os.environ[name]).parent) for name in ("MNIST_NPZ", "KERAS_HOME") if os.environ.get(name)}
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
