"""Drawings that explain how a network works: its neurons, its scores and shares, a slope, a descent.

Like those of ``plotting``, each function returns a Matplotlib figure in the book's style.
"""

import numpy as np
from matplotlib.patches import Circle
from matplotlib.ticker import LogLocator

from mnist_helpers.checks import check_dictionary, check_kind, check_numbers, check_runs, check_shape, check_vector
from mnist_helpers.colours import BLUE, CYCLE, ORANGE
from mnist_helpers.plotting import GREY, SIGNED, WIDTH, _figure, _finish, data_title

BLACK = "black"
ORDINALS = ["first", "second", "third", "fourth", "fifth"]


def plot_network(values, weights, biases=None, blames=None, names=None):
    """Draw a small network: a circle for each neuron with its value, and an arrow for each weight.

    Args:
        values: the values of each layer, the inputs first: a list of arrays of shape ``(neurons,)``.
        weights: the weights between each layer and the next, a list of arrays of shape ``(neurons, neurons after)``.
            The thicker an arrow, the larger the weight; a negative one is dashed.
        biases: the biases of each layer but the first, written below its neurons: a list of arrays.
        blames: what is handed back to each layer, written below its neurons: a list like ``values``, with None for a
            layer that gets none.
        names: a list of texts for each layer, written into its circles in place of the values, which then stand above.

    Returns:
        The figure.

    Raises:
        TypeError, ValueError: the arrays do not fit together; the message says which.
    """
    check_kind("values", values, list, "a list with an array for each layer")
    check_kind("weights", weights, list, "a list with an array between each layer and the next")
    if len(values) < 2:
        raise ValueError(f"values: expected the values of two or more layers, got those of {len(values)}.")
    if len(weights) != len(values) - 1:
        raise ValueError(f"weights: expected one array between each two layers of {len(values)}, got {len(weights)}.")
    values = [check_vector(f"values[{i}]", layer) for i, layer in enumerate(values)]
    for i, matrix in enumerate(weights):
        check_numbers(f"weights[{i}]", np.asarray(matrix))
        shape = len(values[i]), len(values[i + 1])
        check_shape(f"weights[{i}]", matrix, shape, "a row for each neuron of one layer, a column for each of the next")
    if biases is not None:
        check_kind("biases", biases, list, "a list with an entry for each layer but the first")
        biases = [None, *biases]
    biases = _per_layer("biases", biases, values)
    blames = _per_layer("blames", blames, values)
    names = _per_layer("names", names, values)
    apart = 1 if all(part is None for part in blames) else 1.5  # rows
    tallest = apart * (max(map(len, values)) - 1)
    figure, axes = _figure(height=0.7 * tallest + 1.3)
    ax, gap, radius = axes[0, 0], 2.8, 0.26
    places = [
        [(i * gap, apart * ((len(layer) - 1) / 2 - j)) for j in range(len(layer))] for i, layer in enumerate(values)
    ]
    largest = max(np.abs(matrix).max() for matrix in weights) or 1
    below = {"ha": "center", "va": "top", "bbox": {"facecolor": "white", "edgecolor": "none", "pad": 1}, "zorder": 3}
    for i, matrix in enumerate(weights):
        for (j, k), weight in np.ndenumerate(matrix):
            _draw_arrow(ax, places[i][j], places[i + 1][k], weight, largest, radius, share=0.24 + 0.16 * (k % 3))
    for i, layer in enumerate(values):
        for j, value in enumerate(layer):
            x, y = places[i][j]
            shade = str(1 - np.clip(value, 0, 1)) if i == 0 else "white"  # an input is a pixel, dark where there is ink
            ax.add_patch(Circle((x, y), radius, facecolor=shade, edgecolor=BLACK, zorder=3))
            inside = names[i][j] if names[i] is not None else f"{value:g}"
            ink = "white" if i == 0 and value > 0.5 else BLACK
            ax.text(x, y, inside, ha="center", va="center", color=ink, fontsize=9, zorder=4)
            if names[i] is not None:
                ax.text(x, y + 1.25 * radius, f"{value:.3g}", ha="center", va="bottom", color=BLUE, zorder=4)
            if blames[i] is not None:
                blame = f"{blames[i][j]:+.3f}".replace("-", "−") if blames[i][j] else "0"
                ax.text(x, y - 1.25 * radius, f"blame {blame}", **below, color=ORANGE, style="italic")
            if biases[i] is not None:
                text = f"bias {biases[i][j]:g}".replace("-", "−")
                ax.text(x, y - 1.25 * radius, text, **below, color=GREY)
    ax.set(xlim=(-0.6, gap * (len(values) - 1) + 0.6), ylim=(-tallest / 2 - 0.8, tallest / 2 + 0.7))
    ax.set_aspect("equal")
    ax.axis("off")
    return _finish(figure, named=True)  # made-up numbers have no source


def _per_layer(argument, given, values):
    if given is None:
        return [None] * len(values)
    check_kind(argument, given, list, "a list with an entry for each layer")
    if len(given) != len(values) or any(
        part is not None and len(part) != len(layer) for part, layer in zip(given, values, strict=False)
    ):
        raise ValueError(f"{argument}: expected an entry for each of {len(values)} layers, each as long as the layer.")
    return given


def _draw_arrow(ax, start, end, weight, largest, radius, share):
    """An arrow from one circle to the next, with the weight beside it at a share of its length."""
    start, end = np.array(start), np.array(end)
    along = (end - start) / np.linalg.norm(end - start)
    style = {
        "arrowstyle": "-|>",
        "color": GREY,
        "linewidth": 0.6 + 3 * abs(weight) / largest,
        "linestyle": "-" if weight >= 0 else (0, (3, 1.5)),
        "shrinkA": 0,
        "shrinkB": 0,
        "mutation_scale": 10,
    }
    ax.annotate("", end - radius * along, start + radius * along, arrowprops=style, zorder=1)
    box = {"facecolor": "white", "edgecolor": "none", "pad": 1.5}
    text = f"{weight:g}".replace("-", "−")
    ax.text(*(start + share * (end - start)), text, ha="center", va="center", fontsize=9, bbox=box, zorder=2)


def plot_softmax(scores):
    """Draw how scores become shares: the scores, e raised to each of them, and what share of the total each one has.

    Args:
        scores: a few numbers, of shape ``(n,)``.

    Returns:
        The figure.
    """
    scores = check_vector("scores", scores)
    if len(scores) > len(ORDINALS):
        raise ValueError(f"scores: expected at most {len(ORDINALS)}, got {len(scores)}.")
    powers = np.exp(scores)
    figure, axes = _figure(1, 3, height=2.3)
    panels = {"score": scores, "e to the power of the score": powers, "share of the total": powers / powers.sum()}
    for ax, (title, numbers) in zip(axes.flat, panels.items(), strict=True):
        bars = ax.bar(range(len(numbers)), numbers, color=BLUE)
        ax.bar_label(bars, labels=[f"{number:.3f}".rstrip("0").rstrip(".") for number in numbers], padding=2)
        ax.set(title=title, xticks=range(len(numbers)), xticklabels=[ORDINALS[i] for i in range(len(numbers))])
        ax.margins(y=0.18)
        ax.grid(axis="x", visible=False)
    return _finish(figure, named=True)  # made-up numbers have no source


def plot_curve(x, y, xlabel, ylabel, points=None, tangent=None):
    """Draw a curve, single points on it, and a straight line that touches it.

    Args:
        x, y: the curve, numbers of shape ``(n,)``.
        xlabel, ylabel: what the numbers are.
        points: dictionary from a text, which is written beside it, to a point ``(x, y)``.
        tangent: a point and the slope of the line through it, ``(x, y, slope)``.

    Returns:
        The figure.
    """
    x, y = check_vector("x", x), check_vector("y", y)
    if len(x) != len(y):
        raise ValueError(f"y: expected as many numbers as in x, {len(x)}, got {len(y)}.")
    check_kind("xlabel", xlabel, str, "a text")
    check_kind("ylabel", ylabel, str, "a text")
    figure, axes = _figure(height=2.7)
    ax = axes[0, 0]
    ax.plot(x, y, color=BLUE)
    if points is not None:
        check_dictionary("points", points, "from a text to a point (x, y)")
        for text, place in points.items():
            ax.plot(*check_vector(f"points[{text!r}]", place, length=2), "o", color=BLACK, zorder=3)
            ax.annotate(text, place, xytext=(7, 4), textcoords="offset points")
    if tangent is not None:
        across, up, slope = check_vector("tangent", tangent, length=3)
        reach = np.ptp(x) / 6
        run = np.array([across - reach, across + reach])
        ax.plot(run, up + slope * (run - across), "--", color=ORANGE, label=f"slope {slope:+.3f}".replace("-", "−"))
        ax.plot(across, up, "o", color=BLACK, zorder=3)
        ax.legend()
    ax.set(xlabel=xlabel, ylabel=ylabel)
    return _finish(figure, named=True)


def plot_descents(runs, line=None):
    """Draw how the loss changes from step to step with several learning rates, on a logarithmic axis.

    Args:
        runs: dictionary from the name of a data set to a dictionary from a learning rate, as a text, to the loss after
            each step. A second data set is drawn beside the first, smaller.
        line: a loss and a text that says what it is; it is drawn as a line.

    Returns:
        The figure.
    """
    check_runs(runs, "losses by learning rate")
    if line is not None:
        check_kind("line", line, tuple, "a loss and a text")
        check_vector("line", line[:1], length=1)
    figure, axes = _figure(1, len(runs), height=3, width_ratios=[3, 2][: len(runs)], sharey=True)
    for ax, (name, losses) in zip(axes.flat, runs.items(), strict=True):
        for (rate, values), color, style in zip(losses.items(), CYCLE, ("-", "--", "-.", ":", "-"), strict=False):
            values = check_vector(f"runs[{name!r}][{rate!r}]", values)
            ax.plot(range(len(values)), values, style, color=color, label=f"learning rate {rate}")
        if line is not None:
            ax.axhline(line[0], color=GREY, linewidth=1)
            if ax is axes[0, 0]:
                place = {"xycoords": ("axes fraction", "data"), "xytext": (-2, 3), "textcoords": "offset points"}
                ax.annotate(line[1], (1, line[0]), ha="right", color=GREY, fontsize=8, **place)
        ax.set(title=data_title(name), xlabel="steps", yscale="log")
        ax.yaxis.set_major_locator(LogLocator(subs=(1, 2, 5)))
        ax.yaxis.set_major_formatter("{x:g}")
        ax.yaxis.set_minor_formatter("")
    axes[0, 0].set_ylabel("loss")
    figure.legend(*axes[0, 0].get_legend_handles_labels(), loc="outside lower left", ncols=3)
    return _finish(figure, named=True)


def show_weights(rows):
    """Draw the weights of several neurons as pictures, one row for each moment of the training.

    Args:
        rows: dictionary from a title to weights of shape ``(784, neurons)``, one column for each neuron. Each row has
            a scale of its own, from its largest weight to minus that.

    Returns:
        The figure: ink in a green place speaks for the neuron's digit, ink in a brown one against it. The neurons are
        numbered above the first row, the titles stand at the left.
    """
    check_dictionary("rows", rows, "from a title to weights of shape (784, neurons)")
    count = np.shape(next(iter(rows.values())))[-1:]
    for title, weights in rows.items():
        check_numbers(f"rows[{title!r}]", np.asarray(weights))
        check_shape(f"rows[{title!r}]", weights, (28 * 28, *count), "a column holds the weights of one neuron")
    figure, axes = _figure(len(rows), *count, height=len(rows) * (WIDTH / count[0] + 0.05) + 0.9)
    for line, (title, weights) in zip(axes, rows.items(), strict=True):
        largest = np.abs(weights).max() or 1
        for ax, picture in zip(line, np.asarray(weights).T, strict=True):
            drawn = ax.imshow(picture.reshape(28, 28), cmap=SIGNED, vmin=-largest, vmax=largest)
            ax.set(xticks=[], yticks=[])
            ax.grid(visible=False)
            ax.spines[:].set(visible=True, color="#b0b0b0", linewidth=0.8)
        line[0].set_ylabel(title)
    for number, ax in enumerate(axes[0]):
        ax.set_title(str(number), loc="center")
    bar = figure.colorbar(drawn, ax=axes, location="bottom", shrink=0.5, aspect=40)
    bar.set_ticks([-largest, 0, largest], labels=["− against", "0", "+ for"])
    return _finish(figure)
