"""Run recipes side by side, and print how many times as long one takes as the other.

    python -m tools.measure.benchmark mnist --rounds 3
    python -m tools.measure.benchmark mnist --parts folds --images 6000 24000 --epochs 2

Each run is a new process, and the recipes of a part take turns: what begins one round comes last in the next, so that a
busy minute of the machine affects them all. There are four parts:

recipes   the CNN with two convolutions as in chapter 5 (10 epochs, batches of 200) against the fast CNN with one cycle
          on augmented images and smoothed labels: once for about as many epochs as the same error takes (there without
          augmentation, which pays only in longer trainings), once for as many as fit into the same time. The time is
          that of the training.
folds     the classic loop over folds (one after the other, TensorFlow's default threads) against `compare_models`.
          The time is that of the process, start-up included. Memory is that of all processes together, where pages
          that they share count once (the proportional set size of Linux).
precision the strong CNN in 32 bits against mixed precision (bfloat16), two epochs. Only some processors gain by it, so
          it is off everywhere in the book; `keras.config.set_dtype_policy("mixed_bfloat16")` turns it on.
pytorch   the CNN with two convolutions in Keras against the same in PyTorch, epoch for epoch. Left out without
          .venv-torch, which `make .venv-torch` makes.

Rows and table go to _build/benchmark-DATASET.json, too, after every round.
"""

import argparse
import contextlib
import json
import os
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from statistics import mean, median

from mnist_helpers import DATASETS

NAMES = ["baseline_cnn", "batch_norm_cnn", "deep_cnn"]
TORCH = Path(".venv-torch/bin/python")
# By validation images and one seed: with so many epochs the fast CNN errs about as often as the one of chapter 5 does
# after ten. Whether it did in a given run, the errors in the table say.
SHORT_EPOCHS = 2


def main(arguments=None):
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("dataset", choices=DATASETS)
    parser.add_argument("--parts", nargs="+", choices=PARTS, default=list(PARTS))
    parser.add_argument("--rounds", type=positive, default=3)
    parser.add_argument("--images", type=positive, nargs="+", default=[4_000], help="of the part folds")
    parser.add_argument("--epochs", type=positive, default=2, help="of the part folds")
    parser.add_argument("--run", help=argparse.SUPPRESS)
    options = parser.parse_args(arguments)
    if options.run:
        run, *values = json.loads(options.run)
        print(json.dumps(RUNS[run](options.dataset, *values)))
        return
    rows = []
    for number in range(1, options.rounds + 1):
        for part in options.parts:
            for row in PARTS[part](options, number):
                rows.append({"part": part, "round": number} | row)
                print(f"round {number}: {describe(row)}", flush=True)
        table = summarise(rows)
        path = save(options, rows, table)
    print("", *table, "", path, sep="\n")


def positive(text):
    value = int(text)
    if value < 1:
        raise argparse.ArgumentTypeError(f"expected 1 or more, got {value}")
    return value


def describe(row):
    runs = "; ".join(f"{name} {run['seconds']:.1f} s, {outcome([run])}" for name, run in row["runs"].items())
    return f"{row['what']}: {runs}; ratio {row['ratio']:.2f}"


def outcome(runs):
    """The results of one run over all rounds: the mean error and the epochs, or the median memory."""
    if "error" not in runs[0]:
        return f"{median(run['megabytes'] for run in runs):,.0f} MB"
    epochs = sorted({run["epochs"] for run in runs})
    epochs = "–".join(map(str, epochs[:: len(epochs) - 1 or 1]))  # the fewest and the most
    return f"{mean(run['error'] for run in runs):.2%} wrong after {epochs} epochs"


def summarise(rows):
    """A Markdown table: one row a comparison, with medians over the rounds, errors as their means."""
    table = ["| comparison | first | second | ratio | smallest–largest |", "|---|--:|--:|--:|--:|"]
    for what in dict.fromkeys(row["what"] for row in rows):
        same = [row for row in rows if row["what"] == what]
        ratios = [row["ratio"] for row in same]
        sides = []
        for name in same[0]["runs"]:
            runs = [row["runs"][name] for row in same]
            sides.append(f"{name} {median(run['seconds'] for run in runs):,.1f} s, {outcome(runs)}")
        table.append(f"| {what} | {' | '.join(sides)} | {median(ratios):.2f} | {min(ratios):.2f}–{max(ratios):.2f} |")
    return table


def save(options, rows, table):
    from mnist_helpers.files import write_text
    from tools.build.provenance import provenance

    facts = provenance() | {"dataset": options.dataset, "rows": rows, "table": table}
    path = Path(f"_build/benchmark-{options.dataset}.json")
    path.parent.mkdir(exist_ok=True)
    return write_text(path, json.dumps(facts, indent=1, ensure_ascii=False) + "\n")


# The parts: each yields its comparisons, {"what", "runs": {name: {"seconds", "error" or "megabytes", …}}, "ratio"}


def compare_recipes(options, number):
    sides = {"CNN with two convolutions": ["two_conv_cnn", number], "fast CNN": ["fast_cnn", number, SHORT_EPOCHS]}
    runs = take_turns(options, number, sides)
    yield compare("about equal error", runs)
    classic, short = runs.values()
    # With augmentation, an epoch takes up to 15 % longer than those of the short training.
    epochs = max(1, int(classic["seconds"] / (1.15 * short["seconds"] / SHORT_EPOCHS)))
    equal = measure(options, "fast_cnn", number, epochs)
    yield compare("equal time", {"CNN with two convolutions": classic, "fast CNN": equal})


def compare_folds(options, number):
    for images in options.images:
        sides = {"classic loop": "classic_loop", "compare_models": "compare_models"}
        runs = take_turns(options, number, {name: [run, images, options.epochs] for name, run in sides.items()})
        for run in runs.values():
            run["seconds"] = run["process_seconds"]
        yield compare(f"5 folds of 3 models, {images:,} images, {options.epochs} epochs", runs)


def compare_precision(options, number):
    policies = {"32 bits": "float32", "mixed precision": "mixed_bfloat16"}
    sides = {name: ["strong_cnn", number, policy, 2] for name, policy in policies.items()}
    yield compare("strong CNN, 2 epochs", take_turns(options, number, sides))


def compare_pytorch(options, number):
    if not TORCH.exists():
        print(f"pytorch: left out, there is no {TORCH}; `make .venv-torch` makes it.")
        return
    sides = {"Keras": ["two_conv_cnn", number], "PyTorch": ["pytorch", number]}
    yield compare("CNN with two convolutions, 10 epochs", take_turns(options, number, sides))


def take_turns(options, number, sides):
    order = list(sides) if number % 2 else list(sides)[::-1]
    runs = {name: measure(options, *sides[name]) for name in order}
    return {name: runs[name] for name in sides}


def compare(what, runs):
    first, second = runs.values()
    return {"what": what, "runs": runs, "ratio": first["seconds"] / second["seconds"]}


PARTS = {
    "recipes": compare_recipes,
    "folds": compare_folds,
    "precision": compare_precision,
    "pytorch": compare_pytorch,
}


# The runs, each in a process of its own


def two_conv_cnn(dataset, seed):
    """The classic recipe, exactly as in chapter 5."""
    from mnist_helpers import build_two_conv_cnn, train

    x, y, x_test, y_test = load(dataset)
    return score(train(build_two_conv_cnn, x, y, epochs=10, batch_size=200, seed=seed), x_test, y_test)


def fast_cnn(dataset, seed, epochs):
    from mnist_helpers import Augmentation, build_fast_cnn, smooth_labels, train_one_cycle

    x, y, x_test, y_test = load(dataset)
    # In few epochs the network hardly overfits, so augmentation would gain little.
    augmentation = None if epochs <= 2 else Augmentation()
    settings = {"epochs": epochs, "batch_size": 100, "peak_learning_rate": 0.01, "augmentation": augmentation}
    return score(train_one_cycle(build_fast_cnn, x, smooth_labels(y), seed=seed, **settings), x_test, y_test)


def strong_cnn(dataset, seed, policy, epochs):
    import keras

    from mnist_helpers import Augmentation, build_strong_cnn, train_one_cycle

    x, y, x_test, y_test = load(dataset)
    keras.config.set_dtype_policy(policy)
    settings = {"epochs": epochs, "batch_size": 100, "peak_learning_rate": 0.01, "augmentation": Augmentation()}
    return score(train_one_cycle(build_strong_cnn, x, y, seed=seed, **settings), x_test, y_test)


def score(training, x_test, y_test):
    wrong = training.model.predict(x_test, verbose=0).argmax(axis=1) != y_test.argmax(axis=1)
    return {"seconds": training.seconds, "error": float(wrong.mean()), "epochs": len(training.history["loss"])}


def classic_loop(dataset, images, epochs):
    """One fold after the other, as tutorials write it."""
    import numpy as np
    from sklearn.model_selection import KFold

    from mnist_helpers import MODELS

    x, y, _, _ = load(dataset, images)
    means = {}
    for name in NAMES:
        scores = []
        for train, test in KFold(5, shuffle=True, random_state=1).split(x):
            model = MODELS[name]()
            x_train, y_train, x_test, y_test = x[train], y[train], x[test], y[test]
            model.fit(x_train, y_train, epochs=epochs, batch_size=32, validation_data=(x_test, y_test), verbose=0)
            scores.append(model.evaluate(x_test, y_test, verbose=0)[1])
        means[name] = round(float(np.mean(scores)), 4)
    return {"scores": means}


def compare_all_models(dataset, images, epochs):
    import numpy as np

    from mnist_helpers import MODELS, compare_models

    x, y, _, _ = load(dataset, images)
    with contextlib.redirect_stdout(sys.stderr):  # the lines of progress
        results = compare_models({name: MODELS[name] for name in NAMES}, x, y, epochs=epochs)
    return {"scores": {name: round(float(np.mean(result.scores)), 4) for name, result in results.items()}}


def pytorch(dataset, seed):
    import numpy as np

    x, y, x_test, y_test = load(dataset)
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder, "images.npz")
        shapes = {"x": x.transpose(0, 3, 1, 2), "x_test": x_test.transpose(0, 3, 1, 2)}  # channels first
        np.savez(file, y=y.argmax(axis=1), y_test=y_test.argmax(axis=1), **shapes)
        command = [TORCH, Path(__file__).with_name("benchmark_torch.py"), file, "--seed", str(seed)]
        done = subprocess.run(command, capture_output=True, text=True, check=True)
    facts = json.loads(done.stdout)
    return {"seconds": facts["seconds"], "error": facts["wrong"] / facts["total"], "epochs": facts["epochs"]}


RUNS = {
    "two_conv_cnn": two_conv_cnn,
    "fast_cnn": fast_cnn,
    "strong_cnn": strong_cnn,
    "classic_loop": classic_loop,
    "compare_models": compare_all_models,
    "pytorch": pytorch,
}


def load(name, images=None):
    """Images and one-hot labels to learn from, then those to be scored on."""
    import numpy as np

    from mnist_helpers import load_dataset, one_hot, prepare_images

    data = load_dataset(name)
    x = np.concatenate([data.x_train, data.x_valid])[:images]
    y = np.concatenate([data.y_train, data.y_valid])[:images]
    return prepare_images(x), one_hot(y), prepare_images(data.x_test), one_hot(data.y_test)


def measure(options, run, *values):
    """What the run reports, with the seconds of its process and the largest memory of all its processes in MB."""
    start, largest = time.perf_counter(), 0
    command = [sys.executable, __file__, options.dataset, "--run", json.dumps([run, *values])]
    with tempfile.TemporaryFile("w+") as errors:
        process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=errors, text=True, start_new_session=True)
        try:
            while process.poll() is None:
                largest = max(largest, sum(shared_memory(pid) for pid in session_members(process.pid)))
                with contextlib.suppress(subprocess.TimeoutExpired):
                    process.wait(2)  # polling four times a second took a tenth of a core
        finally:
            # Also when this process is interrupted: the other has its own session, and does not receive the signal.
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
            process.wait()
        seconds = time.perf_counter() - start
        if process.returncode:
            errors.seek(0)
            sys.exit(f"The run {run} failed; it ended with\n{''.join(errors.readlines()[-20:])}")
    return json.loads(process.stdout.read()) | {"process_seconds": seconds, "megabytes": largest / 1e6}


def session_members(leader):
    """The process and all that it started, which share its session."""
    for path in Path("/proc").glob("[0-9]*"):
        try:
            # After the name in brackets: state, parent, group, session.
            if int((path / "stat").read_text().rpartition(")")[2].split()[3]) == leader:
                yield path.name
        except OSError:  # it has ended meanwhile
            continue


def shared_memory(pid):
    try:
        lines = Path("/proc", pid, "smaps_rollup").read_text().splitlines()
    except OSError:
        return 0
    return next((int(line.split()[1]) * 1024 for line in lines if line.startswith("Pss:")), 0)


if __name__ == "__main__":
    main()
