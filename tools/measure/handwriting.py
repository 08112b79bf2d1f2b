"""Measure how well people's own pictures are read, naively and by this package, and all that is claimed of it.

    python -m tools.measure.handwriting FOLDER [--new-from SOURCE] [--network FILE] [--people] [--record]

FOLDER holds pictures and an index.tsv with the columns path, label, source (who sent it) and kind (photo, scan, …).
A label of several digits, with - between rows, is a picture of a number. The misread pictures are drawn in
_build/handwriting/misread.png. --record writes the numbers to book/results/handwriting.json; chapter 10 shows them.

Whoever looks at what is misread, and changes the code or a threshold, makes the pictures a development set. So those
that had no part in any choice are named by --new-from (their first source, in alphabetical order) and counted apart;
of them no misread picture is named or drawn. --network reads the same pictures with the weights of chapter 9's network,
too. --people measures nothing but people's pictures, and leaves the other numbers of the record as they are.
"""

import argparse
import csv
import io
import json
import subprocess
import sys
import tempfile
import time
from collections import defaultdict
from pathlib import Path

import numpy as np
import PIL
from PIL import Image, ImageOps
from scipy import ndimage

from mnist_helpers import (
    PictureError,
    build_deep_cnn,
    compose_number,
    draw_non_digit,
    error_rate,
    load_dataset,
    load_model,
    photograph_digit,
    prepare_digit,
    prepare_images,
    read_digits,
    read_number,
    sample_pictures,
    split_digits,
)
from mnist_helpers.files import write_text
from mnist_helpers.handwriting.pictures import leads_out
from tools.build.provenance import provenance

SEED = 2026  # of the pictures that are made here; no other part of the book uses it
SHEET = Path("_build/handwriting/misread.png")
RESULTS = Path("book/results/handwriting.json")


def main(arguments=None):
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    parser.add_argument("folder", type=Path)
    parser.add_argument("--record", action="store_true", help=f"write the numbers to {RESULTS}")
    parser.add_argument("--new-from", metavar="SOURCE", help="the first source that had no part in any choice")
    parser.add_argument("--network", type=Path, metavar="FILE", help="weights of chapter 9's network")
    parser.add_argument("--people", action="store_true", help="measure nothing but people's pictures of one digit")
    options = parser.parse_args(arguments)
    made_by = provenance()
    made_by["packages"]["pillow"] = PIL.__version__  # it opens the pictures and makes them smaller
    rows = read_index(options.folder)
    digits = [row for row in rows if len(row["label"]) == 1 and row["label"].isdigit()]
    if not digits:
        sys.exit(f"{options.folder}: index.tsv lists no picture of one digit.")
    known, new = split_new(digits, options.new_from)
    people = {"people": made_by, "own": measure_own(known)}
    if new:
        people["new"] = measure_own(new, show=False)
    if options.network is not None:
        network = load_chapter_9(options.network)
        groups = {"own": known} | ({"new": new} if new else {})
        people["chapter_9"] = {name: compare_networks(network, group) for name, group in groups.items()}
    if options.people:
        if options.record:
            facts = json.loads(RESULTS.read_text(encoding="utf-8")) | people
            print(write_text(RESULTS, json.dumps(facts, indent=1, ensure_ascii=False) + "\n"))
        return
    facts = made_by | people
    facts["own_numbers"] = measure_own_numbers([row for row in rows if len(row["label"]) > 1])
    facts["non_digits"] = measure_non_digits()
    facts["mnist"] = measure_mnist()
    facts["numbers"] = measure_numbers()
    facts["hostile"] = measure_hostile()
    facts["speed"] = measure_speed()
    if options.record:
        print(write_text(RESULTS, json.dumps(facts, indent=1, ensure_ascii=False) + "\n"))


def read_index(folder):
    path = folder / "index.tsv"
    try:
        with path.open(encoding="utf-8", newline="") as file:
            rows = list(csv.DictReader(file, delimiter="\t"))
    except OSError as error:
        sys.exit(f"{path}: cannot be read: {error.strerror}.")
    except (UnicodeDecodeError, csv.Error) as error:
        sys.exit(f"{path}: is no table in UTF-8: {error}.")
    missing = {"path", "label", "source", "kind"} - set(rows[0] if rows else ())
    if missing:
        sys.exit(f"{path}: has no column {', '.join(sorted(missing))}, or no row.")
    for number, row in enumerate(rows, 2):
        if None in row.values():
            sys.exit(f"{path}: row {number} has too few columns.")
        if leads_out(folder / row["path"], folder):
            sys.exit(f"{path}: {row['path']} leads out of the folder; name pictures within it.")
    return [row | {"file": folder / row["path"]} for row in rows]


def split_new(rows, first):
    """The pictures whose source comes before ``first``, and the others; without ``first`` all are of the first kind."""
    if first is None:
        return rows, []
    known = [row for row in rows if row["source"] < first]
    new = [row for row in rows if row["source"] >= first]
    if not known or not new:
        sys.exit(f"--new-from {first}: all pictures of one digit are on the same side of it; name a source in between.")
    return known, new


def load_chapter_9(path):
    model = build_deep_cnn()
    model.optimizer.build(model.trainable_variables)  # its state is in the file, too
    try:
        model.load_weights(path)
    except (OSError, ValueError) as error:
        sys.exit(f"{path}: holds no weights of chapter 9's network: {error}.")
    return model


def compare_networks(model, rows):
    """How many pictures a network reads rightly, the usual way and prepared, and on which only one of two is right."""
    labels, files = np.array([int(row["label"]) for row in rows]), [row["file"] for row in rows]
    its, shipped = (
        np.array([likeliest_digit(reading) for reading in read_digits(files, model=which)]) == labels
        for which in (model, None)
    )
    naive = model.predict(naively(files), verbose=0).argmax(axis=1) == labels
    facts = {
        "pictures": len(rows),
        "naive": int(naive.sum()),
        "right": int(its.sum()),
        "only_it": int((its & ~shipped).sum()),
        "only_shipped": int((shipped & ~its).sum()),
    }
    print(f"  chapter 9's network: {facts}")
    return facts


def measure_own(rows, show=True):
    labels = np.array([int(row["label"]) for row in rows])
    start = time.perf_counter()
    readings = list(read_digits([row["file"] for row in rows]))
    seconds = time.perf_counter() - start
    likeliest = np.array([likeliest_digit(reading) for reading in readings])
    read = np.array([getattr(reading, "digit", None) is not None for reading in readings])
    naive = load_model().predict(naively([row["file"] for row in rows]), verbose=0).argmax(axis=1)
    right = likeliest == labels
    facts = {
        "pictures": len(rows),
        "naive": int((naive == labels).sum()),
        "right": int(right.sum()),
        "read": int(read.sum()),
        "right_of_read": int((right & read).sum()),
        "seconds": round(seconds, 1),
    }
    print(f"{len(rows)} pictures, {seconds:.1f} s")
    print(f"  naive        {(naive == labels).mean():.2%}")
    print(f"  ours         {right.mean():.2%} (wrong: {(~right).sum()})")
    print(f"  read         {read.mean():.2%}, of these right {right[read].mean():.2%}")
    for column in ("source", "kind"):
        groups = defaultdict(list)
        for i, row in enumerate(rows):
            groups[row[column]].append(i)
        facts[column] = {
            name: {
                "pictures": len(group),
                "naive": int((naive == labels)[group].sum()),
                "right": int(right[group].sum()),
            }
            for name, group in sorted(groups.items())
        }
        means = [
            np.mean([counts[of] / counts["pictures"] for counts in facts[column].values()]) for of in ("naive", "right")
        ]
        print(f"  mean over each {column}: naive {means[0]:.2%}, ours {means[1]:.2%}")
        for name, counts in facts[column].items():
            print(
                f"    {name:10} {counts['pictures']:4}  naive {counts['naive'] / counts['pictures']:7.2%}"
                f"  ours {counts['right'] / counts['pictures']:7.2%}"
            )
    wrong = np.flatnonzero(~right) if show else []  # who sees which of them are misread can choose by them
    for i in wrong:
        print(
            f"    {rows[i]['path']}: {labels[i]}, likeliest {likeliest[i]}"
            f" ({'read' if read[i] else readings[i].reason})"
        )
    draw_misread([(rows[i], readings[i], likeliest[i]) for i in wrong if not isinstance(readings[i], PictureError)])
    return facts


def likeliest_digit(reading):
    """-1 for a picture that cannot be opened, or in which nothing was found: it counts as read wrongly."""
    if isinstance(reading, PictureError) or not reading.image.any():
        return -1
    return int(reading.probabilities.argmax())


def naively(files):
    """What most tutorials do: grey, 28×28, divided by 255."""
    images = []
    for file in files:
        try:
            with Image.open(file) as picture:
                images.append(np.asarray(picture.convert("L").resize((28, 28))))
        except (OSError, SyntaxError, ValueError, Image.DecompressionBombError):  # Pillow's errors for a damaged file
            images.append(np.zeros((28, 28), "uint8"))
    return prepare_images(np.array(images))


def draw_misread(cases):
    from mnist_helpers import show_pictures

    if not cases:
        return
    pictures, titles = [], []
    for row, reading, likeliest in cases:
        with Image.open(row["file"]) as picture:
            small = ImageOps.exif_transpose(picture).convert("RGB")
        small.thumbnail((300, 300))
        pictures += [small, 255 - reading.image]
        titles += [f"{row['source']}: {row['label']}", f"{likeliest} ({reading.probability:.0%})"]
    SHEET.parent.mkdir(parents=True, exist_ok=True)
    show_pictures(pictures, titles, columns=8).savefig(SHEET)
    print(f"  {SHEET}")


def measure_own_numbers(rows):
    right = 0
    for row in rows:
        text = write_number(read_number(row["file"]))
        # Anything may stand beside a number on a page; within it nothing may be missing.
        right += text.strip("?") == row["label"]
        print(f"  {row['path']}: {row['label']} read as {text}")
    return {"pictures": len(rows), "right": right}


def write_number(readings):
    """The readings as text: ? for a part that cannot be told, - before a new row."""
    text, row = "", None
    for reading in readings:
        text += ("-" if row not in (None, reading.row) else "") + ("?" if reading.digit is None else str(reading.digit))
        row = reading.row
    return text


def measure_non_digits():
    """Letters of fonts that the network has not seen, zigzags, blank pages, and patches of two photographs.

    The letters are those of ``synthetic.LETTERS``; the others, such as O, l and S, many people write like a digit.
    """
    from sklearn.datasets import load_sample_images

    generator = np.random.default_rng(SEED)
    pictures = {"letters and zigzags": [draw_non_digit(generator, "test") for _ in range(100)]}
    pictures["blank pages"] = [blank_page(generator) for _ in range(50)]
    photographs = load_sample_images().images
    patches = []
    for i in range(50):
        photograph, side = photographs[i % 2], int(generator.integers(60, 300))
        top, left = (int(generator.integers(0, size - side)) for size in photograph.shape[:2])
        patches.append(photograph[top : top + side, left : left + side])
    pictures["patches of photographs"] = patches
    facts = {}
    for kind, group in pictures.items():
        refused = [reading.digit is None for reading in read_digits(group)]
        facts[kind] = {"pictures": len(group), "refused": sum(refused)}
        print(f"  {kind}: {sum(refused)} of {len(group)} refused")
    print(
        f"  in all {sum(c['refused'] for c in facts.values()) / sum(c['pictures'] for c in facts.values()):.1%} refused"
    )
    return facts


def blank_page(generator):
    """Paper with fibres and spots, under a lamp, with the dark corners of a lens, as a JPEG; a kind not trained on."""
    y, x = np.mgrid[:300, :300] / 300 - 0.5
    light = 0.8 + generator.uniform(-0.3, 0.3) * x + generator.uniform(-0.3, 0.3) * y - 0.3 * (x**2 + y**2)
    grain = sum(
        generator.uniform(0, 0.02) * cloud / cloud.std()
        for cloud in (ndimage.gaussian_filter(generator.normal(size=(300, 300)), size) for size in (0.7, 4, 30))
    )
    file = io.BytesIO()
    Image.fromarray((255 * np.clip(light * (1 + grain), 0, 1)).astype("uint8")).save(file, "JPEG", quality=75)
    return file.getvalue()


def measure_mnist():
    """The test part as it is, prepared once more, and on paper."""
    data, model, generator = load_dataset("mnist"), load_model(), np.random.default_rng(SEED)
    ways = {
        "plain": lambda image: image,
        "prepared": prepared,
        "on paper": lambda image: prepared(photograph_digit(image, generator)),
    }
    facts = {}
    for name, way in ways.items():
        images = np.array([way(image) for image in data.x_test])
        error = error_rate(data.y_test, model.predict(prepare_images(images), verbose=0).argmax(axis=1))
        facts[name] = {"wrong": error.wrong, "pictures": error.total}
        if name == "prepared":
            changes = np.abs(images.astype(float) - data.x_test).mean(axis=(1, 2))
            facts[name]["mean_change"] = round(float(changes.mean()), 2)
        print(f"  MNIST {name}: {error}")
    return facts


def prepared(picture):
    try:
        return prepare_digit(picture).image
    except PictureError:
        return np.zeros((28, 28), "uint8")


def measure_numbers(count=2_000):
    data, generator = load_dataset("mnist"), np.random.default_rng(SEED)
    right, digits = 0, 0
    for _ in range(count):
        chosen = generator.choice(len(data.x_test), generator.integers(3, 13), replace=False)
        page, lengths = compose_number(data.x_test[chosen], generator)
        rows = np.split(data.y_test[chosen], np.cumsum(lengths)[:-1])
        label = "-".join("".join(map(str, row)) for row in rows)
        right += write_number(read_number(page, best=True)) == label
        digits += len(chosen)
    print(f"  {right} of {count} composed numbers wholly right ({digits} digits)")
    return {"numbers": count, "digits": digits, "right": right}


def measure_hostile(count=3_000):
    """Files that are cut off, changed or made up, arrays of any shape, and stripes as fine as pixels.

    How many raise an error that is not ours?
    """
    generator = np.random.default_rng(SEED)
    whole = [Path(sample.path).read_bytes() for sample in sample_pictures()]
    page = Image.fromarray(photograph_digit(load_dataset("mini").x_test[0], generator))
    for kind in ("BMP", "GIF", "PPM", "TIFF", "WEBP"):
        for more in [{}] if kind in ("BMP", "PPM") else [{}, {"save_all": True, "append_images": [page.rotate(90)]}]:
            file = io.BytesIO()
            page.save(file, kind, **more)
            whole.append(file.getvalue())
    facts = {"inputs": count, "read": 0, "refused": 0, "other_errors": 0, "slowest": 0.0}
    for number in range(count):
        content = bytearray(whole[generator.integers(len(whole))])
        match number % 5:
            case 0:
                picture = bytes(content[: generator.integers(len(content))])
            case 1:
                for place in generator.integers(0, len(content), generator.integers(1, 40)):
                    content[place] = generator.integers(256)
                picture = bytes(content)
            case 2:
                picture = bytes(content[:16]) + generator.bytes(generator.integers(2_000))
            case 3:
                shape = generator.integers(1, 60, generator.integers(1, 5))
                picture = generator.integers(0, 256, shape).astype(
                    generator.choice(["uint8", "int64", "float32", "bool"])
                )
            case 4:
                height, width = generator.integers(1, 50, 2)
                stripes = np.add.outer(np.arange(height), generator.integers(0, 3) * np.arange(width))
                picture = (255 * (stripes % generator.integers(2, 9) == 0)).astype("uint8")
        start = time.perf_counter()
        try:
            (split_digits if generator.random() < 0.5 else prepare_digit)(picture)
            facts["read"] += 1
        except (PictureError, ValueError) as error:  # arrays of a wrong shape or range are a ValueError that names them
            known = isinstance(error, PictureError) or str(error).startswith("picture: ")
            facts["refused" if known else "other_errors"] += 1
        except Exception as error:
            print(f"    {number}: {error!r}")
            facts["other_errors"] += 1
        facts["slowest"] = max(facts["slowest"], round(time.perf_counter() - start, 2))
    print(f"  {facts}")
    return facts


def measure_speed(count=500, side=1000):
    """Pictures a second and memory of the command for a folder, in a process of its own."""
    data, generator = load_dataset("mini"), np.random.default_rng(SEED)
    with tempfile.TemporaryDirectory() as folder:
        for i in range(count):
            small = photograph_digit(data.x_test[i], generator)
            Image.fromarray(small).resize((side, side)).convert("RGB").save(Path(folder, f"{i}.jpg"))
        first = Path(folder, "0.jpg")
        seconds = [timed([str(first)])[0], timed([folder])]
    start_up, (whole, memory) = seconds
    rate = count / (whole - start_up)
    print(f"  {count} pictures of {side}×{side} pixels: {rate:.0f} a second, {start_up:.1f} s of start-up, {memory} MB")
    return {
        "pictures": count,
        "side": side,
        "a_second": round(rate, 1),
        "start_up": round(start_up, 1),
        "megabytes": memory,
    }


def timed(words):
    """Seconds of ``mnist-helpers predict``, and the most memory that it held, in MB."""
    code = (
        "import resource, sys; from mnist_helpers.cli import main; main(['predict', '--json', *sys.argv[1:]]); "
        "print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss, file=sys.stderr)"
    )
    start = time.perf_counter()
    run = subprocess.run([sys.executable, "-c", code, *words], capture_output=True, text=True, check=True)
    return time.perf_counter() - start, megabytes(int(run.stderr.split()[-1]))


def megabytes(resident):
    """Of what ``getrusage`` returns: bytes on macOS, kilobytes elsewhere."""
    return resident // (1024**2 if sys.platform == "darwin" else 1024)


if __name__ == "__main__":
    main()
