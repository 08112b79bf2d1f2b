"""``python -m mnist_helpers`` is the command ``mnist-helpers``."""

import sys

from mnist_helpers.cli import command

if __name__ == "__main__":
    sys.exit(command())
