"""How far vectors are from parallel: 1 − |cos| without cancellation or floor.

A pair is two *different* vectors, never one with itself. A zero vector has no direction: its pairs are NaN,
to be counted by `missing_fraction`. The absolute cosine is the default, as a rank-one operator maps v to ±c.
Its medians and its null are those of rankone.results, under their names.
"""

from functools import cache
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from rankone.errors import refuse
from rankone.results.median import clustered_median as clustered_median
from rankone.results.null import null_mean as null_mean
from rankone.results.null import null_median as null_median
from rankone.results.null import null_quantile as null_quantile

Array = NDArray[np.float64]


@cache
def pairs(V: int) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    """Indices i < j of the V(V−1)/2 pairs of different vectors, ordered as every result here; read-only."""
    i, j = np.triu_indices(V, k=1)
    i.flags.writeable = j.flags.writeable = False
    return i, j


def one_minus_abs_cosine(R: ArrayLike) -> Array:
    """1 − |cos| of all pairs of the rows of R (V, n): (pairs,), in [0, 1], NaN where a row is zero.

    min(‖û − v̂‖², ‖û + v̂‖²)/2 with unit vectors has a relative error of at most 3e-16/√(1 − |cos|): 3 % at
    1e-28, 30 % at 1e-30, and below 1e-31 it is rounding; a subtraction dies at 1e-16. `log10_graded` has no
    such floor.
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
        refuse(
            name, expected="a matrix of real numbers", got=got, do="pass a two-dimensional array of numbers"
        )
    if not np.isfinite(R).all():
        refuse(
            name,
            expected="finite entries",
            got="NaN or infinity",
            do="compute them in float64, or leave the rows out",
        )
    return R if R.dtype.kind == "f" else R.astype(np.float64)


def log10_graded(M: Array, s: Array) -> Array:
    """log10(1 − |cos|) of all pairs of the rows of M·diag(e^s), M (V, r), s (r,), however small e^s.

    With c the largest coordinate of u and δ = v − u·(v_c/u_c), which is 0 at c, the wedge û ∧ v̂ gives

        sin² = (‖δ‖² − (û·δ)²) / ‖v‖²,   1 − |cos| = sin² / (1 + |cos|).

    Nothing cancels but δ itself, entry by entry, so an entry of M need be accurate only relative to its
    column. −inf: rows of M that are multiples of each other to the last bit; NaN: a zero row.
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
