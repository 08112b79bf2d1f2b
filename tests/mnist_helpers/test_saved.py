from pathlib import Path

import pytest

from mnist_helpers import saved_models


def test_each_data_set_has_a_folder_of_its_own_where_the_build_wants_it_or_in_the_current_folder(tmp_path, monkeypatch):
    monkeypatch.setenv("MNIST_MODELS", str(tmp_path / "elsewhere"))
    assert saved_models("mini") == tmp_path / "elsewhere/mini"
    assert saved_models("mini").is_dir()
    monkeypatch.delenv("MNIST_MODELS")
    monkeypatch.chdir(tmp_path)
    assert saved_models("mnist") == Path("models/mnist")
    assert (tmp_path / "models/mnist").is_dir()


def test_what_is_no_data_set_gets_no_folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(ValueError, match=r"dataset: expected one of 'mini'.*got '../mini'"):
        saved_models("../mini")
    assert not list(tmp_path.iterdir())
