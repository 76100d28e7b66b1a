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


def floating_extremes(C: Matrix, delta: Fraction) -> Extremes:
    """The maxima over pairs of columns of a matrix that C, shape (n0, k), equals up to δ, entrywise.

    The angle is too large by 2δ and what C errs itself; for angles below δ the bound levels off at 2δ.
    """
    X = np.ascontiguousarray((C / C.max(axis=0)).T)  # (k, n0), the largest entry of each row is 1
    relative = float(delta + 8 * UNIT_ROUNDOFF)  # δ, and the divisions by largest entry, norm and sum
    return Extremes(_angle(X, relative), _total_variation(X, relative), _diameter(X, relative))


def _sum_error(n: int) -> float:
    """γ of a sum of n products, with room for the few operations around it."""
    return round_up(*gamma(n + 8).as_integer_ratio())


def _angle(X: Matrix, relative: float) -> float:
    """θ ≤ 2 arcsin(‖ŷ_j - ŷ_k‖/2) + 2 arcsin δ.

    The distances come from the Gram matrix of the centred unit vectors e_j = ŷ_j - p. Its rounding error
    γ (‖e_j‖ + ‖e_k‖)² ≤ 4 γ r², r the largest ‖e_j‖, is relative to the distances themselves: no 1 - cos is
    formed by subtraction. The projection onto a ball is non-expansive, so that norms in [1 - η, 1 + η] cost a
    factor 1/(1 - η) of a distance ≤ 2 r, with η = γ/2: another 4 γ r² of its square. The ninth is room.
    """
    k, n = X.shape
    error = _sum_error(n)
    Y = X / np.linalg.norm(X, axis=1, keepdims=True)
    E = Y - Y.mean(axis=0)
    G = E @ E.T
    norms2 = np.diag(G)
    blocks = (slice(start, start + ROWS) for start in range(0, k, ROWS))
    largest = max(float((norms2[block, None] + norms2 - 2 * G[block]).max()) for block in blocks)
    chord = math.sqrt(max(largest, 0.0) + 9 * error * float(norms2.max()) + FLUSH)
    theta = 2 * math.asin(min(chord / 2, 1.0)) + 2 * math.asin(min(relative, 1.0))
    return min(theta, math.pi / 2)


def _total_variation(X: Matrix, relative: float) -> float:
    """½ ‖x_j - x_k‖₁ of columns with sum one; relative errors δ of their entries move it by 2δ/(1 - δ).

    No pair is left out but for computed distances, or radii around the centre, that the largest exceeds. γ
    covers sums in any order, SciPy's too.
    """
    error = _sum_error(X.shape[1])
    farthest = farthest_pair(X / X.sum(axis=1, keepdims=True), half_l1).distance
    return min(farthest * (1 + 4 * error) + 2 * error + 2 * relative / (1 - relative), 1.0)


def _diameter(X: Matrix, relative: float) -> float:
    """max_i m_i - min_i m_i of m = ln x_j - ln x_k; four entries of C err, each by -ln(1 - δ).

    Logarithms are of ratios to the mean of the row, so that they, and their errors, are small.
    """
    X = X[:, X.any(axis=0)]
    if not X.all():
        return math.inf
    X = X / X.sum(axis=1, keepdims=True)
    X /= X.mean(axis=0)
    if X.min() < FLUSH:
        return math.inf
    M = np.log(X, out=X)
    rounding = 4 * LIBM * max(float(M.max()), -float(M.min())) + 4 * U
    entry = rounding - math.log1p(-relative) * (1 + LIBM)
    return finite(farthest_pair(M, oscillation).distance + 4 * entry)


def finite(diameter: float) -> float:
    """The diameter, or infinity beyond LARGEST_DIAMETER."""
    return diameter if diameter < LARGEST_DIAMETER else math.inf
