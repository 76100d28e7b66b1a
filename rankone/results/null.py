"""The null of 1 − |cos|: what directions that have nothing to do with each other give, exactly.

For independent directions in R^d, sin² ~ Beta((d − 1)/2, 1/2). `null_quantile`, `null_median` and `null_mean`
are for one width d; `null_of_widths` is for a mixture, such as the locations of a layer, each with its own
number of channels in use.
"""

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import optimize
from scipy.special import beta, betainc, betaincinv

from rankone.errors import refuse

LOWEST = -34.0  # log10: what lies below is zero to float64


def null_quantile(q: ArrayLike, width: int) -> NDArray[np.float64]:
    """Quantile q in [0, 1] of 1 − |cos| for independent directions in R^width.

    Exact: sin² ~ Beta((d − 1)/2, 1/2), d the width, and 1 − |cos| = sin²/(1 + |cos|); 0 in one dimension.
    ValueError for q outside [0, 1] and widths below one.
    """
    _refuse_below_one(width)
    q = np.asarray(q, dtype=np.float64)
    if not ((q >= 0) & (q <= 1)).all():
        refuse("q", expected="probabilities in [0, 1]", got=q, do="give 0.5 for the median")
    if width == 1:
        return np.zeros_like(q)
    sine_squared = betaincinv((width - 1) / 2, 0.5, q)
    return np.asarray(sine_squared / (1 + np.sqrt(betaincinv(0.5, (width - 1) / 2, 1 - q))))


def null_median(width: int) -> float:
    """Median of 1 − |cos| for independent directions in R^width; ValueError for widths below one."""
    return float(null_quantile(0.5, width))


def null_mean(width: int) -> float:
    """Mean of 1 − |cos| for independent directions in R^width: 1 − B(d/2, 1/2)/π, about 1 − √(2/(πd)).

    ValueError for widths below one.
    """
    _refuse_below_one(width)
    return float(1 - beta(width / 2, 0.5) / np.pi) if width > 1 else 0.0


def null_of_widths(widths: NDArray[np.int64], q: float) -> float:
    """Quantile q in (0, 1) of log10(1 − |cos|) for independent directions, widths[d] of them in R^d.

    Of widths (D + 1,) the first, d = 0, has no direction and does not count; in R^1 all are parallel. In R^d,
    P(1 − |cos| <= t) = I_{t(2−t)}((d − 1)/2, 1/2). −inf where a share q or more is zero; nan where no width
    is positive.
    """
    d = np.arange(1, len(widths))
    share = widths[1:] / max(1, widths[1:].sum())
    if not share.any():
        return float("nan")

    def below(log10_t: float) -> float:
        t = 10**log10_t
        wider = betainc((d[1:] - 1) / 2, 0.5, t * (2 - t))
        return float(share[0] + share[1:] @ wider - q)

    return float("-inf") if below(LOWEST) >= 0 else float(optimize.brentq(below, LOWEST, 0, xtol=1e-9))


def _refuse_below_one(width: int) -> None:
    if width < 1:
        refuse("width", expected="an integer >= 1", got=width, do="give the length of the vectors")
