"""What a chapter's run depends on, as digests. A run is up to date while all of them are the same.

    python -m tools.build.digest mnist

says of every chapter whether its run in _build/runs and what is recorded of it in book/results still belong to the
code, and what has changed since.

Prose, comments, docstrings and the place of a chapter are no part of it; nor are the outputs, which a run produces.
jupyter-cache, a dependency of Jupyter Book, compares only the code of a notebook, every space included, and ignores
modules, pins and records.
"""

import argparse
import ast
import dataclasses
import functools
import hashlib
import io
import json
import re
import sys
import tokenize
import tomllib
import zipfile
from pathlib import Path

import nbformat

import mnist_helpers
from mnist_helpers import DATASETS
from mnist_helpers.digests import normalise_code
from mnist_helpers.files import FOLDERS
from tools.build.chapters import MENTION, ChapterError, list_chapters, needed_by, numbers_of
from tools.build.parameters import write_parameters

ROOT = Path(__file__).parents[2]
PACKAGE = Path(mnist_helpers.__file__).parent
RUNS, RECORDS = Path("_build/runs"), Path("book/results")
WORKING = ".working"  # how the names of folders end, beside the runs, in which a notebook at work reads and records
TAGS = {"parameters", "raises-exception", "skip-execution"}  # the others are for the pages
TOOLS = ["tools/build/parameters.py", "tools/build/run_notebook.py"]  # what runs a notebook, and cleans what it left
KERNEL = ["ipykernel"]  # what runs a notebook's cells, besides what the package needs


def parts_of(chapter, parameters, runs=None, chapters=None):
    """The digest of each thing that a run of a chapter depends on.

    Args:
        chapter: a ``Chapter``.
        parameters: dictionary of the values that its parameters are set to.
        runs: folder of the executed notebooks; those that the chapter needs are in it.
        chapters: all chapters; by default those in the folder of this one.
    """
    chapters = list_chapters(chapter.path.parent) if chapters is None else chapters
    parts = {"code": digest(code_of(chapter, parameters, numbers_of(chapters)))}
    parts |= {str(path): digest(text) for path, text in sources_of(chapter).items()}
    parts["python"] = digest(".".join(map(str, sys.version_info[:2])))
    parts["pins"] = digest(pins())
    if (dataset := parameters.get("dataset")) in DATASETS:
        source = DATASETS[dataset]
        facts = {field.name: getattr(source, field.name) for field in dataclasses.fields(source)}
        parts["data set"] = digest(facts | {"load": source.load.__name__})  # its code is that of a module
    for name in chapter.about.get("reads", []):
        parts[f"record {name}"] = digest(recorded_by_others(name, chapter.name))
    if chapter.reads_full_run and not (dataset in DATASETS and DATASETS[dataset].is_full):
        parts["record of its own"] = digest(recorded_by_itself(chapter.name))
    for other in needed_by(chapter, chapters):
        parts[f"results of {other.name}"] = digest(results_of(runs / f"{other.name}.ipynb"))
        if models := (run_of(runs / f"{other.name}.ipynb") or {}).get("models"):
            parts[f"models of {other.name}"] = digest(models)
    return parts


def digest(value):
    """Twelve hexadecimal digits: enough to tell versions of a thing apart."""
    text = value if isinstance(value, str) else json.dumps(value, sort_keys=True, ensure_ascii=False)
    return hashlib.sha256(text.encode()).hexdigest()[:12]


def code_of(chapter, parameters, numbers):
    """What the cells do: their code without comments, chapters by name, the parameters as they are set."""
    cells = []
    for cell in chapter.code_cells:
        tags = set(cell["metadata"].get("tags", []))
        if "setup" in tags:  # installs the package where it is missing; its place counts, since outputs go by position
            cells.append("setup")
        else:
            code = write_parameters(cell["source"], parameters) if "parameters" in tags else cell["source"]
            cells.append([normalise_cell(code, numbers), is_silent(code), sorted(tags & TAGS)])
    return cells


def normalise_cell(code, numbers):
    """The code in one spelling, without the sentences of claims, and with chapters by their names."""
    names = {number: name for name, number in numbers.items()}
    try:
        # Behind another statement a text on its first line is no docstring: a cell shows it.
        code = normalise_code(without_sentences(f"0\n{plain_python(code)}"))
    except SyntaxError:
        return code
    code = re.sub(
        r"\b(\d+)_([a-z]\w*)\b", lambda found: found[2] if numbers.get(found[2]) == int(found[1]) else found[0], code
    )
    return MENTION.sub(lambda found: re.sub(r"\d+", lambda n: str(names.get(int(n[0]), n[0])), found[0]), code)


def is_silent(code):
    """Whether a semicolon at the end keeps the cell from showing its last value."""
    try:
        tokens = list(tokenize.generate_tokens(io.StringIO(plain_python(code)).readline))
    except (tokenize.TokenError, SyntaxError):
        return False
    words = [token.string for token in tokens if token.string.strip() and token.type != tokenize.COMMENT]
    return bool(words) and words[-1] == ";"


def plain_python(code):
    """The code with a text in place of each line for pip or the shell, so that Python can parse it."""
    return re.sub(r"(?m)^(\s*)([%!].*)$", lambda found: f"{found[1]}{found[2]!r}", code)


def without_sentences(code):
    """The code without the sentence of each `claim(condition, sentence)`: it is prose."""
    tree = ast.parse(code)
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "claim":
            node.args, node.keywords = node.args[:1], []
    return ast.unparse(tree)


def sources_of(chapter):
    """The modules of the package that a chapter uses, the files that these read, and the tool that runs the chapter."""
    found = {name: normalise_code((ROOT / name).read_text(encoding="utf-8")) for name in TOOLS}
    try:
        waiting = {module for cell in chapter.code_cells for module in imported(cell["source"])}
    except ChapterError as error:
        raise ChapterError(f"{chapter.path}: {error}") from error
    done = set()
    while waiting:
        module = waiting.pop()
        path = module_file(module)
        if module in done or path is None:
            continue
        done.add(module)
        text = path.read_text(encoding="utf-8")
        waiting |= imported(text, module)
        found[f"mnist_helpers/{path.relative_to(PACKAGE).as_posix()}"] = normalise_module(text)
        found |= files_of(text)
    return dict(sorted(found.items()))


@functools.cache
def public_modules():
    """The module of each public name, by the package's stub."""
    stub = ast.parse((PACKAGE / "__init__.pyi").read_text(encoding="utf-8"))
    return {alias.name: f"mnist_helpers.{node.module}" for node in stub.body for alias in node.names}


@functools.cache
def imported(code, module=None):
    """The modules of the package that Python code imports, wherever it does.

    Raises:
        ChapterError: it imports the package in a way that does not tell which modules it uses, or cannot be parsed.
    """
    try:
        tree = ast.parse(plain_python(code))
    except SyntaxError as error:
        raise ChapterError(f"this code cannot be parsed ({error}):\n{code}") from error
    modules = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
            modules |= {name for name in names if name.startswith("mnist_helpers.")}
            if "mnist_helpers" in names:
                raise ChapterError("write `from mnist_helpers import …`: it says what is used.")
        elif isinstance(node, ast.ImportFrom) and (node.level or (node.module or "").split(".")[0] == "mnist_helpers"):
            if node.level or node.names[0].name == "*":
                raise ChapterError(f"name the module and what is used of it in: {ast.unparse(node)}")
            for alias in node.names:
                full = f"{node.module}.{alias.name}"
                modules.add(full if module_file(full) else public_modules().get(alias.name, node.module))
    return modules - {module, "mnist_helpers"}


def module_file(module):
    path = PACKAGE.joinpath(*module.split(".")[1:])
    places = (path.with_suffix(".py"), path / "__init__.py")
    return next((place for place in places if place.is_file()), None)


@functools.cache
def normalise_module(text):
    """A module's code; the table of data sets has a part of its own, so that a new one changes no other's runs."""
    tree = ast.parse(text)
    tree.body = [
        node for node in tree.body if not (isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) == "DATASETS")
    ]
    return normalise_code(ast.unparse(tree))


@functools.cache
def files_of(code):
    """The files of the package that a module's code names, by their content."""
    found = {}
    for node in ast.walk(ast.parse(code)):
        if isinstance(node, ast.Constant) and re.fullmatch(r"[a-z]\w*[\w/]*(\.\w+)+", str(node.value)):
            for place in (PACKAGE / node.value, PACKAGE / "data" / node.value):
                if place.is_file() and place.suffix != ".py":
                    found[f"mnist_helpers/{place.relative_to(PACKAGE).as_posix()}"] = digest_file(place)
        elif isinstance(node, ast.Call) and ast.unparse(node.func) == "shipped":
            folder = FOLDERS[ast.literal_eval(node.args[0])]
            if folder != RECORDS.name:  # a chapter declares which records it reads
                files = sorted(ROOT.joinpath("book", folder).glob("*"))
                found[f"book/{folder}"] = " ".join(f"{file.name} {digest_file(file)}" for file in files)
    return found


def digest_file(path):
    return hashlib.sha256(path.read_bytes()).hexdigest()


@functools.cache
def pins():
    """The pinned packages that a chapter's code can import: those that the package needs, and the kernel."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    wanted = [*project["dependencies"], *project["optional-dependencies"]["widget"], *KERNEL]
    versions, needed_for = read_lock((ROOT / "requirements.txt").read_text(encoding="utf-8"))
    waiting, done = {re.match(r"[\w.-]+", name)[0].lower() for name in wanted}, set()
    while waiting:
        package = waiting.pop()
        done.add(package)
        waiting |= {name for name, users in needed_for.items() if package in users} - done
    return {name: versions[name] for name in sorted(done & versions.keys())}


def read_lock(text):
    """The lines of each package in a lock file that uv wrote, and by which others it is needed."""
    versions, needed_for, current = {}, {}, None
    for line in text.splitlines():
        if line and not line.startswith((" ", "#")):
            current = re.match(r"[\w.-]+", line)[0].lower()
            versions.setdefault(current, []).append(line)
            needed_for.setdefault(current, set())
        elif current and (found := re.fullmatch(r"\s+#\s+(?:via )?([\w.-]+)", line)):
            needed_for[current].add(found[1].lower())
    return versions, needed_for


def recorded_by_others(reads, chapter):
    """What a chapter reads of a recorded run, without its own numbers: recording a chapter must not outdate it.

    Args:
        reads: the name of the record, such as "mnist", or one entry of it, such as "mnist:two_conv_cnn".
        chapter: the name of the chapter.
    """
    name, _, entry = reads.partition(":")
    path = RECORDS / f"{name}.json"
    facts = json.loads(path.read_text(encoding="utf-8")) if path.exists() else {}
    if "notebooks" not in facts:  # a record in a form of its own, such as that of people's pictures
        return facts
    results = {key: numbers for key, numbers in facts["results"].items() if numbers.get("chapter") != chapter}
    if entry:
        return results.get(entry)
    runs = {key: [run["date"], run["commit"]] for key, run in facts["notebooks"].items() if key != chapter}
    return [runs, results, *(facts[key] for key in ("processor", "cores", "python", "packages"))]


def recorded_by_itself(chapter):
    """What is recorded of a chapter with all of MNIST: its figures and claims are about that."""
    path = RECORDS / "mnist.json"
    facts = json.loads(path.read_text(encoding="utf-8")) if path.exists() else {"results": {}}
    return {key: numbers for key, numbers in facts["results"].items() if numbers.get("chapter") == chapter}


def run_of(path):
    """The facts of its run that an executed notebook stores; None if there are none."""
    try:
        return nbformat.read(path, as_version=4).metadata.get("run")
    except (OSError, ValueError, nbformat.reader.NotJSONError):
        return None


def results_of(path):
    return (run_of(path) or {}).get("results", {})


def models_of(path):
    """The folder of the networks that a run saved, beside its executed notebook."""
    return path.with_suffix(".models")


def files_in(folder):
    """A digest of each file in a folder and those within it, by its path there."""
    found = sorted(path for path in folder.rglob("*") if path.is_file())
    return {path.relative_to(folder).as_posix(): digest_content(path) for path in found}


def digest_content(path):
    """The digest of a file; of an archive, that of its members but the one in which Keras notes the date of saving."""
    if not zipfile.is_zipfile(path):
        return digest_file(path)
    with zipfile.ZipFile(path) as archive:
        return digest(
            {member.filename: member.CRC for member in archive.infolist() if member.filename != "metadata.json"}
        )


def changes(before, now):
    """The names of the parts that have changed, in alphabetical order."""
    return sorted(name for name in before.keys() | now.keys() if before.get(name) != now.get(name))


def main(arguments=None):
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("dataset", choices=DATASETS)
    dataset = parser.parse_args(arguments).dataset
    recorded = RECORDS / f"{dataset}.json"
    notebooks = json.loads(recorded.read_text(encoding="utf-8"))["notebooks"] if recorded.exists() else {}
    chapters = list_chapters()
    for chapter in chapters:
        parameters = {"dataset": dataset} | chapter.parameters(dataset)
        now = parts_of(chapter, parameters, RUNS / dataset, chapters)
        run = run_of(RUNS / dataset / f"{chapter.name}.ipynb") or {}
        print(chapter.path.stem)
        print("  run:   ", describe(run.get("parts"), now))
        print("  record:", describe(notebooks.get(chapter.name, {}).get("parts"), parts_of_numbers(now)))


def parts_of_numbers(parts):
    """Those parts that the numbers of a run come from: what others recorded, and how a run is cleaned, is for pages."""
    return {name: part for name, part in parts.items() if not name.startswith(("results of ", "record ", "tools/"))}


def describe(before, now):
    if before is None:
        return "there is none"
    return f"outdated by {', '.join(changed)}" if (changed := changes(before, now)) else "up to date"


if __name__ == "__main__":
    main()
