"""Keep the numbers that a chapter measured, so that other pages can show them without measuring again."""

import dataclasses
import json
import os
import re
from pathlib import Path
from urllib.parse import quote

from mnist_helpers.checks import check_choice, check_kind, check_path
from mnist_helpers.datasets import DATASETS
from mnist_helpers.files import shipped, write_text

BACKENDS = {"tensorflow": "TensorFlow", "jax": "JAX", "torch": "PyTorch"}  # what Keras runs on, by the package's name
CLAIMS = "claims.jsonl"  # beside the results: whether each claim of a run holds, in their order


def record(name, **numbers):
    """Store the numbers of one model or experiment under ``name``, replacing what an earlier run stored there.

    The file is ``<folder>/<name>.json``; the folder is the one in the environment variable ``MNIST_RESULTS`` (the build
    of the book sets it), otherwise ``results`` in the current folder.

    Args:
        name: lower-case letters, digits and underscores, such as ``"deep_mlp"``.
        numbers: what was measured: numbers, texts, lists and dictionaries of them. NumPy's numbers and arrays are
            accepted, and so are results such as ``ErrorRate``, which are stored as dictionaries.

    Returns:
        The path of the file written.

    Raises:
        ValueError: the name has other characters, or a number is infinite or not a number.
        TypeError: a value cannot be stored as JSON.
    """
    if not isinstance(name, str) or not re.fullmatch(r"[a-z0-9_]+", name):
        raise ValueError(f"name: expected lower-case letters, digits and underscores, got {name!r}.")
    text = _to_json(numbers, f"the numbers of {name!r}")
    folder = _folder()
    folder.mkdir(parents=True, exist_ok=True)
    return write_text(folder / f"{name}.json", text)


def load_results(folder=None):
    """Read everything that was recorded.

    Args:
        folder: where to look; by default where ``record`` writes.

    Returns:
        A dictionary from each name, in alphabetical order, to its numbers; empty when nothing was recorded.

    Raises:
        ValueError: a file is not what ``record`` writes; the message names it.
    """
    if folder is not None:
        check_path("folder", folder)
    results = {}
    for path in sorted((_folder() if folder is None else Path(folder)).glob("*.json")):
        try:
            results[path.stem] = json.loads(path.read_text(encoding="utf-8"))
        except ValueError as error:
            raise ValueError(f"{path} does not hold recorded results ({error}); delete it and record again.") from error
    return results


def results_table(results, chapters=None, references="../book/references.md"):
    """A Markdown table of the models that were scored on the test part, the largest error first.

    The order is no ranking, and intervals that overlap are no test: ``mcnemar_test``, ``welch_test`` and
    ``corrected_t_test`` tell whether two models differ.

    Args:
        results: a dictionary as ``load_results`` returns it.
        chapters: dictionary from a chapter's name to the address of its page; by default the notebooks in the current
            folder.
        references: path from the same page to the references.

    Returns:
        A text: one row a model with its test error and the 95% interval for the sampling of the images, the published
        error, the validation error, seconds of training, and parameters. Where a model was trained with several seeds,
        seconds, test error and interval are means over them. If its chapter is known, the title links to it.

    Raises:
        TypeError, ValueError: a record lacks something, or holds something else; the message says which record.
    """
    check_kind("results", results, dict, "a dictionary, as load_results returns it")
    if chapters is None:
        chapters = {path.stem.partition("_")[2]: path.name for path in Path().glob("[0-9]*_*.ipynb")}
    check_kind("chapters", chapters, dict, "a dictionary from a chapter's name to an address")
    check_kind("references", references, str, "a text")
    rows = [
        "| model | test error | published | validation | seconds | parameters |",
        "|---|--:|--:|--:|--:|--:|",
    ]
    for numbers in sorted(_scored(results), key=lambda numbers: -_mean_error(numbers["test"])):
        low, high = (_mean([score[end] for score in numbers["test"]]) for end in ("low", "high"))
        title = _plain(numbers["title"])
        cells = [
            f"[{title}]({quote(chapters[numbers['chapter']])})" if numbers.get("chapter") in chapters else title,
            f"{_mean_error(numbers['test']):.2%} ({100 * low:.2f}–{high:.2%})",
            f"{_plain(numbers['published'])}, [{_plain(numbers['published_by'])}]({references})"
            if "published" in numbers
            else "–",
            f"{_mean_error(_as_list(numbers['valid'])):.2%}" if "valid" in numbers else "–",
            f"{_mean(numbers['seconds']):,.0f}" if "seconds" in numbers else "–",
            f"{numbers['parameters']:,}" if "parameters" in numbers else "–",
        ]
        rows.append(f"| {' | '.join(cells)} |")
    return "\n".join(rows)


def times_and_errors(results):
    """What each network that was scored on the test part cost and reached, for ``plot_error_and_time``.

    Args:
        results: a dictionary as ``load_results`` returns it.

    Returns:
        A dictionary from the title to seconds of training, test error, and the ends of its 95% interval, each a mean
        over the seeds. Models without seconds are left out.

    Raises:
        TypeError, ValueError: as for ``results_table``.
    """
    check_kind("results", results, dict, "a dictionary, as load_results returns it")
    return {
        numbers["title"]: (
            _mean(numbers["seconds"]),
            _mean_error(numbers["test"]),
            *(_mean([score[end] for score in numbers["test"]]) for end in ("low", "high")),
        )
        for numbers in _scored(results)
        if "seconds" in numbers
    }


def load_recorded_run(dataset="mnist"):
    """Read the numbers of the last full run that were stored with the book by ``make record``.

    Args:
        dataset: which data set the run was made with; ``"handwriting"`` for what ``make handwriting`` recorded, in a
            form of its own.

    Returns:
        A dictionary with ``"results"`` as from ``load_results``, ``"notebooks"``, ``"packages"``, ``"date"``,
        ``"processor"`` and ``"cores"``.

    Raises:
        FileNotFoundError: nothing was recorded with this data set.
    """
    check_kind("dataset", dataset, str, "a text")
    path = shipped("recorded", f"{dataset}.json")
    if path is None:
        raise FileNotFoundError(f"no run with {dataset!r} was recorded; `make record DATASET={dataset}` makes one.")
    return json.loads(path.read_text(encoding="utf-8"))


class Numbers(dict):
    """Recorded numbers by name, which can be read as attributes, too: ``full.mlp.errors`` is ``full["mlp"]["errors"]``.

    Raises:
        AttributeError: the record holds no such name; the message says what it does hold, and the way out.
    """

    def __getattr__(self, name):
        if name.startswith("__") or name not in self:
            held = ", ".join(map(repr, self)) or "nothing"
            raise AttributeError(
                f"the recorded run holds no {name!r}, only {held}. Where the chapter was changed, record it again: "
                "make record CHAPTER=… DATASET=mnist."
            )
        return self[name]


def full_run(here):
    """The numbers that a chapter's conclusions rest on: those recorded with a whole data set.

    Args:
        here: a dictionary with the ``"chapter"`` and the ``"dataset"`` of the run at hand, as both were recorded.

    Returns:
        A ``Numbers``: what the chapter recorded, from each name to its numbers, in the run at hand if that has a whole
        data set, otherwise in the run on all of MNIST that is stored with the book.

    Raises:
        FileNotFoundError: no run on all of MNIST is stored.
        TypeError, ValueError: ``here`` lacks an entry, or nothing was recorded of the chapter.
    """
    _check_entries("here", here, ["chapter", "dataset"], "record(…, **here) takes the same dictionary")
    chapter, dataset = here["chapter"], here["dataset"]
    check_choice("here['dataset']", dataset, DATASETS)
    results = load_results() if DATASETS[dataset].is_full else load_recorded_run()["results"]
    source = dataset if DATASETS[dataset].is_full else "mnist"
    found = {
        name: numbers
        for name, numbers in results.items()
        if (numbers.get("chapter"), numbers.get("dataset")) == (chapter, source)
    }
    if not found:
        raise ValueError(
            f"nothing was recorded of the chapter {chapter!r} with {source!r}; record it: "
            f"make record CHAPTER={chapter} DATASET=mnist."
        )
    return json.loads(json.dumps(found), object_hook=Numbers)


def claim(holds, sentence):
    """Bind a conclusion of the text to the numbers that it rests on.

    A claim never stops a run. If it does not hold, it says so; a build of the book keeps the answer, and publishes no
    page with a broken claim.

    Args:
        holds: the truth of a comparison, such as ``full.cnn.error < full.mlp.error``.
        sentence: the conclusion, as the text draws it.

    Raises:
        TypeError: ``holds`` is no truth value: a claim is about numbers.
        ValueError: the sentence is empty.
    """
    if not isinstance(holds, bool) and not (hasattr(holds, "tolist") and isinstance(holds.tolist(), bool)):  # NumPy's
        raise TypeError(f"holds: expected the truth of a comparison, such as a < b, got {holds!r}.")
    check_kind("sentence", sentence, str, "a text")
    if not sentence.strip():
        raise ValueError("sentence: expected what the text concludes, got an empty text.")
    if not holds:
        print(f"This run says otherwise. The claim was: {sentence}.")
    if os.environ.get("MNIST_RESULTS"):
        with (_folder() / CLAIMS).open("a", encoding="utf-8") as file:
            file.write(json.dumps([bool(holds), sentence]) + "\n")


def describe_run(facts):
    """Say in one line when, where and with what a recorded run was made.

    Args:
        facts: what a file such as ``book/results/mnist.json`` holds.

    Returns:
        A text: date, commits, versions and processor.

    Raises:
        TypeError, ValueError: it is no dictionary, or something is missing; the message says what.
    """
    way = "load_recorded_run returns a whole one"
    _check_entries("facts", facts, ["cores", "date", "packages", "processor", "python"], way)
    _check_entries("facts['packages']", facts["packages"], ["keras", "numpy"], way)
    # With several chapters each has its own commit, for they need not have run at the same time.
    chapters = {f"facts['notebooks'][{name!r}]": chapter for name, chapter in facts.get("notebooks", {}).items()}
    for name, chapter in (chapters or {"facts": facts}).items():
        _check_entries(name, chapter, ["commit"], way)
    commits = dict.fromkeys(chapter["commit"] for chapter in chapters.values() or [facts])
    packages = facts["packages"]
    names = {name: title for name, title in BACKENDS.items() if name in packages} | {"keras": "Keras", "numpy": "NumPy"}
    versions = [f"{title} {packages[name]}" for name, title in names.items()]
    return (
        f"run of {facts['date']}, commit {', '.join(commits)}; {', '.join(versions)}, Python {facts['python']}; "
        f"{facts['processor']}, {facts['cores']} cores"
    )


def _scored(results):
    """Yield the records of models that were scored on the test part, after checking the entries that are shown."""
    way = "record it again"
    for name, numbers in results.items():
        record_of = f"results[{name!r}]"
        check_kind(record_of, numbers, dict, "a dictionary, as record stores it")
        if "test" not in numbers:
            continue
        _check_entries(record_of, numbers, ["title", "published_by"] if "published" in numbers else ["title"], way)
        for entry in ("test", "seconds"):
            if entry in numbers and not (isinstance(numbers[entry], list | tuple) and numbers[entry]):
                raise ValueError(f"{record_of}: {entry!r} is no list with an entry for each seed; {way}.")
        for score in numbers["test"]:
            _check_entries(f"{record_of}['test']", score, ["wrong", "total", "low", "high"], way)
        if "valid" in numbers:
            for score in _as_list(numbers["valid"]):
                _check_entries(f"{record_of}['valid']", score, ["wrong", "total"], way)
        yield numbers


def _check_entries(argument, dictionary, wanted, way):
    check_kind(argument, dictionary, dict, "a dictionary")
    for entry in wanted:
        if entry not in dictionary:
            raise ValueError(f"{argument}: {entry!r} is missing; {way}.")


def _plain(text):
    """A text, such as a model's name, with Markdown's special characters replaced by HTML entities."""
    return re.sub(r"[^\w %,.:+()–-]|_", lambda found: f"&#{ord(found[0])};", " ".join(str(text).split()))


def _as_list(scores):
    """One score, or one for each training."""
    return scores if isinstance(scores, list | tuple) else [scores]


def _mean(values):
    return sum(values) / len(values)


def _mean_error(scores):
    return _mean([score["wrong"] / score["total"] for score in scores])


def _folder():
    return Path(os.environ.get("MNIST_RESULTS") or "results")


def _to_json(value, what):
    try:
        return json.dumps(value, indent=1, ensure_ascii=False, allow_nan=False, default=_to_plain) + "\n"
    except TypeError as error:
        raise TypeError(f"{what} cannot be stored: {error}.") from error
    except ValueError as error:
        raise ValueError(f"{what} hold an infinite value, one that is not a number, or themselves.") from error


def _to_plain(item):
    if dataclasses.is_dataclass(item) and not isinstance(item, type):
        return dataclasses.asdict(item)
    if hasattr(item, "tolist"):  # NumPy's numbers and arrays, without importing NumPy
        return item.tolist()
    raise TypeError(f"{item!r} is neither a number nor a text")
