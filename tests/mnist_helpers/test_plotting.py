import io

import matplotlib.pyplot as plt
import numpy as np
import pytest

from mnist_helpers import (
    Reading,
    error_rate,
    mean_interval,
    plot_calibration,
    plot_class_counts,
    plot_confusion,
    plot_convolution,
    plot_curve,
    plot_descents,
    plot_error_and_time,
    plot_history,
    plot_learning_rates,
    plot_means,
    plot_network,
    plot_probabilities,
    plot_scores,
    plot_seeds,
    plot_softmax,
    plot_threshold,
    prepare_digit,
    show_digits,
    show_filters,
    show_pictures,
    show_pixels,
    show_readings,
    show_stages,
    show_weights,
    use_style,
)

HISTORY = {"loss": [2.0, 1.0], "val_loss": [1.5, 1.2], "accuracy": [0.5, 0.75], "val_accuracy": [0.6, 0.7]}


@pytest.fixture(autouse=True)
def style():
    use_style(source="mini")
    yield
    use_style()


FIGURES = {
    "digits": lambda mini: show_digits(mini.x_train[:7], titles=range(7), columns=5),
    "pixels": lambda mini: show_pixels(mini.x_train[0]),
    "filters": lambda mini: show_filters(np.random.default_rng(7).normal(size=(11, 5, 5))),
    "convolution": lambda mini: plot_convolution(mini.x_train[0] / 255, np.ones((5, 5)), np.zeros((24, 24)), [(0, 0)]),
    "class counts": lambda mini: plot_class_counts({"a": mini.y_train, "b": mini.y_test}),
    "history": lambda mini: plot_history({"a": HISTORY, "b": HISTORY}),
    "histories of folds": lambda mini: plot_history({"a": [HISTORY, HISTORY], "b": HISTORY}),
    "many histories": lambda mini: plot_history(dict.fromkeys("abcd", HISTORY)),
    "scores": lambda mini: plot_scores({"a long name of a model": [0.98, 0.99, 0.97], "b": [0.9, 0.91, 0.92]}),
    "probabilities": lambda mini: plot_probabilities(mini.x_train[0], np.eye(10)[3], label=5),
    "learning rates": lambda mini: plot_learning_rates({"a": np.linspace(0, 1, 50), "b": np.full(50, 0.5)}),
    "means": lambda mini: plot_means(
        {"a long name of a model": mean_interval([0.01, 0.02]), "b": mean_interval([0, 0])}
    ),
    "error and time": lambda mini: plot_error_and_time(
        {"a": (10, 0.05, 0.04, 0.06), "perfect": (500.5, 0.0, 0.0, 0.001)}, ["a"], {"c": 0.9, "d": (0.2, 0.3)}
    ),
    "confusion": lambda mini: plot_confusion(np.diag(np.arange(900, 1000, 10)) + np.eye(10, k=1, dtype=int)),
    "calibration": lambda mini: plot_calibration([(0.7, error_rate([1, 2], [1, 3])), (0.99, error_rate([1], [1]))]),
    "threshold": lambda mini: plot_threshold(np.eye(10), range(10), np.full((3, 10), 0.1), 0.6),
    "stages": lambda mini: show_stages(prepare_digit(mini.x_test[0])),
    "pictures": lambda mini: show_pictures([mini.x_test[0], np.zeros((30, 50, 3))], ["a", "b"], columns=3, wrong={1}),
    "weights": lambda mini: show_weights({"before": np.zeros((784, 10)), "after": np.ones((784, 10))}),
    "network": lambda mini: plot_network(
        [[1, 0.5], [1, 0], [1, 2]],
        [np.array([[1, -2], [0, 2]]), np.array([[1, 2], [3, 1]])],
        [[0.5, 1], [0, 0]],
        [None, [0.731, 0], [-0.731, 0.731]],
        [None, ["A", "B"], ["4", "9"]],
    ),
    "softmax": lambda mini: plot_softmax([2, 1, 0.1]),
    "curve": lambda mini: plot_curve([1, 2, 3], [3, 1, 2], "x", "y", {"a point": (2, 1)}, (2, 1, 0.5)),
    "descents": lambda mini: plot_descents(
        {"mnist": {"0.1": [2.3, 2], "5": [2.3, 9]}, "mini": {"0.1": [2.3, 2.2], "5": [2.3, 7]}}, (2.3, "knows nothing")
    ),
    "seeds": lambda mini: plot_seeds(
        {"mnist": {"a": [0.01, 0.02], "b": [0.03]}, "mini": {"a": [0.1, 0.2], "b": [0.3]}}, {"a": (0.5, 1)}
    ),
}
TITLED = {"descents", "seeds"}  # their panels are called as their data
INVENTED = {"network", "softmax", "curve"}


@pytest.mark.parametrize("kind", FIGURES)
def test_a_figure_is_as_wide_as_the_text_and_names_its_data(kind, mini):
    figure = FIGURES[kind](mini)
    figure.draw_without_rendering()
    assert figure.get_size_inches()[0] == 7
    if kind in TITLED:
        assert [ax.get_title(loc="left") for ax in figure.axes] == [
            "all 70,000 images of MNIST (mnist)",
            "5,000 of MNIST's images (mini)",
        ]
    else:
        assert figure.get_supxlabel() == ("" if kind in INVENTED else "data: mini")
    assert figure.get_facecolor() == (1, 1, 1, 1)


@pytest.mark.parametrize("kind", FIGURES)
def test_a_figure_is_closed_so_that_a_notebook_shows_it_once(kind, mini):
    FIGURES[kind](mini)
    assert plt.get_fignums() == []


@pytest.mark.parametrize("kind", FIGURES)
def test_no_label_is_cut_off(kind, mini):
    figure = FIGURES[kind](mini)
    figure.draw_without_rendering()
    width, height = figure.canvas.get_width_height()
    for ax in figure.axes:
        box = ax.get_tightbbox()
        assert box.x0 > -1
        assert box.y0 > -1
        assert box.x1 < width + 1
        assert box.y1 < height + 1


def test_a_mistake_is_marked_by_more_than_colour(mini):
    figure = show_digits(mini.x_train[:3], titles=[5, 0, 4], columns=3, wrong=[1])
    assert [ax.get_title() for ax in figure.axes] == ["5", "0 ✗", "4"]


def test_digits_are_drawn_dark_on_light(mini):
    file = io.BytesIO()
    show_digits(mini.x_train[:1], columns=1).savefig(file)
    picture = plt.imread(io.BytesIO(file.getvalue()))[..., 0]  # from 0, black, to 1, white
    assert np.median(picture) > 0.8
    assert picture.min() < 0.2


def test_history_shows_the_error_not_the_accuracy():
    figure = plot_history({"model": HISTORY})
    lines = {line.get_label(): line.get_ydata() for line in figure.axes[1].lines}
    np.testing.assert_allclose(lines["training"], [50, 25])
    np.testing.assert_allclose(lines["validation"], [40, 30])


def test_several_histories_are_drawn_with_their_mean():
    other = {key: [value + 0.1 for value in values] for key, values in HISTORY.items()}
    lines = plot_history({"model": (HISTORY, other)}).axes[0].lines
    drawn = {line.get_label(): line.get_ydata() for line in lines if not line.get_label().startswith("_")}
    assert len(lines) == 2 * (2 + 1)
    np.testing.assert_allclose(drawn["training, mean"], [2.05, 1.05])
    np.testing.assert_allclose(drawn["validation, mean"], [1.55, 1.25])


def test_the_history_of_a_recorded_run_names_the_data_of_that_run(mini):
    use_style(source="mini")
    assert plot_history({"model": HISTORY}, source="mnist").get_supxlabel() == "data: mnist"
    assert plot_history({"model": HISTORY}).get_supxlabel() == "data: mini"
    assert plot_scores({"model": [0.98, 0.99]}, source="mnist").get_supxlabel() == "data: mnist"
    models = {"model": (10, 0.05, 0.04, 0.06)}
    assert plot_error_and_time(models, source="mnist").get_supxlabel() == "data: mnist"


@pytest.mark.parametrize(
    ("errors", "references"), [([0.017, 0.0171], {"a": 1.03}), ([0.01, 0.01], {"a": 3}), ([0], {})]
)
def test_seeds_stand_within_the_axis_which_begins_at_0(errors, references):
    (ax,) = plot_seeds({"mnist": {"a": errors}}, references).axes
    left, right = ax.get_xlim()
    assert left == 0
    assert right > 1.04 * max(*[100 * error for error in errors], *references.values(), 0.1)


def test_every_fold_is_drawn_as_an_error_beside_mean_and_median():
    lines = plot_scores({"model": [0.90, 0.94, 0.99]}).axes[0].lines
    drawn = {line.get_label(): line.get_xdata() for line in lines}
    np.testing.assert_allclose(drawn["one fold"], [10, 6, 1])
    np.testing.assert_allclose(drawn["mean"], [17 / 3])
    assert any(list(line.get_xdata().round(6)) == [6, 6] for line in lines)  # the median of the box


def test_bars_are_as_high_as_the_counts():
    figure = plot_class_counts({"a": np.array([0, 0, 1, 9])})
    assert [bar.get_height() for bar in figure.axes[0].patches] == [2, 1, 1]
    assert figure.axes[0].get_title(loc="left") == "a: 4 images"


def test_bars_are_as_high_as_the_probabilities(mini):
    probabilities = np.array([0.5, 0.3, 0.2, 0, 0, 0, 0, 0, 0, 0])
    figure = plot_probabilities(mini.x_train[0], probabilities, label=5)
    np.testing.assert_allclose([bar.get_height() for bar in figure.axes[1].patches], 100 * probabilities)
    assert figure.axes[1].get_title(loc="left") == "answer: 0"
    assert figure.axes[0].get_title() == "label: 5"


def test_probabilities_before_and_after_stand_side_by_side(mini):
    both = {"before": np.full(10, 0.1), "after": np.eye(10)[7]}
    panels = plot_probabilities(mini.x_train[0], both, label=7).axes[1:]
    assert [ax.get_title(loc="left") for ax in panels] == ["before", "after"]
    assert [ax.patches[7].get_height() for ax in panels] == [10, 100]


def test_pixels_are_written_into_the_picture(mini):
    texts = [text.get_text() for text in show_pixels(mini.x_train[0]).axes[0].texts]
    assert list(map(int, texts)) == mini.x_train[0].ravel().tolist()


def test_a_history_without_validation_data_is_drawn_too():
    figure = plot_history({"model": {key: HISTORY[key] for key in ("loss", "accuracy")}})
    assert len(figure.axes[0].lines) == len(figure.axes[1].lines) == 1


@pytest.mark.parametrize(
    ("runs", "problem"),
    [
        ({"loss": [1.0], "acc": [0.5]}, r"'accuracy' is missing, the history holds 'loss', 'acc'; .*\"accuracy\""),
        ({"loss": [1.0], "accuracy": [0.5], "val_loss": [1.0]}, "'val_accuracy' is missing, the history holds 'loss'"),
        ([HISTORY, {"loss": [2.0, 1.0], "accuracy": [0.5, 0.75]}], "'val_loss' is missing"),
        ({}, "'loss' is missing, the history holds nothing"),
        ([], "expected a Keras history or several, got none"),
    ],
)
def test_what_a_history_lacks_is_named_with_what_it_holds(runs, problem):
    with pytest.raises(ValueError, match=rf"histories\['model'\]: {problem}"):
        plot_history({"other": HISTORY, "model": runs})


def test_a_history_that_is_none_is_named():
    with pytest.raises(TypeError, match=r"histories\['model'\]: expected a Keras history or several.*got list"):
        plot_history({"model": [[1.0, 0.5]]})


def test_a_filter_is_drawn_on_one_scale_with_zero_in_the_middle():
    figure = show_filters(np.array([[[-2.0, 1.0]], [[0.5, 0.0]]]))
    for ax in figure.axes[:2]:
        assert ax.images[0].get_clim() == (-2, 2)


def test_a_convolution_is_filled_up_to_the_window(mini):
    result = np.arange(576.0).reshape(24, 24)
    figure = plot_convolution(mini.x_train[0] / 255, np.ones((5, 5)), result, [(1, 3), (23, 23)])
    filled = [np.isfinite(figure.axes[i].images[0].get_array().filled(np.nan)).sum() for i in (2, 5)]
    assert filled == [24 + 4, 576]
    frame = figure.axes[0].patches[0]
    assert (frame.get_x(), frame.get_y(), frame.get_width()) == (2.5, 0.5, 5)


BAD = {
    "kernels: expected an array": lambda mini: show_filters(np.ones((5, 5))),
    "result: expected shape": lambda mini: plot_convolution(
        mini.x_train[0], np.ones((5, 5)), np.ones((28, 28)), [(0, 0)]
    ),
    "images: .*takes the channel axis off": lambda mini: show_digits(mini.x_train[:3, ..., None]),
    "images: expected an array": lambda mini: show_digits(mini.x_train[:0]),
    "columns: expected an integer of 1 or more": lambda mini: show_digits(mini.x_train[:3], columns=0),
    r"image: expected shape \(28, 28\)": lambda mini: show_pixels(mini.x_train[:1]),
    r"probabilities: .*probabilities\[0\]": lambda mini: plot_probabilities(mini.x_train[0], np.eye(10)[:1], label=5),
}


@pytest.mark.parametrize("problem", BAD)
def test_what_cannot_be_drawn_is_refused_with_advice(problem, mini):
    with pytest.raises(ValueError, match=problem):
        BAD[problem](mini)


def test_titles_must_match_the_images(mini):
    with pytest.raises(ValueError, match="titles: expected 3, one for each image, got 2"):
        show_digits(mini.x_train[:3], titles=[1, 2])


def test_a_single_image_is_refused_with_advice(mini):
    with pytest.raises(ValueError, match=r"images\[np.newaxis\]"):
        show_digits(mini.x_train[0])


def test_confusions_are_written_and_only_mistakes_are_coloured():
    confusion = np.diag(np.arange(900, 1000, 10))
    confusion[4, 9] = 7
    ax = plot_confusion(confusion).axes[0]
    shown = {text.get_position(): text.get_text() for text in ax.texts}
    assert shown[9, 4] == "7"  # column 9, row 4: a 4 that was read as a 9
    assert shown[0, 0] == "900"
    assert len(shown) == 11
    assert ax.images[0].get_array().sum() == 7
    assert len({text.get_fontsize() for text in ax.texts}) == 1  # the right answers are no footnote


def test_calibration_shows_how_often_answers_were_right():
    ax = plot_calibration([(0.7, error_rate([1, 1, 1, 1], [1, 1, 1, 2]))]).axes[0]
    assert ax.containers[0].lines[0].get_xydata().tolist() == [[70, 75]]


@pytest.mark.parametrize(
    ("draw", "numbers"),
    [
        (plot_confusion, np.eye(10, dtype=int)),
        (plot_calibration, [(0.7, error_rate([1], [1]))]),
        (plot_class_counts, {"a": np.arange(10)}),
    ],
)
def test_what_another_run_answered_is_drawn_under_the_name_of_its_data(draw, numbers):
    assert draw(numbers, source="mnist")._supxlabel.get_text() == "data: mnist"


def test_a_threshold_is_drawn_with_what_it_costs_on_both_sides():
    digits = np.full((4, 10), 0.05)
    digits[:, 3] = [0.2, 0.55, 0.55, 0.55]  # one below a half; the last one is no 3
    figure = plot_threshold(digits, [3, 3, 3, 7], np.full((2, 10), 0.1), 0.5)
    curves = {line.get_label(): dict(np.round(line.get_xydata(), 4)) for line in figure.axes[0].lines[:3]}
    assert {name: curve[50] for name, curve in curves.items()} == {
        "digits refused": 25,
        "digits misread": 25,
        "other things read as a digit": 0,
    }


def test_readings_are_drawn_where_they_were_found():
    found = [reading(digit=8, box=(0.1, 0.2, 0.3, 0.6)), reading(digit=None, box=(0.5, 0.2, 0.9, 0.6))]
    ax = show_readings(np.ones((50, 200)), found).axes[0]
    assert [box.get_bbox().extents.tolist() for box in ax.patches] == [[20, 10, 60, 30], [100, 10, 180, 30]]
    assert [text.get_text() for text in ax.texts] == ["8", "?"]


def reading(digit, box):
    return Reading(digit, 0.9, np.full(10, 0.1), None, np.zeros((28, 28)), box)


def test_each_training_is_a_point_and_their_mean_a_line():
    figure = plot_seeds({"mnist": {"a": [0.01, 0.02, 0.06], "b": [0.5]}}, {"b": 1.5})
    points = {line.get_label(): line for line in figure.axes[0].lines}
    np.testing.assert_allclose(points["one run"].get_xdata(), [1, 2, 6])
    assert points["one run"].get_ydata()[0] > figure.axes[0].lines[1].get_ydata()[0]  # the first stands above
    np.testing.assert_allclose(points["published"].get_xdata(), [1.5, 1.5])
    np.testing.assert_allclose(figure.axes[0].collections[0].get_segments()[0][:, 0], 3)


def test_one_training_alone_has_no_mean():
    assert not plot_seeds({"mnist": {"a": [0.01], "b": [0.5]}}).axes[0].collections


def test_errors_far_apart_are_told_from_one_another_on_a_logarithmic_axis():
    ax = plot_seeds({"mnist": {"a": [0.01], "b": [0.9]}}, point="one split", logarithmic=True).axes[0]
    assert ax.get_xscale() == "log"
    assert ax.get_xlim()[0] > 0
    assert ax.lines[0].get_label() == "one split"


def test_data_sets_with_other_models_are_no_pair():
    with pytest.raises(ValueError, match="same names for each data set"):
        plot_seeds({"mnist": {"a": [0.1]}, "mini": {"b": [0.1]}})
    with pytest.raises(ValueError, match="'c' is none of the models: a"):
        plot_seeds({"mnist": {"a": [0.1]}}, {"c": 1})


def test_a_networks_values_blames_and_weights_can_be_read():
    figure = plot_network([[0, 0.5], [1.5]], [[[1], [-2]]], [[-0.5]], [None, [-0.25]], [None, ["9"]])
    texts = [text.get_text() for text in figure.axes[0].texts]
    assert {"0", "0.5", "1", "−2", "9", "1.5", "blame −0.250", "bias −0.5"} <= set(texts)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (([[1, 2]], []), "two or more layers, got those of 1"),
        (([[1, 2], [3]], []), "one array between each two layers of 2"),
        (([[1, 2], [3]], [[[1]]]), r"weights\[0\]: expected shape \(2, 1\), got \(1, 1\)"),
        (([[1, 2], [3]], [[[1], [2]]], [[1, 2]]), "biases: expected an entry for each of 2 layers"),
        (([[1, 2], [3]], [[[1], [2]]], None, [None, [1, 2]]), "blames: expected an entry for each of 2 layers"),
        (([[1, 2], [3]], [[[1], [2]]], None, None, [["a"], ["b"]]), "names: expected an entry for each of 2 layers"),
        (
            ([[1, 2], [float("nan")]], [[[1], [2]]]),
            r"values\[1\]: expected numbers of shape \(n,\), all of them finite",
        ),
    ],
)
def test_arrays_that_are_no_network_are_named(arguments, message):
    with pytest.raises(ValueError, match=message):
        plot_network(*arguments)


def test_weights_are_drawn_on_a_scale_with_zero_in_its_middle():
    figure = show_weights({"a": np.array([[0.5, -2]] + [[0, 1]] * 783)})
    first, second = (ax.images[0] for ax in figure.axes[:2])
    assert first.get_clim() == second.get_clim() == (-2, 2)
    assert second.get_array()[0, 0] == -2
    assert second.get_array()[27, 27] == 1
