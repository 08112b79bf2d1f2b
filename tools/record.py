"""Store the numbers of a whole run, with everything that is needed to judge them.

    python tools/record.py mnist

collects _build/runs/mnist/ into book/results/mnist.json.
"""

import datetime
import json
import os
import platform
import sys
from importlib.metadata import version
from pathlib import Path

import sync

from mnist_helpers.results import load_results, write_text

PACKAGES = ["keras", "matplotlib", "numpy", "papermill", "scikit-learn", "scipy", "tensorflow"]


def main(dataset):
    runs = Path("_build/runs") / dataset
    facts = {
        "dataset": dataset,
        "date": datetime.date.today().isoformat(),
        "processor": processor(),
        "cores": os.cpu_count(),
        "python": platform.python_version(),
        "packages": {name: version(name) for name in PACKAGES},
        "notebooks": {
            path.name.removesuffix(".run.json"): json.loads(path.read_text(encoding="utf-8"))
            for path in sorted(runs.glob("*.run.json"))
        },
        "results": load_results(runs / "results"),
    }
    folder = Path("book/results")
    folder.mkdir(exist_ok=True)
    print(write_text(folder / f"{dataset}.json", json.dumps(facts, indent=1, ensure_ascii=False) + "\n"))
    sync.main([])  # the chapters name the time of the last recorded run


def processor():
    for line in Path("/proc/cpuinfo").read_text().splitlines() if Path("/proc/cpuinfo").exists() else []:
        if line.startswith("model name"):
            return line.partition(":")[2].strip()
    return platform.processor() or platform.machine()


if __name__ == "__main__":
    main(*sys.argv[1:])
