"""The name of the pad is there for everyone; the pad itself where anywidget is."""

import sys

import pytest

import mnist_helpers
from mnist_helpers import handwriting


@pytest.fixture
def no_anywidget(monkeypatch):
    """A machine without anywidget that has not imported the pad before."""
    monkeypatch.setitem(sys.modules, "anywidget", None)
    for place, name in (
        (sys.modules, "mnist_helpers.handwriting.widget"),
        (vars(handwriting), "widget"),
        (vars(mnist_helpers), "DigitPad"),
    ):
        monkeypatch.setitem(place, name, None)  # so that it is put back as it was
        del place[name]


def test_without_anywidget_the_name_can_be_imported_and_a_pad_says_what_is_missing(no_anywidget):
    from mnist_helpers import DigitPad

    assert "A pad to draw a digit on" in DigitPad.__doc__
    for options in ({}, {"small": True}):
        with pytest.raises(ImportError, match=r"DigitPad needs the package anywidget: `pip install anywidget`"):
            DigitPad(**options)


def test_with_anywidget_it_is_a_widget_of_its_own():
    anywidget = pytest.importorskip("anywidget")
    pad = mnist_helpers.DigitPad(small=True)
    assert isinstance(pad, anywidget.AnyWidget)
    assert {"small", "_pixels", "_shape"} <= set(pad.keys)  # what goes to the page and comes back from it
    assert pad.get_state("small") == {"small": True}
