"""Run the notebooks that are not up to date, in an order in which each finds the results that it needs.

    python -m tools.build.execute mini --jobs 2
    python -m tools.build.execute mnist large_cnn

The executed notebooks are in _build/runs/DATASET, under the chapters' names; the networks that they saved lie beside
them. Trainings are kept in _build/trainings, in a folder for each kind of machine, since another processor may give
other last digits.
"""

import argparse
import heapq
import json
import os
import shutil
import subprocess
import sys
import time
from concurrent.futures import FIRST_COMPLETED, ThreadPoolExecutor, wait
from graphlib import TopologicalSorter
from pathlib import Path

from mnist_helpers import DATASETS
from tools.build import digest
from tools.build.chapters import ChapterError, list_chapters, needed_by
from tools.build.provenance import processor

TRAININGS = Path("_build/trainings")
KEPT_DAYS = 30  # since a training was last asked for


def main(arguments=None):
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("dataset", choices=DATASETS)
    parser.add_argument("names", nargs="*", metavar="CHAPTER", help="these, and those that they need; by default all")
    parser.add_argument("--jobs", type=int, default=1, help="how many notebooks run at the same time")
    parser.add_argument("--runs", type=Path, help="where the executed notebooks lie")
    parser.add_argument("--train-anew", action="store_true", help="read no training that was kept")
    options = parser.parse_args(arguments)
    runs = options.runs or digest.RUNS / options.dataset
    for folder in runs.glob(f".*{digest.WORKING}"):  # of notebooks that were killed; one build runs at a time
        shutil.rmtree(folder, ignore_errors=True)
    environment = dict(os.environ)
    environment.pop("MNIST_TRAININGS", None)
    if not options.train_anew:
        forget_old_trainings()
        graphics_cards = sorted(path.name for path in Path("/dev").glob("nvidia[0-9]*"))
        machine = digest.digest([processor(), os.cpu_count(), graphics_cards])
        environment["MNIST_TRAININGS"] = str((TRAININGS / machine).absolute())
    try:
        chapters = list_chapters()
        needs = {chapter.name: needed_by(chapter, chapters) for chapter in chapters}
        wanted = choose(options.names, needs)
        return run_all([c for c in chapters if c.name in wanted], chapters, needs, options, runs, environment)
    except ChapterError as error:
        print(error, file=sys.stderr)
        return 1


def forget_old_trainings():
    oldest = time.time() - KEPT_DAYS * 24 * 3600
    for file in TRAININGS.rglob("*.*"):
        if file.stat().st_mtime < oldest:
            file.unlink(missing_ok=True)


def choose(names, needs):
    """These chapters and those that they need, or all."""
    if unknown := set(names) - needs.keys():
        raise ChapterError(f"there is no chapter {sorted(unknown)[0]!r}; choose from {', '.join(needs)}")
    wanted, waiting = set(), set(names or needs)
    while waiting:
        wanted.add(name := waiting.pop())
        waiting |= {other.name for other in needs[name]} - wanted
    return wanted


def run_all(wanted, chapters, needs, options, runs, environment):
    by_name = {chapter.name: chapter for chapter in wanted}
    order = TopologicalSorter({name: [other.name for other in needs[name]] for name in by_name})
    order.prepare()
    urgency = weigh(by_name, needs, options.dataset)
    ready, running, failed = [], {}, False
    with ThreadPoolExecutor(options.jobs) as pool:
        while order.is_active() and not (failed and not running):
            for name in order.get_ready():
                heapq.heappush(ready, (-urgency[name], name))
            while ready and len(running) < options.jobs and not failed:
                name = heapq.heappop(ready)[1]
                running[pool.submit(run, by_name[name], chapters, options.dataset, runs, environment)] = name
            done, _ = wait(running, return_when=FIRST_COMPLETED)
            for future in done:
                name = running.pop(future)
                failed |= future.result() != 0
                order.done(name)
    return int(failed)


def weigh(by_name, needs, dataset):
    """Recorded seconds from the start of each chapter to the end of the last one that depends on it (critical path)."""
    record = digest.RECORDS / f"{dataset}.json"
    recorded = json.loads(record.read_text(encoding="utf-8"))["notebooks"] if record.exists() else {}
    weights: dict[str, float] = {}
    for name in reversed(by_name):
        later = [weights[other] for other in weights if name in {chapter.name for chapter in needs[other]}]
        weights[name] = recorded.get(name, {}).get("seconds", 60) + max(later, default=0)
    return weights


def run(chapter, chapters, dataset, runs, environment):
    """Run one notebook, unless that would change nothing. Returns its exit code."""
    output = runs / f"{chapter.name}.ipynb"
    parameters = {"dataset": dataset} | chapter.parameters(dataset)
    known = digest.run_of(output) or {}
    is_whole = known.get("models", {}) == digest.files_in(digest.models_of(output))  # no saved network is missing
    if is_whole and known.get("parts") == digest.parts_of(chapter, parameters, runs, chapters):
        return 0
    command = [sys.executable, "-m", "tools.build.run_notebook", chapter.path, output, f"dataset={dataset}"]
    # The open lock of the build is handed on, so that no other build begins while this notebook runs.
    return subprocess.run(command, env=environment, close_fds=False, check=False).returncode


if __name__ == "__main__":
    sys.exit(main())
