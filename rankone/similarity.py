"""How far vectors are from parallel: 1 − |cos| without cancellation or floor, its median, its null.

A pair is two *different* vectors, never one with itself. A zero vector has no direction: its pairs are NaN,
to be counted by `missing_fraction`. The absolute cosine is the default, as a rank-one operator maps v to ±c.
"""

from functools import cache
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.special import beta, betaincinv, stdtrit

from rankone.errors import refuse

Array = NDArray[np.float64]


@cache
def pairs(V: int) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    """Indices i < j of the V(V−1)/2 pairs of different vectors, ordered as every result here; read-only."""
    i, j = np.triu_indices(V, k=1)
    i.flags.writeable = j.flags.writeable = False
    return i, j


def one_minus_abs_cosine(R: ArrayLike) -> Array:
    """1 − |cos| of all pairs of the rows of R (V, n): (pairs,), in [0, 1], NaN where a row is zero.

    min(‖û − v̂‖², ‖û + v̂‖²)/2 with unit vectors is known down to 1e-32; a subtraction dies at 1e-16.
    ValueError unless R is a finite matrix.
    """
    return np.minimum(*_half_squared_gaps(R))


def one_minus_cosine(R: ArrayLike) -> Array:
    """1 − cos, signed: (pairs,), in [0, 2], else as `one_minus_abs_cosine`; anti-parallel is 2."""
    same, opposite = _half_squared_gaps(R)
    return np.where(same < opposite, same, 2 - opposite)


def _half_squared_gaps(R: ArrayLike) -> tuple[Array, Array]:
    U = unit_rows(finite_matrix("vectors", R).astype(np.float64))
    i, j = pairs(len(U))
    same, opposite = (np.square(U[i] + sign * U[j]).sum(axis=1) / 2 for sign in (-1, 1))
    return same, opposite


def unit_rows(R: Array) -> Array:
    """Each row divided by its norm, whatever its scale; zero rows become NaN."""
    largest = np.abs(R).max(axis=1, keepdims=True)
    R = R / np.where(largest > 0, largest, np.nan)
    return np.asarray(R / np.linalg.norm(R, axis=1, keepdims=True))


def finite_matrix(name: str, R: ArrayLike) -> NDArray[np.floating[Any]]:
    """R as a floating matrix (V, n) with V, n >= 1 and only finite entries, or a ValueError that names it."""
    R = np.asarray(R)
    if R.ndim != 2 or 0 in R.shape or R.dtype.kind not in "fiu":
        got = f"shape {R.shape} of {R.dtype}"
        refuse(name, expected="a matrix of real numbers", got=got, do="give rows and columns")
    if not np.isfinite(R).all():
        refuse(name, expected="finite entries", got="NaN or infinity", do="find out where they arose")
    return R if R.dtype.kind == "f" else R.astype(np.float64)


def log10_graded(M: Array, s: Array) -> Array:
    """log10(1 − |cos|) of all pairs of the rows of M·diag(e^s), M (V, r), s (r,), however small e^s.

    With c the largest coordinate of u and δ = v − u·(v_c/u_c), which is 0 at c, the wedge û ∧ v̂ gives

        sin² = (‖δ‖² − (û·δ)²) / ‖v‖²,   1 − |cos| = sin² / (1 + |cos|).

    Nothing cancels but δ itself, entry by entry, so an entry of M need be accurate only relative to its
    column. −inf: parallel to the last bit; NaN: a zero row.
    """
    order = np.argsort(-s, kind="stable")
    M, s = M[:, order], s[order]
    log_size = log_abs(M) + s
    top = log_size.max(axis=1)
    dead = np.isneginf(top)
    top[dead] = 0
    U = np.copysign(np.exp(log_size - top[:, None]), M)
    norm = np.linalg.norm(U, axis=1)
    norm[dead] = 1
    U /= norm[:, None]

    i, j = pairs(len(M))
    c = np.abs(U).argmax(axis=1)[i]
    with np.errstate(divide="ignore", invalid="ignore"):  # dead rows; parallel pairs
        δ = M[j] - M[i] * (M[j, c] / M[i, c])[:, None]
        δ[np.arange(len(i)), c] = 0
        first = (δ != 0).argmax(axis=1)  # the largest e^s that counts is taken out
        δ *= np.exp(np.minimum(s - s[:, None], 0))[first]
        wedge = np.vecdot(δ, δ) - np.vecdot(U[i], δ) ** 2
        log_sine = s[first] - top[j] - np.log(norm[j]) + np.log(wedge) / 2
    log_distance = np.minimum(2 * log_sine, 0) - np.log1p(np.abs(U @ U.T)[i, j])
    return np.where(dead[i] | dead[j], np.nan, log_distance / np.log(10))


def log_abs(M: NDArray[np.floating[Any]]) -> Array:
    """ln |M|, entry by entry; −inf for zeros."""
    with np.errstate(divide="ignore"):
        return np.asarray(np.log(np.abs(M)), dtype=np.float64)


def missing_fraction(values: ArrayLike) -> float:
    """Share of pairs without a direction (NaN)."""
    return float(np.isnan(values).mean())


def clustered_median(values: ArrayLike, confidence: float = 0.95) -> tuple[float, float, float]:
    """Median, low, high: of all values (samples, pairs), when only the samples are independent.

    Woodruff's confidence interval (J. Amer. Statist. Assoc. 47, 1952): the share of a sample's values below
    the median has a standard error ε over the samples; the interval runs from the quantile ½ − tε to ½ + tε,
    t Student's. NaN are left out. One sample says nothing of its error: its interval is the whole range.
    """
    x = np.asarray(values, dtype=np.float64)
    if x.ndim != 2 or not x.size:
        refuse(
            "values", expected="numbers (samples, pairs)", got=f"shape {x.shape}", do="give a row per sample"
        )
    x = x[~np.isnan(x).all(axis=1)]
    if not len(x):
        return np.nan, np.nan, np.nan
    known = ~np.isnan(x)
    below = x <= np.quantile(x[known], 0.5, method="inverted_cdf")
    share = below.sum(axis=1) / known.sum(axis=1)
    half = 0.5
    if (N := len(x)) > 1:
        error = max(share.std(ddof=1), 0.5 / x.shape[1]) / np.sqrt(N)
        half = float(stdtrit(N - 1, (1 + confidence) / 2)) * error
    levels = np.clip([0.5, 0.5 - half, 0.5 + half], 0, 1)
    median, low, high = np.quantile(x[known], levels, method="inverted_cdf")  # −inf cannot be interpolated
    return float(median), float(low), float(high)


def null_quantile(q: ArrayLike, width: int) -> Array:
    """Quantile q in [0, 1] of 1 − |cos| for independent directions in R^width.

    Exact: sin² ~ Beta((d − 1)/2, 1/2), d the width, and 1 − |cos| = sin²/(1 + |cos|); 0 in one dimension.
    """
    if width < 1:
        refuse("width", expected="an integer >= 1", got=width, do="give the length of the vectors")
    q = np.asarray(q, dtype=np.float64)
    if not ((q >= 0) & (q <= 1)).all():
        refuse("q", expected="probabilities in [0, 1]", got=q, do="give 0.5 for the median")
    if width == 1:
        return np.zeros_like(q)
    sine_squared = betaincinv((width - 1) / 2, 0.5, q)
    return np.asarray(sine_squared / (1 + np.sqrt(betaincinv(0.5, (width - 1) / 2, 1 - q))))


def null_median(width: int) -> float:
    """Median of 1 − |cos| for independent directions in R^width."""
    return float(null_quantile(0.5, width))


def null_mean(width: int) -> float:
    """Mean of 1 − |cos| for independent directions in R^width: 1 − B(d/2, 1/2)/π, about 1 − √(2/(πd))."""
    if width < 1:
        refuse("width", expected="an integer >= 1", got=width, do="give the length of the vectors")
    return float(1 - beta(width / 2, 0.5) / np.pi) if width > 1 else 0.0
