import numpy as np
import pytest
from scipy import stats
from sklearn.datasets import make_moons
from sklearn.model_selection import RepeatedStratifiedKFold, cross_val_score
from sklearn.svm import SVC

from mnist_helpers import PairedTest, corrected_t_test, error_rate, mcnemar_test, mean_interval, model_error


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
        layers = ()

        def predict(self, x, verbose):
            assert x.shape == (1000, 28, 28, 1)
            assert verbose == 0  # nothing is printed into a page
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
    assert summary.values == (1, 2, 3)
    assert summary.mean == 2
    assert summary.high == pytest.approx(2 + 4.3027 / np.sqrt(3), abs=1e-4)
    assert summary.low == pytest.approx(2 - 4.3027 / np.sqrt(3), abs=1e-4)


def test_two_runs_are_enough_for_an_interval():
    # With one degree of freedom the factor is 12.7062, and the standard error of 1 and 3 is 1.
    summary = mean_interval([1.0, 3.0])
    assert (summary.low, summary.high) == pytest.approx((2 - 12.7062, 2 + 12.7062), abs=1e-4)


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


def test_the_corrected_t_test_gives_scikit_learns_published_numbers():
    """The worked example "Statistical comparison of models using grid search" of scikit-learn's documentation.

    It prints a corrected t-value of 0.750 and a one-sided p-value of 0.227 for its two best models.
    """
    x, y = make_moons(noise=0.352, random_state=1, n_samples=100)
    folds = RepeatedStratifiedKFold(n_splits=10, n_repeats=10, random_state=0)
    first, second = (
        cross_val_score(SVC(kernel=kernel, random_state=0), x, y, cv=folds, scoring="roc_auc")
        for kernel in ("rbf", "linear")
    )
    test = corrected_t_test(first, second, train_size=90, test_size=10)
    assert test.p_value / 2 == pytest.approx(0.227, abs=5e-4)
    standard_error = (test.high - test.low) / 2 / 1.98422  # t(0.975, 99 degrees of freedom), from the tables
    assert test.difference / standard_error == pytest.approx(0.750, abs=5e-4)


def test_for_five_folds_the_corrected_error_is_one_and_a_half_times_the_plain_one():
    first, second = np.array([0.5, 0.6, 0.7, 0.8, 0.9]), np.full(5, 0.5)
    test = corrected_t_test(first, second, train_size=40, test_size=10)
    plain = np.std(first, ddof=1) / np.sqrt(5)
    assert (test.high - test.low) / 2 / 2.77645 == pytest.approx(1.5 * plain, rel=1e-4)  # t(0.975, 4)


def test_equal_scores_are_no_difference():
    assert corrected_t_test([0.9, 0.8], [0.9, 0.8], 40, 10).p_value == 1


@pytest.mark.parametrize("sign", [1, -1])
def test_a_difference_that_never_varies_is_certain(sign):
    first, second = ([1.0, 1.0], [0.5, 0.5])[::sign]
    test = corrected_t_test(first, second, train_size=40, test_size=10)
    assert (test.low, test.difference, test.high, test.p_value) == (sign / 2, sign / 2, sign / 2, 0)
    assert test.values == (sign / 2, sign / 2)


def test_a_loss_is_as_significant_as_a_gain():
    # The mean is -0.2 and its squared error 0.01 · (1/3 + 1/2), so t² = 4.8. With two degrees of freedom the p-value is
    # 1 - t / sqrt(2 + t²), and 4.30265 is the factor of the 95% interval.
    test = corrected_t_test([0.5] * 3, [0.6, 0.7, 0.8], train_size=2, test_size=1)
    assert test.p_value == pytest.approx(1 - np.sqrt(4.8 / 6.8))
    reach = 4.30265 * np.sqrt(0.01 * (1 / 3 + 1 / 2))
    assert (test.low, test.high) == pytest.approx((-0.2 - reach, -0.2 + reach), abs=1e-4)
    assert test.values == pytest.approx((-0.1, -0.2, -0.3))
    gain = corrected_t_test([0.6, 0.7, 0.8], [0.5] * 3, train_size=2, test_size=1)
    assert gain.p_value == pytest.approx(test.p_value)


@pytest.mark.parametrize(("p_value", "verdict"), [(0.049, True), (0.05, False), (0.06, False)])
def test_significant_is_a_p_value_below_five_per_cent(p_value, verdict):
    assert PairedTest(difference=0.1, low=0.0, high=0.2, p_value=p_value).significant is verdict
    assert mcnemar_test(*paired_answers(6, 0, 100)).significant  # p = 2 / 2**6
    assert not mcnemar_test(*paired_answers(5, 0, 100)).significant  # p = 2 / 2**5


@pytest.mark.parametrize(("first", "second"), [([0.9], [0.8]), ([0.9, 0.8], [0.9])])
def test_scores_that_do_not_pair_are_refused(first, second):
    with pytest.raises(ValueError, match="first and second: expected the scores of the same two or more folds"):
        corrected_t_test(first, second, 40, 10)


def paired_answers(only_first, only_second, total):
    """Labels 0; the answers of two models of which one alone is right on as many images as said."""
    first, second = np.zeros(total, int), np.zeros(total, int)
    second[:only_first] = 1
    first[only_first : only_first + only_second] = 1
    return np.zeros(total, int), first, second


def test_mcnemars_interval_is_that_of_a_textbook():
    """Agresti, Categorical Data Analysis, table of approval ratings: 150 and 86 changed their mind, of 1,600.

    The book gives a difference of 0.04 with a standard error of 0.0095.
    """
    test = mcnemar_test(*paired_answers(150, 86, 1600))
    assert test.difference == pytest.approx(0.04)
    assert (test.high - test.low) / 2 / 1.96 == pytest.approx(0.0095, abs=5e-5)


@pytest.mark.parametrize(("only_first", "only_second"), [(80, 30), (5, 5), (0, 7), (1, 0), (0, 0)])
def test_mcnemars_p_value_is_the_exact_one(only_first, only_second):
    test = mcnemar_test(*paired_answers(only_first, only_second, 500))
    both = only_first + only_second
    assert test.p_value == pytest.approx(stats.binomtest(only_first, both).pvalue if both else 1)
