"""The benchmark's bookkeeping; its trainings take minutes and are run by hand."""

import json
import os
from types import SimpleNamespace

import pytest

from tools.measure import benchmark


def row(number, first, second):
    runs = {"A": first, "B": second}
    return {"part": "recipes", "round": number} | benchmark.compare("A against B", runs)


def test_the_table_sums_up_all_rounds():
    rows = [
        row(1, {"seconds": 100, "error": 0.01, "epochs": 10}, {"seconds": 20, "error": 0.02, "epochs": 3}),
        row(2, {"seconds": 120, "error": 0.02, "epochs": 10}, {"seconds": 60, "error": 0.03, "epochs": 5}),
        row(3, {"seconds": 200, "error": 0.03, "epochs": 10}, {"seconds": 50, "error": 0.04, "epochs": 4}),
    ]
    assert benchmark.summarise(rows)[2:] == [
        "| A against B | A 120.0 s, 2.00% wrong after 10 epochs | B 50.0 s, 3.00% wrong after 3–5 epochs "
        "| 4.00 | 2.00–5.00 |"
    ]


def test_memory_stands_where_nothing_was_scored():
    rows = [row(1, {"seconds": 10, "megabytes": 3_000.0}, {"seconds": 5, "megabytes": 1_500.0})]
    assert "A 10.0 s, 3,000 MB | B 5.0 s, 1,500 MB | 2.00" in benchmark.summarise(rows)[2]


def test_what_begins_one_round_comes_last_in_the_next(monkeypatch):
    begun = []
    monkeypatch.setattr(benchmark, "measure", lambda options, run: begun.append(run))
    for number in (1, 2):
        assert list(benchmark.take_turns(None, number, {"A": ["a"], "B": ["b"]})) == ["A", "B"]
    assert begun == ["a", "b", "b", "a"]


def test_each_round_is_kept_as_soon_as_it_is_over(monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)

    def part(options, number):
        if number == 2:
            raise KeyboardInterrupt
        run = {"seconds": 1.0, "error": 0.1, "epochs": 1}
        yield benchmark.compare("A against B", {"A": run, "B": run})

    monkeypatch.setitem(benchmark.PARTS, "recipes", part)
    with pytest.raises(KeyboardInterrupt):
        benchmark.main(["mini", "--parts", "recipes", "--rounds", "3"])
    facts = json.loads((tmp_path / "_build/benchmark-mini.json").read_text())
    assert [kept["round"] for kept in facts["rows"]] == [1]
    assert facts["processor"]


@pytest.mark.parametrize("number", ["0", "-1", "many"])
def test_numbers_below_one_are_refused(number, capsys):
    with pytest.raises(SystemExit):
        benchmark.main(["mini", "--rounds", number])
    assert "--rounds" in capsys.readouterr().err


def test_a_run_that_fails_says_why():
    with pytest.raises(SystemExit, match=r"(?s)no_such_run failed.*KeyError: 'no_such_run'"):
        benchmark.measure(SimpleNamespace(dataset="mini"), "no_such_run")


def test_an_interrupted_benchmark_leaves_no_run_behind(monkeypatch):
    started = []

    def interrupted(leader):
        started.append(leader)
        raise KeyboardInterrupt

    monkeypatch.setattr(benchmark, "session_members", interrupted)
    with pytest.raises(KeyboardInterrupt):
        benchmark.measure(SimpleNamespace(dataset="mini"), "compare_models", 100, 1)
    # Nobody is left in the run's process group: signal 0 only asks.
    with pytest.raises(ProcessLookupError):
        os.killpg(started[0], 0)
