"""The networks of the book: one builder each, short enough to read at a glance.

Every builder can be called without an argument, and returns a new, compiled, untrained model. Every model reads images
of shape ``(n, 28, 28, 1)`` with values from 0 to 1, learns from one-hot labels of shape ``(n, 10)``, and answers with
ten probabilities per image.
"""

import keras
import numpy as np
from keras.layers import Activation, BatchNormalization, Conv2D, Dense, Dropout, Flatten, MaxPooling2D

from mnist_helpers.checks import check_choice, check_count, check_range


def build_mlp():
    """One hidden layer as wide as the image: 784–784–10, normal initialisation, Adam.

    The baseline of the classic Keras tutorials of 2016, with today's names. 623,290 parameters.
    """
    model = keras.Sequential(
        [
            keras.Input((28, 28, 1)),
            Flatten(),  # (n, 28, 28, 1) -> (n, 784)
            Dense(784, activation="relu", kernel_initializer="random_normal"),
            Dense(10, activation="softmax", kernel_initializer="random_normal"),
        ]
    )
    model.compile(optimizer="adam", loss="categorical_crossentropy", metrics=["accuracy"])
    return model


def build_deep_mlp():
    """Three narrowing hidden layers: 784–1024–128–64–10, Adam. 943,946 parameters."""
    model = keras.Sequential(
        [
            keras.Input((28, 28, 1)),
            Flatten(),  # (n, 28, 28, 1) -> (n, 784)
            Dense(1024, activation="relu"),
            Dense(128, activation="tanh"),
            Dense(64, activation="relu"),
            Dense(10, activation="softmax"),
        ]
    )
    model.compile(optimizer="adam", loss="categorical_crossentropy", metrics=["accuracy"])
    return model


def build_simple_cnn(padding="valid"):
    """One convolution of 32 filters 5×5, pooling, dropout, a dense layer of 128, Adam. 592,074 parameters.

    The simple convolutional network of the classic Keras tutorials of 2016.

    Args:
        padding: ``"valid"`` lets the window stay inside the image; ``"same"`` adds a border of zeros, so that the maps
            keep the size of the image (805,066 parameters).
    """
    check_choice("padding", padding, ("valid", "same"))
    model = keras.Sequential(
        [
            keras.Input((28, 28, 1)),
            Conv2D(32, (5, 5), activation="relu", padding=padding),
            MaxPooling2D(),
            Dropout(0.2),
            Flatten(),
            Dense(128, activation="relu"),
            Dense(10, activation="softmax"),
        ]
    )
    model.compile(optimizer="adam", loss="categorical_crossentropy", metrics=["accuracy"])
    return model


def build_two_conv_cnn():
    """Two convolutions with pooling, dropout, dense layers of 128 and 50, Adam. 59,933 parameters.

    The convolutional network that the classic Keras tutorials of 2016 call larger; it has a tenth of the parameters of
    ``build_simple_cnn``.
    """
    model = keras.Sequential(
        [
            keras.Input((28, 28, 1)),
            Conv2D(30, (5, 5), activation="relu"),
            MaxPooling2D(),
            Conv2D(15, (3, 3), activation="relu"),
            MaxPooling2D(),
            Dropout(0.2),
            Flatten(),
            Dense(128, activation="relu"),
            Dense(50, activation="relu"),
            Dense(10, activation="softmax"),
        ]
    )
    model.compile(optimizer="adam", loss="categorical_crossentropy", metrics=["accuracy"])
    return model


def build_baseline_cnn(learning_rate=0.01):
    """One convolution of 32 filters 3×3, pooling, a dense layer of 100, He initialisation, SGD. 542,230 parameters.

    The baseline of the Keras tutorials that cross-validate, of 2019.

    Args:
        learning_rate: the length of a step; the momentum is 0.9.
    """
    check_range("learning_rate", learning_rate, 0, np.inf)
    model = keras.Sequential(
        [
            keras.Input((28, 28, 1)),
            Conv2D(32, (3, 3), activation="relu", kernel_initializer="he_uniform"),
            MaxPooling2D(),
            Flatten(),
            Dense(100, activation="relu", kernel_initializer="he_uniform"),
            Dense(10, activation="softmax"),
        ]
    )
    optimizer = keras.optimizers.SGD(learning_rate=learning_rate, momentum=0.9)
    model.compile(optimizer=optimizer, loss="categorical_crossentropy", metrics=["accuracy"])
    return model


def build_batch_norm_cnn():
    """The baseline CNN with batch normalisation after each activation. 542,758 parameters.

    Batch normalisation: Ioffe & Szegedy, 2015, who put it before the activation; the tutorials of 2019 put it after.
    """
    model = keras.Sequential(
        [
            keras.Input((28, 28, 1)),
            Conv2D(32, (3, 3), activation="relu", kernel_initializer="he_uniform"),
            BatchNormalization(),
            MaxPooling2D(),
            Flatten(),
            Dense(100, activation="relu", kernel_initializer="he_uniform"),
            BatchNormalization(),
            Dense(10, activation="softmax"),
        ]
    )
    optimizer = keras.optimizers.SGD(learning_rate=0.01, momentum=0.9)
    model.compile(optimizer=optimizer, loss="categorical_crossentropy", metrics=["accuracy"])
    return model


def build_deep_cnn():
    """The baseline CNN with two convolutions of 64 filters 3×3 and a pooling more. 159,254 parameters.

    The block of two convolutions and a pooling is the pattern of VGG: Simonyan & Zisserman, 2015.
    """
    model = keras.Sequential(
        [
            keras.Input((28, 28, 1)),
            Conv2D(32, (3, 3), activation="relu", kernel_initializer="he_uniform"),
            MaxPooling2D(),
            Conv2D(64, (3, 3), activation="relu", kernel_initializer="he_uniform"),
            Conv2D(64, (3, 3), activation="relu", kernel_initializer="he_uniform"),
            MaxPooling2D(),
            Flatten(),
            Dense(100, activation="relu", kernel_initializer="he_uniform"),
            Dense(10, activation="softmax"),
        ]
    )
    optimizer = keras.optimizers.SGD(learning_rate=0.01, momentum=0.9)
    model.compile(optimizer=optimizer, loss="categorical_crossentropy", metrics=["accuracy"])
    return model


def conv_block(filters, size, strides=1):
    """A convolution, batch normalisation and the activation: what the networks of chapter 14 are made of.

    Here the normalisation stands before the activation, as in Ioffe & Szegedy, 2015. It adds an offset of its own to
    each channel, so the convolution needs no bias.

    Args:
        filters: how many filters the convolution has.
        size: their height and width.
        strides: how many pixels they move at a time; 2 halves the maps.

    Returns:
        A list of three layers.
    """
    check_count("filters", filters)
    check_count("size", size)
    check_count("strides", strides)
    return [
        Conv2D(filters, size, strides=strides, padding="same", use_bias=False),
        # The moving averages used for prediction adapt within tens of steps. Keras' 0.99 needs hundreds, and in a short
        # training with large steps the weights have changed by then.
        BatchNormalization(momentum=0.9),
        Activation("relu"),
    ]


def build_fast_cnn():
    """A convolution 32@5×5 and two blocks 64@3×3, which halve the maps instead of pooling, Adam. 66,890 parameters.

    Strides in place of pooling: Springenberg et al., 2015, arXiv 1412.6806. The first
    convolution does without normalisation: its maps are the largest, so it would cost the most time there.
    """
    model = keras.Sequential(
        [
            keras.Input((28, 28, 1)),
            Conv2D(32, 5, strides=2, padding="same", activation="relu"),  # (n, 14, 14, 32)
            *conv_block(64, 3, strides=2),  # (n, 7, 7, 64)
            *conv_block(64, 3, strides=2),  # (n, 4, 4, 64)
            Flatten(),
            Dense(10, activation="softmax"),
        ]
    )
    model.compile(optimizer="adam", loss="categorical_crossentropy", metrics=["accuracy"])
    return model


def build_strong_cnn():
    """Five blocks, 32@5×5, twice 64@3×3, twice 128@3×3, three of them halving the maps, Adam. 299,434 parameters.

    The pattern of VGG (Simonyan & Zisserman, 2015), with strides in place of pooling.
    """
    model = keras.Sequential(
        [
            keras.Input((28, 28, 1)),
            *conv_block(32, 5, strides=2),  # (n, 14, 14, 32)
            *conv_block(64, 3),  # (n, 14, 14, 64)
            *conv_block(64, 3, strides=2),  # (n, 7, 7, 64)
            *conv_block(128, 3),  # (n, 7, 7, 128)
            *conv_block(128, 3, strides=2),  # (n, 4, 4, 128)
            Flatten(),
            Dense(10, activation="softmax"),
        ]
    )
    model.compile(optimizer="adam", loss="categorical_crossentropy", metrics=["accuracy"])
    return model


#: The builders by name.
MODELS = {
    "mlp": build_mlp,
    "deep_mlp": build_deep_mlp,
    "simple_cnn": build_simple_cnn,
    "two_conv_cnn": build_two_conv_cnn,
    "baseline_cnn": build_baseline_cnn,
    "batch_norm_cnn": build_batch_norm_cnn,
    "deep_cnn": build_deep_cnn,
    "fast_cnn": build_fast_cnn,
    "strong_cnn": build_strong_cnn,
}
