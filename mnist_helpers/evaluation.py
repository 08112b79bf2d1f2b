"""Error rates, means and paired tests, with their 95% intervals."""

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
    """A mean over repeated runs, with a confidence interval for the mean over infinitely many runs.

    Attributes:
        mean: the mean of the values.
        low: lower end of the 95% interval by Student's t.
        high: its upper end.
        values: what was averaged.
    """

    mean: float
    low: float
    high: float
    values: tuple[float, ...]


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

    The interval is the range of true means, over endlessly many seeds, that fit these runs.

    Args:
        values: at least two numbers, one a run.

    Returns:
        A ``MeanInterval``.

    Raises:
        TypeError: the values are not numbers.
        ValueError: there are fewer than two values, or one is not finite.
    """
    try:
        values = np.asarray(values, dtype=float)
    except (TypeError, ValueError):
        raise TypeError(f"values: expected two or more numbers, got {values!r}.") from None
    if values.ndim != 1 or len(values) < 2 or not np.all(np.isfinite(values)):
        raise ValueError(
            f"values: expected two or more finite numbers, got {values.tolist()}; one run alone has no interval."
        )
    mean = float(np.mean(values))
    interval = stats.ttest_1samp(values, 0).confidence_interval(0.95) if np.ptp(values) else (mean, mean)
    return MeanInterval(mean=mean, low=float(interval[0]), high=float(interval[1]), values=tuple(values.tolist()))


@dataclass(frozen=True)
class PairedTest:
    """A test of whether two models differ, on the same images or the same folds.

    Attributes:
        difference: the first model's score minus the second's.
        low: lower end of its 95% interval.
        high: its upper end.
        p_value: the probability of a difference at least as large, either way, if there were no true difference.
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


def mcnemar_test(y_true, first, second):
    """Compare two models on the same images, by the images on which only one of them is right (McNemar, 1947).

    Args:
        y_true: the labels, integers of shape ``(n,)``.
        first, second: the answers of each model, integers of shape ``(n,)``.

    Returns:
        A ``PairedTest`` of the accuracies; its p-value is exact, its interval the usual one for paired shares.

    Raises:
        TypeError, ValueError: labels or answers have another type, shape or range.
    """
    from mlxtend.evaluate import mcnemar, mcnemar_table

    check_pairs(y_true, first, ("y_true", "first"))
    check_pairs(y_true, second, ("y_true", "second"))
    table = mcnemar_table(np.asarray(y_true), np.asarray(first), np.asarray(second))
    only_first, only_second, total = int(table[0, 1]), int(table[1, 0]), len(y_true)
    difference = (only_first - only_second) / total
    # Fagerland, Lydersen & Laake, 2014, Statistics in Medicine 33: Wald's interval for paired shares
    reach = 1.96 * np.sqrt(only_first + only_second - (only_first - only_second) ** 2 / total) / total
    p_value = float(mcnemar(table, exact=True)[1]) if only_first + only_second else 1.0
    return PairedTest(difference=difference, low=difference - reach, high=difference + reach, p_value=p_value)


def corrected_t_test(first, second, train_size, test_size):
    """Compare the scores of two models on the same folds (Nadeau & Bengio, 2003, Machine Learning 52).

    Folds share most of their training images, so their scores are not independent, and the plain t-test underestimates
    the variance of their mean. The correction adds the ratio of test to training images to the variance.

    Args:
        first, second: the scores of each model, one a fold, in the same order.
        train_size, test_size: how many images a fold trains on and is scored on.

    Returns:
        A ``PairedTest``.

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
    differences = first - second
    mean, values = float(differences.mean()), tuple(differences.tolist())
    error = float(np.sqrt(differences.var(ddof=1) * (1 / len(differences) + test_size / train_size)))
    if error == 0:
        return PairedTest(difference=mean, low=mean, high=mean, p_value=1.0 if mean == 0 else 0.0, values=values)
    student = stats.t(df=len(differences) - 1)
    reach = float(student.ppf(0.975)) * error
    p_value = float(2 * student.sf(abs(mean) / error))
    return PairedTest(difference=mean, low=mean - reach, high=mean + reach, p_value=p_value, values=values)
