"""Every figure of the book.

Each function returns a Matplotlib figure. As the last line of a cell it is shown; ``figure.savefig("name.png")`` writes
it to a file. The style is ``book.mplstyle``.
"""

import sys
from importlib import resources

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.patches import Rectangle
from matplotlib.ticker import LogLocator, MaxNLocator, NullLocator
from PIL import Image, ImageOps

from mnist_helpers.checks import (
    check_count,
    check_dictionary,
    check_histories,
    check_kind,
    check_labels,
    check_numbers,
    check_picture,
    check_probabilities,
    check_range,
    check_references,
    check_runs,
    check_shape,
    check_square,
    check_titles,
)
from mnist_helpers.colours import BLUE, GREEN, ORANGE
from mnist_helpers.datasets import DATASETS

WIDTH = 7  # inches: every figure is as wide as the text
GREY = "#595959"
SIGNED = "BrBG"  # for weights: brown below zero, white at zero, green above; distinct for colour-blind readers

_source = None


def use_style(source=None):
    """Use the book's look for all figures from now on.

    Args:
        source: name of the data set, written small into the corner of each figure, so that a figure that is copied
            elsewhere still says what it was made with.
    """
    if source is not None:
        check_kind("source", source, str, "a text")
    global _source
    _source = source
    with resources.as_file(resources.files("mnist_helpers").joinpath("book.mplstyle")) as style:
        plt.style.use(style)
    if "IPython" in sys.modules and sys.modules["IPython"].get_ipython() is not None:
        from matplotlib_inline.backend_inline import set_matplotlib_formats

        # Twice the pixels for sharp screens, and the figure's full width instead of a crop around the ink.
        set_matplotlib_formats("retina", bbox_inches=None)


def show_digits(images, titles=None, *, columns=10, wrong=()):
    """Draw images side by side, dark ink on light paper.

    Args:
        images: array of shape ``(n, 28, 28)``, any numbers; the largest of each image is drawn black.
        titles: a text or number for each image.
        columns: how many images stand in a row.
        wrong: positions of images whose title is to be marked as a mistake.

    Returns:
        The figure.

    Raises:
        ValueError: there is no image, one image without its first axis, or another number of titles than of images.
    """
    images = np.asarray(images)
    if images.ndim != 3 or len(images) == 0:
        ways = {2: "; for one image write images[np.newaxis]", 4: "; images[..., 0] takes the channel axis off"}
        way = ways.get(images.ndim, "")
        raise ValueError(f"images: expected an array of shape (n, 28, 28), got {images.shape}{way}.")
    check_numbers("images", images)
    check_count("columns", columns)
    check_titles(titles, wrong, len(images))
    rows = -(-len(images) // columns)
    size = WIDTH / columns
    figure, axes = _figure(rows, columns, height=rows * (size + (0.25 if titles is not None else 0)) + 0.15)
    for position, ax in enumerate(axes.flat):
        if position >= len(images):
            ax.axis("off")
            continue
        _draw_digit(ax, images[position])
        if titles is not None:
            _write_title(ax, titles[position], position in wrong)
    return _finish(figure)


def show_pixels(image):
    """Draw one image with the number of each pixel written into it.

    Args:
        image: ``uint8`` array of shape ``(28, 28)``.

    Returns:
        The figure.
    """
    check_shape("image", image, (28, 28), "one image of a batch is images[0]")
    figure, axes = _figure(height=7)
    ax = axes[0, 0]
    _draw_digit(ax, image)
    for (row, column), value in np.ndenumerate(image):
        color = "white" if value > 110 else "black" if value else GREY
        ax.text(column, row, str(value), ha="center", va="center", fontsize=6.5, color=color)
    ax.set(xticks=range(0, 28, 3), yticks=range(0, 28, 3), xlabel="column", ylabel="row")
    return _finish(figure)


def show_filters(kernels, titles=None, *, columns=8):
    """Draw filters side by side: positive weights green, negative ones brown, zero white.

    Args:
        kernels: array of shape ``(n, height, width)``.
        titles: a text or number for each filter.
        columns: how many stand in a row.

    Returns:
        The figure.

    Raises:
        ValueError: ``kernels`` has another number of axes, or ``columns`` is less than 1.
    """
    kernels = np.asarray(kernels)
    if kernels.ndim != 3 or len(kernels) == 0:
        raise ValueError(f"kernels: expected an array of shape (n, height, width), got {kernels.shape}.")
    check_numbers("kernels", kernels)
    check_count("columns", columns)
    rows = -(-len(kernels) // columns)
    largest = np.abs(kernels).max() or 1
    check_titles(titles, (), len(kernels))
    figure, axes = _figure(rows, columns, height=rows * (WIDTH / columns + 0.25 * (titles is not None)) + 0.6)
    for ax, title in zip(axes.flat, titles or (), strict=False):
        ax.set_title(title, loc="center", fontsize=9)
    for ax, kernel in zip(axes.flat, kernels, strict=False):
        picture = ax.imshow(kernel, cmap=SIGNED, vmin=-largest, vmax=largest)
    for ax in axes.flat:
        ax.set(xticks=[], yticks=[])
        ax.grid(visible=False)
        ax.spines[:].set(visible=ax.has_data(), color="#b0b0b0", linewidth=0.8)
    figure.colorbar(picture, ax=axes, location="bottom", shrink=0.5, aspect=40, label="weight")
    return _finish(figure)


def plot_convolution(image, kernel, result, places):
    """Draw the steps of a filter that slides over an image: the window, window times filter, and the result so far.

    Args:
        image: array of shape ``(28, 28)``.
        kernel: array of shape ``(size, size)``.
        result: the finished result, of shape ``(29 - size, 29 - size)``.
        places: the (row, column) of the window's upper left corner, one a step.

    Returns:
        The figure.

    Raises:
        ValueError: the image has another shape, or the result does not fit to image and filter.
    """
    if np.ndim(places) != 2 or np.shape(places)[1] != 2:
        raise ValueError(f"places: expected pairs of row and column, got {places!r:.80}.")
    check_square("kernel", kernel)
    check_square("result", result)
    check_shape("image", image, (28, 28), "one image of a batch is images[0]")
    size = len(kernel)
    check_shape("result", result, (29 - size, 29 - size), "the window of the kernel must stay inside the image")
    figure, axes = _figure(len(places), 3, height=2.4 * len(places))
    largest = np.abs(result).max() or 1
    for (left, middle, right), (row, column) in zip(axes, places, strict=True):
        _draw_digit(left, image)
        corner = (column - 0.5, row - 0.5)
        left.add_patch(plt.Rectangle(corner, size, size, fill=False, edgecolor=ORANGE, linewidth=2.5))
        left.set_title(f"window at row {row}, column {column}")
        products = image[row : row + size, column : column + size] * kernel
        strongest = np.abs(kernel).max() or 1
        middle.imshow(products, cmap=SIGNED, vmin=-strongest, vmax=strongest)
        for (i, j), value in np.ndenumerate(products.round(2) + 0.0):  # + 0.0 turns -0.0 into 0.0
            color = "white" if abs(value) > 0.6 * strongest else "black"
            middle.text(j, i, f"{value:.2f}", ha="center", va="center", fontsize=6, color=color)
        middle.set(xticks=[], yticks=[], title=f"window × filter, sum {products.sum():.2f}")
        middle.grid(visible=False)
        so_far = np.full(result.size, np.nan)
        done = row * result.shape[1] + column + 1
        so_far[:done] = np.ravel(result)[:done]
        right.imshow(so_far.reshape(result.shape), cmap=SIGNED, vmin=-largest, vmax=largest)
        right.patch.set(facecolor="#e5e5e5", hatch="////", edgecolor="#b0b0b0")  # seen where nothing is computed yet
        right.set(xticks=[], yticks=[], title=f"result after {done} of {result.size} steps")
        right.grid(visible=False)
        for ax in (middle, right):
            ax.spines[:].set(visible=True, color="#b0b0b0", linewidth=0.8)
    return _finish(figure)


def plot_class_counts(parts, source=None):
    """Draw how often each digit occurs in each part of the data.

    Args:
        parts: dictionary from the name of a part to its labels, integers of shape ``(n,)``.
        source: name of the data set, for the corner of the figure; by default the one handed to ``use_style``.

    Returns:
        The figure.
    """
    if source is not None:
        check_kind("source", source, str, "a text")
    check_dictionary("parts", parts, "from a title to labels")
    figure, axes = _figure(1, len(parts), height=2.6)
    for ax, (name, labels) in zip(axes.flat, parts.items(), strict=True):
        digits, counts = np.unique(labels, return_counts=True)
        ax.bar(digits, counts, color=BLUE)
        ax.axhline(len(labels) / 10, color="black", linestyle="--", linewidth=1)
        ax.set(title=f"{name}: {len(labels):,} images", xlabel="digit", xticks=range(10))
        ax.grid(axis="x", visible=False)
    axes[0, 0].set_ylabel("images")
    return _finish(figure, source=source)


def plot_history(histories, source=None):
    """Draw loss and error rate after each epoch, on training and validation images.

    Args:
        histories: dictionary from a model's name to its Keras history, a dictionary with the lists ``"loss"`` and
            ``"accuracy"``, and where there were validation data ``"val_loss"`` and ``"val_accuracy"``. Several
            histories of one model, such as those of all folds, are drawn as thin lines with their mean.
        source: name of the data set that the histories were made with, for the corner of the figure; by default the
            one handed to ``use_style``.

    Returns:
        The figure.

    Raises:
        TypeError, ValueError: a history is no dictionary, or lacks one of the lists; the message says what it holds.
            Or the source is no text.
    """
    check_dictionary("histories", histories, "from a name to a Keras history")
    if source is not None:
        check_kind("source", source, str, "a text")
    all_runs = {name: [runs] if isinstance(runs, dict) else list(runs) for name, runs in histories.items()}
    for name, runs in all_runs.items():
        check_histories(f"histories[{name!r}]", runs)
    figure, axes = _figure(2, len(histories), height=5, sharex=True, sharey="row")
    for column, (name, runs) in enumerate(all_runs.items()):
        epochs = np.arange(1, len(runs[0]["loss"]) + 1)
        for key, label, color, style in (("", "training", BLUE, "o-"), ("val_", "validation", ORANGE, "s--")):
            if f"{key}loss" not in runs[0]:
                continue
            losses = np.array([run[f"{key}loss"] for run in runs])
            errors = 100 * (1 - np.array([run[f"{key}accuracy"] for run in runs]))
            for ax, values in zip(axes[:, column], (losses, errors), strict=True):
                if len(runs) > 1:
                    ax.plot(epochs, values.T, style[1:], color=color, linewidth=0.8, alpha=0.6)
                    label = label.removesuffix(", mean") + ", mean"
                ax.plot(epochs, values.mean(axis=0), style, color=color, label=label)
        axes[0, column].set_title(name)
        axes[1, column].set_xlabel("epoch")
        axes[1, column].xaxis.set_major_locator(MaxNLocator(integer=True))
    axes[0, 0].set(ylabel="loss", ylim=(0, None))
    axes[1, 0].set(ylabel="error [%]", ylim=(0, None))
    figure.legend(*axes[0, 0].get_legend_handles_labels(), loc="outside lower left", ncols=2)
    return _finish(figure, source=source)


def plot_scores(scores, source=None):
    """Draw the error on each fold as a point, over a box from the lower to the upper quartile.

    Args:
        scores: dictionary from a model's name to its accuracies, one a fold, from 0 to 1.
        source: name of the data set, for the corner of the figure; by default the one handed to ``use_style``.

    Returns:
        The figure.
    """
    check_dictionary("scores", scores, "from a name to accuracies")
    if source is not None:
        check_kind("source", source, str, "a text")
    figure, axes = _figure(height=0.6 * len(scores) + 1.2)
    ax, places = axes[0, 0], range(len(scores), 0, -1)
    errors = [100 * (1 - np.asarray(values)) for values in scores.values()]
    ax.boxplot(
        errors,
        positions=list(places),
        orientation="horizontal",
        tick_labels=list(scores),
        widths=0.5,
        showfliers=False,  # every fold is drawn below
        medianprops={"color": "black", "linewidth": 2},
    )
    for number, (place, values) in enumerate(zip(places, errors, strict=True)):
        label = "one fold" if number == 0 else None
        ax.plot(values, np.full(len(values), place), "o", color=BLUE, alpha=0.8, label=label)
        label = "mean" if number == 0 else None
        ax.plot(values.mean(), place, "D", color=ORANGE, label=label)
    ax.set(xlabel="error [%]", ylim=(0.4, len(scores) + 0.6))
    ax.grid(axis="y", visible=False)
    figure.legend(loc="outside lower left", ncols=2)
    return _finish(figure, source=source)


def plot_probabilities(image, probabilities, label):
    """Draw an image beside the ten probabilities that a model gives it.

    Args:
        image: array of shape ``(28, 28)``.
        probabilities: array of shape ``(10,)``, adding up to 1; or a dictionary from a title to such an array, each of
            which gets its own panel, to compare them.
        label: the digit that the image is labelled with.

    Returns:
        The figure.
    """
    check_shape("image", image, (28, 28), "one image of a batch is images[0]")
    if not isinstance(probabilities, dict):
        probabilities = {None: probabilities}
    check_dictionary("probabilities", probabilities, "from a title to probabilities")
    for shares in probabilities.values():
        check_shape("probabilities", shares, (10,), "one answer of a batch is probabilities[0]")
    width = 2 if len(probabilities) == 1 else 1.5
    figure, axes = _figure(1, 1 + len(probabilities), height=2.6, width_ratios=[1, *[width] * len(probabilities)])
    _draw_digit(axes[0, 0], image)
    axes[0, 0].set_title(f"label: {label}", loc="center")
    for ax, (title, shares) in zip(axes[0, 1:], probabilities.items(), strict=True):
        answer = int(np.argmax(shares))
        bars = ax.bar(range(10), 100 * np.asarray(shares), color=[ORANGE if i == answer else BLUE for i in range(10)])
        ax.bar_label(bars, labels=[f"{100 * p:.0f}" if p >= 0.005 else "" for p in shares])
        ax.set(title=title or f"answer: {answer}", xlabel="digit", xticks=range(10), ylim=(0, 110))
        ax.set_yticks(range(0, 101, 25))
        ax.grid(axis="x", visible=False)
    axes[0, 1].set_ylabel("probability [%]")
    return _finish(figure)


def plot_learning_rates(rates):
    """Draw how the learning rate changes from step to step.

    Args:
        rates: dictionary from a title to the learning rate of each step, an array of shape ``(steps,)``.

    Returns:
        The figure.
    """
    check_dictionary("rates", rates, "from a title to learning rates")
    figure, axes = _figure(height=2.4)
    ax = axes[0, 0]
    for (title, values), color, style in zip(rates.items(), (BLUE, ORANGE, GREEN), ("-", "--", ":"), strict=False):
        ax.plot(np.arange(1, len(values) + 1), values, style, color=color, label=title)
    ax.set(xlabel="step", ylabel="learning rate", ylim=(0, None))
    ax.legend()
    return _finish(figure)


def plot_means(values, xlabel="error on the validation images [%]"):
    """Draw the error of each seed as a point, and the mean over the seeds with its 95% interval.

    Args:
        values: dictionary from a title to a ``MeanInterval`` of error rates from 0 to 1.
        xlabel: what the numbers are.

    Returns:
        The figure.
    """
    check_kind("xlabel", xlabel, str, "a text")
    check_dictionary("values", values, "from a title to a MeanInterval")
    figure, axes = _figure(height=0.45 * len(values) + 1.2)
    ax, places = axes[0, 0], range(len(values) - 1, -1, -1)
    for number, (place, mean) in enumerate(zip(places, values.values(), strict=True)):
        errors = 100 * np.asarray(mean.values)
        label = "one seed" if number == 0 else None
        ax.plot(errors, np.full(len(errors), place - 0.2), "o", color=BLUE, alpha=0.8, label=label)
        label = "mean, with its 95% interval over the seeds" if number == 0 else None
        ends = [[100 * (mean.mean - max(mean.low, 0))], [100 * (mean.high - mean.mean)]]
        ax.errorbar(100 * mean.mean, place + 0.1, xerr=ends, fmt="D", color=ORANGE, capsize=4, label=label)
    ax.set(yticks=list(places), yticklabels=list(values), xlabel=xlabel, ylim=(-0.6, len(values) - 0.4), xlim=(0, None))
    ax.grid(axis="y", visible=False)
    figure.legend(loc="outside lower left", ncols=2)
    return _finish(figure)


def plot_seeds(runs, references=None, xlabel="error on the validation images [%]", point="one run", logarithmic=False):
    """Draw the error of each training as a point, one row for each model, and the mean of several as a line.

    Args:
        runs: dictionary from the name of a data set to a dictionary from a model's name to the errors of its
            trainings, each from 0 to 1. A second data set is drawn beside the first, smaller: the first one carries
            the argument.
        references: dictionary from a model's name to the published error in per cent, a number or a pair (from, to);
            drawn beside the first data set.
        xlabel: what the errors are.
        point: what each point is.
        logarithmic: whether a step to the right multiplies the error, for errors that lie far apart.

    Returns:
        The figure.

    Raises:
        TypeError, ValueError: an argument is no such dictionary, the data sets have different models, or a reference
            is to none of them.
    """
    check_references(references)
    check_kind("xlabel", xlabel, str, "a text")
    check_kind("point", point, str, "a text")
    check_kind("logarithmic", logarithmic, bool, "True or False")
    check_runs(runs, "errors by model")
    first = next(iter(runs.values()))
    if unknown := (references or {}).keys() - first.keys():
        raise ValueError(f"references: {sorted(unknown)[0]!r} is none of the models: {', '.join(first)}.")
    figure, axes = _figure(1, len(runs), height=0.45 * len(first) + 1.2, width_ratios=[3, 2][: len(runs)], sharey=True)
    places = range(len(first) - 1, -1, -1)
    for ax, (name, errors) in zip(axes.flat, runs.items(), strict=True):
        for number, (place, values) in enumerate(zip(places, errors.values(), strict=True)):
            values = 100 * np.asarray(values, dtype=float).ravel()
            label = point if number == 0 else None
            ax.plot(values, np.full(len(values), place), "o", color=BLUE, alpha=0.7, label=label)
            if len(values) > 1:
                label = "mean" if number == 0 else None
                ax.vlines(values.mean(), place - 0.25, place + 0.25, color="black", linewidth=2, label=label)
        ax.set(title=data_title(name), ylim=(-0.6, len(first) - 0.4))
        ax.grid(axis="y", visible=False)
    for number, (model, percent) in enumerate((references or {}).items()):
        place = len(first) - 1 - list(first).index(model)
        low, high = np.broadcast_to(percent, 2)
        label = "published" if number == 0 else None
        axes[0, 0].plot([low, high], [place - 0.3] * 2, "D-", color=ORANGE, markersize=5, label=label)
    for ax in axes.flat:  # from 0, with room for the rightmost point, however close the points lie to one another
        if logarithmic:
            ax.set_xscale("log")
            ax.xaxis.set_major_locator(LogLocator(subs=(1, 2, 5)))
            ax.xaxis.set_major_formatter("{x:g}")
            ax.xaxis.set_minor_formatter("")
        else:
            ax.set_xlim(0, 1.05 * max(ax.dataLim.x1, 0.1))
    axes[0, 0].set(yticks=list(places), yticklabels=list(first))
    axes[0, 0].set_xlabel(xlabel, loc="left")
    figure.legend(*axes[0, 0].get_legend_handles_labels(), loc="outside lower left", ncols=3)
    return _finish(figure, named=True)


def plot_error_and_time(models, highlight=(), references=None, source=None):
    """Draw the test error of each model against the time of its training, both on logarithmic axes.

    Args:
        models: dictionary from a model's name to seconds of training, error, and the ends of its 95% interval; errors
            from 0 to 1. ``times_and_errors`` makes it.
        highlight: names of the models that are to stand out.
        references: dictionary from a published model to its error in per cent, a number or a pair (from, to). They are
            drawn as lines, since their training time on this machine is unknown.
        source: name of the data set, for the corner of the figure; by default the one handed to ``use_style``.

    Returns:
        The figure.
    """
    check_references(references)
    check_kind("highlight", highlight, list | tuple | set, "a list of names")
    check_dictionary("models", models, "from a name to seconds and errors")
    if source is not None:
        check_kind("source", source, str, "a text")
    figure, axes = _figure(height=4.5 + 0.1 * len(models))
    ax = axes[0, 0]
    # Numbers, the fastest first, with their names below: names beside the points would cover one another.
    for number, (name, (seconds, *errors)) in enumerate(sorted(models.items(), key=lambda item: item[1][0]), start=1):
        rate, low, high = (100 * max(error, 1e-5) for error in errors)  # a logarithmic axis cannot show 0
        color, marker = (ORANGE, "D") if name in highlight else (BLUE, "o")
        ax.errorbar(seconds, rate, yerr=[[rate - low], [high - rate]], color=color, capsize=3)
        ax.plot(seconds, rate, marker, color=color, markersize=12)
        ax.annotate(str(number), (seconds, rate), color="white", fontsize=8, ha="center", va="center_baseline")
        ax.plot([], [], marker, color=color, label=f"{number}  {name}")
    for name, value in (references or {}).items():
        low, high = (value, value) if np.isscalar(value) else value
        ax.axhspan(low, high, color=GREY, alpha=0.25, linewidth=1)
        place = {"xycoords": ("axes fraction", "data"), "xytext": (4, 2), "textcoords": "offset points"}
        ax.annotate(name, (0, high), fontsize=7, color=GREY, **place)
    ax.set(xscale="log", yscale="log", xlabel="time of training [s]", ylabel="error on the test images [%]")
    for axis in (ax.xaxis, ax.yaxis):
        axis.set_major_locator(LogLocator(subs=(1, 2, 5)))
        axis.set_major_formatter("{x:,g}")
        axis.set_minor_formatter("")
    ax.margins(x=0.1)
    figure.legend(loc="outside lower left", ncols=2)
    return _finish(figure, source=source)


def plot_confusion(confusion, source=None):
    """Draw which digits are read as which: the mistakes only, since the many right answers would dominate the scale.

    Args:
        confusion: integer array of shape ``(10, 10)``, rows the labels and columns the answers, as scikit-learn's
            ``confusion_matrix`` returns it.
        source: name of the data set, for the corner of the figure; by default the one handed to ``use_style``.

    Returns:
        The figure.

    Raises:
        ValueError: the array has another shape.
    """
    if source is not None:
        check_kind("source", source, str, "a text")
    confusion = np.asarray(confusion)
    check_shape("confusion", confusion, (10, 10), "sklearn.metrics.confusion_matrix(labels, answers) makes it")
    mistakes = np.where(np.eye(10, dtype=bool), 0, confusion)
    most = max(mistakes.max(), 1)
    figure, axes = _figure(height=5.2)
    ax = axes[0, 0]
    ax.imshow(mistakes, cmap="Oranges", vmin=0, vmax=most)
    for row, column in np.ndindex(10, 10):
        right = row == column
        if right or mistakes[row, column]:
            color = GREY if right else "white" if mistakes[row, column] > 0.6 * most else "black"
            text = f"{confusion[row, column]:,}"
            ax.text(column, row, text, color=color, fontsize=9, ha="center", va="center")
    ax.set(xticks=range(10), yticks=range(10), xlabel="answer", ylabel="label")
    ax.grid(visible=False)
    return _finish(figure, source=source)


def plot_calibration(bins, source=None):
    """Draw how often answers were right against the probability that the model gave them.

    Args:
        bins: a list of pairs, one for each group of images: the mean probability of the answers, from 0 to 1, and an
            ``ErrorRate``. Its interval is drawn.
        source: as for ``plot_confusion``.

    Returns:
        The figure.
    """
    if source is not None:
        check_kind("source", source, str, "a text")
    check_kind("bins", bins, list | tuple, "a list of pairs")
    figure, axes = _figure(height=3.6)
    ax = axes[0, 0]
    ax.plot([0, 100], [0, 100], "--", color=GREY, label="as often as it says")
    for number, (probability, error) in enumerate(bins):
        right = 100 * (1 - error.wrong / error.total)  # a recorded one has counts and ends only
        ends = [[right - 100 * (1 - error.high)], [100 * (1 - error.low) - right]]
        label = "how often it was right, with 95% interval" if number == 0 else None
        ax.errorbar(100 * probability, right, yerr=ends, fmt="o", color=BLUE, capsize=3, label=label)
    ax.set(xlabel="probability of the answer [%]", ylabel="right answers [%]", xlim=(0, 102), ylim=(0, 103))
    figure.legend(loc="outside lower left", ncols=2)
    return _finish(figure, source=source)


def plot_threshold(digits, labels, non_digits, threshold):
    """Draw what a threshold on the probability does: digits refused, digits misread, and other things read as digits.

    Args:
        digits: probabilities of shape ``(n, 10)`` for pictures of digits.
        labels: their labels, of shape ``(n,)``.
        non_digits: probabilities of shape ``(m, 10)`` for pictures without a digit.
        threshold: the chosen one, drawn as a line.

    Returns:
        The figure.
    """
    check_probabilities("digits", digits)
    check_labels("labels", labels)
    check_probabilities("non_digits", non_digits)
    check_range("threshold", threshold, 0, 1)
    digits, sure, others = np.asarray(digits), np.max(digits, axis=1), np.max(non_digits, axis=1)
    wrong = digits.argmax(axis=1) != labels
    steps = np.linspace(0.1, 1, 181)
    curves = {
        "digits refused": (BLUE, "-", [(sure < step).mean() for step in steps]),
        "digits misread": (ORANGE, "--", [(wrong & (sure >= step)).mean() for step in steps]),
        "other things read as a digit": (GREEN, ":", [(others >= step).mean() for step in steps]),
    }
    figure, axes = _figure(height=3.4)
    ax = axes[0, 0]
    for title, (color, style, shares) in curves.items():
        ax.plot(100 * steps, 100 * np.array(shares), style, color=color, label=title)
    ax.axvline(100 * threshold, color=GREY, linewidth=1)
    ax.annotate(
        f"chosen: {threshold:.1%}",
        (100 * threshold, 1),
        xycoords=("data", "axes fraction"),
        xytext=(-4, -4),
        textcoords="offset points",
        color=GREY,
        ha="right",
        va="top",
    )
    ax.set(xlabel="smallest probability that is read [%]", ylabel="share of the pictures [%]", xlim=(10, 100))
    # Linear below 1% and logarithmic above, so that both 0.1% and 50% can be read.
    ax.set_yscale("symlog", linthresh=1, linscale=1)
    ax.set(ylim=(0, 100), yticks=[0, 0.5, 1, 5, 20, 100])
    ax.yaxis.set_major_formatter("{x:g}")
    ax.yaxis.set_minor_locator(NullLocator())
    figure.legend(loc="outside upper left", ncols=3)
    return _finish(figure)


def show_stages(preparation):
    """Draw how a picture was prepared, stage by stage.

    Args:
        preparation: a ``Preparation``, as ``prepare_digit`` returns it.

    Returns:
        The figure.
    """
    if not isinstance(getattr(preparation, "stages", None), dict):
        raise TypeError(f"preparation: expected what prepare_digit returns, got {type(preparation).__name__}.")
    stages = preparation.stages | {"28×28 pixels": preparation.image}
    figure, axes = _figure(1, len(stages), height=1.9)
    for ax, (name, stage) in zip(axes.flat, stages.items(), strict=True):
        _draw_digit(ax, stage)
        if name == "picture":
            ax.images[0].set(cmap="gray", clim=(0, 1))
        ax.set_title(name, loc="center", fontsize=9)
    return _finish(figure)


def show_pictures(pictures, titles=None, *, columns=5, wrong=()):
    """Draw pictures of any size side by side, as they are.

    Args:
        pictures: a list of Pillow images or of arrays, of shape ``(height, width)`` or ``(height, width, 3)``.
        titles, columns, wrong: as for ``show_digits``.

    Returns:
        The figure.
    """
    check_kind("pictures", pictures, list | tuple | np.ndarray, "a list of pictures")
    if len(pictures) == 0:
        raise ValueError("pictures: expected at least one, got none.")
    check_titles(titles, wrong, len(pictures))
    for picture in pictures:
        check_picture("pictures", picture)
    check_count("columns", columns)
    rows = -(-len(pictures) // columns)
    figure, axes = _figure(rows, columns, height=rows * (WIDTH / columns + (0.25 if titles is not None else 0)) + 0.15)
    for ax in axes.flat[len(pictures) :]:
        ax.axis("off")
    for position, (ax, picture) in enumerate(zip(axes.flat, pictures, strict=False)):
        ax.imshow(picture, cmap="gray", interpolation="antialiased")
        ax.set(xticks=[], yticks=[])
        ax.grid(visible=False)
        ax.spines[:].set(visible=True, color="#b0b0b0", linewidth=0.8)
        if titles is not None:
            _write_title(ax, titles[position], position in wrong)
    return _finish(figure)


def show_readings(picture, readings):
    """Draw a picture with a box around each digit that was found in it, and what was read.

    Args:
        picture: a Pillow image or an array.
        readings: a list of ``Reading``, as ``read_number`` returns it.

    Returns:
        The figure.
    """
    check_picture("picture", picture)
    check_kind("readings", readings, list | tuple, "a list, as read_number returns it")
    if isinstance(picture, Image.Image):  # the boxes are those of the upright picture
        picture = ImageOps.exif_transpose(picture).convert("RGB")
    height, width = np.asarray(picture).shape[:2]
    figure, axes = _figure(height=np.clip(WIDTH * height / width, 1, 6))
    ax = axes[0, 0]
    ax.imshow(picture, cmap="gray", interpolation="antialiased")
    ax.axis("off")
    for reading in readings:
        left, top, right, bottom = np.multiply(reading.box, (width, height, width, height))
        color = ORANGE if reading.digit is None else BLUE
        ax.add_patch(Rectangle((left, top), right - left, bottom - top, fill=False, edgecolor=color, linewidth=1.5))
        text = "?" if reading.digit is None else str(reading.digit)
        place = {"xytext": (1, -1), "textcoords": "offset points", "va": "top", "ha": "left"}
        ax.annotate(text, (right, top), color="white", fontsize=9, bbox={"fc": color, "ec": "none", "pad": 1}, **place)
    return _finish(figure)


def _figure(rows=1, columns=1, *, height, **options):
    return plt.subplots(rows, columns, figsize=(WIDTH, height), squeeze=False, **options)


def _draw_digit(ax, image):
    ax.imshow(image, vmin=min(0, np.min(image)), vmax=np.max(image) or 1)
    ax.set(xticks=[], yticks=[])
    ax.grid(visible=False)
    ax.spines[:].set(visible=True, color="#b0b0b0", linewidth=0.8)


def _write_title(ax, title, mistake):
    ax.set_title(
        f"{title}{' ✗' if mistake else ''}",
        loc="center",
        color=ORANGE if mistake else "black",
        weight="bold" if mistake else "normal",
    )


def data_title(name):
    """What a panel that shows results of a data set is called; any other name is its own title."""
    return f"{DATASETS[name].title} ({name})" if name in DATASETS else name


def _finish(figure, named=False, source=None):
    """Name the data in a corner, and close the figure: the notebook then shows it once, not twice.

    Args:
        figure: the figure.
        named: whether its panels say themselves what their data are.
        source: the data's name, where it is another one than that handed to ``use_style``.
    """
    if (source := source or _source) and not named:
        figure.supxlabel(f"data: {source}", x=0.995, ha="right", fontsize=7, color=GREY)
    plt.close(figure)
    return figure
