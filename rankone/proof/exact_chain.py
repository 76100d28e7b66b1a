"""Small chains in integer arithmetic: floats are dyadic rationals, so nothing is rounded in the product.

Matrices are object arrays of Python integers; common powers of two are dropped: every bound is projective.
"""

import math
from collections.abc import Sequence
from itertools import combinations
from typing import Any

import numpy as np
from numpy.typing import NDArray

from rankone.proof.column_pairs import Extremes, finite
from rankone.proof.rounding import root_up, round_up

Integers = NDArray[Any]  # dtype object: Python integers of any length

MAX_WORK = 3 * 2**30  # multiplications times bits: a few seconds
PAIR = 256  # multiplications that a pair of columns costs at least, in time


def work(factors: Sequence[NDArray[np.floating]]) -> int:
    """Integer multiplications, from both ends and over column pairs, times the bits of the integers."""
    n, k = factors[0].shape[0], factors[-1].shape[1]
    from_the_right = k * sum(Z.size for Z in factors[:-1])
    from_the_left = n * sum(Z.size for Z in factors[1:])
    bits = sum(53 + math.frexp(Z.max())[1] - _lowest_exponent(Z) for Z in factors)
    return int(from_the_right + from_the_left + (n + PAIR) * k * k) * bits


def _lowest_exponent(Z: NDArray[np.floating]) -> int:
    return math.frexp(np.min(Z, where=Z > 0, initial=Z.max()))[1]


def integers(Z: NDArray[np.floating]) -> Integers:
    """Z times the power of two that makes every entry an integer."""
    mantissa, exponent = np.frexp(Z.astype(np.float64))
    shift = np.where(Z > 0, exponent - _lowest_exponent(Z), 0)
    return np.asarray(
        np.left_shift(np.ldexp(mantissa, 53).astype(np.int64).astype(object), shift.astype(object))
    )


def exact_product(factors: Sequence[NDArray[np.floating]]) -> Integers:
    """C = Z1 Z2 ⋯ up to a power of two, exactly, from the right; shape (n0, k)."""
    P = integers(factors[-1])
    for Z in reversed(factors[:-1]):
        P = integers(Z) @ P
    return P


def exact_extremes(C: Integers) -> Extremes:
    """The maxima over all pairs of columns of C; only the last operations of each are rounded.

    tan(θ/2) = sin / (1 + cos), each the root of a ratio of integers: cos² = G_jk² / (G_jj G_kk), G = CᵀC,
    sin² = 1 - cos². So the angle is known where 1 - cos, half its square, is no float any more.
    """
    C = C[np.any(C != 0, axis=1)]
    G, sums = C.T @ C, C.sum(axis=0)
    pairs = list(combinations(range(C.shape[1]), 2))
    angle = max((_angle(G[j, j] * G[k, k], G[j, k] ** 2) for j, k in pairs), default=0.0)
    variation = (
        round_up(np.abs(C[:, j] * sums[k] - C[:, k] * sums[j]).sum(), 2 * sums[j] * sums[k]) for j, k in pairs
    )
    diameter = (
        math.inf if np.any(C == 0) else max((_hilbert(C[:, j], C[:, k]) for j, k in pairs), default=0.0)
    )
    return Extremes(angle, min(max(variation, default=0.0), 1.0), finite(diameter))


def _angle(norms2: int, inner2: int) -> float:
    """The angle of two vectors ≥ 0 from (‖x‖ ‖y‖)² and (x·y)²."""
    sine, cosine = root_up(norms2 - inner2, norms2), root_up(inner2, norms2)
    return 2 * math.atan(sine / (1 + cosine))


def _hilbert(x: Integers, y: Integers) -> float:
    """ln max_{i,i'} (x_i y_i') / (x_i' y_i), of the exact ratio."""
    (a, b), (c, d) = _largest_ratio(x, y), _largest_ratio(y, x)
    numerator, denominator = a * c, b * d
    if numerator < 2 * denominator:
        return math.log1p(round_up(numerator - denominator, denominator))
    return math.log(round_up(numerator, denominator))


def _largest_ratio(x: Integers, y: Integers) -> tuple[int, int]:
    """The pair (x_i, y_i) with the largest x_i / y_i > 0, by cross multiplication."""
    best = (0, 1)
    for a, b in zip(x, y, strict=True):
        if a * best[1] > best[0] * b:
            best = (a, b)
    return best
