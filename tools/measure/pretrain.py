"""Train the network that ships with the package, and write its weights and its model card.

    python -m tools.measure.pretrain
    python -m tools.measure.pretrain --calibrate --read 0.98

learns from MNIST's training images, from continental forms of 1 and 7, and from pictures without a digit, in two cycles
of the learning rate. After the first one the temperature and the threshold are chosen on the validation images; in the
second one the network learns from these, too. Then it is scored once on the 10,000 test images, and strong_cnn.* in
mnist_helpers/data/ are replaced: the weights, the facts as JSON, and the model card, which keeps the scores of all
versions that there have been. The recipe is the final one of chapter 14, for longer and with larger changes, for there
are more hands than MNIST's.

The answers on the validation images, by which temperature and threshold are chosen, are kept beside this file: with
--calibrate both are chosen anew from them, for another share of digits that are to be read, and nothing is trained.
"""

import argparse
import contextlib
import dataclasses
import hashlib
import io
import json
import sys
import tempfile
from operator import itemgetter
from pathlib import Path

import numpy as np
from scipy.optimize import minimize_scalar

from mnist_helpers import (
    Augmentation,
    NoDigitError,
    build_strong_cnn,
    load_dataset,
    model_error,
    one_hot,
    prepare_digit,
    prepare_images,
    smooth_labels,
    train_one_cycle,
)
from mnist_helpers.files import write_bytes, write_text
from mnist_helpers.handwriting.reading import apply_temperature
from mnist_helpers.handwriting.synthetic import draw_continental_digit, draw_non_digit, join_digits, photograph_digit
from mnist_helpers.handwriting.weights import CARD, WEIGHTS, without_optimizer
from mnist_helpers.parallel import run_in_parallel
from tools.build.provenance import provenance

DATA = Path(__file__).parents[2] / "mnist_helpers/data"
RECIPE = {"epochs": 30, "batch_size": 100, "peak_learning_rate": 0.01, "seed": 7}
SMOOTHING = 0.1
AUGMENTATION = Augmentation(shift=2, rotation=12, scale=0.15, shear=0.25, stroke=0.5)
CONTINENTAL, NON_DIGITS = 4_000, 4_000  # so many pictures of each kind are drawn for each cycle
JOINED = 500  # of those without a digit are two digits that touch
PHOTOGRAPHS = 2  # of each validation image, so that the threshold hangs less on how a few of them turn out
REFUSABLE = 2_000  # pictures without a digit that the choice is looked at with
# Of the photographed digits of the validation part so many are read: the threshold is the strictest that does it.
# People's own pictures are harder; half of the share that may be refused of them, 2%, is left for that.
READ = 0.99


ANSWERS = Path(__file__).with_name("validation_answers.npz")


def main(arguments=None):
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--calibrate", action="store_true", help="choose temperature and threshold anew, train nothing")
    parser.add_argument("--read", type=float, default=READ, help="the share of the photographed digits that are read")
    options = parser.parse_args(arguments)
    if not 0 < options.read < 1:
        parser.error(f"--read: expected a share between 0 and 1, got {options.read}")
    if options.calibrate:
        facts = calibrate(DATA, options.read)
        print(f"temperature {facts['temperature']}, threshold {facts['threshold']}, {facts['validation']}")
    else:
        facts = publish(*pretrain(options.read), DATA)
        error = facts["test"]
        print(f"{DATA / WEIGHTS}: {error['wrong']} of {error['total']:,} wrong, {facts['validation']}")


def calibrate(folder, read=READ):
    """Choose temperature and threshold of the shipped network by the answers that were kept, and renew its card."""
    card = folder / CARD
    facts = json.loads(card.read_text(encoding="utf-8"))
    with np.load(ANSWERS, allow_pickle=False) as kept:
        if str(kept["sha256"]) != facts["sha256"]:
            sys.exit(f"{ANSWERS} belongs to other weights than {folder / WEIGHTS}; train both: make pretrained")
        facts |= choose_threshold(kept["digits"], kept["labels"], kept["non_digits"], read)
    write_text(card.with_suffix(".md"), model_card(facts))
    write_text(card, json.dumps(facts, indent=1) + "\n")
    return facts


def keep_answers(digits, labels, non_digits, sha256, made_by, file):
    """Store the answers that a threshold is chosen by, with the digest of the weights that it is for.

    Another processor gives answers that differ in the last digits, and a threshold that differs as little. So the file
    says where it was made.
    """
    content = io.BytesIO()
    arrays = {"digits": digits.astype("float32"), "labels": labels.astype("uint8")}
    arrays |= {"non_digits": non_digits.astype("float32"), "sha256": np.array(sha256)}
    arrays["made_by"] = np.array(json.dumps(made_by))
    np.savez_compressed(content, allow_pickle=False, **arrays)
    write_bytes(file, content.getvalue())


def pretrain(read=READ):
    made_by = provenance()  # before anything is trained: files that are changed meanwhile had no part in it
    examples = hard_examples()
    data = load_dataset("mnist")
    images, labels = without_mini(data.x_train, data.y_train)
    more_images, more_labels = without_mini(data.x_valid, data.y_valid)
    seed = RECIPE["seed"]
    print("Drawing and preparing pictures", flush=True)
    # What the threshold is chosen by has a seed of its own: it must not be what was learned.
    tasks = [(photograph_unseen, more_images, seed + 2), (draw_beside, images, seed), (draw_beside, images, seed + 1)]
    unseen, drawn, drawn_anew = (made for _, made in sorted(run_in_parallel(call, tasks), key=itemgetter(0)))
    first = train_cycle(build_strong_cnn, images, labels, drawn, seed)
    answered = answers(first.model, unseen, more_labels)
    chosen = choose_threshold(*answered, read)
    print(chosen, flush=True)
    images, labels = np.concatenate([images, more_images]), np.concatenate([labels, more_labels])

    def go_on():
        model = build_strong_cnn()
        model.set_weights(first.model.get_weights())
        return model

    second = train_cycle(go_on, images, labels, drawn_anew, seed + 1)
    model = second.model
    continental, _, non_digits = drawn_anew
    facts = made_by | {
        "builder": "build_strong_cnn",
        "parameters": model.count_params(),
        "recipe": RECIPE | {"label_smoothing": SMOOTHING, "augmentation": dataclasses.asdict(AUGMENTATION)},
        "seconds": round(first.seconds + second.seconds),
        "data": {
            "images": len(images),
            "validation_images": len(more_images),
            "sha256_images": hashlib.sha256(images).hexdigest(),
            "sha256_labels": hashlib.sha256(labels).hexdigest(),
            "continental": len(continental),
            "non_digits": len(non_digits),
        },
        **chosen,
        "test": dataclasses.asdict(model_error(model, data.x_test, data.y_test)),
        "examples": model.predict(examples, verbose=0).round(6).tolist(),
    }
    return model, facts, answered


def call(function, *arguments):
    return function(*arguments)


def draw_beside(images, seed):
    """Pictures to learn beside the images, prepared: continental digits, their labels, and pictures without a digit."""
    generator = np.random.default_rng(seed)
    labels = np.resize([1, 7], CONTINENTAL)
    continental, found = prepare([draw_continental_digit(digit, generator) for digit in labels])
    pairs = generator.choice(len(images), (JOINED, 2))
    non_digits, _ = prepare(
        [draw_non_digit(generator) for _ in range(NON_DIGITS - JOINED)]
        + [join_digits(images[i], images[j], generator) for i, j in pairs]
    )
    return continental, labels[found], non_digits


def train_cycle(build, images, labels, drawn, seed):
    """Train on the images and on pictures drawn beside them. Returns a ``Training``."""
    continental, continental_labels, non_digits = drawn
    digits = one_hot(np.concatenate([labels, continental_labels]))
    # Of a picture without a digit each answer is as wrong as the others: Hendrycks et al., 2019, arXiv 1812.04606.
    targets = np.concatenate([smooth_labels(digits, SMOOTHING), np.full((len(non_digits), 10), 0.1, "float32")])
    return train_one_cycle(
        build,
        prepare_images(np.concatenate([images, continental, non_digits])),
        targets,
        augmentation=AUGMENTATION,
        verbose=2,
        **RECIPE | {"seed": seed},
    )


def without_mini(images, labels):
    """Leave out the images that ``mini`` is scored on, so that the book's pages may score the network on them."""
    scored = {image.tobytes() for image in load_dataset("mini").x_test}
    keep = [image.tobytes() not in scored for image in images]
    return images[keep], labels[keep]


def prepare(pictures):
    """Prepare pictures as every picture is prepared. Returns those in which something is found, and their indices."""
    images, indices = [], []
    for index, picture in enumerate(pictures):
        with contextlib.suppress(NoDigitError):  # a texture without contrast, say
            images.append(prepare_digit(picture).image)
            indices.append(index)
    return np.array(images), indices


def photograph_unseen(images, seed):
    """Photographs of digits, and other pictures, prepared. For each of the two: images, their indices, and how many."""
    generator = np.random.default_rng(seed)
    digits = [photograph_digit(image, generator) for _ in range(PHOTOGRAPHS) for image in images]
    others = [draw_non_digit(generator) for _ in range(REFUSABLE)]
    return [(*prepare(pictures), len(pictures)) for pictures in (digits, others)]


def answers(model, unseen, labels):
    """A model's probabilities for the photographs of digits, their labels, and those for the other pictures."""
    probabilities = []
    for images, indices, total in unseen:
        probabilities.append(np.full((total, 10), 0.1))  # as for blank paper
        probabilities[-1][indices] = model.predict(prepare_images(images), verbose=0)
    return probabilities[0], np.tile(labels, PHOTOGRAPHS), probabilities[1]


def choose_threshold(digits, labels, non_digits, share=READ):
    """The temperature that fits the probabilities of the digits best, and the probability below which nothing is read.

    The threshold is chosen by the digits and not by the others: people's digits look like MNIST's, but nobody knows
    what else they will show.

    Args:
        digits: probabilities of shape ``(n, 10)`` for photographs of digits.
        labels: their labels.
        non_digits: probabilities of shape ``(m, 10)`` for pictures without a digit.
        share: how many of the digits are to be read.
    """

    def surprise(temperature):
        return -np.log(apply_temperature(digits, temperature)[np.arange(len(labels)), labels]).mean()

    temperature = round(float(minimize_scalar(surprise, bounds=(0.1, 3), method="bounded").x), 2)
    digits, non_digits = apply_temperature(digits, temperature), apply_temperature(non_digits, temperature)
    threshold = round(float(np.quantile(digits.max(axis=1), 1 - share)), 4)
    read = digits.max(axis=1) >= threshold
    right = digits.argmax(axis=1) == labels
    return {
        "temperature": temperature,
        "threshold": threshold,
        "validation": {
            "digits": len(labels),
            "read": int(read.sum()),
            "right_of_read": int((read & right).sum()),
            "right_of_all": int(right.sum()),
            "non_digits": len(non_digits),
            "refused": int((non_digits.max(axis=1) < threshold).sum()),
        },
    }


def hard_examples():
    """Twenty digits of ``mini`` on their side: the answers are unsure, and so they tell two versions of Keras apart."""
    return prepare_images(load_dataset("mini").x_test[::50].transpose(0, 2, 1))


def publish(model, facts, answered, folder, kept=ANSWERS):
    """Write weights, facts and card into the folder, and the answers beside this file: each is written whole."""
    with tempfile.TemporaryDirectory(dir=folder) as beside:
        written = Path(beside, WEIGHTS)
        without_optimizer(model).save_weights(written)
        content = written.read_bytes()
        facts = facts | {"bytes": len(content), "sha256": hashlib.sha256(content).hexdigest()}
        facts["versions"] = [*versions_in(folder / CARD), version_of(facts)]
        text, card = json.dumps(facts, indent=1) + "\n", model_card(facts)
        again = build_strong_cnn()
        without_optimizer(again).load_weights(written)
        for ours, theirs in zip(model.get_weights(), again.get_weights(), strict=True):
            np.testing.assert_array_equal(ours, theirs)
        written.replace(folder / WEIGHTS)
    keep_answers(*answered, facts["sha256"], {name: facts[name] for name in ("date", "commit", "processor")}, kept)
    write_text(folder / CARD, text)
    write_text((folder / CARD).with_suffix(".md"), card)
    return facts


def versions_in(card):
    """What the versions so far came to on the test part; a card that is replaced must not take their scores with it."""
    return json.loads(card.read_text(encoding="utf-8"))["versions"] if card.exists() else []


def version_of(facts):
    """What is kept of a version when the next one takes its place."""
    score = {name: facts["test"][name] for name in ("wrong", "total")}
    return {name: facts[name] for name in ("date", "commit", "sha256")} | score


def model_card(facts):
    recipe, error, valid = facts["recipe"], facts["test"], facts["validation"]
    changes = ", ".join(f"{name} {value:g}" for name, value in recipe["augmentation"].items())
    versions = ", ".join(f"{name} {number}" for name, number in facts["packages"].items())
    training = (
        f"two cycles of {recipe['epochs']} epochs in batches of {recipe['batch_size']}, Adam with peak "
        f"{recipe['peak_learning_rate']:g}, label smoothing {recipe['label_smoothing']:g}, seeds {recipe['seed']} and "
        f"{recipe['seed'] + 1}"
    )
    score = (
        f"{error['wrong']} of {error['total']:,}, {error['wrong'] / error['total']:.2%} "
        f"(95% interval {error['low']:.2%} to {error['high']:.2%})"
    )
    machine = f"{facts['cores']} cores ({facts['processor']})"
    versions_table = "\n".join(
        f"| {number} | {v['date']} | {v['commit']} | `{v['sha256'][:8]}` | {v['wrong']} of {v['total']:,} |"
        for number, v in enumerate(facts["versions"], start=1)
    )
    trained = f"{facts['date']}, commit {facts['commit']}, {facts['seconds']:,} s on {machine}"
    return f"""# Model card: strong_cnn

A convolutional network with {facts["parameters"]:,} parameters that reads one handwritten digit, 0 to 9, in an image of
28×28 pixels. `mnist_helpers.load_model()` loads it.

- **Weights:** `strong_cnn.weights.h5`, {facts["bytes"]:,} bytes, SHA-256
  `{facts["sha256"]}`
- **Architecture:** `{facts["builder"]}` in `models.py`
- **Training data:** {facts["data"]["images"]:,} training images of MNIST: all but those that `mini` is scored on, and
  in the first cycle without the {facts["data"]["validation_images"]:,} of the validation part of
  `load_dataset("mnist")`. SHA-256 of their pixels
  `{facts["data"]["sha256_images"]}`;
  of the labels, one byte each,
  `{facts["data"]["sha256_labels"]}`
- **Beside them,** drawn by `synthetic.py` anew for each cycle: {facts["data"]["continental"]:,} continental ones and
  sevens, and {facts["data"]["non_digits"]:,} pictures without a digit (letters, scribbles, shapes, textures, blank
  paper, pairs of digits that touch), with the target "every digit is equally likely"
- **Recipe:** {training}
- **Augmentation,** the largest changes: {changes}
- **Test error:** {score}
- **Temperature and threshold:** {facts["temperature"]:g} and {facts["threshold"]:g}, chosen after the first cycle on
  {valid["digits"]:,} photographs of the validation images. There {valid["read"] / valid["digits"]:.2%} are read,
  {valid["right_of_read"] / max(valid["read"], 1):.2%} of them rightly, and of
  {valid["non_digits"]:,} pictures without a digit {valid["refused"] / valid["non_digits"]:.1%} are refused
- **Trained:** {trained}
- **Versions:** Python {facts["python"]}, {versions}

The number of epochs was fixed beforehand, and the weights are those of the last epoch. That the second cycle makes the
threshold no worse is measured on pictures that nothing was chosen by (`make handwriting`).

## Every version that was scored on the test part

Each version of the weights was scored on it once. The last one ships:

| version | trained | commit | SHA-256 begins | wrong |
|--:|---|---|---|--:|
{versions_table}

Equal digests are equal weights: the training was repeated. A test part that has been looked at several times is a
little less of a test than one that was looked at once, so judge the last score with all of them before you.

## What it is for

Teaching, and reading single digits that were prepared as MNIST's were: paper 0, ink 1, the digit 20 pixels long and
centred by its mass. It has learned shifts, turns, slants, sizes and pens within the limits of its augmentation.

## What it cannot do

- It refuses what is no digit only as far as it has seen the like. Letters such as O, l, S or Z are digits to it.
- MNIST was written by employees of the Census Bureau of the United States and by pupils there, about 1990. Of other
  ways of writing it knows the 1 with a long upstroke and the crossed 7, from drawings; others are rare in it.
- Pictures that were only resized to 28×28 are not what it learned from.
- It has learned from most images of `mini`, too. Its error on `mini` says something on its test part only.
- Its labels were smoothed, so the network by itself gives the clearest digit little more than 0.9. `read_digit`
  corrects that by the temperature.
- About 15 labels of the test part are wrong by human review (Northcutt et al. 2021), so a part of the error is not its
  own.

`make pretrained` makes it again. Another processor may give slightly other weights.
"""


if __name__ == "__main__":
    main()
