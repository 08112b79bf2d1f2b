"""Error rates, means and tests of a difference, with their 95% intervals."""

from dataclasses import dataclass

import numpy as np
from scipy import stats

from mnist_helpers.checks import check_count, check_labels, check_model, check_pairs, check_scores
from mnist_helpers.preprocessing import prepare_images


@dataclass(frozen=True)
class ErrorRate:
    """The share of images read wrongly, with the range of true shares that fit it.

    Attributes:
        wrong: how many images were read wrongly.
        total: of how many.
        low: lower end of the 95% Wilson interval, a share from 0 to 1.
        high: its upper end.
    """

    wrong: int
    total: int
    low: float
    high: float

    @property
    def rate(self):
        """The share of wrong answers, from 0 to 1."""
        return self.wrong / self.total

    def __str__(self):
        return f"{self.rate:.2%} ({self.low:.2%} to {self.high:.2%})"


@dataclass(frozen=True)
class MeanInterval:
    """A mean over repeated runs, with a 95% interval by Student's t.

    What the interval is for, the mean over infinitely many runs or one more run, is said by the function that made it.

    Attributes:
        mean: the mean of the values.
        low: lower end of the interval; minus infinity where it is undefined, since all values are equal.
        high: its upper end, or infinity.
        values: what was averaged.
    """

    mean: float
    low: float
    high: float
    values: tuple[float, ...]

    @property
    def is_defined(self):
        """Whether there is an interval; equal values do not say how far other runs would spread."""
        return bool(np.isfinite(self.low) and np.isfinite(self.high))

    def __str__(self):
        ends = (
            f"{self.low:.2%} to {self.high:.2%}" if self.is_defined else "95% interval undefined: all values are equal"
        )
        return f"{self.mean:.2%} ({ends})"


def error_rate(y_true, y_pred):
    """Share of wrong answers, with its 95% Wilson interval (Wilson, 1927, J. Am. Stat. Assoc. 22).

    The interval is the range of true error rates, over endlessly many images of this kind, that fit the count.

    Args:
        y_true: the labels, integers of shape ``(n,)``.
        y_pred: the answers, integers of shape ``(n,)``.

    Returns:
        An ``ErrorRate``.

    Raises:
        TypeError, ValueError: the labels are not integers from 0 to 9 of one and the same length.
    """
    check_pairs(y_true, y_pred)
    wrong = int(np.sum(np.asarray(y_true) != np.asarray(y_pred)))
    interval = stats.binomtest(wrong, len(y_true)).proportion_ci(method="wilson")
    return ErrorRate(wrong=wrong, total=len(y_true), low=interval.low, high=interval.high)


def model_error(model, images, labels):
    """Predict images with a model, and count its mistakes.

    Args:
        model: a Keras model that answers with probabilities of shape ``(n, 10)``.
        images: ``uint8`` array of shape ``(n, 28, 28)``, as it was loaded.
        labels: integers of shape ``(n,)``.

    Returns:
        An ``ErrorRate``.

    Raises:
        TypeError, ValueError: the images or labels have another type or shape; the message says what to change.
    """
    check_model("model", model)
    check_labels("labels", labels)
    probabilities = model.predict(prepare_images(images), verbose=0)
    return error_rate(labels, probabilities.argmax(axis=1))


def mean_interval(values):
    """Mean of a few runs, with its 95% interval by Student's t.

    The interval is the range of true means, over endlessly many seeds, that fit these runs. Where all values are equal,
    it is undefined: two seeds that happen to agree do not say that all seeds would. It then has no ends, so that no
    comparison with it finds a difference.

    Args:
        values: at least two numbers, one a run.

    Returns:
        A ``MeanInterval``; of equal values, from minus infinity to infinity.

    Raises:
        TypeError: the values are not numbers.
        ValueError: there are fewer than two values, or one is not finite.
    """
    return _student_interval(values, lambda number: 1 / number)


def prediction_interval(values):
    """Mean of a few runs, with the 95% interval in which one more run would lie.

    It is wider than the interval of the mean, since one more run brings its own luck: the standard deviation of the
    runs is multiplied by √(1 + 1/n) in place of √(1/n) (Hahn & Meeker, 1991, Statistical Intervals). A single published
    result belongs beside it, not beside the interval of the mean.

    Args:
        values: at least two numbers, one a run.

    Returns:
        A ``MeanInterval``; of equal values, from minus infinity to infinity.

    Raises:
        TypeError: the values are not numbers.
        ValueError: there are fewer than two values, or one is not finite.
    """
    return _student_interval(values, lambda number: 1 + 1 / number)


def _student_interval(values, variance):
    """The mean of the values, and around it the interval of what has ``variance(n)`` times the variance of one run."""
    try:
        values = np.asarray(values, dtype=float)
    except (TypeError, ValueError):
        raise TypeError(f"values: expected two or more numbers, got {values!r}.") from None
    if values.ndim != 1 or len(values) < 2 or not np.all(np.isfinite(values)):
        raise ValueError(
            f"values: expected two or more finite numbers, got {values.tolist()}; one run alone has no interval."
        )
    mean, reach = float(np.mean(values)), np.inf
    if not _are_equal(values, values):
        student = float(stats.t.ppf(0.975, df=len(values) - 1))
        reach = student * float(np.std(values, ddof=1)) * np.sqrt(variance(len(values)))
    return MeanInterval(mean=mean, low=float(mean - reach), high=float(mean + reach), values=tuple(values.tolist()))


def _are_equal(values, scores):
    """Whether values computed from scores differ by no more than the rounding of scores that were stored in 32 bits."""
    return np.ptp(values) <= 1e-6 * np.max(np.abs(scores))


@dataclass(frozen=True)
class PairedTest:
    """A test of whether two models differ: on the same images, on the same folds, or, unpaired, over different seeds.

    Attributes:
        difference: the first model's score minus the second's.
        low: lower end of its 95% interval; where that is undefined, the smallest difference that there can be: -1 for
            shares, minus infinity for other scores.
        high: its upper end, or the largest difference that there can be.
        p_value: the probability of a difference at least as large, either way, if there were no true difference; 1
            where it is undefined.
        values: the difference on each fold; empty where there were no folds.
    """

    difference: float
    low: float
    high: float
    p_value: float
    values: tuple[float, ...] = ()

    @property
    def significant(self):
        """Whether the difference is significant by the usual convention, a p-value below 5%."""
        return self.p_value < 0.05

    @property
    def is_defined(self):
        """Whether there is an interval; scores without any spread do not say how far others would lie from them."""
        return (self.low, self.high) not in ((-1, 1), (-np.inf, np.inf))

    def __str__(self):
        low, difference, high = (f"{100 * value:+.2f}" for value in (self.low, self.difference, self.high))
        if not self.is_defined:
            return f"{difference} points (95% interval undefined: the scores do not vary)"
        return f"{difference} points ({low} to {high}), p = {self.p_value:.2g}"


def mcnemar_test(y_true, first, second):
    """Compare two models on the same images, by the images on which only one of them is right (McNemar, 1947).

    Test and interval are conditional: they take the number of such images as given and ask how these are shared out.
    Were the models equally good, each image would fall to one or the other as a tossed coin does: that is the exact
    test. The interval is that of Clopper & Pearson (1934, Biometrika 26) for the share that falls to the first model,
    times the share of such images. Both count the same tosses, so the interval leaves out 0 exactly when the p-value is
    below 5%; Wald's interval, for example, does not keep to that.

    Where no image tells the models apart, there is nothing to share out. The difference cannot be larger than the share
    of images on which only one is right, so the interval then reaches as far as Clopper and Pearson's for that share:
    for n images to 1 - 0.025^(1/n), about 3.7/n, on both sides of 0.

    Args:
        y_true: the labels, integers of shape ``(n,)``.
        first, second: the answers of each model, integers of shape ``(n,)``.

    Returns:
        A ``PairedTest`` of the accuracies, with an exact p-value.

    Raises:
        TypeError, ValueError: labels or answers have another type, shape or range.
    """
    check_pairs(y_true, first, ("y_true", "first"))
    check_pairs(y_true, second, ("y_true", "second"))
    total = len(y_true)
    right, right_too = (np.asarray(answers) == np.asarray(y_true) for answers in (first, second))
    only_first, only_second = int(np.sum(right & ~right_too)), int(np.sum(right_too & ~right))
    tosses = only_first + only_second
    if tosses == 0:
        reach = float(stats.binomtest(0, total).proportion_ci(method="exact").high)
        return PairedTest(difference=0.0, low=-reach, high=reach, p_value=1.0)
    test = stats.binomtest(only_first, tosses)
    interval = test.proportion_ci(method="exact")
    low, high = (float(2 * share - 1) * tosses / total for share in (interval.low, interval.high))
    difference = (only_first - only_second) / total
    return PairedTest(difference=difference, low=low, high=high, p_value=float(test.pvalue))


def welch_test(first, second):
    """Compare the scores of two models that were trained with several seeds (Welch, 1947, Biometrika 34).

    Trainings of two models are not paired by their seed, even where it is the same number: any other order of the
    seeds would pair them as well and give another interval. Nor need both spread equally, or be equally many.

    Args:
        first, second: the scores of each model, two or more, one a training.

    Returns:
        A ``PairedTest`` of the means, without ``values``. Where neither model's scores vary, test and interval are
        undefined: the p-value is then 1, and the interval holds every difference that there can be.

    Raises:
        TypeError, ValueError: there are fewer than two scores of a model, or they are not finite numbers.
    """
    check_scores("first", first)
    check_scores("second", second)
    first, second = np.asarray(first, dtype=float), np.asarray(second, dtype=float)
    for name, scores in (("first", first), ("second", second)):
        if len(scores) < 2:
            raise ValueError(f"{name}: expected the scores of two or more trainings, got {len(scores)}.")
    difference, every_score = float(first.mean() - second.mean()), np.concatenate([first, second])
    if _are_equal(first, every_score) and _are_equal(second, every_score):
        return _undefined(difference, every_score)
    # As scipy's ttest_ind with equal_var=False, which warns where one of the models has no spread.
    variances = [scores.var(ddof=1) / len(scores) for scores in (first, second)]  # of the two means
    freedom = sum(variances) ** 2 / sum(v**2 / (len(s) - 1) for v, s in zip(variances, (first, second), strict=True))
    return _student_test(difference, np.sqrt(sum(variances)), freedom)


def corrected_t_test(first, second, train_size, test_size):
    """Compare the scores of two models on the same folds (Nadeau & Bengio, 2003, Machine Learning 52).

    Folds share most of their training images, so their scores are not independent, and the plain t-test underestimates
    the variance of their mean. The correction adds the ratio of test to training images to the variance.

    Args:
        first, second: the scores of each model, one a fold, in the same order.
        train_size, test_size: how many images a fold trains on and is scored on.

    Returns:
        A ``PairedTest``. Where the difference is the same on all folds, test and interval are undefined: the p-value is
        then 1, and the interval holds every difference that there can be.

    Raises:
        TypeError, ValueError: there are fewer than two folds, or not equally many for both models; or a size is wrong.
    """
    check_scores("first", first)
    check_scores("second", second)
    check_count("train_size", train_size)
    check_count("test_size", test_size)
    first, second = np.asarray(first, dtype=float), np.asarray(second, dtype=float)
    if first.shape != second.shape or first.ndim != 1 or len(first) < 2:
        raise ValueError(
            "first and second: expected the scores of the same two or more folds, "
            f"got shapes {first.shape} and {second.shape}."
        )
    differences, every_score = first - second, np.concatenate([first, second])
    mean, values = float(differences.mean()), tuple(differences.tolist())
    if _are_equal(differences, every_score):
        return _undefined(mean, every_score, values)
    error = np.sqrt(differences.var(ddof=1) * (1 / len(differences) + test_size / train_size))
    return _student_test(mean, error, len(differences) - 1, values)


def _student_test(difference, error, freedom, values=()):
    """The result for a difference with this standard error, by Student's t with so many degrees of freedom."""
    student = stats.t(df=freedom)
    reach = float(student.ppf(0.975) * error)
    p_value = float(2 * student.sf(abs(difference) / error))
    return PairedTest(difference, low=difference - reach, high=difference + reach, p_value=p_value, values=values)


def _undefined(difference, scores, values=()):
    """The result of a test whose scores do not vary: a t-test would divide by zero, and nothing is ruled out."""
    are_shares = np.all((scores >= 0) & (scores <= 1))  # accuracies and errors differ by 1 at most
    limit = 1.0 if are_shares else float("inf")
    return PairedTest(difference=difference, low=-limit, high=limit, p_value=1.0, values=values)
