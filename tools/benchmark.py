"""Measure what `compare_models` gains over the classic loop, and the memory that it takes.

    python tools/benchmark.py mnist --images 6000 24000 --epochs 2 --rounds 3

Each round runs both for each number of images, one after the other, in new processes, so that start-up counts. The
classic loop trains one fold after the other in one process with TensorFlow's default threads. Memory is that of all
processes together, where pages that they share count once (the proportional set size of Linux).
"""

import argparse
import json
import os
import subprocess
import sys
import time
from pathlib import Path
from statistics import median

NAMES = ["baseline_cnn", "batch_norm_cnn", "deep_cnn"]


def main(arguments=None):
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("dataset", choices=["mini", "mnist"])
    parser.add_argument(
        "--images", type=int, nargs="+", default=[4_000], help="how many of the images for training and validation"
    )
    parser.add_argument("--epochs", type=int, default=2)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--ways", nargs="+", choices=WAYS, default=list(WAYS))
    parser.add_argument("--way", choices=WAYS, help=argparse.SUPPRESS)
    options = parser.parse_args(arguments)
    if options.way:
        print(json.dumps(WAYS[options.way](*load(options.dataset, *options.images), options.epochs)))
        return
    print(f"{options.dataset}, 5 folds, {options.epochs} epochs, {os.cpu_count()} cores")
    ratios = {images: [] for images in options.images}
    for number in range(options.rounds):
        for images in options.images:
            runs = {}
            for way in options.ways:
                runs[way] = seconds, megabytes, scores = measure(way, images, options)
                title = f"round {number + 1}, {images:6,} images, {way:8}"
                print(f"{title} {seconds:7.1f} s  {megabytes:6,.0f} MB  {scores}", flush=True)
            if len(runs) == 2:
                ratios[images].append(runs["classic"][0] / runs["parallel"][0])
    for images, values in ratios.items():
        if values:
            print(
                f"{images:6,} images: the classic loop takes {median(values):.2f} times as long "
                f"(median; {min(values):.2f} to {max(values):.2f})"
            )


def load(name, images):
    import numpy as np

    from mnist_helpers import load_dataset, one_hot, prepare_images

    data = load_dataset(name)
    x = np.concatenate([data.x_train, data.x_valid])[:images]
    y = np.concatenate([data.y_train, data.y_valid])[:images]
    return prepare_images(x), one_hot(y)


def classic(x, y, epochs):
    """One fold after the other, as tutorials write it."""
    import numpy as np
    from sklearn.model_selection import KFold

    from mnist_helpers import MODELS

    means = {}
    for name in NAMES:
        scores = []
        for train, test in KFold(5, shuffle=True, random_state=1).split(x):
            model = MODELS[name]()
            x_train, y_train, x_test, y_test = x[train], y[train], x[test], y[test]
            model.fit(x_train, y_train, epochs=epochs, batch_size=32, validation_data=(x_test, y_test), verbose=0)
            scores.append(model.evaluate(x_test, y_test, verbose=0)[1])
        means[name] = round(float(np.mean(scores)), 4)
    return means


def parallel(x, y, epochs):
    import contextlib

    import numpy as np

    from mnist_helpers import MODELS, compare_models

    with contextlib.redirect_stdout(sys.stderr):  # the lines of progress
        results = compare_models({name: MODELS[name] for name in NAMES}, x, y, epochs=epochs)
    return {name: round(float(np.mean(result.scores)), 4) for name, result in results.items()}


WAYS = {"classic": classic, "parallel": parallel}


def measure(way, images, options):
    """Seconds, the largest memory of all processes together in MB, and the mean scores."""
    start, largest = time.perf_counter(), 0
    command = [sys.executable, __file__, options.dataset, "--way", way]
    command += ["--images", str(images), "--epochs", str(options.epochs)]
    process = subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True, start_new_session=True
    )
    while process.poll() is None:
        largest = max(largest, sum(shared_memory(pid) for pid in session_members(process.pid)))
        time.sleep(2)  # to look is work, too: four times a second it took a tenth of a core
    seconds = time.perf_counter() - start
    if process.returncode:
        sys.exit(f"{' '.join(command)} failed; run it by hand to see why.")
    return seconds, largest / 1e6, json.loads(process.stdout.read())


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
