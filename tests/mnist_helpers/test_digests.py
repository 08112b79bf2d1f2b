"""What stands for code is the same for the same code, however it is written."""

import pytest

from mnist_helpers.digests import normalise_code


@pytest.mark.parametrize(
    ("text", "alike"),
    [
        ("def f(x):\n    '''Double.'''\n    return 2*x  # twice", True),
        ("def f(x):\n    return 2 * x\n", True),
        ("def f(x):\n    return 3 * x\n", False),
    ],
)
def test_comments_and_spelling_are_no_code(text, alike):
    code = 'def f(x):\n    """Two times."""\n\n    return (2 * x)\n'
    assert (normalise_code(text) == normalise_code(code)) is alike
