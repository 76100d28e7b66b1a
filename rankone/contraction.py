"""Contraction of non-negative matrices: Hilbert, Birkhoff, Dobrushin, Hajnal; the cone of the columns.

d is Hilbert's projective distance, Δ the projective diameter of a matrix, τ = tanh(Δ/4) Birkhoff's
coefficient, τ₁ Dobrushin's, λ and δ Hajnal's. Sources: Birkhoff (1957), Hopf (1963), Bushell (1973) for
Hilbert's metric; Dobrushin (1956) and Hajnal (1958) for stochastic matrices; Seneta, *Non-negative Matrices
and Markov Chains*, chapters 3 and 4.

Matrices are dense, finite, ≥ 0 and may be rectangular. Zero rows carry nothing and are ignored; a zero column
has no direction and is refused. Values are exact up to the rounding of the last few operations; rigorous
bounds are the business of `rankone.certificate`. Everything raises ValueError on other input.
"""

from typing import TypeAlias

import numpy as np
from numpy.typing import ArrayLike, NDArray

from rankone.diameter import Pair, farthest_pair, half_l1, least_overlap, oscillation
from rankone.errors import refuse
from rankone.structure import Axis, is_stochastic

Array: TypeAlias = NDArray[np.float64]

_GRAM_COLUMNS = 1024  # columns of the Gram matrix at a time: bounds its memory
_LOG_2 = np.log(2.0)


def non_negative(name: str, values: ArrayLike, *, ndim: int = 2) -> Array:
    """`values` as float64: finite, ≥ 0, not empty, `ndim` axes, no zero column (or zero vector)."""
    A = np.asarray(values)
    if A.dtype.kind not in "buif" or A.ndim != ndim or A.size == 0:
        expected = "a non-empty real matrix (n, m)" if ndim == 2 else "a non-empty real vector (n,)"
        refuse(name, expected=expected, got=f"dtype {A.dtype}, shape {A.shape}", do="pass a dense real array")
    A = A.astype(np.float64, copy=False)
    if not np.all(np.isfinite(A) & (A >= 0)):
        bad = "a negative, infinite or NaN entry"
        refuse(name, expected="finite entries ≥ 0", got=bad, do="pass non-negative relevance only")
    zero = np.flatnonzero(~A.any(axis=0)) if ndim == 2 else np.flatnonzero([not A.any()])
    if zero.size:
        what = f"{zero.size} zero columns, the first is {zero[0]}" if ndim == 2 else "a zero vector"
        refuse(
            name,
            expected="no zero column",
            got=what,
            do="remove zero columns: a zero vector has no direction",
        )
    return A


def hilbert_distance(x: ArrayLike, y: ArrayLike) -> float:
    """d(x, y) = ln max_{i,j} (x_i y_j)/(x_j y_i) for x, y ≥ 0 of shape (n,); +∞ on different supports."""
    return projective_diameter(_columns(x, y))


def projective_diameter(A: ArrayLike) -> float:
    """Δ(A) = max d(A e_i, A e_j) over all pairs of columns of A (m, n): ≥ 0, +∞ when supports differ.

    No x, y ≥ 0 map further apart: d(Ax, Ay) ≤ Δ(A). Once zero rows are dropped Δ(A) = Δ(Aᵀ), so pairs are
    taken on the shorter side: min(m, n)² max(m, n)/2 differences of logarithms at worst, in O(mn) memory.
    """
    A = non_negative("A", A)
    A = A[A.any(axis=1)]
    if not A.all():
        return np.inf
    points = _log_ratios(A if A.shape[1] <= A.shape[0] else A.T).T
    return farthest_pair(np.ascontiguousarray(points), oscillation).distance


def birkhoff_coefficient(A: ArrayLike) -> float:
    """τ(A) = tanh(Δ(A)/4) in [0, 1]: the best constant in d(Ax, Ay) ≤ τ(A) d(x, y). 0 iff A has rank one."""
    return float(np.tanh(projective_diameter(A) / 4))


def total_variation(x: ArrayLike, y: ArrayLike) -> float:
    """½ Σ_k |x_k/Σx − y_k/Σy| in [0, 1] for x, y ≥ 0 of shape (n,): the share of relevance that differs."""
    return total_variation_diameter(_columns(x, y))


def total_variation_diameter(A: ArrayLike) -> float:
    """Largest total variation, in [0, 1], between A u and A v over all u, v ≥ 0: attained at two columns.

    For A of shape (m, n), A u/Σ(A u) is a convex combination of the columns divided by their sums, and total
    variation is convex.
    """
    shares = _shares(non_negative("A", A))
    return min(1.0, farthest_pair(np.ascontiguousarray(shares.T), half_l1).distance)


def dobrushin_coefficient(P: ArrayLike, axis: Axis = "rows") -> float:
    """τ₁(P) = ½ max_{i,j} Σ_k |p_ik − p_jk| = 1 − λ(P) in [0, 1], over rows (columns) that sum to one."""
    return min(1.0, farthest_pair(_distributions(P, axis), half_l1).distance)


def hajnal_lambda(P: ArrayLike, axis: Axis = "rows") -> float:
    """λ(P) = min_{i,j} Σ_k min(p_ik, p_jk) in [0, 1], over rows (columns) that sum to one.

    Positive iff P is scrambling: a small overlap keeps its digits here, unlike in 1 − τ₁.
    """
    return min(1.0, least_overlap(_distributions(P, axis)).distance)


def hajnal_delta(P: ArrayLike, axis: Axis = "rows") -> float:
    """δ(P) = max_k max_{i,j} |p_ik − p_jk| in [0, 1]; δ(PQ) ≤ τ₁(P) δ(Q) (Hajnal 1958)."""
    return float(np.ptp(_distributions(P, axis), axis=0).max())


def cone_angle(A: ArrayLike) -> float:
    """Largest angle in radians, [0, π/2], between A u and A v over all non-negative u, v with A u, A v ≠ 0.

    Attained at two columns of A (m, n): the cone lemma. They are found from the Gram matrix of the *centred*
    unit columns, and their angle is 2 arcsin(‖û − v̂‖/2): no cancellation, down to angles of 1e-16.
    """
    A = non_negative("A", A)
    units = _shares(A)
    units = np.ascontiguousarray((units / np.linalg.norm(units, axis=0)).T)
    centred = units - units.mean(axis=0)
    squares = np.einsum("ik,ik->i", centred, centred)
    farthest = Pair(-1.0, 0, 0)
    for start in range(0, len(units), _GRAM_COLUMNS):
        block = slice(start, start + _GRAM_COLUMNS)
        distances = squares[block, None] + squares - 2 * centred[block] @ centred.T
        row, column = divmod(int(np.argmax(distances)), len(units))
        farthest = max(farthest, Pair(float(distances[row, column]), start + row, column))
    _, i, j = farthest
    return float(2 * np.arcsin(np.linalg.norm(units[i] - units[j]) / 2))


def min_cosine(A: ArrayLike) -> float:
    """Smallest cosine in [0, 1] between A u and A v over all u, v ≥ 0; 1 − cos is 2 sin²(cone_angle/2)."""
    return float(np.cos(cone_angle(A)))


def one_minus_cos_bound(tau: float) -> float:
    """2τ²/(1 + τ²) ≥ 1 − cos(A u, A v) for τ = τ(A): it is 1 − 1/cosh(Δ/2) at Δ = 4 artanh τ."""
    if not 0 <= tau <= 1:
        refuse("tau", expected="a coefficient in [0, 1]", got=tau, do="pass birkhoff_coefficient(A)")
    return 2 * tau**2 / (1 + tau**2)


def _columns(x: ArrayLike, y: ArrayLike) -> Array:
    x, y = non_negative("x", x, ndim=1), non_negative("y", y, ndim=1)
    if x.shape != y.shape:
        refuse("y", expected=f"shape {x.shape}, as x", got=f"shape {y.shape}", do="compare maps of one layer")
    return np.stack([x, y], axis=1)


def _log_ratios(A: Array) -> Array:
    """ln(a_ki/a_k0) + c_i: what is left of ln A without a profile of rows and a scale of columns.

    Exponents are subtracted as integers: nothing overflows, and rounding is relative to what is left.
    """
    mantissa, exponent = np.frexp(A)
    exponent -= exponent[:, :1].copy()
    exponent -= exponent[:1].copy()
    residual: Array = np.log(mantissa / mantissa[:, :1]) + exponent * _LOG_2
    return residual


def _shares(A: Array) -> Array:
    """Columns divided by their sums; by their largest entries first, so that no sum overflows."""
    scaled = A / A.max(axis=0)
    shares: Array = scaled / scaled.sum(axis=0)
    return shares


def _distributions(P: ArrayLike, axis: Axis) -> Array:
    if not is_stochastic(P, axis):
        got = f"{axis} with other sums"
        refuse(
            "P",
            expected=f"{axis} that sum to one",
            got=got,
            do="divide them by their sums, or name the other axis",
        )
    P = np.asarray(P, dtype=np.float64)
    return np.ascontiguousarray(P if axis == "rows" else P.T)
