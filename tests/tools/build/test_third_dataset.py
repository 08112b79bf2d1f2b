"""A data set is added by one entry in one table, and a chapter runs with it."""

import subprocess
import sys

import nbformat

ENTRY = """


def _load_first(source):
    (x, y), (x_test, y_test) = _load_mini(DATASETS["mini"])
    return (x[:1_000], y[:1_000]), (x_test[:200], y_test[:200])


DATASETS["first"] = DatasetSource(
    load=_load_first,
    title="1,000 of the images of mini",
    sentence="These are its first.",
    digests={},
    validation_size=100,
)
"""


def test_a_chapter_runs_with_a_third_data_set(copy):
    with (copy / "mnist_helpers/datasets.py").open("a", encoding="utf-8") as file:
        file.write(ENTRY)
    command = [sys.executable, "-m", "tools.build.execute", "first", "look_at_the_data"]
    done = subprocess.run(command, cwd=copy, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    executed = nbformat.read(copy / "_build/runs/first/look_at_the_data.ipynb", as_version=4)
    outputs = [str(output) for cell in executed.cells for output in cell.get("outputs", [])]
    assert any("These are its first." in text for text in outputs)
    assert any("900 training, 100 validation and 200 test images" in text for text in outputs)
    assert executed.metadata.run.results["nearest_mean"]["dataset"] == "first"


def test_a_data_set_that_is_not_in_the_table_is_refused(copy):
    done = subprocess.run(
        ["make", "-o", ".venv/.installed", "book", "DATASET=minst", f"BIN={sys.prefix}/bin"],
        cwd=copy,
        capture_output=True,
        text=True,
    )
    assert done.returncode != 0
    assert "invalid choice: 'minst'" in done.stderr
    assert "mini" in done.stderr
