"""The three maxima over all pairs of columns of C ≥ 0, as upper bounds that include every rounding error.

C is known up to a relative error δ of its entries; the bounds hold for the columns of the exact C.
"""

import math
from dataclasses import dataclass
from fractions import Fraction

import numpy as np

from rankone.diameter import farthest_pair, half_l1, oscillation
from rankone.proof.rounding import UNIT_ROUNDOFF, Matrix, gamma, round_up

ROWS = 512  # of the Gram matrix at a time: bounds the memory
UNITS = 4096  # rows of C at a time, likewise
FLUSH = 2.0**-900  # above any sum of numbers that were flushed while squaring or dividing
LIBM = 2.0**-50  # relative error granted to a logarithm: four units in the last place or more
LARGEST_DIAMETER = 690.0  # beyond it exp(Δ) leaves the floats, and the diameter is reported as infinite
U = float(UNIT_ROUNDOFF)


@dataclass(frozen=True)
class Extremes:
    """Upper bounds over pairs of columns: angle ≤ π/2, total variation ≤ 1, Hilbert's Δ in [0, ∞]."""

    angle: float
    total_variation: float
    diameter: float


@dataclass(frozen=True)
class Farthest:
    """What float64 found over pairs of columns x_j ≥ 0 of n entries, with sum one.

    chord2       largest |e_j|² + |e_k|² - 2 e_j·e_k, e_j = x_j/‖x_j‖ - p with any p, by sums of n products
    radius2      largest |e_j|²
    variation    largest ½ ‖x_j - x_k‖₁
    oscillation  largest max_i m_i - min_i m_i, m = ln x_j - ln x_k, of logarithms of entries over any numbers
                 q_i, to 32 u `size`; infinite where one x has an entry 0 and another has none there
    size         largest |ln(x_ij / q_i)|
    """

    n: int
    chord2: float
    radius2: float
    variation: float
    oscillation: float
    size: float


def floating_extremes(C: Matrix, delta: Fraction) -> Extremes:
    """The maxima over pairs of columns of a matrix that C, shape (n0, k), equals up to δ, entrywise.

    The angle is too large by 2δ and what C errs itself; for angles below δ the bound levels off at 2δ.
    Takes three and a half copies of C.
    """
    return extremes(farthest(C), delta)


def extremes(found: Farthest, delta: Fraction) -> Extremes:
    """The maxima over pairs of columns that differ by δ, entrywise, from those that were looked at."""
    relative = float(delta + 8 * UNIT_ROUNDOFF)  # δ, and the divisions by largest entry, norm and sum
    return Extremes(_angle(found, relative), _total_variation(found, relative), _diameter(found, relative))


def farthest(C: Matrix) -> Farthest:
    """Over the pairs of columns of C (n0, k)."""
    n = len(C)
    used = C.any(axis=1)
    X = (C if used.all() else C[used]).T.copy()  # (k, n)
    X /= X.max(axis=1, keepdims=True)
    chord2, radius2 = _chord(X)
    X /= X.sum(axis=1, keepdims=True)
    variation = farthest_pair(X, half_l1).distance
    if not X.all():
        return Farthest(n, chord2, radius2, variation, math.inf, math.inf)
    X /= X.mean(axis=0)  # logarithms are of ratios to a mean, so that they, and their errors, are small
    if X.min() < FLUSH:
        return Farthest(n, chord2, radius2, variation, math.inf, math.inf)
    M = np.log(X, out=X)
    size = max(float(M.max()), -float(M.min()))
    return Farthest(n, chord2, radius2, variation, farthest_pair(M, oscillation).distance, size)


def _chord(X: Matrix) -> tuple[float, float]:
    """chord2 and radius2 of Farthest, with the Gram matrix of e_j, from some units at a time."""
    k, n = X.shape
    norms, G = np.linalg.norm(X, axis=1, keepdims=True), np.zeros((k, k))
    for start in range(0, n, UNITS):
        Y = X[:, start : start + UNITS] / norms
        E = Y - Y.mean(axis=0)
        G += E @ E.T
    norms2 = np.diag(G)
    rows = (slice(start, start + ROWS) for start in range(0, k, ROWS))
    return max(float((norms2[row, None] + norms2 - 2 * G[row]).max()) for row in rows), float(norms2.max())


def _sum_error(n: int) -> float:
    """γ of a sum of n products, with room for the few operations around it."""
    return round_up(*gamma(n + 8).as_integer_ratio())


def _angle(found: Farthest, relative: float) -> float:
    """θ ≤ 2 arcsin(‖ŷ_j - ŷ_k‖/2) + 2 arcsin δ.

    The distances come from the Gram matrix of the centred unit vectors e_j = ŷ_j - p. Its rounding error
    γ (‖e_j‖ + ‖e_k‖)² ≤ 4 γ r², r the largest ‖e_j‖, is relative to the distances themselves: no 1 - cos is
    formed by subtraction. The projection onto a ball is non-expansive, so that norms in [1 - η, 1 + η] cost a
    factor 1/(1 - η) of a distance ≤ 2 r, with η = γ/2: another 4 γ r² of its square. The ninth is room.
    """
    chord = math.sqrt(max(found.chord2, 0.0) + 9 * _sum_error(found.n) * found.radius2 + FLUSH)
    theta = 2 * math.asin(min(chord / 2, 1.0)) + 2 * math.asin(min(relative, 1.0))
    return min(theta, math.pi / 2)


def _total_variation(found: Farthest, relative: float) -> float:
    """½ ‖x_j - x_k‖₁ of columns with sum one; relative errors δ of their entries move it by 2δ/(1 - δ).

    No pair is left out but for computed distances, or radii around the centre, that the largest exceeds. γ
    covers sums in any order, SciPy's too.
    """
    error = _sum_error(found.n)
    return min(found.variation * (1 + 4 * error) + 2 * error + 2 * relative / (1 - relative), 1.0)


def _diameter(found: Farthest, relative: float) -> float:
    """max_i m_i - min_i m_i of m = ln x_j - ln x_k; four entries of C err, each by -ln(1 - δ)."""
    if math.isinf(found.oscillation):
        return math.inf
    rounding = 4 * LIBM * found.size + 4 * U
    entry = rounding - math.log1p(-relative) * (1 + LIBM)
    return finite(found.oscillation + 4 * entry)


def finite(diameter: float) -> float:
    """The diameter, or infinity beyond LARGEST_DIAMETER."""
    return diameter if diameter < LARGEST_DIAMETER else math.inf
