import random
import re
import shutil
import subprocess
import sys
from functools import cache

import joblib
import keras
import numpy as np
import pytest
from dask.distributed import Client, LocalCluster
from keras.layers import Dense, Flatten
from sklearn.model_selection import StratifiedKFold

from mnist_helpers import (
    MODELS,
    TrainingError,
    build_baseline_cnn,
    compare_models,
    cross_validate,
    cross_validation,
    one_hot,
    prepare_images,
)


def build_small(
    learning_rate=0.01, width=12, activation="relu", optimizer=keras.optimizers.SGD, loss="categorical_crossentropy"
):
    hidden = Dense(width, activation=activation, name=activation)  # named as what may change
    model = keras.Sequential([keras.Input((28, 28, 1)), Flatten(), hidden, Dense(10, activation="softmax")])
    model.compile(optimizer=optimizer(learning_rate), loss=loss, metrics=["accuracy"])
    return model


def build_for_integers():
    return build_small(loss="sparse_categorical_crossentropy")


FAST = {"folds": 3, "epochs": 1, "batch_size": 20, "seed": 5}


@pytest.fixture(scope="module")
def few(mini):
    return prepare_images(mini.x_train[:240]), one_hot(mini.y_train[:240])


@pytest.fixture(scope="module")
def undisturbed(few):
    return cross_validate(build_small, *few, **FAST)


def test_one_score_history_and_time_a_fold(undisturbed):
    assert len(undisturbed.scores) == len(undisturbed.histories) == len(undisturbed.seconds) == 3
    assert all(0 <= score <= 1 for score in undisturbed.scores)
    assert all(len(history["val_accuracy"]) == FAST["epochs"] for history in undisturbed.histories)
    assert (undisturbed.train_size, undisturbed.test_size) == (160, 80)


def test_the_score_is_that_of_the_images_left_out(undisturbed):
    for score, history in zip(undisturbed.scores, undisturbed.histories, strict=True):
        assert score == pytest.approx(history["val_accuracy"][-1], abs=1e-6)


def test_each_image_keeps_the_answer_of_the_network_that_had_not_learned_from_it(few, undisturbed):
    labels = few[1].argmax(axis=1)
    cut = StratifiedKFold(3, shuffle=True, random_state=FAST["seed"]).split(labels, labels)
    right = tuple(np.mean(undisturbed.answers[held_out] == labels[held_out]) for _, held_out in cut)
    assert right == undisturbed.scores


@pytest.mark.parametrize("workers", [1, 2])
def test_scores_are_the_same_for_any_number_of_workers(few, undisturbed, workers):
    with joblib.parallel_config(n_jobs=workers):
        result = cross_validate(build_small, *few, **FAST)
    assert result.scores == undisturbed.scores
    assert result.histories == undisturbed.histories


def test_two_folds_never_share_a_process_at_the_same_time(few, undisturbed):
    with joblib.parallel_config("threading", n_jobs=3):
        threads = cross_validate(build_small, *few, **FAST)
        again = cross_validate(build_small, *few, **FAST)
    assert threads.histories == again.histories
    assert threads.scores == pytest.approx(undisturbed.scores, abs=0.05)  # this process has more threads to add with


@pytest.fixture(scope="module")
def cluster():
    with (
        LocalCluster(n_workers=2, threads_per_worker=1, dashboard_address=None) as cluster,
        Client(cluster),
    ):
        yield cluster


def test_scores_are_the_same_on_a_dask_cluster(few, undisturbed, cluster):
    with joblib.parallel_config("dask"):
        # A lambda stands for a function that is defined in a notebook: it can be sent only by its code.
        result = cross_validate(lambda: build_small(), *few, **FAST)
    assert result.scores == undisturbed.scores
    assert result.histories == undisturbed.histories


def test_what_else_draws_random_numbers_in_the_process_changes_nothing(few):
    """The threads of a Dask worker do so at times of their own; a builder that draws stands for them."""

    def run(draws):
        def build():
            for _ in range(draws):
                random.random()
            return build_small()

        task = cross_validation._Fold("", 0, 3, np.arange(160), np.arange(160, 240), 1, 20, 5, None)
        return cross_validation._run_fold(task, build, *few)["history"]

    assert run(0) == run(3)


def test_the_script_of_the_page_on_dask_prints_the_scores_of_this_machine(root, few, tmp_path):
    page = (root / "book/beyond_one_machine.md").read_text(encoding="utf-8")
    (script,) = (code for code in re.findall(r"(?s)```python\n(.*?)```", page) if "LocalCluster" in code)
    smaller = {
        "data.x_train)": "data.x_train[:240])",
        "data.y_train)": "data.y_train[:240])",
        "x, y)\n": "x, y, folds=2, epochs=1)\n",
    }
    for old, new in smaller.items():
        assert old in script
        script = script.replace(old, new)
    (tmp_path / "script.py").write_text(script, encoding="utf-8")
    done = subprocess.run([sys.executable, "script.py"], cwd=tmp_path, capture_output=True, text=True, check=True)
    expected = cross_validate(build_baseline_cnn, *few, folds=2, epochs=1).scores
    assert done.stdout.splitlines()[-1] == str(expected)


def test_another_seed_gives_other_folds_and_scores(few, undisturbed):
    assert cross_validate(build_small, *few, **(FAST | {"seed": 6})).scores != undisturbed.scores


def losses_of_first_epochs(build, few):
    settings = {"folds": 3, "epochs": 6, "batch_size": 10, "seed": 5}
    with joblib.parallel_config("threading", n_jobs=1):  # in one process, where a model could be carried over
        return [history["loss"][0] for history in cross_validate(build, *few, **settings).histories]


def test_a_new_model_in_each_fold(few, monkeypatch):
    """A model carried over would have learned what a later fold is scored on, and would go on where it stopped."""
    fresh = build_small().evaluate(*few, verbose=0)[0]
    assert all(loss > 0.5 * fresh for loss in losses_of_first_epochs(lambda: build_small(learning_rate=0.2), few))

    # The same measure tells a harness that carries the model over: behind the checks, every fold gets the same one.
    kept = build_small(learning_rate=0.2)
    run_fold = cross_validation._run_fold
    monkeypatch.setattr(cross_validation, "_run_fold", lambda task, build, x, y: run_fold(task, lambda: kept, x, y))
    carried = losses_of_first_epochs(lambda: build_small(learning_rate=0.2), few)
    assert min(carried) < 0.5 * fresh < max(carried)


def test_models_are_compared_on_the_same_folds(few, undisturbed):
    both = compare_models({"a": build_small, "b": lambda: build_small(width=20)}, *few, **FAST)
    assert both["a"].scores == undisturbed.scores
    assert both["b"].scores != undisturbed.scores


def test_integers_do_as_well_as_one_hot_rows(few, undisturbed):
    x, y = few
    assert cross_validate(build_for_integers, x, y.argmax(axis=1), **FAST).scores == undisturbed.scores


def test_progress_is_one_clean_line_a_fold(few, capsys):
    cross_validate(build_small, *few, **FAST)
    lines = capsys.readouterr().out.splitlines()
    assert sorted(line.partition(":")[0] for line in lines) == ["fold 1/3", "fold 2/3", "fold 3/3"]
    assert all(line.endswith(" s") and "%" in line for line in lines)


def test_the_longest_trainings_come_first(few, capsys):
    builders = {"narrow": lambda: build_small(width=2), "wide": lambda: build_small(width=50)}
    with joblib.parallel_config(n_jobs=1):
        compare_models(builders, *few, **FAST)
    names = [line.partition(",")[0] for line in capsys.readouterr().out.splitlines()]
    assert names == ["wide"] * 3 + ["narrow"] * 3


def test_a_weight_is_counted_once_at_every_place_of_its_map():
    """In chapter 6 the deeper network has fewer parameters than the baseline and takes longer."""
    estimates = [cross_validation._estimate_work(MODELS[name]()) for name in ("baseline_cnn", "deep_cnn")]
    assert estimates[0] == 320 * 26 * 26 + 540_900 + 1_010
    assert estimates[1] > 3 * estimates[0]


# Folds of groups.


def tasks_of(monkeypatch, function, *arguments, **settings):
    """What a function would train, in the order of the folds, and the result around made-up scores."""
    tasks = []

    def note(_, waiting):
        tasks.extend(task for task, *_ in waiting)
        made_up = {"score": 0.0, "history": {"val_accuracy": [0.0]}, "seconds": 0.0, "answers": 0}
        return [(i, made_up) for i in range(len(waiting))]

    monkeypatch.setattr(cross_validation, "run_in_parallel", note)
    return tasks, function(*arguments, **(FAST | settings))


def folds_of(monkeypatch, build, x, y, **settings):
    """The positions that each fold trains and is scored on."""
    tasks, _ = tasks_of(monkeypatch, cross_validate, build, x, y, **settings)
    return [(task.train, task.test) for task in tasks]


GROUPS = np.arange(240) * 37 % 24  # ten images of each group, scattered


def test_no_group_is_in_two_folds_and_every_image_is_held_out_once(few, monkeypatch):
    tasks, result = tasks_of(monkeypatch, cross_validate, build_small, *few, groups=GROUPS)
    folds = [(task.train, task.test) for task in tasks]
    assert sorted(np.concatenate([test for _, test in folds]).tolist()) == list(range(240))
    for train, test in folds:
        assert np.intersect1d(GROUPS[train], GROUPS[test]).size == 0
        assert sorted([*train, *test]) == list(range(240))
    assert (result.train_size, result.test_size) == (len(folds[0][0]), len(folds[0][1]))


def test_folds_of_groups_are_shuffled_by_the_seed_and_stratified(few, monkeypatch):
    first, other = (folds_of(monkeypatch, build_small, *few, groups=GROUPS, seed=seed) for seed in (5, 6))
    again = folds_of(monkeypatch, build_small, *few, groups=GROUPS.tolist(), seed=5)
    assert [test.tolist() for _, test in first] == [test.tolist() for _, test in again]
    assert [test.tolist() for _, test in first] != [test.tolist() for _, test in other]
    # Twelve groups of twenty, each with one class only: two folds can hold half of each class.
    labels, groups = np.repeat([0, 1], 120), np.repeat(np.arange(12), 20)
    folds = folds_of(monkeypatch, build_for_integers, few[0], labels, groups=groups, folds=2)
    assert [np.bincount(labels[test]).tolist() for _, test in folds] == [[60, 60], [60, 60]]


def test_without_groups_the_folds_are_those_of_the_chapters(few, monkeypatch):
    """The chapter on folds cuts them by hand, and all recorded scores come from them."""
    folds = folds_of(monkeypatch, build_small, *few)
    x, y = few
    by_hand = StratifiedKFold(3, shuffle=True, random_state=5).split(x, y.argmax(axis=1))
    for (train, test), (train_by_hand, held_out) in zip(folds, by_hand, strict=True):
        np.testing.assert_array_equal(train, train_by_hand)
        np.testing.assert_array_equal(test, held_out)


def test_compared_models_have_the_same_folds_of_groups(few, monkeypatch):
    builders = {"a": build_small, "b": lambda: build_small(width=20)}
    tasks, _ = tasks_of(monkeypatch, compare_models, builders, *few, groups=GROUPS)
    folds = {name: [task.test.tolist() for task in tasks if task.model == name] for name in builders}
    assert folds["a"] == folds["b"]
    assert len(folds["a"]) == 3


# Interrupted, and gone on with.


@pytest.fixture(scope="module")
def folds_once(few, tmp_path_factory):
    folder = tmp_path_factory.mktemp("folds")
    cross_validate(build_small, *few, **FAST, checkpoint=folder)
    return folder


@pytest.fixture
def finished(folds_once, tmp_path, capsys):
    """A folder of its own with all folds of a finished run."""
    shutil.copytree(folds_once, tmp_path / "folds")
    capsys.readouterr()
    return tmp_path / "folds"


def test_finished_folds_are_not_trained_again(few, undisturbed, finished, capsys):
    sorted(finished.iterdir())[0].unlink()
    second = cross_validate(build_small, *few, **FAST, checkpoint=finished)
    assert len(capsys.readouterr().out.splitlines()) == 1
    assert second.scores == undisturbed.scores


CHANGES = {
    "seed": lambda x, y: (build_small, x, y, FAST | {"seed": 6}),
    "epochs": lambda x, y: (build_small, x, y, FAST | {"epochs": 2}),
    "batch size": lambda x, y: (build_small, x, y, FAST | {"batch_size": 40}),
    "folds": lambda x, y: (build_small, x, y, FAST | {"folds": 2}),
    "learning rate": lambda x, y: (lambda: build_small(learning_rate=0.02), x, y, FAST),
    "width": lambda x, y: (lambda: build_small(width=13), x, y, FAST),
    "activation": lambda x, y: (lambda: build_small(activation="tanh"), x, y, FAST),
    "optimizer": lambda x, y: (lambda: build_small(optimizer=keras.optimizers.Adam), x, y, FAST),
    "loss": lambda x, y: (lambda: build_small(loss="mse"), x, y, FAST),
    "one pixel": lambda x, y: (build_small, np.where(np.arange(x.size).reshape(x.shape) == 9, 0.5, x), y, FAST),
    "one label": lambda x, y: (build_small, x, np.roll(y, 1, axis=0), FAST),
    "groups": lambda x, y: (build_small, x, y, FAST | {"groups": GROUPS}),
}


@pytest.mark.parametrize("change", CHANGES)
def test_a_changed_setting_is_never_served_an_old_fold(few, finished, change, capsys):
    build, x, y, settings = CHANGES[change](*few)
    cross_validate(build, x.astype("float32"), y, **settings, checkpoint=finished)
    assert len(capsys.readouterr().out.splitlines()) == settings["folds"]


def test_a_fold_of_other_groups_is_trained_again(few, tmp_path, capsys):
    """Even where all images of the fold are the same: each group renamed."""
    for groups, trained_anew in ((GROUPS, 3), (GROUPS, 0), (GROUPS + 1, 3)):
        cross_validate(build_small, *few, **FAST, groups=groups, checkpoint=tmp_path)
        assert len(capsys.readouterr().out.splitlines()) == trained_anew


@pytest.mark.parametrize("versions", [(1, "3.10.0", "tensorflow", "2.18.0"), ()])
def test_a_fold_of_another_version_is_trained_again(few, finished, versions, capsys, monkeypatch):
    monkeypatch.setattr(cross_validation, "WAY", versions)
    cross_validate(build_small, *few, **FAST, checkpoint=finished)
    assert len(capsys.readouterr().out.splitlines()) == FAST["folds"]


# Bad input.


def trained():
    model = build_small()
    model.fit(np.zeros((2, 28, 28, 1)), np.eye(10)[:2], verbose=0)
    return model


@cache  # and not a constant: workers import this file, and must not build a model before their threads are set
def one_model():
    return build_small()


ALL_BUT_ONE = [0, 2, 3, 4, 5, 6, 7, 8, 9, 0]


def recompiled():
    """Another model around the same trained layers, with an optimizer that has not taken a step."""
    model = keras.Sequential([keras.Input((28, 28, 1)), *one_model().layers])
    model.compile(loss="categorical_crossentropy")
    return model


BAD = {
    "expected a function that returns a Keras model": lambda x, y: (lambda: None, x, y, {}),
    "not compiled": lambda x, y: (lambda: keras.Sequential([keras.Input((28, 28, 1)), Flatten()]), x, y, {}),
    "new, untrained model": lambda x, y: (trained, x, y, {}),
    "each fold needs a new": lambda x, y: (one_model, x, y, {}),
    "build all of it inside": lambda x, y: (recompiled, x, y, {}),
    r"x: .* got \(784,\). write x.reshape\(-1, 28, 28, 1\)": lambda x, y: (build_small, x.reshape(-1, 784), y, {}),
    "one label for each image": lambda x, y: (build_small, x, y[:-1], {}),
    "and at least one": lambda x, y: (build_small, x[:0], y[:0], {}),
    "infinite or not a number": lambda x, y: (build_small, np.where(x > 0.9, np.nan, x), y, {}),
    r"wants one-hot rows of shape \(n, 10\).*write one_hot\(y\)": lambda x, y: (build_small, x, y.argmax(axis=1), {}),
    "give the last layer as many outputs": lambda x, y: (build_small, x, y[:, :9], {}),
    r"write one_hot\(y.ravel\(\)\)": lambda x, y: (build_small, x, y.argmax(axis=1)[:, np.newaxis], {}),
    "seed: expected an integer from 0 to": lambda x, y: (build_small, x, y, {"seed": None}),
    "folds: expected an integer of 2 or more": lambda x, y: (build_small, x, y, {"folds": 1}),
    "epochs: expected": lambda x, y: (build_small, x, y, {"epochs": 0}),
    "folds: 300 folds need 300 images of each class": lambda x, y: (build_small, x, y, {"folds": 300}),
    "class 1 has 1; take fewer folds": lambda x, y: (
        build_small,
        x[:31],
        np.eye(10)[[0, 2, 3, 4, 5, 6, 7, 8, 9, 0] * 3 + [1]],
        {},
    ),
    r"groups: expected integers of shape \(240,\).* got shape \(239,\); cut them at the same places": lambda x, y: (
        build_small,
        x,
        y,
        {"groups": GROUPS[:-1]},
    ),
    r"groups: expected .* got shape \(240, 1\)": lambda x, y: (build_small, x, y, {"groups": GROUPS[:, np.newaxis]}),
    "groups: expected .* got rows of different lengths": lambda x, y: (build_small, x, y, {"groups": [[1], [1, 2]]}),
    "groups: expected .* got float64; number them": lambda x, y: (build_small, x, y, {"groups": GROUPS + 0.5}),
    "groups: expected .* got <U2; .* return_inverse": lambda x, y: (build_small, x, y, {"groups": GROUPS.astype("U2")}),
    "groups: 3 folds need 3 groups, got 2; take fewer folds": lambda x, y: (build_small, x, y, {"groups": GROUPS % 2}),
    "class 9 has 0; take fewer folds": lambda x, y: (build_small, x[y[:, 9] == 0], y[y[:, 9] == 0], {}),
}


@pytest.mark.parametrize("problem", BAD)
def test_what_does_not_fit_is_refused_before_any_training(few, problem, capsys):
    build, x, y, settings = BAD[problem](*few)
    with pytest.raises((TypeError, ValueError), match=problem):
        cross_validate(build, x, y, **(FAST | settings))
    assert capsys.readouterr().out == ""


def test_one_hot_labels_for_a_loss_of_integers_are_refused(few):
    def build_sparse():
        model = build_small()
        model.compile(loss=keras.losses.SparseCategoricalCrossentropy())
        return model

    with pytest.raises(ValueError, match=r"wants integers .* y.argmax\(axis=1\)"):
        cross_validate(build_sparse, *few, **FAST)
    x, y = few
    with pytest.raises(ValueError, match=r"wants integers .* y.ravel\(\)"):
        cross_validate(build_sparse, x, y.argmax(axis=1)[:, np.newaxis], **FAST)


def test_pixels_that_were_not_scaled_are_warned_about(few):
    x, y = few
    with pytest.warns(UserWarning, match="x holds values up to 255; the models of this book expect 0 to 1"):
        cross_validate(build_small, 255 * x, y, **(FAST | {"folds": 2}))


def test_a_loss_that_is_no_number_stops_with_fold_epoch_and_learning_rate(few):
    with pytest.raises(TrainingError, match=r"loss of fold \d is (nan|inf) after epoch \d, at a learning rate of 1e\+"):
        cross_validate(lambda: build_small(learning_rate=1e30), *few, **(FAST | {"epochs": 3}))


def test_a_checkpoint_folder_that_holds_something_else_is_refused(few, tmp_path):
    (tmp_path / "holiday.jpg").touch()
    with pytest.raises(ValueError, match=r"checkpoint: .* holds something else \(holiday.jpg\)"):
        cross_validate(build_small, *few, **FAST, checkpoint=tmp_path)


def test_a_checkpoint_folder_that_cannot_be_written_is_refused_before_any_training(few, tmp_path, monkeypatch, capsys):
    def refuse(*_, **__):
        raise PermissionError(13, "Permission denied", str(tmp_path))

    # Permissions do not stop root, as whom tests often run; so the call that would meet them refuses.
    monkeypatch.setattr("tempfile.mkstemp", refuse)
    with pytest.raises(
        ValueError, match=r"checkpoint: .* cannot be used as a folder: .*Permission denied.*name another"
    ):
        cross_validate(build_small, *few, **FAST, checkpoint=tmp_path)
    assert capsys.readouterr().out == ""


def test_hidden_files_in_a_checkpoint_folder_are_left_alone(few, tmp_path, undisturbed):
    (tmp_path / ".DS_Store").touch()
    assert cross_validate(build_small, *few, **FAST, checkpoint=tmp_path).scores == undisturbed.scores
    assert (tmp_path / ".DS_Store").exists()


def test_a_checkpoint_that_is_no_folder_is_refused(few, tmp_path):
    (tmp_path / "file").touch()
    with pytest.raises(ValueError, match=r"checkpoint: .*file cannot be used as a folder"):
        cross_validate(build_small, *few, **FAST, checkpoint=tmp_path / "file")


@pytest.mark.parametrize("content", ["{", "{}", "[]"])
def test_a_damaged_fold_is_named(few, finished, content):
    next(finished.iterdir()).write_text(content)
    with pytest.raises(ValueError, match=r"fold-\w+\.json is damaged .* delete it"):
        cross_validate(build_small, *few, **FAST, checkpoint=finished)
