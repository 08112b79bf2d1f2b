"""Every message on the page of troubleshooting is raised here, by today's versions, in the way that readers meet it."""

import os
import re
import subprocess
import sys
from pathlib import Path

import keras
import numpy as np
import pytest
from keras.layers import Conv2D, Dense, Flatten, MaxPooling2D

from mnist_helpers import handwriting, load_dataset, read_digit, set_seed

PAGE = Path(__file__).parents[2] / "book/troubleshooting.md"
ENTRY = re.compile(r"(?m)^\(([\w-]+)\)=\n### (?:`` (.+) ``|`(.+)`)$")
ENTRIES = {target: double or single for target, double, single in ENTRY.findall(PAGE.read_text(encoding="utf-8"))}

X = np.random.default_rng(0).random((100, 784), dtype="float32")
LABELS = np.arange(100) % 10
ROWS = np.eye(10, dtype="float32")[LABELS]


def dense(loss="categorical_crossentropy", **options):
    model = keras.Sequential([keras.Input((784,)), Dense(10, activation="softmax")])
    model.compile(**{"optimizer": "adam", "loss": loss, "metrics": ["accuracy"]} | options)
    return model


def small_cnn():
    return keras.Sequential([keras.Input((28, 28, 1)), Conv2D(2, 5), Flatten(), Dense(10)])


def fit(model=None, x=X, y=ROWS, **options):
    return (model or dense()).fit(x, y, **{"epochs": 1, "verbose": 0} | options)


def too_many_poolings():
    keras.Sequential([keras.Input((28, 28, 1)), *[layer for _ in range(4) for layer in (Conv2D(2, 5), MaxPooling2D())]])


def unpack_one():
    loss, accuracy = dense(metrics=None).evaluate(X, ROWS, verbose=0)
    return loss, accuracy


def label_too_large():
    set_seed(7)
    fit(dense("sparse_categorical_crossentropy"), y=LABELS + 1)


def load_weights_file_as_model():
    dense().save_weights("digits.weights.h5")
    keras.saving.load_model("digits.weights.h5")


def load_saved_model():
    dense().export("exported", verbose=False)
    keras.saving.load_model("exported")


def load_from_a_newer_keras(monkeypatch):
    """Opens a file of this Keras with an initializer that takes what those of Keras 3.14 and older take: a seed."""
    layer = Dense(10, kernel_initializer="he_uniform")
    keras.Sequential([keras.Input((784,)), layer]).save("new.keras")

    def initialise(self, seed=None):
        raise AssertionError("the file does not name the words of Keras 3.15")

    initialise.__qualname__ = "HeUniform.__init__"  # as the message names it
    monkeypatch.setattr(keras.initializers.HeUniform, "__init__", initialise)
    keras.saving.load_model("new.keras")


def load_other_weights():
    small_cnn().save_weights("other.weights.h5")
    dense().load_weights("other.weights.h5")


def without_anywidget(monkeypatch):
    monkeypatch.setitem(sys.modules, "anywidget", None)
    # The module is read anew, and afterwards everything is as it was, so that other tests get the pad itself.
    for place, name in ((sys.modules, "mnist_helpers.handwriting.widget"), (vars(handwriting), "widget")):
        monkeypatch.setitem(place, name, None)
        del place[name]
    exec("from mnist_helpers.handwriting.widget import DigitPad; DigitPad()")


def without_helpers(monkeypatch):
    monkeypatch.setattr(sys, "path", [])
    monkeypatch.setattr(sys, "meta_path", [finder for finder in sys.meta_path if "PathFinder" in str(finder)])
    for name in [name for name in sys.modules if name.split(".")[0] == "mnist_helpers"]:
        monkeypatch.delitem(sys.modules, name)
    exec("import mnist_helpers")


def without_mnist(monkeypatch):
    monkeypatch.delenv("MNIST_NPZ", raising=False)
    monkeypatch.setenv("KERAS_HOME", "empty")
    monkeypatch.setattr("keras.utils.get_file", lambda *_, **__: (_ for _ in ()).throw(OSError("no network")))
    load_dataset("mnist")


RAISED = {
    "acc": lambda _: fit().history["acc"],
    "predict-classes": lambda _: dense().predict_classes(X),
    "fit-generator": lambda _: dense().fit_generator(iter([])),
    "np-utils": lambda _: exec("from keras.utils import np_utils"),
    "keras-layers-core": lambda _: exec("from keras.layers.core import Dense"),
    "scikit-wrapper": lambda _: exec("from keras.wrappers.scikit_learn import KerasClassifier"),
    "image-data-generator": lambda _: exec("from keras.preprocessing.image import ImageDataGenerator"),
    "adam-lower-case": lambda _: exec("from keras.optimizers import adam"),
    "lr": lambda _: keras.optimizers.SGD(lr=0.01),
    "border-mode": lambda _: Conv2D(32, (5, 5), border_mode="valid"),
    "init": lambda _: Dense(10, init="normal"),
    "nb-epoch": lambda _: dense().fit(X, ROWS, nb_epoch=1),
    "grayscale": lambda _: keras.utils.load_img("photo.png", grayscale=True),
    "dim-ordering": lambda _: keras.backend.set_image_dim_ordering("th"),
    "tensorflow-1": lambda _: __import__("tensorflow").Session(),
    "one-image": lambda _: dense().predict(X[0], verbose=0),
    "negative-size": lambda _: too_many_poolings(),
    "cardinality": lambda _: fit(y=ROWS[:50]),
    "astype": lambda _: [X].astype("float32"),
    "unpack": lambda _: unpack_one(),
    "labels-and-loss": lambda _: fit(y=LABELS),
    "labels-and-sparse-loss": lambda _: fit(dense("sparse_categorical_crossentropy")),
    "classes-and-outputs": lambda _: fit(y=np.eye(2)[LABELS % 2]),
    "label-out-of-range": lambda _: label_too_large(),
    "save-folder": lambda _: dense().save("folder"),
    "weights-name": lambda _: dense().save_weights("digits.h5"),
    "no-model-config": lambda _: load_weights_file_as_model(),
    "legacy-folder": lambda _: load_saved_model(),
    "newer-file": load_from_a_newer_keras,
    "other-architecture": lambda _: load_other_weights(),
    "not-defined": lambda _: exec("train(build_mlp, x_train, y_train)", {}),
    "no-helpers": without_helpers,
    "no-picture": lambda _: read_digit("my_digit.jpg"),
    "no-anywidget": without_anywidget,
    "no-mnist": without_mnist,
}


def says(message, heading):
    """Whether a message is the one of a heading, in which … stands for anything."""
    pattern = ".*".join(map(re.escape, heading.split("…")))
    return re.search(pattern, re.sub(r"\s+|\x1b\[\d*m", " ", message)) is not None


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("target", RAISED)
def test_the_message_is_raised(target, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(Exception) as caught:  # noqa: PT011  the message is what is tested
        RAISED[target](monkeypatch)
    message = f"{type(caught.value).__name__}: {caught.value}"
    assert says(message, ENTRIES[target]), message


def test_a_newer_file_ends_with_the_message_that_the_page_gives(tmp_path, monkeypatch):
    """The end of what Keras 3.14.0 says of a file that Keras 3.15.1 has written, word by word."""
    monkeypatch.chdir(tmp_path)
    with pytest.raises(TypeError) as caught:
        load_from_a_newer_keras(monkeypatch)
    end = "HeUniform.__init__() got an unexpected keyword argument 'input_axes'"
    assert str(caught.value).endswith(f"Exception encountered: {end}")
    assert f"`{end}`" in PAGE.read_text(encoding="utf-8")


def test_the_lines_that_the_page_offers_instead_work():
    lines = re.findall(r"(?m)^from .* import .*$", PAGE.read_text(encoding="utf-8"))
    assert lines == ["from tensorflow.keras.preprocessing.image import ImageDataGenerator"]
    found = {}
    exec(lines[0], found)
    images = found["ImageDataGenerator"](horizontal_flip=True).flow(np.ones((4, 28, 28, 1)), batch_size=2)
    assert next(images).shape == (2, 28, 28, 1)
    assert keras.wrappers.SKLearnClassifier


def test_a_loss_becomes_nan():
    spoiled = X.copy()
    spoiled[0, 0] = np.nan
    assert says(f"loss: {fit(x=spoiled).history['loss'][-1]}", ENTRIES["loss-nan"])


def test_a_loss_stays_at_that_of_a_clueless_network():
    silent = keras.Sequential(
        [
            keras.Input((784,)),
            Dense(32, activation="relu", bias_initializer=keras.initializers.Constant(-1e3)),
            Dense(10),
        ]
    )
    silent.compile("sgd", keras.losses.CategoricalCrossentropy(from_logits=True))
    assert says(f"loss: {fit(silent, epochs=2).history['loss'][-1]:.4f}", ENTRIES["no-loss-falls"])


def test_an_input_shape_in_a_layer_warns():
    with pytest.warns(UserWarning, match="argument to a layer") as caught:
        Dense(10, input_shape=(784,))
    assert any(says(f"UserWarning: {warning.message}", ENTRIES["input-shape"]) for warning in caught)


def test_tensorflow_says_that_it_found_no_cuda():
    # From the beginning of the log that a fresh process writes; on a machine with such a card there is no message.
    code = "import tensorflow as tf; print(len(tf.config.list_physical_devices('GPU')))"
    environment = {name: value for name, value in os.environ.items() if name != "TF_CPP_MIN_LOG_LEVEL"}
    ended = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, env=environment, check=True)
    if ended.stdout.strip() != "0":
        pytest.skip("needs a machine without a graphics card")
    assert says(ended.stderr, ENTRIES["cuda"])


def test_every_entry_is_raised():
    elsewhere = {"loss-nan", "no-loss-falls", "input-shape", "cuda"}
    assert set(ENTRIES) == set(RAISED) | elsewhere
    assert PAGE.read_text(encoding="utf-8").count("\n### ") == len(ENTRIES)
