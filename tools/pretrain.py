"""Train the network that ships with the package, and write its weights and its model card.

    python tools/pretrain.py

learns from the 60,000 training images of MNIST, is scored once on the 10,000 test images, and replaces strong_cnn.* in
mnist_helpers/data/: the weights, the facts as JSON, and the model card. The recipe is the final one of chapter 11.
"""

import dataclasses
import hashlib
import json
import tempfile
from pathlib import Path

import numpy as np
from provenance import provenance

from mnist_helpers import (
    Augmentation,
    build_strong_cnn,
    load_dataset,
    model_error,
    one_hot,
    prepare_images,
    smooth_labels,
    train_one_cycle,
)
from mnist_helpers.pretrained import CARD, WEIGHTS, without_optimizer
from mnist_helpers.results import write_text

DATA = Path(__file__).parents[1] / "mnist_helpers/data"
RECIPE = {"epochs": 20, "batch_size": 100, "peak": 0.01, "seed": 7}
SMOOTHING = 0.1
AUGMENTATION = Augmentation(shift=2, rotation=10, scale=0.1, shear=0.1, stroke=0.3)


def main():
    made_by = provenance()  # before anything is trained: files that are changed meanwhile had no part in it
    examples = hard_examples()
    data = load_dataset("mnist")
    images = np.concatenate([data.x_train, data.x_valid])
    labels = np.concatenate([data.y_train, data.y_valid])
    training = train_one_cycle(
        build_strong_cnn,
        prepare_images(images),
        smooth_labels(one_hot(labels), SMOOTHING),
        augmentation=AUGMENTATION,
        verbose=2,
        **RECIPE,
    )
    error = model_error(training.model, data.x_test, data.y_test)
    facts = made_by | {
        "builder": "build_strong_cnn",
        "parameters": training.model.count_params(),
        "recipe": RECIPE | {"label_smoothing": SMOOTHING, "augmentation": dataclasses.asdict(AUGMENTATION)},
        "seconds": round(training.seconds),
        "data": {
            "images": len(images),
            "sha256_images": hashlib.sha256(images).hexdigest(),
            "sha256_labels": hashlib.sha256(labels).hexdigest(),
        },
        "test": dataclasses.asdict(error),
        "examples": training.model.predict(examples, verbose=0).round(6).tolist(),
    }
    facts = publish(training.model, facts, DATA)
    print(f"{DATA / WEIGHTS}: {error}, {facts['bytes']:,} bytes")


def hard_examples():
    """Twenty digits of ``mini`` on their side: the answers are unsure, and so they tell two versions of Keras apart."""
    return prepare_images(load_dataset("mini").x_test[::50].transpose(0, 2, 1))


def publish(model, facts, folder):
    """Write weights, facts and card into the folder: all three are made first, then each takes its place at once."""
    with tempfile.TemporaryDirectory(dir=folder) as beside:
        written = Path(beside, WEIGHTS)
        without_optimizer(model).save_weights(written)
        content = written.read_bytes()
        facts = facts | {"bytes": len(content), "sha256": hashlib.sha256(content).hexdigest()}
        text, card = json.dumps(facts, indent=1) + "\n", model_card(facts)
        again = build_strong_cnn()
        without_optimizer(again).load_weights(written)
        for ours, theirs in zip(model.get_weights(), again.get_weights(), strict=True):
            np.testing.assert_array_equal(ours, theirs)
        written.replace(folder / WEIGHTS)
    write_text(folder / CARD, text)
    write_text((folder / CARD).with_suffix(".md"), card)
    return facts


def model_card(facts):
    recipe, error = facts["recipe"], facts["test"]
    changes = ", ".join(f"{name} {value:g}" for name, value in recipe["augmentation"].items())
    versions = ", ".join(f"{name} {number}" for name, number in facts["packages"].items())
    training = (
        f"{recipe['epochs']} epochs in batches of {recipe['batch_size']}, Adam under one cycle with peak "
        f"{recipe['peak']:g}, label smoothing {recipe['label_smoothing']:g}, seed {recipe['seed']}"
    )
    score = (
        f"{error['wrong']} of {error['total']:,}, {error['wrong'] / error['total']:.2%} "
        f"(95% interval {error['low']:.2%} to {error['high']:.2%})"
    )
    machine = f"{facts['cores']} cores ({facts['processor']})"
    trained = f"{facts['date']}, commit {facts['commit']}, {facts['seconds']:,} s on {machine}"
    return f"""# Model card: strong_cnn

A convolutional network with {facts["parameters"]:,} parameters that reads one handwritten digit, 0 to 9, in an image of
28×28 pixels. `mnist_helpers.load_model()` loads it.

- **Weights:** `strong_cnn.weights.h5`, {facts["bytes"]:,} bytes, SHA-256
  `{facts["sha256"]}`
- **Architecture:** `{facts["builder"]}` in `models.py`
- **Training data:** the {facts["data"]["images"]:,} training images of MNIST. SHA-256 of the pixels, in the order of
  `load_dataset`, training before validation part,
  `{facts["data"]["sha256_images"]}`;
  of the labels, one byte each,
  `{facts["data"]["sha256_labels"]}`
- **Recipe:** {training}
- **Augmentation,** the largest changes: {changes}
- **Test error:** {score}
- **Trained:** {trained}
- **Versions:** Python {facts["python"]}, {versions}

The number of epochs was fixed beforehand; the weights are those of the last epoch, and the test part was scored once.

## What it is for

Teaching, and reading single digits that were prepared as MNIST's were: paper 0, ink 1, the digit 20 pixels long and
centred by its mass. It has learned shifts, turns, slants, sizes and pens within the limits of its augmentation.

## What it cannot do

- It has seen digits only. Letters, signs, blank paper and pictures of anything else get a digit, too, and sometimes
  a high probability. Refusing such pictures is the task of the code around it.
- MNIST was written by employees of the Census Bureau of the United States and by pupils there, about 1990. Other ways
  of writing, such as a 1 with a long upstroke or a crossed 7, are rare in it.
- Pictures that were only resized to 28×28 are not what it learned from.
- It has learned from the images of `mini`, too: all of them are training images of MNIST. Its error on them says
  nothing.
- Its labels were smoothed, so even the clearest digit gets a probability of little more than 0.9.
- About 15 labels of the test part are wrong by human review (Northcutt et al. 2021), so a part of the error is not its
  own.

`make pretrained` makes it again. Another processor may give slightly other weights.
"""


if __name__ == "__main__":
    main()
