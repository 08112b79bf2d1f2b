"""Store the numbers of a whole run, with everything that is needed to judge them.

    python -m tools.build.record mnist

collects _build/runs/mnist/ into book/results/mnist.json. A chapter that has not run there keeps what was recorded of it
before, if it was on the same processor and with the same versions.
"""

import json
import sys
from pathlib import Path

from mnist_helpers.files import write_text
from mnist_helpers.results import load_results
from tools.build import sync

SHARED = ("processor", "cores", "python", "packages")  # what has to be the same for all chapters of a record


def main(dataset):
    runs = Path("_build/runs") / dataset
    chapters = [path.stem for path in sorted(Path("notebooks").glob("[0-9]*.ipynb"))]
    path = Path("book/results") / f"{dataset}.json"
    before = json.loads(path.read_text(encoding="utf-8")) if path.exists() else {"notebooks": {}, "results": {}}
    notebooks = {chapter: read_run(runs / f"{chapter}.run.json", dataset, before) for chapter in chapters}
    kept = {name: numbers for name, numbers in before["results"].items() if not has_run(runs, numbers["chapter"])}
    results = {
        name: numbers
        for name, numbers in sorted((kept | load_results(runs / "results")).items())
        if numbers["chapter"] in chapters
    }
    # The chapters may have run on several days; what is the same for all of them is said once.
    dates = sorted(run["date"] for run in notebooks.values())
    facts = {"dataset": dataset, "date": " to ".join(dict.fromkeys([dates[0], dates[-1]]))}
    for name in SHARED:
        found = [run.pop(name) for run in notebooks.values()]
        if any(value != found[0] for value in found):
            sys.exit(f"record: the chapters ran with different {name}; run `make clean`, then `make record` again.")
        facts[name] = found[0]
    path.parent.mkdir(exist_ok=True)
    if dataset == "mnist" and before.get("processor", facts["processor"]) != facts["processor"]:
        # The book compares machines: the last record of another one is kept for that.
        write_text(path.with_stem("mnist_other"), path.read_text(encoding="utf-8"))
    text = json.dumps(facts | {"notebooks": notebooks, "results": results}, indent=1, ensure_ascii=False)
    print(write_text(path, text + "\n"))
    sync.main([])  # the chapters name the time of the last recorded run


def has_run(runs, chapter):
    return (runs / f"{chapter}.run.json").exists()


def read_run(path, dataset, before):
    chapter = path.name.removesuffix(".run.json")
    if not path.exists() and chapter in before["notebooks"]:
        return before["notebooks"][chapter] | {name: before[name] for name in SHARED}
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        sys.exit(f"record: {path} is missing: not every chapter has run; `make record DATASET={dataset}` runs them.")


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    main(sys.argv[1])
