import numpy as np
import pytest

from mnist_helpers import error_rate, mean_interval, model_error


def answers(wrong, total):
    """Labels of which the first ``wrong`` are answered wrongly."""
    y_true = np.zeros(total, dtype=int)
    y_pred = y_true.copy()
    y_pred[:wrong] = 1
    return y_true, y_pred


@pytest.mark.parametrize(
    ("wrong", "total", "low", "high"),
    [
        # Newcombe 1998, Statistics in Medicine 17, Table I, Wilson's score method without continuity correction
        (81, 263, 0.2553, 0.3662),
        (15, 148, 0.0624, 0.1605),
        (0, 20, 0.0000, 0.1611),
        (1, 29, 0.0061, 0.1718),
    ],
)
def test_the_interval_is_wilsons(wrong, total, low, high):
    error = error_rate(*answers(wrong, total))
    assert (error.wrong, error.total, error.rate) == (wrong, total, wrong / total)
    assert (error.low, error.high) == (pytest.approx(low, abs=5e-5), pytest.approx(high, abs=5e-5))


def test_an_error_reads_as_a_sentence_part():
    assert str(error_rate(*answers(90, 10_000))) == "0.90% (0.73% to 1.10%)"


def test_a_models_mistakes_are_those_of_its_largest_probabilities(mini):
    class AlwaysThree:
        def predict(self, x, verbose):
            assert x.shape == (1000, 28, 28, 1)
            return np.eye(10)[np.full(len(x), 3)]

    error = model_error(AlwaysThree(), mini.x_test, mini.y_test)
    assert (error.wrong, error.total) == (900, 1000)


@pytest.mark.parametrize(
    ("y_true", "y_pred", "problem"),
    [
        ([1, 2], [1], "y_true has 2 labels, but y_pred has 1"),
        ([], [], "y_true: expected integers"),
        ([1, 2], np.eye(10)[[1, 2]], r"y_pred.argmax\(axis=1\)"),
        ([1, 12], [1, 2], "got 12 at position 1"),
    ],
)
def test_answers_that_do_not_fit_the_labels_are_refused(y_true, y_pred, problem):
    with pytest.raises(ValueError, match=problem):
        error_rate(y_true, y_pred)


@pytest.mark.parametrize("kind", [list, tuple, np.array])
@pytest.mark.parametrize(("y_pred", "wrong"), [([1, 2, 3], 0), ([1, 2, 4], 1), ([1, 0, 4], 2), ([4, 5, 6], 3)])
def test_lists_and_tuples_count_like_arrays(kind, y_pred, wrong):
    assert error_rate([1, 2, 3], kind(y_pred)).wrong == wrong


def test_a_mean_over_runs_has_students_interval():
    # t(0.975, 2 degrees of freedom) = 4.3027 from the tables; standard error 1 / sqrt(3)
    summary = mean_interval([1.0, 2.0, 3.0])
    assert summary.mean == 2
    assert summary.high == pytest.approx(2 + 4.3027 / np.sqrt(3), abs=1e-4)
    assert summary.low == pytest.approx(2 - 4.3027 / np.sqrt(3), abs=1e-4)


def test_equal_runs_have_an_interval_of_no_width():
    summary = mean_interval([0.02, 0.02, 0.02])
    assert (summary.low, summary.high) == (0.02, 0.02)


@pytest.mark.parametrize("values", [5, "ab", ["a", "b"], None])
def test_what_are_no_numbers_is_refused(values):
    with pytest.raises((TypeError, ValueError), match="values: expected two or more"):
        mean_interval(values)


@pytest.mark.parametrize("values", [[], [1.0], [1.0, float("nan")]])
def test_too_few_or_broken_runs_are_refused(values):
    with pytest.raises(ValueError, match="values: expected two or more finite numbers"):
        mean_interval(values)
