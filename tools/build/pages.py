"""Build the pages with Jupyter Book and check them, unless that would change nothing.

    python -m tools.build.pages mini
    python -m tools.build.pages mini --links

With --links every host that a page links to is asked instead. A digest in _build/html/.built tells whether the
inputs have changed: the written pages, the chapters and their runs, the package (for its reference), the pins, and
those tools that this one uses.
"""

import argparse
import ast
import hashlib
import json
import shutil
import subprocess
import sys
from pathlib import Path

from mnist_helpers import DATASETS
from mnist_helpers.files import write_text
from tools.build import check_html, digest
from tools.build.chapters import list_chapters

BUILT = Path("_build/html")
MARK = BUILT / ".built"
READ = ["_config.yml", "_toc.yml", "pyproject.toml", "requirements.txt"]


def main(arguments=None):
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("dataset", choices=DATASETS)
    parser.add_argument("--links", action="store_true", help="ask every host that the pages link to")
    options = parser.parse_args(arguments)
    if options.links:
        return stage(options.dataset) or run_sphinx("--path-output", "_build/links", "--builder", "linkcheck")
    return build(options.dataset)


def build(dataset):
    wanted = f"{dataset} {fingerprint(dataset)}\n"
    if MARK.exists() and MARK.read_text(encoding="utf-8") == wanted:
        return 0
    for folder in (BUILT, Path("_build/.doctrees")):
        shutil.rmtree(folder, ignore_errors=True)
    code = stage(dataset) or run_sphinx("--path-output", ".", "-W", "-n", "--keep-going") or check_html.main(BUILT)
    if code:
        return code
    write_text(MARK, wanted)
    return 0


def stage(dataset):
    return run_quietly(Path("_build/stage.log"), sys.executable, "-m", "tools.build.stage", dataset)


def run_sphinx(*options):
    program = Path(sys.executable).with_name("jupyter-book")
    return run_quietly(Path("_build/sphinx.log"), program, "build", "_build/book", "--quiet", *options)


def run_quietly(log, *command):
    """Run a command; its output goes into a log, which is shown only if it fails."""
    with log.open("w", encoding="utf-8") as file:
        code = subprocess.run(command, stdout=file, stderr=subprocess.STDOUT, check=False).returncode
    if code:
        print(log.read_text(encoding="utf-8"), file=sys.stderr)
    return code


def fingerprint(dataset):
    """One digest of all that the pages are made from."""
    chapters = list_chapters()
    files = [Path(name) for name in READ]
    files += [path for path in Path("book").rglob("*") if path.is_file() and "__pycache__" not in path.parts]
    files += [path for path in Path("mnist_helpers").rglob("*") if path.is_file() and path.suffix != ".pyc"]
    for chapter in chapters:
        run = digest.RUNS / dataset / f"{chapter.name}.ipynb"
        if not run.exists():
            sys.exit(f"{run} is missing; `make run DATASET={dataset}` runs what has not run.")
        files += [chapter.path, run]
    files += modules_of("tools.build.pages") + modules_of("tools.build.stage")
    sums = {path.as_posix(): hashlib.sha256(path.read_bytes()).hexdigest() for path in sorted(set(files))}
    return hashlib.sha256(json.dumps(sums, sort_keys=True).encode()).hexdigest()


def modules_of(module):
    """The files of a tool and of all tools that it imports."""
    waiting, found = {module}, {}
    while waiting:
        name = waiting.pop()
        path = Path(*name.split(".")).with_suffix(".py")
        if name in found or not path.is_file():
            continue
        found[name] = path
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("tools"):
                waiting |= {node.module, *(f"{node.module}.{alias.name}" for alias in node.names)}
    return list(found.values())


if __name__ == "__main__":
    sys.exit(main())
