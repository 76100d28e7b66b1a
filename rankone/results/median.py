"""A median with its interval, for numbers that are independent and for numbers that come in clusters.

`order_statistic_median` is for independent numbers, one for each image: an interval that holds the median of
whatever they are drawn from at least as often as it says, `paired` the same for differences of two methods.
`bootstrapped_median` is the bootstrap's interval for them, exactly, without resampling.
`clustered_median` is for numbers nested in independent samples, such as all pairs of the vectors of each
chain: it takes the median of them all, but counts only the samples as evidence.
"""

from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import special

from rankone.errors import refuse


class Median(NamedTuple):
    """A median and the ends of its interval; nan where nothing is known of them."""

    median: float
    low: float
    high: float


def order_statistic_median(values: ArrayLike, level: float = 0.99) -> Median:
    """The median of `values` (n,), independent draws, with its exact interval [x_(k), x_(n+1−k)].

    Whatever the distribution, the interval misses its median with probability at most 2 P(Binomial(n, 1/2) <
    k) (Thompson, Ann. Math. Statist. 7, 1936); equal, if it is continuous. k is the largest for which that
    is ≤ 1 − level. Too few values have no such interval, at 99 % fewer than 8: its ends are nan.

    NaN values are left out. ValueError if `values` is not one-dimensional or `level` is not inside (0, 1).
    """
    x = _known(values, level)
    n = len(x)
    if not n:
        return Median(np.nan, np.nan, np.nan)
    k = np.arange(1, n // 2 + 1)
    ranks = k[2 * special.bdtr(k - 1, n, 0.5) <= 1 - level]
    low, high = (x[ranks[-1] - 1], x[n - ranks[-1]]) if len(ranks) else (np.nan, np.nan)
    return Median(float(np.median(x)), float(low), float(high))


def paired(a: ArrayLike, b: ArrayLike, level: float = 0.99) -> Median:
    """`order_statistic_median` of a − b, (n,) and (n,): two methods, images that both have.

    ValueError for other shapes or levels.
    """
    a, b = np.asarray(a, dtype=float), np.asarray(b, dtype=float)
    if a.shape != b.shape:
        refuse("b", expected=f"the shape of a, {a.shape}", got=b.shape, do="give the same images for both")
    return order_statistic_median(a - b, level)


def bootstrapped_median(values: ArrayLike, level: float = 0.99) -> Median:
    """The median of `values` (n,), independent units, with the percentile interval of its bootstrap.

    A resample of n takes each unit with probability 1/n. For odd n its median is an order statistic:
    P(median* <= x_(k)) = P(Binomial(n, k/n) >= (n + 1)/2). For even n it is the mean of the two middle ones,
    i-th and j-th of the sorted values, whose joint probability is as elementary (Efron 1979, section 3).
    The ends are the (1 -+ level)/2 quantiles of that distribution: the 0.5 % and 99.5 % points by default.

    NaN values are left out. Fewer than two values have no interval.
    Raises ValueError if `values` is not one-dimensional or `level` is not inside (0, 1).
    """
    x = _known(values, level)
    if len(x) < 2:
        return Median(float(x[0]) if len(x) else np.nan, np.nan, np.nan)
    medians, probabilities = _odd(x) if len(x) % 2 else _even(x)
    cumulative = np.cumsum(probabilities)
    low, high = np.searchsorted(cumulative / cumulative[-1], [(1 - level) / 2, (1 + level) / 2])
    return Median(float(np.median(x)), float(medians[low]), float(medians[min(high, len(medians) - 1)]))


def clustered_median(values: ArrayLike, level: float = 0.95) -> Median:
    """The median of all `values` (samples, m), when only the samples are independent.

    Woodruff's confidence interval (J. Amer. Statist. Assoc. 47, 1952): the share of a sample's values below
    the median has a standard error ε over the samples; the interval runs from the quantile ½ − tε to ½ + tε,
    t Student's. One sample says nothing of its error: its interval is the whole range. Quantiles are order
    statistics, as −inf (exactly parallel) cannot be interpolated.

    NaN values are left out; all three are nan where nothing else is there.
    Raises ValueError if `values` is not (samples, m), or empty, or `level` is not inside (0, 1).
    """
    x = np.asarray(values, dtype=np.float64)
    if x.ndim != 2 or not x.size:
        refuse("values", expected="shape (samples, m)", got=x.shape, do="give a row for each sample")
    _refuse_level(level)
    x = x[~np.isnan(x).all(axis=1)]
    if not len(x):
        return Median(np.nan, np.nan, np.nan)
    known = ~np.isnan(x)
    below = x <= np.quantile(x[known], 0.5, method="inverted_cdf")
    share = below.sum(axis=1) / known.sum(axis=1)
    half = 0.5
    if (N := len(x)) > 1:
        error = max(share.std(ddof=1), 0.5 / x.shape[1]) / np.sqrt(N)
        half = float(special.stdtrit(N - 1, (1 + level) / 2)) * error
    levels = np.clip([0.5, 0.5 - half, 0.5 + half], 0, 1)
    median, low, high = np.quantile(x[known], levels, method="inverted_cdf")
    return Median(float(median), float(low), float(high))


def _known(values: ArrayLike, level: float) -> NDArray[np.float64]:
    """The sorted numbers among independent units; ValueError for other shapes or levels."""
    x = np.asarray(values, dtype=float)
    if x.ndim != 1:
        refuse("values", expected="shape (n,)", got=x.shape, do="pass one number for each independent unit")
    _refuse_level(level)
    return np.sort(x[~np.isnan(x)])


def _refuse_level(level: float) -> None:
    if not 0 < level < 1:
        refuse("level", expected="a number inside (0, 1)", got=level, do="take 0.95 or 0.99")


def _odd(x: NDArray[np.float64]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    n = len(x)
    return x, np.diff(_at_least(n, (n + 1) // 2), prepend=0)


def _even(x: NDArray[np.float64]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """P(i, j), i < j: half of the resample lies in x_(1..i) and reaches i, half in x_(j..n) and reaches j."""
    n, half = len(x), len(x) // 2
    k = np.arange(n + 1) / n
    with np.errstate(divide="ignore"):  # ln 0 = -inf: probability 0
        root = np.exp((special.gammaln(n + 1) - 2 * special.gammaln(half + 1)) / 2 + half * np.log(k))
    reaches = np.diff(root)  # sqrt(n choose half) ((k/n)^half - ((k-1)/n)^half), k = 1 ... n
    joint = np.triu(np.outer(reaches, reaches[::-1]), k=1)
    joint[np.diag_indices(n)] = np.diff(_at_least(n, half), prepend=0) - joint.sum(axis=1)
    i, j = np.triu_indices(n)
    medians = (x[i] + x[j]) / 2
    order = np.argsort(medians)
    return medians[order], np.maximum(joint[i, j][order], 0)


def _at_least(n: int, m: int) -> NDArray[np.float64]:
    """P(Binomial(n, k/n) >= m) for k = 1 ... n."""
    return np.asarray(special.betainc(m, n - m + 1, np.arange(1, n + 1) / n))
