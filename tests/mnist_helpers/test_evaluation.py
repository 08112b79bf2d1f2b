from itertools import permutations

import numpy as np
import pytest
from hypothesis import given, settings, strategies as st
from mlxtend.evaluate import mcnemar, mcnemar_table
from scipy import stats
from sklearn.datasets import make_moons
from sklearn.model_selection import RepeatedStratifiedKFold, cross_val_score
from sklearn.svm import SVC

from mnist_helpers import (
    PairedTest,
    corrected_t_test,
    error_rate,
    load_results,
    mcnemar_test,
    mean_interval,
    model_error,
    plot_means,
    prediction_interval,
    record,
    welch_test,
)


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


def test_the_range_for_one_more_run_is_that_of_published_factors():
    # Hahn & Meeker 1991, Statistical Intervals: for one more of a normal distribution after five, the mean ± 3.04 s.
    values = [0.010, 0.011, 0.012, 0.013, 0.014]  # s = 0.001 · √2.5
    summary = prediction_interval(values)
    reach = 3.04 * 0.001 * np.sqrt(2.5)
    assert (summary.low, summary.high) == pytest.approx((0.012 - reach, 0.012 + reach), abs=1e-5)
    assert (summary.mean, summary.values) == (pytest.approx(0.012), tuple(values))


@pytest.mark.parametrize("function", [mean_interval, prediction_interval])
@pytest.mark.parametrize("values", [[0.02, 0.02], [0.3 - 0.1, 0.4 - 0.2, 0.5 - 0.3], [0, 0], [-0.01, -0.01, -0.01]])
def test_of_equal_runs_no_interval_can_be_said_so_no_comparison_finds_a_difference(function, values):
    summary = function(values)
    assert not summary.is_defined
    assert summary.low <= 0 <= summary.high  # as chapters ask, in both ways
    assert not summary.low > 0
    assert not summary.high < 0
    assert summary.mean == pytest.approx(values[0])


@pytest.mark.parametrize("values", [[0.02, 0.0201], [1e-9, 2e-9], [-3, 5]])
def test_runs_that_differ_have_an_interval(values):
    assert mean_interval(values).is_defined


def test_an_interval_reads_as_a_sentence_part():
    assert str(mean_interval([0.01, 0.03])) == "2.00% (-10.71% to 14.71%)"  # ± 12.7062 · 0.01
    assert str(mean_interval([0.02, 0.02])) == "2.00% (95% interval undefined: all values are equal)"


def test_what_is_undefined_is_drawn_without_an_interval():
    """A figure of runs that happen to agree keeps the scale of the points, and draws no bar."""
    ax = plot_means({"a": mean_interval([0.02, 0.02]), "b": mean_interval([0.010, 0.011])}).axes[0]
    assert ax.get_xlim()[1] < 5
    ax.figure.draw_without_rendering()


def test_a_test_of_scores_that_do_not_vary_can_be_recorded(monkeypatch, tmp_path):
    """A run does not stop because folds or seeds happen to agree."""
    monkeypatch.setenv("MNIST_RESULTS", str(tmp_path))
    test = corrected_t_test([0.9, 0.8], [0.8, 0.7], train_size=40, test_size=10)
    record("tests", differences={"a − b": test, "seeds": welch_test([0.9, 0.9], [0.8, 0.8])})
    assert set(load_results()["tests"]["differences"]) == {"a − b", "seeds"}


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
def test_a_difference_that_never_varies_proves_nothing(sign):
    """Its t would be divided by zero; the interval then holds all that two shares can differ by."""
    first, second = ([1.0, 1.0], [0.5, 0.5])[::sign]
    test = corrected_t_test(first, second, train_size=40, test_size=10)
    assert (test.low, test.difference, test.high, test.p_value) == (-1, sign / 2, 1, 1)
    assert not test.is_defined
    assert not test.significant
    assert test.values == (sign / 2, sign / 2)
    assert str(test) == f"{50 * sign:+.2f} points (95% interval undefined: the scores do not vary)"


def test_equal_differences_are_recognised_behind_the_rounding_of_32_bits():
    first = np.array([0.99, 0.98, 0.97], dtype="float32")
    second = np.array([0.98, 0.97, 0.96], dtype="float32")
    assert np.ptp(first.astype(float) - second.astype(float)) > 0
    assert not corrected_t_test(first, second, train_size=40, test_size=10).is_defined


def test_scores_that_are_no_shares_may_differ_by_any_amount():
    test = corrected_t_test([7.0, 8.0], [2.0, 3.0], train_size=40, test_size=10)
    assert (test.low, test.high, test.is_defined) == (-np.inf, np.inf, False)


def test_a_test_reads_as_a_sentence_part():
    assert str(mcnemar_test(*paired_answers(11, 3, 500))) == "+1.60 points (-0.04 to +2.54), p = 0.057"


def test_welchs_test_gives_rs_published_numbers():
    """The example of R's ?t.test: the extra sleep in hours that Student's two drugs brought to ten people each.

    R prints t = -1.8608, df = 17.776, p-value = 0.07939, and the interval -3.3654832 to 0.2054832.
    """
    first = [0.7, -1.6, -0.2, -1.2, -0.1, 3.4, 3.7, 0.8, 0.0, 2.0]
    second = [1.9, 0.8, 1.1, 0.1, -0.1, 4.4, 5.5, 1.6, 4.6, 3.4]
    test = welch_test(first, second)
    assert test.p_value == pytest.approx(0.07939, abs=5e-6)
    assert (test.low, test.high) == pytest.approx((-3.3654832, 0.2054832), abs=5e-8)
    assert test.difference == pytest.approx(0.75 - 2.33)
    assert test.values == ()
    assert not test.significant


def test_welchs_test_does_not_care_for_the_order_of_the_seeds_nor_for_equal_numbers():
    first, second = [0.0031, 0.0035, 0.0029], [0.0040, 0.0043, 0.0038, 0.0044]
    assert welch_test(first, second).p_value == pytest.approx(stats.ttest_ind(first, second, equal_var=False).pvalue)
    assert welch_test(first, second) == welch_test(first[::-1], second)
    mirrored = welch_test(second, first)
    assert (-mirrored.high, -mirrored.low) == pytest.approx(
        (welch_test(first, second).low, welch_test(first, second).high)
    )


@pytest.mark.parametrize(
    ("first", "second", "p_value"),
    [([103, 118, 118], [88, 77, 90], 0.013), ([131, 136, 126], [103, 118, 118], 0.048)],
)
def test_a_difference_can_be_significant_although_the_intervals_overlap(first, second, p_value):
    """Mistakes among 10,000 images in a recorded run of the book: overlapping intervals are no test."""
    first, second = np.array(first) / 10_000, np.array(second) / 10_000
    assert mean_interval(first).low < mean_interval(second).high
    test = welch_test(first, second)
    assert test.p_value == pytest.approx(p_value, abs=5e-4)
    assert test.significant
    assert test.low > 0


def test_pairing_seeds_would_give_another_answer_for_each_pairing():
    """Validation errors of a recorded run of the book, before and after one change, three seeds each.

    Paired, p runs from 0.014 to 0.048 with the order of the seeds, which means nothing; Welch's test has one answer.
    """
    before, after = [0.0116, 0.0118, 0.0146], [0.0070, 0.0076, 0.0064]
    paired = [stats.ttest_rel(after, order).pvalue for order in permutations(before)]
    assert (min(paired), max(paired)) == pytest.approx((0.014, 0.048), abs=5e-4)
    assert {round(welch_test(after, order).p_value, 3) for order in permutations(before)} == {0.019}


def test_one_model_without_spread_leaves_the_test_to_the_other():
    # Then Welch's degrees of freedom are those of the other model: 2. Mean 0.02, standard error 0.01 / √3.
    test = welch_test([0.01, 0.02, 0.03], [0.05, 0.05, 0.05])
    assert test.difference - test.low == pytest.approx(4.30265 * 0.01 / np.sqrt(3), abs=1e-7)


def test_of_seeds_that_all_agree_nothing_is_significant():
    test = welch_test([0.02, 0.02], [0.03, 0.03])
    assert (test.low, test.high, test.p_value, test.is_defined) == (-1, 1, 1, False)


@pytest.mark.parametrize(("first", "second", "named"), [([0.1], [0.1, 0.2], "first"), ([0.1, 0.2], [0.1], "second")])
def test_one_training_alone_cannot_be_compared(first, second, named):
    with pytest.raises(ValueError, match=f"^{named}: expected the scores of two or more trainings, got 1"):
        welch_test(first, second)


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


def test_mcnemars_interval_is_clopper_and_pearsons_for_the_tosses():
    """Clopper and Pearson's limits for 3 of 14, in any table of exact limits, are 4.66% and 50.80%.

    So the share for the other model lies between 49.20% and 95.34%, and twice that share less one, times 14 of 500
    images, is the difference. (Wald's interval is +0.14 to +3.06 points here, although the exact p-value is 0.057.)
    """
    test = mcnemar_test(*paired_answers(11, 3, 500))
    shares = [(1 + end * 500 / 14) / 2 for end in (test.low, test.high)]
    assert shares == pytest.approx([0.4920, 0.9534], abs=5e-5)
    assert (100 * test.low, 100 * test.high) == pytest.approx((-0.04, 2.54), abs=5e-3)
    assert test.difference == pytest.approx(8 / 500)
    assert test.p_value == pytest.approx(0.0574, abs=5e-5)
    assert not test.significant


def test_with_many_tosses_mcnemars_interval_is_nearly_that_of_a_textbook():
    """Agresti, Categorical Data Analysis, table of approval ratings: 150 and 86 changed their mind, of 1,600.

    The book gives a difference of 0.04 with a standard error of 0.0095 from the normal distribution; an exact interval
    is a little wider than that, and this one takes the number of those who changed their mind as given.
    """
    test = mcnemar_test(*paired_answers(150, 86, 1600))
    assert test.difference == pytest.approx(0.04)
    assert (test.high - test.low) / 2 / 1.96 == pytest.approx(0.0095, abs=3e-4)


@settings(max_examples=60, deadline=None)
@given(only_first=st.integers(0, 150), only_second=st.integers(0, 150), others=st.integers(0, 300))
def test_mcnemars_interval_leaves_out_0_exactly_when_its_p_value_is_below_5_per_cent(only_first, only_second, others):
    total = max(only_first + only_second + others, 1)
    test = mcnemar_test(*paired_answers(only_first, only_second, total))
    assert (test.low > 0 or test.high < 0) == test.significant
    assert -1 <= test.low <= test.difference <= test.high <= 1
    mirrored = mcnemar_test(*paired_answers(only_second, only_first, total))
    assert (-mirrored.high, -mirrored.low) == pytest.approx((test.low, test.high))


def test_every_small_number_of_tosses_keeps_to_that():
    for tosses in range(1, 41):
        for heads in range(tosses + 1):
            test = mcnemar_test(*paired_answers(heads, tosses - heads, 50))
            assert (test.low > 0 or test.high < 0) == test.significant, (heads, tosses)


@pytest.mark.parametrize(("total", "reach"), [(10, 0.3085), (100, 0.0362), (1000, 0.00368)])
def test_where_no_image_tells_two_models_apart_others_might(total, reach):
    """Clopper and Pearson's tabulated upper limits after none of 10, 100 and 1,000: 30.85%, 3.62% and 0.368%."""
    test = mcnemar_test(*paired_answers(0, 0, total))
    assert (test.difference, test.p_value) == (0, 1)
    assert (test.low, test.high) == pytest.approx((-reach, reach), abs=5e-5)


@pytest.mark.parametrize(("only_first", "only_second"), [(80, 30), (5, 5), (0, 7), (1, 0), (0, 0)])
def test_mcnemars_p_value_is_the_exact_one_of_another_implementation(only_first, only_second):
    labels, first, second = paired_answers(only_first, only_second, 500)
    test = mcnemar_test(labels, first, second)
    theirs = mcnemar(mcnemar_table(labels, first, second), exact=True)[1] if only_first + only_second else 1
    assert test.p_value == pytest.approx(min(theirs, 1))


def test_mcnemars_p_value_is_that_of_a_tossed_coin():
    assert mcnemar_test(*paired_answers(80, 30, 500)).p_value == pytest.approx(stats.binomtest(30, 110).pvalue)
