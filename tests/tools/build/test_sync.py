"""What is worked out and written into the notebooks."""

import pytest

from tools.build import sync


def notebook(*cells):
    return {"cells": [{"cell_type": kind, "source": source, "metadata": meta} for kind, source, meta in cells]}


def minutes(*cells):
    return sync.minutes_of(notebook(*cells))


def test_words_lines_figures_and_exercises_take_time():
    figure = {"mystnb": {"image": {"alt": "a picture"}}}
    assert minutes(("markdown", "word " * 185, {})) == (1, 0)
    assert minutes(("code", "a = 1\n\nb = 2", {}))[0] == pytest.approx(2 * 0.155)
    assert minutes(("code", "plot()", figure))[0] == pytest.approx(0.155 + 0.65)
    assert minutes(("markdown", "**1. Count.** How many?\n\n**2. Draw.** What?", {}))[1] == 10


@pytest.mark.parametrize(
    "cell",
    [
        ("code", "import this\n" * 99, {"tags": ["setup"]}),
        ("code", "claim(a < b, 'c')\n" * 99, {"tags": ["hide-input"]}),
        ("markdown", "<details>\n<summary>Solution</summary>\n\n" + "word " * 99 + "\n</details>", {}),
        ("markdown", "**Time:** about 99 minutes to read, " + "word " * 99, {}),
    ],
    ids=["set-up", "hidden code", "a folded solution", "the line itself"],
)
def test_what_a_reader_need_not_read_takes_none(cell):
    assert minutes(("markdown", "word", {}), cell) == minutes(("markdown", "word", {}))


def test_an_address_is_not_read():
    assert minutes(("markdown", "[word](https://example.org/a/b/c)", {})) == minutes(("markdown", "[word]", {}))


def test_the_number_of_a_chapter_stands_in_its_title(tmp_path):
    path = tmp_path / "07_chapter.ipynb"
    for title in ("# A title", "# 3. A title"):
        text = sync.json.dumps(notebook(("markdown", title, {})))
        written = sync.json.loads(sync.update(text, path, "owner/name"))["cells"][0]["source"]
        assert written == ["# 7. A title"]
