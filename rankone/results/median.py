"""The bootstrap of a median, exactly: no resampling, so no seed and no Monte-Carlo error."""

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import special

from rankone.errors import refuse


def median_interval(values: ArrayLike, level: float = 0.99) -> tuple[float, float]:
    """Percentile interval of the bootstrapped median of `values` (n,), n >= 2 independent units.

    A resample of n takes each unit with probability 1/n. For odd n its median is an order statistic:
    P(median* <= x_(k)) = P(Binomial(n, k/n) >= (n + 1)/2). For even n it is the mean of the two middle ones,
    i-th and j-th of the sorted values, whose joint probability is as elementary (Efron 1979, section 3).
    The ends are the (1 -+ level)/2 quantiles of that distribution: the 0.5 % and 99.5 % points by default.

    NaN values are left out. With fewer than two values there is no interval: (nan, nan).
    Raises ValueError if `values` is not one-dimensional or `level` is not inside (0, 1).
    """
    x = np.asarray(values, dtype=float)
    if x.ndim != 1:
        refuse("values", expected="shape (n,)", got=x.shape, do="pass one number for each independent unit")
    if not 0 < level < 1:
        refuse("level", expected="a number inside (0, 1)", got=level, do="0.99 is the usual choice")
    x = np.sort(x[~np.isnan(x)])
    if len(x) < 2:
        return float("nan"), float("nan")
    medians, probabilities = _odd(x) if len(x) % 2 else _even(x)
    cumulative = np.cumsum(probabilities)
    low, high = np.searchsorted(cumulative / cumulative[-1], [(1 - level) / 2, (1 + level) / 2])
    return float(medians[low]), float(medians[min(high, len(medians) - 1)])


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
