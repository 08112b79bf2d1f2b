"""The command ``mnist-helpers``: read the digits in pictures, fetch MNIST."""

import argparse
import contextlib
import io
import json
import os
import sys
import unicodedata
import warnings
from importlib import metadata
from pathlib import Path

from mnist_helpers.files import write_bytes
from mnist_helpers.handwriting.pictures import FORMATS, MAX_BYTES, OUTSIDE, PictureError, leads_out

# Suffixes of pictures that cannot be decoded; in a folder they are listed, too, so that an error names each of them.
UNREADABLE = {".avif", ".heic", ".heif", ".pdf", ".svg"}
CONTROLS = {"Cc", "Cf", "Cs", "Zl", "Zp"}  # Unicode: control, format, surrogate, line and paragraph separator
READ, NOT_READ, TROUBLE, INTERRUPTED = 0, 1, 2, 130  # as grep's; 130 as the shell's for Ctrl+C


def command():
    """The installed command: ``main``, with TensorFlow's start-up log suppressed.

    Compiled code writes that log to file descriptor 2. So descriptor 2 is redirected to the null device, after
    ``sys.stderr`` has been given a duplicate of it.
    """
    if sys.stderr:
        sys.stderr = os.fdopen(os.dup(2), "w", buffering=1, errors="backslashreplace")
        with open(os.devnull, "w") as nowhere:
            os.dup2(nowhere.fileno(), 2)
    return main()


def main(arguments=None):
    """Run the command.

    Args:
        arguments: a list of words; those of the command line by default.

    Returns:
        The exit code: 0 if every picture was read, 1 if one shows no digit that can be told, 2 if one cannot be opened,
        130 if the command was interrupted.

    Raises:
        SystemExit: the command was used wrongly; the code is 2.
    """
    parser = argparse.ArgumentParser(prog="mnist-helpers", description="Read handwritten digits.")
    parser.add_argument("--version", action="version", version=f"%(prog)s {_version()}")
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    predict = commands.add_parser(
        "predict",
        help="read the digit in each picture",
        description="Print a line a picture: the digit and its probability, or why there is none.",
        epilog="Exit code: 0 if every picture was read, 1 if one shows no digit that can be told, "
        "2 if one cannot be opened.",
    )
    predict.add_argument("files", nargs="+", metavar="FILE", help="a picture, a folder of them, or - (standard input)")
    predict.add_argument("--json", action="store_true", help="print one JSON object a line")
    predict.add_argument("--best", action="store_true", help="give the likeliest digit also when it is unsure")
    predict.add_argument("--stages", metavar="OUT.png", help="draw how the picture was prepared (one picture only)")
    predict.set_defaults(run=_predict)
    fetch = commands.add_parser("fetch", help="download MNIST unless it is there, and check it")
    fetch.set_defaults(run=_fetch)
    options = parser.parse_args(arguments)
    warnings.simplefilter("ignore")  # decoders warn about pictures that they can still read
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(errors="backslashreplace")  # a file name may not be encodable for the terminal
    try:
        return options.run(options, parser)
    except KeyboardInterrupt:
        return INTERRUPTED
    except (RuntimeError, ValueError, OSError) as error:  # the package's own errors are subclasses
        if not isinstance(error, BrokenPipeError):  # `| head` has closed the pipe
            print(f"mnist-helpers: {error}", file=sys.stderr)
        _forget_output()
        return TROUBLE


def _version():
    with contextlib.suppress(metadata.PackageNotFoundError):
        return metadata.version("mnist-helpers")
    return "(not installed)"


def _forget_output():
    """Redirect the output to the null device, so that Python does not flush the unprinted rest at exit."""
    with contextlib.suppress(OSError, ValueError, AttributeError), open(os.devnull, "w") as nowhere:
        os.dup2(nowhere.fileno(), sys.stdout.fileno())


def _predict(options, parser):
    from mnist_helpers.handwriting.reading import read_digits

    found = [picture for file in options.files for picture in _find(file)]
    names = [name for name, _ in found]
    if options.stages and len(names) != 1:
        parser.error(f"--stages draws one picture, but there are {len(names)}; name one file")
    if options.stages and os.path.exists(options.stages) and os.path.exists(names[0]):
        if os.path.samefile(options.stages, names[0]):
            parser.error(f"--stages would overwrite the picture {options.stages}; name another file")
    if names.count("-") > 1:
        parser.error("standard input can be read once")
    if "-" in names and not sys.stdin:
        parser.error("standard input is closed")
    standard_input = sys.stdin.buffer.read(MAX_BYTES + 1) if "-" in names else None
    pictures = [standard_input if name == "-" else name for name, problem in found if not problem]
    readings = read_digits(pictures, best=options.best)
    code = READ
    # Not between lines of JSON, where they go to the same terminal.
    counts = len(found) > 1 and _is_terminal(sys.stderr) and not (options.json and _is_terminal(sys.stdout))
    for number, (name, problem) in enumerate(found):
        with _shown(f"{number} of {len(found)}") if counts else contextlib.nullcontext():
            reading = problem or next(readings)
        if isinstance(reading, PictureError):
            code = TROUBLE
        elif reading.digit is None:
            code = max(code, NOT_READ)
        print(_as_json(name, reading) if options.json else _as_text(name, reading), flush=True)
    if options.stages and pictures:
        _draw_stages(pictures[0], options.stages)
    return code


def _is_terminal(stream):
    return stream is not None and stream.isatty()


@contextlib.contextmanager
def _shown(text):
    """Context manager: show a line on the terminal, and blank it at the end, so that the next output overwrites it."""
    print(text, end="\r", file=sys.stderr, flush=True)
    try:
        yield
    finally:
        print(" " * len(text), end="\r", file=sys.stderr, flush=True)


def _find(file):
    """The picture of that name, or all pictures of that folder, each with the error that excludes it, or None."""
    if file == "-" or not os.path.isdir(file):
        return [(file, None)]
    suffixes = _suffixes()
    locked: list[OSError] = []
    found: list[str] = []
    for folder, inner, names in os.walk(file, onerror=locked.append):
        elsewhere = [name for name in inner if leads_out(Path(folder, name), file)]
        inner[:] = [name for name in inner if not name.startswith(".") and name not in elsewhere]
        pictures = [name for name in names if Path(name).suffix.lower() in suffixes and not name.startswith(".")]
        found += [str(Path(folder, name)) for name in pictures + elsewhere]
    # A folder that cannot be opened is listed like a picture: the attempt to read it gives the error.
    names = sorted(found + [error.filename for error in locked]) or [file]
    return [(name, PictureError(f"{OUTSIDE}; name it directly.") if leads_out(name, file) else None) for name in names]


def _suffixes():
    """How the names of files end that are looked at in a folder."""
    from PIL import Image

    kinds = {*FORMATS, "MPO"}  # MPO is a JPEG with others behind it
    return UNREADABLE | {suffix for suffix, kind in Image.registered_extensions().items() if kind in kinds}


def _as_text(name, reading):
    # One line a file; control characters in its name are escaped.
    name = "".join(repr(sign)[1:-1] if unicodedata.category(sign) in CONTROLS else sign for sign in name)
    if getattr(reading, "digit", None) is None:
        return f"{name}: {reading.reason}"
    return f"{name}: {reading.digit} ({reading.probability:.1%})"


def _as_json(name, reading):
    probability = getattr(reading, "probability", None)
    facts = {
        "file": name,
        "digit": getattr(reading, "digit", None),
        "probability": None if probability is None else round(probability, 4),
        "reason": reading.reason,
    }
    return json.dumps(facts)


def _draw_stages(picture, path):
    import matplotlib

    matplotlib.use("agg")
    from mnist_helpers.handwriting.preparation import prepare_digit
    from mnist_helpers.plotting import show_stages, use_style

    try:
        preparation = prepare_digit(picture)
    except PictureError as error:
        print(f"mnist-helpers: {path} is not drawn, for the picture {error.reason}", file=sys.stderr)
        return
    use_style()
    drawn = io.BytesIO()
    show_stages(preparation).savefig(drawn, format=Path(path).suffix.lstrip(".") or "png")
    write_bytes(path, drawn.getvalue())


def _fetch(options, parser):
    from mnist_helpers.datasets import load_dataset

    data = load_dataset("mnist")
    images = len(data.x_train) + len(data.x_valid) + len(data.x_test)
    print(f"MNIST is there, all {images:,} images, and they are the right ones.")
    return READ
