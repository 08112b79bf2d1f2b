import numpy as np
import pytest
from keras.layers import Conv2D, Flatten, MaxPooling2D

from mnist_helpers import MODELS, prepare_images

# Worked out by hand in chapter 2: inputs times neurons, plus one bias a neuron, layer by layer.
PARAMETERS = {
    "mlp": (784 * 784 + 784) + (784 * 10 + 10),
    "deep_mlp": (784 * 1024 + 1024) + (1024 * 128 + 128) + (128 * 64 + 64) + (64 * 10 + 10),
    # chapter 3
    "two_conv_cnn": (5 * 5 * 1 * 30 + 30)
    + (3 * 3 * 30 * 15 + 15)
    + (5 * 5 * 15 * 128 + 128)
    + (128 * 50 + 50)
    + (50 * 10 + 10),  # chapter 4
    # chapter 5
    "baseline_cnn": (3 * 3 * 1 * 32 + 32) + (13 * 13 * 32 * 100 + 100) + (100 * 10 + 10),
    # chapter 6: four numbers a normalised channel
    "batch_norm_cnn": (3 * 3 * 1 * 32 + 32) + 4 * 32 + (13 * 13 * 32 * 100 + 100) + 4 * 100 + (100 * 10 + 10),
    "deep_cnn": (3 * 3 * 1 * 32 + 32)
    + (3 * 3 * 32 * 64 + 64)
    + (3 * 3 * 64 * 64 + 64)
    + (4 * 4 * 64 * 100 + 100)
    + (100 * 10 + 10),
    # chapter 12: in a block no biases, but four numbers a normalised channel
    "fast_cnn": (5 * 5 * 1 * 32 + 32)
    + (3 * 3 * 32 * 64 + 4 * 64)
    + (3 * 3 * 64 * 64 + 4 * 64)
    + (4 * 4 * 64 * 10 + 10),
    "strong_cnn": (5 * 5 * 1 * 32 + 4 * 32)
    + (3 * 3 * 32 * 64 + 4 * 64)
    + (3 * 3 * 64 * 64 + 4 * 64)
    + (3 * 3 * 64 * 128 + 4 * 128)
    + (3 * 3 * 128 * 128 + 4 * 128)
    + (4 * 4 * 128 * 10 + 10),
    "simple_cnn": (5 * 5 * 1 * 32 + 32) + (12 * 12 * 32 * 128 + 128) + (128 * 10 + 10),
}


def test_every_model_has_a_count_worked_out_by_hand():
    assert MODELS.keys() == PARAMETERS.keys()


@pytest.mark.parametrize("name", MODELS)
def test_parameters_and_docstring_agree_with_the_count_by_hand(name):
    assert MODELS[name]().count_params() == PARAMETERS[name]
    assert f"{PARAMETERS[name]:,} parameters" in MODELS[name].__doc__


# Worked out by hand in the chapters: what each convolution, pooling and flattening hands on.
SHAPES = {
    "mlp": [(784,)],
    "deep_mlp": [(784,)],
    "simple_cnn": [(24, 24, 32), (12, 12, 32), (4608,)],
    "two_conv_cnn": [(24, 24, 30), (12, 12, 30), (10, 10, 15), (5, 5, 15), (375,)],
    "baseline_cnn": [(26, 26, 32), (13, 13, 32), (5408,)],
    "batch_norm_cnn": [(26, 26, 32), (13, 13, 32), (5408,)],
    "deep_cnn": [(26, 26, 32), (13, 13, 32), (11, 11, 64), (9, 9, 64), (4, 4, 64), (1024,)],
    "fast_cnn": [(14, 14, 32), (7, 7, 64), (4, 4, 64), (1024,)],
    "strong_cnn": [(14, 14, 32), (14, 14, 64), (7, 7, 64), (7, 7, 128), (4, 4, 128), (2048,)],
}


@pytest.mark.parametrize("name", MODELS)
def test_the_shapes_are_those_worked_out_by_hand(name):
    layers = [layer for layer in MODELS[name]().layers if isinstance(layer, Conv2D | MaxPooling2D | Flatten)]
    assert [layer.output.shape[1:] for layer in layers] == SHAPES[name]


@pytest.mark.parametrize("name", MODELS)
def test_a_model_answers_with_ten_probabilities_an_image(name, mini):
    answers = MODELS[name]().predict(prepare_images(mini.x_train[:3]), verbose=0)
    assert answers.shape == (3, 10)
    assert (answers >= 0).all()
    np.testing.assert_allclose(answers.sum(axis=1), 1, rtol=1e-5)


@pytest.mark.parametrize("name", MODELS)
def test_a_builder_makes_a_new_model_each_time(name):
    first, second = MODELS[name](), MODELS[name]()
    assert first is not second
    assert not np.array_equal(first.get_weights()[0], second.get_weights()[0])
    assert first.optimizer.iterations == 0
