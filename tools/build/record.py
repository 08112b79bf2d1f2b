"""Store the numbers of a whole run, with everything that is needed to judge them.

    python -m tools.build.record mnist

collects _build/runs/mnist/ into book/results/mnist.json. A chapter that has not run there keeps what was recorded of it
before, if it was on the same processor and with the same versions. One that was never recorded is named and left out:
the chapters may be recorded one by one.
"""

import json
import sys

from mnist_helpers import DATASETS
from mnist_helpers.files import write_text
from tools.build import sync
from tools.build.chapters import list_chapters
from tools.build.digest import RECORDS, RUNS, parts_of_numbers, run_of

SHARED = ("processor", "cores", "python", "packages")  # what has to be the same for all chapters of a record
OWN = ("seconds", "memory_mb", "date", "commit", "parts")


def main(dataset):
    names = [chapter.name for chapter in list_chapters()]
    path = RECORDS / f"{dataset}.json"
    before = json.loads(path.read_text(encoding="utf-8")) if path.exists() else {"notebooks": {}, "results": {}}
    runs = {name: run_of(RUNS / dataset / f"{name}.ipynb") for name in names}
    notebooks = {name: describe(runs[name]) for name in names if runs[name]}
    if not notebooks:
        sys.exit(f"record: no chapter has run; `make record DATASET={dataset}` runs every chapter.")
    shared = {key: before[key] for key in SHARED if key in before}
    notebooks |= {
        name: before["notebooks"][name] | shared for name in names if name in before["notebooks"].keys() - notebooks
    }
    notebooks = {name: notebooks[name] for name in names if name in notebooks}
    for name in names:
        if name not in notebooks:
            print(
                f"record: chapter {name} has not run; `make record DATASET={dataset}` runs every chapter.",
                file=sys.stderr,
            )
    results = {name: numbers for name, numbers in before["results"].items() if not runs.get(numbers["chapter"])}
    for run in filter(None, runs.values()):
        results |= run["results"]
    results = {name: numbers for name, numbers in sorted(results.items()) if numbers["chapter"] in names}
    # The chapters may have run on several days; what is the same for all of them is stored once.
    dates = sorted(run["date"] for run in notebooks.values())
    facts = {"dataset": dataset, "date": " to ".join(dict.fromkeys([dates[0], dates[-1]]))}
    for name in SHARED:
        found = [run.pop(name) for run in notebooks.values()]
        if any(value != found[0] for value in found):
            sys.exit(f"record: the chapters ran with different {name}; run `make clean`, then `make record` again.")
        facts[name] = found[0]
    path.parent.mkdir(exist_ok=True)
    if DATASETS[dataset].is_full and before.get("processor", facts["processor"]) != facts["processor"]:
        # The book compares machines, so the last record from another processor is kept.
        write_text(path.with_stem(f"{dataset}_other"), path.read_text(encoding="utf-8"))
    text = json.dumps(facts | {"notebooks": notebooks, "results": results}, indent=1, ensure_ascii=False)
    print(write_text(path, text + "\n"))
    sync.main([])  # writes the recorded times into the chapters


def describe(run):
    run = {name: run[name] for name in (*OWN, *SHARED)}
    return run | {"parts": parts_of_numbers(run["parts"])}


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    main(sys.argv[1])
