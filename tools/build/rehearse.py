"""Rehearse what readers do on Colab, and with environment.yml: new environments, the set-up cell, every notebook.

    python -m tools.build.rehearse colab
    python -m tools.build.rehearse environment

Colab: an environment with its versions, in which the package is missing. The notebooks are alone in a folder, and their
own set-up cell installs the package from a Git address: that of a copy on this machine in place of the public one. No
package that was there may change. Environment: what environment.yml passes to pip, in a checkout. Every notebook runs
with mini, shortened. What is rehearsed is the last commit, as readers get it; what is left out is said first.
"""

import json
import os
import re
import subprocess
import sys
import tempfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import nbformat
import yaml

from tools.build.parameters import assigned_names
from tools.build.sync import HOST, current_repository

ROOT = Path(__file__).parents[2]
# What Colab has of what the book needs (August 2026); without papermill.
COLAB = """
anywidget ipykernel joblib==1.5.* keras==3.13.* matplotlib==3.10.* mlxtend numpy==2.1.* pillow==11.* scikit-learn==1.6.*
scipy==1.16.* tensorflow==2.20.*
""".split()
SHORT = {"epochs": 1, "strong_epochs": 1, "repeats": 2, "folds": 3, "images": 200}
PYTHONS = ["3.13", "3.12", "3.11"]  # the newest at hand is taken
NAMED = 5  # files that are left out, by name


def main(kind):
    if said := left_out(ROOT):
        print(f"{kind}: {said}", flush=True)
    with tempfile.TemporaryDirectory() as place:
        place = Path(place)
        python = new_environment(place / "environment")
        checkout = place / "checkout"
        subprocess.run(["git", "clone", "--quiet", ROOT, checkout], check=True)
        if kind == "colab":
            pip(python, COLAB, place)
            folder = place / "content"
            folder.mkdir()
            notebooks = [copy_with_local_address(path, folder, checkout) for path in chapters(checkout)]
        else:
            wanted = yaml.safe_load((checkout / "environment.yml").read_text(encoding="utf-8"))["dependencies"][-1][
                "pip"
            ]
            pip(python, [word for line in wanted for word in line.split()], checkout)
            notebooks = chapters(checkout)
        version = subprocess.run([python, "--version"], capture_output=True, text=True, check=True).stdout.strip()
        before = installed(python)
        write_kernel(python, place / "jupyter")
        run(notebooks[0], place)  # by itself, because its set-up cell may install
        with ThreadPoolExecutor(2) as pool:
            list(pool.map(lambda notebook: run(notebook, place), notebooks[1:]))
        after = installed(python)
    changed = {name: (version, after.get(name)) for name, version in before.items() if after.get(name) != version}
    added = sorted(after.keys() - before.keys())
    shown = ", ".join(f"{name} {after[name]}" for name in ("tensorflow", "keras", "numpy", "scipy", "matplotlib"))
    print(f"{kind}: {len(notebooks)} notebooks ran; {version}, {shown}")
    print(f"{kind}: {len(before)} packages before, {len(changed)} of them changed, added: {', '.join(added) or 'none'}")
    if changed:
        sys.exit(f"{kind}: pip changed what was there: {changed}")
    if kind == "colab" and "mnist-helpers" not in added:
        sys.exit("colab: the set-up cell did not install the package")


def left_out(repository):
    """A sentence that lists the changed and untracked files, which a clone lacks; empty if there are none."""
    command = ["git", "-c", "core.quotePath=false", "status", "--porcelain", "--untracked-files=all"]
    status = subprocess.run(command, cwd=repository, capture_output=True, text=True, check=True).stdout
    names = [line[3:] for line in status.splitlines()]
    if not names:
        return ""
    shown = names[:NAMED] + [f"{len(names) - NAMED} more"] * (len(names) > NAMED)
    files = "1 changed or untracked file is" if len(names) == 1 else f"{len(names)} changed or untracked files are"
    return f"{files} left out, because the last commit is rehearsed: {', '.join(shown)}"


def chapters(checkout):
    return sorted((checkout / "notebooks").glob("[0-9]*.ipynb"))


def new_environment(folder):
    command = [Path(sys.executable).with_name("uv"), "venv", "--quiet", "--seed", "--no-python-downloads", "--python"]
    for version in PYTHONS:
        # uv finds the system's versions of Python, but not those of pyenv.
        for python in (version, *Path.home().glob(f".pyenv/versions/{version}.*/bin/python")):
            if subprocess.run([*command, python, folder], capture_output=True, check=False).returncode == 0:
                return folder / "bin/python"
    sys.exit(f"rehearse: none of Python {', '.join(PYTHONS)} is on this machine")


def pip(python, requirements, folder):
    command = [python, "-m", "pip", "install", "--quiet", "--quiet", "--disable-pip-version-check", *requirements]
    subprocess.run(command, cwd=folder, check=True)


def installed(python):
    """The version of each installed package."""
    command = [python, "-m", "pip", "list", "--format=json", "--disable-pip-version-check"]
    listed = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    return {package["name"]: package["version"] for package in json.loads(listed)}


def copy_with_local_address(path, folder, checkout):
    """Copy a notebook, and replace the address of the public repository by that of a clone on this machine."""
    text = path.read_text(encoding="utf-8")
    address = f"git+{HOST}{current_repository()}"
    if address not in text:
        sys.exit(f"{path}: its set-up cell does not install from {address}")
    copy = folder / path.name
    copy.write_text(text.replace(address, f"git+{checkout.as_uri()}"), encoding="utf-8")
    return copy


def write_kernel(python, folder):
    """Write the kernel specification by which papermill of this environment starts a kernel of the new one."""
    kernel = folder / "kernels/rehearsal"
    kernel.mkdir(parents=True)
    argv = [str(python), "-m", "ipykernel_launcher", "-f", "{connection_file}"]
    (kernel / "kernel.json").write_text(json.dumps({"argv": argv, "display_name": "rehearsal", "language": "python"}))


def run(notebook, place):
    cells = nbformat.read(notebook, as_version=4).cells
    parameters = next(cell.source for cell in cells if "parameters" in cell.metadata.get("tags", []))
    given = {"dataset": "mini"} | {name: SHORT[name] for name in SHORT if name in assigned_names(parameters)}
    options = [word for name, value in given.items() for word in ("-p", name, str(value))]
    environment = {name: value for name, value in os.environ.items() if name not in ("PYTHONPATH", "VIRTUAL_ENV")}
    environment |= {"JUPYTER_PATH": str(place / "jupyter"), "TF_CPP_MIN_LOG_LEVEL": "3"}
    command = [sys.executable, "-m", "papermill", "--kernel", "rehearsal", "--no-progress-bar", *options]
    output = place / f"ran-{notebook.name}"
    ended = subprocess.run(
        [*command, notebook, output], cwd=notebook.parent, env=environment, capture_output=True, text=True, check=False
    )
    if ended.returncode:
        tail = re.sub(r"\x1b\[[\d;]*m", "", ended.stderr)[-3_000:]
        sys.exit(f"{notebook.name} failed in the new environment:\n{tail}")
    print(f"  {notebook.stem}", flush=True)


if __name__ == "__main__":
    if sys.argv[1:] not in (["colab"], ["environment"]):
        sys.exit(__doc__)
    main(sys.argv[1])
