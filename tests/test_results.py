import json

import numpy as np
import pytest

from mnist_helpers import error_rate, load_results, record


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
