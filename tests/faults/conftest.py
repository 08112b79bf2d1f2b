"""Everything in this folder injects faults, takes its time, and runs with ``make faults``."""

import random

import pytest


def pytest_collection_modifyitems(items):
    for item in items:
        if "/faults/" in item.path.as_posix():
            item.add_marker("faults")


@pytest.fixture
def chance():
    """A generator of random moments; the same in every run, so that a failure can be seen again."""
    return random.Random(2026)
