"""A digit reader from start to end: python complete.py mini, or mnist for all 70,000 images."""

import sys

import keras
import numpy as np
from keras.layers import Conv2D, Dense, Dropout, Flatten, MaxPooling2D

from mnist_helpers import error_rate, load_dataset, one_hot, prepare_digit, prepare_images

# Load and prepare: images (n, 28, 28, 1) from 0 to 1, labels as rows of ten.
keras.utils.set_random_seed(7)
data = load_dataset(sys.argv[1] if len(sys.argv) > 1 else "mini")
x_train, y_train = prepare_images(data.x_train), one_hot(data.y_train)
x_valid, y_valid = prepare_images(data.x_valid), one_hot(data.y_valid)

# Define.
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

# Train, and watch the validation images.
model.fit(x_train, y_train, epochs=10, batch_size=200, validation_data=(x_valid, y_valid), verbose=2)

# Score the test part, once.
predictions = model.predict(prepare_images(data.x_test), verbose=0).argmax(axis=1)
print("test error:", error_rate(data.y_test, predictions))

# Save, load, and read one picture: any file, or here an array.
model.save("digits.keras")
loaded = keras.saving.load_model("digits.keras")
picture = data.x_test[0]  # or "photo.jpg"
image = prepare_digit(picture).image
probabilities = loaded.predict(prepare_images(image[np.newaxis]), verbose=0)[0]
print(f"read {probabilities.argmax()} with {probabilities.max():.1%}, the label is {data.y_test[0]}")
