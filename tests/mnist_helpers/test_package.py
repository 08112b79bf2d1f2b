import ast
import graphlib
import inspect
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

import mnist_helpers

PACKAGE = Path(mnist_helpers.__file__).parent


def dotted(path):
    """The name of the module in a file."""
    return ".".join([PACKAGE.name, *path.relative_to(PACKAGE).with_suffix("").parts]).removesuffix(".__init__")


FILES = {dotted(path): path for path in PACKAGE.rglob("*.py")}
# The module that each public name comes from: `from mnist_helpers import name` imports that one.
HOMES = {
    f"{PACKAGE.name}.{alias.name}": f"{PACKAGE.name}.{node.module}"
    for node in ast.walk(ast.parse((PACKAGE / "__init__.pyi").read_text(encoding="utf-8")))
    if isinstance(node, ast.ImportFrom)
    for alias in node.names
}


def imports(path):
    """The modules of this package that a file imports, at its top or within a function."""
    names = []
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            names += [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path} imports relative to itself"
            names += [f"{node.module}.{alias.name}" for alias in node.names]
    modules = {HOMES.get(name) or (name if name in FILES else name.rpartition(".")[0]) for name in names}
    return {name for name in modules if name in FILES and name != PACKAGE.name}


def test_the_learning_half_does_not_import_the_reading_of_handwriting():
    reading = f"{PACKAGE.name}.handwriting"
    learning = {path.stem: imports(path) for path in PACKAGE.glob("*.py") if path.stem not in ("cli", "__main__")}
    assert {"training", "plotting", "files"} <= learning.keys()
    astray = {module: [name for name in names if name.startswith(reading)] for module, names in learning.items()}
    assert {module: names for module, names in astray.items() if names} == {}
    assert imports(PACKAGE / "cli.py") > {f"{reading}.reading", f"{reading}.pictures"}


def test_no_modules_import_one_another():
    graph = {name: imports(path) for name, path in FILES.items()}
    assert graph[f"{PACKAGE.name}.cross_validation"] > {f"{PACKAGE.name}.training", f"{PACKAGE.name}.checks"}
    graphlib.TopologicalSorter(graph).prepare()  # a CycleError names the circle


def test_type_checkers_know_the_public_names_and_no_others(tmp_path):
    (tmp_path / "known.py").write_text("from mnist_helpers import read_digit\n\nreveal_type(read_digit)\n")
    (tmp_path / "unknown.py").write_text("from mnist_helpers import read_letters\n")
    options = ["--config-file=", "--ignore-missing-imports", "--follow-imports=silent", "--cache-dir=cache"]
    done = subprocess.run(
        [sys.executable, "-m", "mypy", *options, "known.py", "unknown.py"],
        cwd=tmp_path,
        env=os.environ | {"MYPYPATH": str(PACKAGE.parent)},
        capture_output=True,
        text=True,
    )
    assert 'known.py:3: note: Revealed type is "def (picture: ' in done.stdout  # and not Any
    assert [line for line in done.stdout.splitlines() if ": error: " in line] == [
        'unknown.py:1: error: Module "mnist_helpers" has no attribute "read_letters"  [attr-defined]'
    ]


def test_importing_the_package_loads_nothing_heavy():
    done = subprocess.run(
        [sys.executable, "-X", "importtime", "-c", "import mnist_helpers"], capture_output=True, text=True, check=True
    )
    loaded = {line.rpartition("|")[2].strip().partition(".")[0] for line in done.stderr.splitlines()}
    assert "mnist_helpers" in loaded
    assert not loaded & {"keras", "tensorflow", "matplotlib", "numpy", "scipy", "sklearn", "mlxtend", "pandas"}


def test_looking_at_images_does_not_load_keras():
    look = "import mnist_helpers as m; m.show_digits(m.load_dataset('mini').x_train[:1])"
    code = f"{look}; import sys; print('keras' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "False\n"


@pytest.mark.parametrize("name", mnist_helpers.__all__)
def test_every_public_name_can_be_had_and_is_documented(name):
    public = getattr(mnist_helpers, name)
    assert name == "MODELS" or public.__doc__


@pytest.mark.parametrize("name", mnist_helpers.__all__)
def test_every_argument_is_documented(name):
    public = getattr(mnist_helpers, name)
    if inspect.isfunction(public):
        missing = [argument for argument in inspect.signature(public).parameters if not named(argument, public.__doc__)]
        assert missing == []


def named(argument, docstring):
    """Whether a line of a docstring begins with the argument, alone or among others, as in ``low, high: …``."""
    lines = [line.partition(":")[0] for line in docstring.splitlines() if ":" in line]
    return any(argument in re.split(r",\s*", line.strip()) for line in lines)


def test_an_unknown_name_is_an_attribute_error():
    with pytest.raises(AttributeError):
        mnist_helpers.load_everything  # noqa: B018
