import json

import numpy as np
import pytest

from mnist_helpers import (
    claim,
    describe_run,
    error_rate,
    full_run,
    load_recorded_run,
    load_results,
    record,
    results_table,
    times_and_errors,
)

SCORE = {"wrong": 10, "total": 1_000, "low": 0.005, "high": 0.018}
TWICE = [SCORE, SCORE | {"wrong": 20, "low": 0.013, "high": 0.031}]
MODELS = {
    "better": {"title": "Better", "chapter": "b", "test": [SCORE]},
    "worse": {
        "title": "Worse",
        "chapter": "a",
        "parameters": 59_933,
        "seconds": [9.0, 12.0],
        "valid": SCORE | {"wrong": 30},
        "test": TWICE,
        "published": "0.9%",
        "published_by": "A 2016",
    },
    "folds": {"title": "Scored on folds only", "chapter": "c", "seconds": [1.0]},
}


@pytest.fixture(autouse=True)
def folder(monkeypatch, tmp_path):
    monkeypatch.setenv("MNIST_RESULTS", str(tmp_path / "results"))
    return tmp_path / "results"


def test_what_was_recorded_can_be_loaded(folder):
    record("mlp", seconds=[1.5, np.float32(2.5)], test=[error_rate([1, 2], [1, 3])], seeds=np.arange(2))
    record("deep_mlp", parameters=np.int64(943_946))
    results = load_results()
    assert results["mlp"]["seconds"] == [1.5, 2.5]
    assert results["mlp"]["seeds"] == [0, 1]
    assert results["mlp"]["test"][0]["wrong"] == 1
    assert list(results) == ["deep_mlp", "mlp"]
    assert load_results(folder) == results


def test_recording_again_replaces_and_leaves_no_other_file(folder):
    record("mlp", error=0.5)
    record("mlp", error=0.25)
    assert load_results() == {"mlp": {"error": 0.25}}
    assert [path.name for path in folder.iterdir()] == ["mlp.json"]


def test_nothing_recorded_is_an_empty_dictionary():
    assert load_results() == {}


@pytest.mark.parametrize("name", ["", "../mlp", "MLP", "mlp baseline", "a/b", 3, None])
def test_a_name_that_is_no_plain_file_name_is_refused(name):
    with pytest.raises(ValueError, match="name: expected lower-case letters"):
        record(name, error=1)


def test_what_is_no_number_is_refused_and_the_old_record_stays(folder):
    record("mlp", error=0.5)
    with pytest.raises(ValueError, match="the numbers of 'mlp' hold an infinite value"):
        record("mlp", error=float("nan"))
    with pytest.raises(TypeError, match="the numbers of 'mlp' cannot be stored"):
        record("mlp", error=object())
    assert load_results() == {"mlp": {"error": 0.5}}


def test_a_spoiled_record_is_named(folder):
    record("mlp", error=0.5)
    (folder / "mlp.json").write_text(json.dumps({"error": 0.5})[:-3])
    with pytest.raises(ValueError, match=r"mlp.json does not hold recorded results .*; delete it"):
        load_results()


def test_the_table_averages_over_seeds_and_begins_with_the_largest_error():
    chapters = {"a": "notebooks/03_a.ipynb", "b": "notebooks/04_b.ipynb"}
    rows = results_table(MODELS, chapters, "refs.md").splitlines()[2:]
    assert rows == [
        "| [Worse](notebooks/03_a.ipynb) | 1.50% (0.90–2.45%) | 0.9%, [A 2016](refs.md) | 3.00% | 10 | 59,933 |",
        "| [Better](notebooks/04_b.ipynb) | 1.00% (0.50–1.80%) | – | – | – | – |",
    ]


def test_times_and_errors_are_means_over_the_seeds():
    assert times_and_errors(MODELS) == {"Worse": pytest.approx((10.5, 0.015, 0.009, 0.0245))}


def test_the_recorded_run_ships_with_the_package_and_can_be_described():
    facts = load_recorded_run("mnist")
    assert facts["dataset"] == "mnist"
    assert "test" in facts["results"]["two_conv_cnn"]
    text = describe_run(facts)
    for part in (facts["date"], facts["processor"], facts["packages"]["keras"]):
        assert part in text
    for chapter in facts["notebooks"].values():
        assert chapter["commit"] in text


def test_a_run_that_was_not_recorded_is_named():
    with pytest.raises(FileNotFoundError, match="nothing"):
        load_recorded_run("nothing")


@pytest.mark.parametrize(
    ("packages", "backends"),
    [
        ({"jax": "0.7.1"}, "JAX 0.7.1, "),
        ({"torch": "2.9.0"}, "PyTorch 2.9.0, "),
        ({"tensorflow": "2.21.0"}, "TensorFlow 2.21.0, "),
        ({}, ""),
    ],
)
def test_a_run_is_described_with_the_backend_that_it_was_made_on(packages, backends):
    facts = load_recorded_run() | {"packages": {"keras": "3.15.1", "numpy": "2.4.6"} | packages}
    assert f"; {backends}Keras 3.15.1, NumPy 2.4.6, Python" in describe_run(facts)


@pytest.mark.parametrize(
    ("spoil", "problem"),
    [
        (lambda facts: facts.pop("date"), "facts: 'date' is missing"),
        (lambda facts: facts["packages"].pop("keras"), r"facts\['packages'\]: 'keras' is missing"),
        (
            lambda facts: next(iter(facts["notebooks"].values())).pop("commit"),
            r"facts\['notebooks'\]\['\w+'\]: 'commit' is missing",
        ),
        (lambda facts: facts.pop("notebooks"), "facts: 'commit' is missing"),
    ],
)
def test_what_a_run_lacks_is_named(spoil, problem):
    facts = load_recorded_run()
    spoil(facts)
    with pytest.raises(ValueError, match=f"{problem}; load_recorded_run returns a whole one"):
        describe_run(facts)


@pytest.mark.parametrize("chapter", [{}, {"chapter": "removed"}])
def test_a_model_of_no_chapter_has_no_link(chapter):
    rows = results_table({"mine": {"title": "Mine", "test": [SCORE]} | chapter}).splitlines()[2:]
    assert rows == ["| Mine | 1.00% (0.50–1.80%) | – | – | – | – |"]


def test_without_addresses_the_chapters_are_the_notebooks_beside_the_page(tmp_path, monkeypatch):
    (tmp_path / "07_b.ipynb").touch()
    monkeypatch.chdir(tmp_path)
    rows = results_table(MODELS).splitlines()[2:]
    assert [row.partition(" | ")[0] for row in rows] == ["| Worse", "| [Better](07_b.ipynb)"]


@pytest.mark.parametrize("show", [results_table, times_and_errors])
@pytest.mark.parametrize(
    ("numbers", "problem"),
    [
        ({"test": [SCORE]}, r"results\['mine'\]: 'title' is missing; record it again"),
        ({"test": [{"wrong": 1, "total": 9, "low": 0}]}, r"results\['mine'\]\['test'\]: 'high' is missing"),
        ({"test": []}, r"results\['mine'\]: 'test' is no list with an entry for each seed"),
        ({"seconds": []}, r"results\['mine'\]: 'seconds' is no list with an entry for each seed"),
        ({"valid": {"wrong": 1}}, r"results\['mine'\]\['valid'\]: 'total' is missing"),
        ({"published": "1%"}, r"results\['mine'\]: 'published_by' is missing"),
    ],
)
def test_what_a_record_lacks_is_named_with_the_record(show, numbers, problem):
    numbers = numbers if numbers == {"test": [SCORE]} else {"title": "Mine", "test": [SCORE]} | numbers
    with pytest.raises(ValueError, match=problem):
        show(MODELS | {"mine": numbers})


def test_a_run_without_chapters_names_its_own_commit():
    facts = load_recorded_run() | {"commit": "abc1234"}
    del facts["notebooks"]
    assert "commit abc1234;" in describe_run(facts)


def test_validation_errors_of_several_trainings_are_averaged():
    table = results_table({"a": MODELS["worse"] | {"valid": TWICE}})
    assert "| 1.50% |" in table


def test_the_full_run_is_the_run_at_hand_where_that_has_all_images(folder):
    here = {"chapter": "a", "dataset": "mnist"}
    record("mlp", test=[SCORE], **here)
    record("of_another_chapter", **here | {"chapter": "b"})
    record("of_another_data_set", **here | {"dataset": "mini"})
    full = full_run(here)
    assert list(full) == ["mlp"]
    assert full.mlp.test[0].wrong == full["mlp"]["test"][0]["wrong"] == 10


def test_the_full_run_is_the_recorded_one_where_the_run_at_hand_has_few_images():
    recorded = load_recorded_run()["results"]
    full = full_run({"chapter": "large_cnn", "dataset": "mini"})
    assert full == {name: numbers for name, numbers in recorded.items() if numbers["chapter"] == "large_cnn"}
    assert full.two_conv_cnn.dataset == "mnist"


def test_what_a_record_lacks_is_named_with_what_it_has(folder):
    here = {"chapter": "a", "dataset": "mnist"}
    with pytest.raises(ValueError, match="nothing was recorded of the chapter 'a' with 'mnist'"):
        full_run(here)
    record("mlp", test=[SCORE], **here)
    with pytest.raises(AttributeError, match=r"holds no 'cnn', only 'mlp'.*record it again"):
        full_run(here).cnn  # noqa: B018
    with pytest.raises(ValueError, match="'dataset' is missing"):
        full_run({"chapter": "a"})
    with pytest.raises(ValueError, match="mnst"):
        full_run({"chapter": "a", "dataset": "mnst"})


def test_a_claim_is_kept_and_one_that_does_not_hold_says_so(folder, capsys):
    folder.mkdir()
    claim(np.float64(1) < 2, "one is smaller")
    assert capsys.readouterr().out == ""
    claim(3 < 2, "three is smaller")
    assert capsys.readouterr().out == "This run says otherwise. The claim was: three is smaller.\n"
    kept = [json.loads(line) for line in (folder / "claims.jsonl").read_text().splitlines()]
    assert kept == [[True, "one is smaller"], [False, "three is smaller"]]
    assert load_results() == {}


@pytest.mark.parametrize("holds", [None, "it is so", 0.3, 1, np.array([True]), []])
def test_a_claim_without_a_comparison_is_refused(holds):
    with pytest.raises(TypeError, match="holds: expected the truth of a comparison"):
        claim(holds, "it is so")


def test_a_claim_without_a_sentence_is_refused():
    with pytest.raises(ValueError, match="sentence: expected what the text concludes"):
        claim(1 < 2, " ")
