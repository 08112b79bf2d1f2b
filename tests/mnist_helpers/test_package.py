import inspect
import re
import subprocess
import sys

import pytest

import mnist_helpers


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
