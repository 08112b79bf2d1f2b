"""Whatever is handed to a public function, it works or says which argument is wrong; a function without entry fails.

Nothing here trains: where a value is welcome to a function that would, that is said in FINE and not tried.
"""

import inspect
import re
import warnings
from functools import partial

import numpy as np
import pytest
from PIL import Image

import mnist_helpers as m

STRANGE = {
    "None": None,
    "a text": "text",
    "-1": -1,
    "0": 0,
    "1.5": 1.5,
    "nan": float("nan"),
    "2**70": 2**70,
    "True": True,
    "an object": object(),
    "an empty list": [],
    "an empty dictionary": {},
    "three images of nan": np.full((3, 28, 28), np.nan),
    "no images": np.zeros((0, 28, 28), "uint8"),
    "an image without ink": np.zeros((28, 28), "uint8"),
    "a network": m.build_fast_cnn(),
    "five axes": np.zeros((2, 3, 4, 5, 6)),
    "images as text": np.full((3, 28, 28), "x"),
}
OURS = (m.DatasetError, m.PictureError, m.TrainingError, m.WeightsError, TypeError, ValueError)
TEXT, PAPER, NETWORK = {"a text"}, {"an image without ink"}, {"a network"}
NUMBERS = PAPER | {"three images of nan", "no images", "five axes", "images as text"}


@pytest.fixture(scope="module")
def valid(mini, tmp_path_factory):
    """For each public function with arguments, a good value of each."""
    nowhere = str(tmp_path_factory.mktemp("nowhere") / "folder")
    images, labels = mini.x_train[:100], mini.y_train[:100]
    folder = tmp_path_factory.mktemp("pictures")
    for digit in range(2):
        (folder / str(digit)).mkdir()
        Image.fromarray(images[labels == digit][0]).save(folder / str(digit) / "one.png")
    x, y = m.prepare_images(images), m.one_hot(labels)
    generator = np.random.default_rng(7)
    rows = generator.dirichlet(np.ones(10), 100).astype("float32")
    error, mean = m.error_rate(labels, labels), m.mean_interval([0.1, 0.2, 0.3])
    history = {"loss": [1.0, 0.5], "accuracy": [0.5, 0.6]}
    score = {"wrong": 1, "total": 10, "low": 0.0, "high": 0.4}
    results = {"a": {"title": "A", "chapter": "a", "test": [score], "seconds": [1.0]}}
    training = {"x": x, "y": y, "epochs": 1, "batch_size": 32, "seed": 7}
    crossing = training | {"folds": 3, "checkpoint": None, "groups": None}
    reading = {"best": False, "model": None, "threshold": 0.5}
    return {
        "cross_validate": {"build": m.build_mlp} | crossing,
        "compare_models": {"builders": {"a": m.build_mlp}} | crossing,
        "load_dataset": {"name": "mini"},
        "load_arrays": {"name": "mini"},
        "load_writers": {"dataset": "mini"},
        "plot_network": {
            "values": [[1, 2], [3]],
            "weights": [[[1], [2]]],
            "biases": None,
            "blames": None,
            "names": None,
        },
        "plot_softmax": {"scores": [2, 1]},
        "plot_curve": {"x": [1, 2], "y": [1, 2], "xlabel": "x", "ylabel": "y", "points": None, "tangent": None},
        "plot_descents": {"runs": {"mini": {"0.1": [2, 1]}}, "line": None},
        "plot_seeds": {"runs": {"mini": {"a": [0.1]}}, "references": None, "xlabel": "error"}
        | {"point": "one split", "logarithmic": False},
        "show_weights": {"rows": {"a": np.ones((784, 2))}},
        "full_run": {"here": {"chapter": "large_cnn", "dataset": "mini"}},
        "claim": {"holds": True, "sentence": "it is so"},
        "load_image_folder": {"folder": str(folder), "prepare": None},
        "prepare_images": {"images": images},
        "one_hot": {"labels": labels, "classes": 10},
        "error_rate": {"y_true": labels, "y_pred": labels},
        "model_error": {"model": m.build_fast_cnn(), "images": images, "labels": labels},
        "mean_interval": {"values": [0.1, 0.2, 0.3]},
        "prediction_interval": {"values": [0.1, 0.2, 0.3]},
        "welch_test": {"first": [0.1, 0.2], "second": [0.2, 0.3]},
        "mcnemar_test": {"y_true": labels, "first": labels, "second": labels},
        "corrected_t_test": {"first": [0.1, 0.2], "second": [0.2, 0.2], "train_size": 20, "test_size": 10},
        "prepare_digit": {"picture": images[0]},
        "split_digits": {"picture": images[0]},
        "average_areas": {"square": np.ones((40, 40)), "size": 20},
        "place_digit": {"square": np.ones((40, 40))},
        "build_simple_cnn": {"padding": "valid"},
        "build_baseline_cnn": {"learning_rate": 0.01},
        "conv_block": {"filters": 8, "size": 3, "strides": 1},
        "use_style": {"source": "mini"},
        "show_digits": {"images": images[:4], "titles": None, "columns": 4, "wrong": ()},
        "show_pixels": {"image": images[0]},
        "show_filters": {"kernels": np.ones((8, 5, 5)), "titles": None, "columns": 8},
        "plot_convolution": {
            "image": x[0, ..., 0],
            "kernel": np.ones((5, 5)),
            "result": np.ones((24, 24)),
            "places": [(1, 1)],
        },
        "plot_class_counts": {"parts": {"a": labels}, "source": None},
        "plot_history": {"histories": {"a": history}, "source": None},
        "plot_scores": {"scores": {"a": [0.9, 0.8, 0.9]}, "source": None},
        "plot_probabilities": {"image": images[0], "probabilities": rows[0], "label": 3},
        "plot_learning_rates": {"rates": {"a": [0.1, 0.2]}},
        "plot_means": {"values": {"a": mean}, "xlabel": "error"},
        "plot_error_and_time": {
            "models": {"a": (1.0, 0.1, 0.05, 0.2)},
            "highlight": (),
            "references": None,
            "source": None,
        },
        "plot_confusion": {"confusion": np.eye(10, dtype=int), "source": None},
        "plot_calibration": {"bins": [(0.9, error)], "source": None},
        "plot_threshold": {"digits": rows, "labels": labels, "non_digits": rows, "threshold": 0.5},
        "show_stages": {"preparation": m.prepare_digit(images[0])},
        "show_pictures": {"pictures": [images[0]], "titles": None, "columns": 5, "wrong": ()},
        "show_readings": {"picture": images[0], "readings": []},
        "read_digit": {"picture": images[0]} | reading,
        "read_digits": {"pictures": [images[0]]} | reading,
        "read_number": {"picture": images[0]} | reading,
        "export_network": {"model": None, "temperature": 1.0, "threshold": 0.0},
        "load_results": {"folder": nowhere},
        "saved_models": {"dataset": "mini"},
        "results_table": {"results": results, "chapters": {"a": "01_a.ipynb"}, "references": "references.md"},
        "times_and_errors": {"results": results},
        "load_recorded_run": {"dataset": "mnist"},
        "describe_run": {"facts": m.load_recorded_run("mnist")},
        "record": {"name": "x"},
        "photograph_digit": {"image": images[0], "generator": generator},
        "compose_number": {"images": images[:5], "generator": generator},
        "join_digits": {"first": images[0], "second": images[1], "generator": generator},
        "draw_continental_digit": {"digit": 1, "generator": generator},
        "draw_non_digit": {"generator": generator, "split": "train"},
        "set_seed": {"seed": 7},
        "train": {"build": m.build_mlp, "validation_data": None, "verbose": 0} | training,
        "train_one_cycle": {"build": m.build_mlp, "validation_data": None, "verbose": 0, "peak_learning_rate": 0.01}
        | {"augmentation": None}
        | training,
        "augment_images": {"images": x, "augmentation": m.Augmentation(), "seed": 1},
        "smooth_labels": {"y": y, "share": 0.1},
        "compare_recipes": {"recipes": {"a": partial(m.train, m.build_mlp, x, y)}, "seeds": [1]},
    }


# Strange values that are welcome.
FINE = {
    ("claim", "holds"): {"True"},
    ("plot_curve", "xlabel"): TEXT,
    ("plot_curve", "ylabel"): TEXT,
    ("plot_curve", "points"): {"None"},
    ("plot_curve", "tangent"): {"None"},
    ("plot_descents", "line"): {"None"},
    ("plot_network", "biases"): {"None"},
    ("plot_network", "blames"): {"None"},
    ("plot_network", "names"): {"None"},
    ("plot_seeds", "references"): {"None", "an empty dictionary"},
    ("plot_seeds", "xlabel"): TEXT,
    ("plot_seeds", "point"): TEXT,
    ("plot_seeds", "logarithmic"): {"True"},
    ("claim", "sentence"): TEXT,
    ("load_image_folder", "prepare"): {"None"},
    ("model_error", "model"): NETWORK,
    ("average_areas", "square"): PAPER,
    ("photograph_digit", "image"): PAPER,
    ("show_pixels", "image"): PAPER,
    ("plot_convolution", "image"): PAPER,
    ("plot_probabilities", "image"): PAPER,
    ("show_readings", "picture"): PAPER,
    ("build_baseline_cnn", "learning_rate"): {"0", "1.5", "2**70"},
    ("use_style", "source"): {"None"} | TEXT,
    ("show_digits", "images"): {"three images of nan"},
    ("show_digits", "titles"): {"None"},
    ("show_digits", "wrong"): NUMBERS | {"an empty list"},
    ("show_filters", "kernels"): {"three images of nan"},
    ("show_filters", "titles"): {"None"},
    ("plot_probabilities", "label"): set(STRANGE),  # it is only written
    ("plot_means", "xlabel"): TEXT,
    ("plot_error_and_time", "highlight"): {"an empty list"},
    ("plot_error_and_time", "references"): {"None", "an empty dictionary"},
    ("plot_error_and_time", "source"): {"None"} | TEXT,
    ("plot_calibration", "bins"): {"an empty list"},
    ("plot_calibration", "source"): {"None"} | TEXT,
    ("plot_history", "source"): {"None"} | TEXT,
    ("plot_scores", "source"): {"None"} | TEXT,
    ("plot_class_counts", "source"): {"None"} | TEXT,
    ("plot_confusion", "source"): {"None"} | TEXT,
    ("plot_threshold", "threshold"): {"0"},
    ("show_pictures", "pictures"): {"three images of nan"},
    ("show_pictures", "titles"): {"None"},
    ("show_pictures", "wrong"): NUMBERS | {"an empty list"},
    ("show_readings", "readings"): {"an empty list"},
    ("read_digit", "picture"): PAPER,
    ("read_digit", "best"): {"True"},
    ("read_digit", "model"): {"None"} | NETWORK,
    ("read_digit", "threshold"): {"0", "1", "None"},
    ("read_digits", "pictures"): {"an empty list", "an empty dictionary", "no images"},
    ("read_digits", "best"): {"True"},
    ("read_digits", "model"): {"None"} | NETWORK,
    ("read_digits", "threshold"): {"0", "1", "None"},
    ("read_number", "picture"): PAPER,
    ("read_number", "best"): {"True"},
    ("read_number", "model"): {"None"} | NETWORK,
    ("read_number", "threshold"): {"0", "1", "None"},
    ("export_network", "model"): {"None"},
    ("export_network", "temperature"): {"1.5"},
    ("export_network", "threshold"): {"0"},
    ("load_results", "folder"): {"None"} | TEXT,
    ("results_table", "results"): {"an empty dictionary"},
    ("results_table", "chapters"): {"None", "an empty dictionary"},
    ("results_table", "references"): TEXT,
    ("times_and_errors", "results"): {"an empty dictionary"},
    ("record", "name"): TEXT,
    ("set_seed", "seed"): {"0"},
    ("cross_validate", "seed"): {"0"},
    ("cross_validate", "checkpoint"): {"None"} | TEXT,
    ("cross_validate", "groups"): {"None"},
    ("compare_models", "seed"): {"0"},
    ("compare_models", "checkpoint"): {"None"} | TEXT,
    ("compare_models", "groups"): {"None"},
    ("train", "seed"): {"0"},
    ("train_one_cycle", "seed"): {"0"},
    ("train_one_cycle", "peak_learning_rate"): {"0", "1.5", "2**70"},
    ("train_one_cycle", "augmentation"): {"None"},
    ("smooth_labels", "share"): {"0"},
    ("augment_images", "seed"): {"0", "an empty list", "no images"} | PAPER,
}
# Arguments that are handed on to Keras as they are.
HANDED_ON = {
    ("train", "validation_data"),
    ("train", "verbose"),
    ("train_one_cycle", "validation_data"),
    ("train_one_cycle", "verbose"),
}
TRAINS = {"cross_validate", "compare_models", "train", "train_one_cycle", "compare_recipes"}
FUNCTIONS = [name for name in m.__all__ if inspect.isfunction(getattr(m, name))]


def arguments(name):
    kinds = inspect.signature(getattr(m, name)).parameters.values()
    return [parameter.name for parameter in kinds if parameter.kind is not parameter.VAR_KEYWORD]


def test_every_public_function_has_an_entry(valid):
    assert {name: arguments(name) for name in FUNCTIONS if arguments(name)} == {
        name: sorted(good, key=arguments(name).index) for name, good in valid.items()
    }


@pytest.mark.parametrize("name", [name for name in FUNCTIONS if arguments(name)])
def test_a_strange_value_is_named_or_welcome(name, valid, tmp_path, monkeypatch):
    import matplotlib.pyplot as plt

    monkeypatch.chdir(tmp_path)
    problems = []
    for argument in valid[name]:
        if (name, argument) in HANDED_ON:
            continue
        for label, value in STRANGE.items():
            fine = label in FINE.get((name, argument), ())
            if fine and name in TRAINS:
                continue
            if problem := outcome(name, valid[name] | {argument: value}, argument, fine):
                problems.append(f"{argument} = {label}: {problem}")
        plt.close("all")
    assert problems == []


def outcome(name, handed_in, argument, fine):
    """What is wrong with how a function answers; None if nothing is."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            made = getattr(m, name)(**handed_in)
            made = list(made) if inspect.isgenerator(made) else made
    except FileNotFoundError:
        return None if argument == "dataset" else "no such file"
    except OURS as error:
        # As a word, and of several one may be named.
        named = re.search(rf"\b{argument.removesuffix('s')}s?\b", str(error)) or isinstance(error, m.PictureError)
        return None if named else f"{type(error).__name__} does not name it: {error}"
    except Exception as error:
        return f"{type(error).__name__}: {error}"
    return None if fine else f"was accepted: {made!r:.80}"
