"""Rounding analysis of a product of non-negative matrices in binary64.

Without negative numbers nothing cancels: whatever the order of its sums, with or without fused multiply-add,
fl(A B) = A B ∘ (1 + E) with |E| ≤ γ_n (Higham, *Accuracy and Stability*, chapter 3), provided that no product
of two entries is flushed to zero.
"""

import math
from collections.abc import Sequence
from fractions import Fraction

import numpy as np
from numpy.typing import NDArray

from rankone.errors import refuse

Matrix = NDArray[np.float64]

UNIT_ROUNDOFF = Fraction(1, 2**53)  # binary64, to nearest
SMALLEST = (
    2.0**-800
)  # far above 2^-1022: a product of two numbers that is at least this large was not flushed
LARGEST = 2.0**800
TAME = 2.0**16  # a matrix whose largest entry lies within [1/TAME, TAME] is used as it is, without a copy
# Relative room for the last scalar operations (log, asin, sin, sqrt and a dozen roundings) and for a verifier
# that computes in another order; far below the promised 1e-6.
OUTWARD = 2.0**-30


def gamma(n: int) -> Fraction:
    """γ_n = n u / (1 - n u), exact (Higham, lemma 3.1)."""
    return n * UNIT_ROUNDOFF / (1 - n * UNIT_ROUNDOFF)


def chain_error(inner: Sequence[int]) -> Fraction:
    """δ = Π (1 + γ_n) - 1 over the inner dimensions n: the relative error of every entry of the product."""
    return math.prod((1 + gamma(n) for n in inner), start=Fraction(1)) - 1


def allowed_error(rows: int, inner: Sequence[int]) -> Fraction:
    """3 δ + γ_rows + 32 u: what published bounds allow for, so that every honest verifier confirms them.

    Let θ be the largest distance between columns of the exact product: angle, total variation or half of
    Hilbert's. Relative errors δ of the entries move a column by δ at most. So the producer may see θ - 2 δ,
    and adds 2 `allowed`; a verifier that adds in another order may see θ + 2 δ, and adds 2 δ for itself. From
    θ - 2 δ to θ + 4 δ it takes 3 δ. Columns of `rows` entries are divided by computed sums or norms, which
    part parallel columns by γ_rows; the rest is single operations.
    """
    return 3 * chain_error(inner) + gamma(rows) + 32 * UNIT_ROUNDOFF


def root_up(numerator: int, denominator: int) -> float:
    """√(numerator / denominator) or 2^-52 more, relatively, for integers of any length."""
    bits = denominator.bit_length() - numerator.bit_length()
    shift = 64 + max(bits, 0) // 2  # of the root: 64 bits of it are integers
    square = -((-numerator << 2 * shift) // denominator)
    return round_up(math.isqrt(square - 1) + 1 if square else 0, 1 << shift)


def round_up(numerator: int, denominator: int = 1) -> float:
    """The smallest float that is at least numerator / denominator ≥ 0; infinity beyond the largest float."""
    try:
        nearest = numerator / denominator  # correctly rounded, for integers of any length
    except OverflowError:
        return math.inf
    p, q = nearest.as_integer_ratio()
    return nearest if p * denominator >= numerator * q else math.nextafter(nearest, math.inf)


def outward(bound: float) -> float:
    """A bound moved up by the relative amount OUTWARD, and out of the subnormal numbers."""
    return bound * (1 + OUTWARD) + 2.0**-1000


def smallest_positive(A: Matrix) -> float:
    """The smallest non-zero entry of A ≥ 0, infinity for A = 0."""
    return float(np.min(A, where=A > 0, initial=np.inf))


def refuse_flushed(name: str, low: float, high: float) -> None:
    """Refuse numbers between `low` and `high` unless both ends are far from underflow and overflow."""
    if low < SMALLEST or high > LARGEST:
        refuse(
            name,
            expected=f"non-zero products of two entries in [{SMALLEST:.0e}, {LARGEST:.0e}] after rescaling",
            got=f"[{low:.3g}, {high:.3g}], where a number may be flushed to zero",
            do="drop the negligible entries, or pass exact=True if the chain is small",
        )


def rescaled(A: Matrix, name: str) -> Matrix:
    """A times the power of two that puts its largest entry into [1/2, 1), exactly; A itself if tame."""
    largest = float(A.max(initial=0.0))
    if largest == 0 or 1 / TAME <= largest <= TAME:
        return A
    exponent = -math.frexp(largest)[1]
    refuse_flushed(name, math.ldexp(smallest_positive(A), exponent), 1.0)
    return np.ldexp(A, exponent)


def guarded_product(Z: Matrix, P: Matrix, name: str) -> Matrix:
    """Z P, shape (m, k), with a proof that nothing was flushed: min⁺ Z · min⁺ P is below every product.

    So every entry has relative error at most γ_n, and is zero exactly where the exact product is.

    Raises:
        ValueError: a product of two non-zero entries may be flushed to zero, or overflow.
    """
    low = smallest_positive(Z) * smallest_positive(P)
    high = float(Z.max(initial=0.0)) * float(P.max(initial=0.0)) * max(P.shape[0], 1)
    refuse_flushed(name, low, high)
    return Z @ P


def chain_product(factors: Sequence[NDArray[np.floating]]) -> Matrix:
    """C = Z1 Z2 ⋯ up to a power of two, from the right: relative error ≤ chain_error, exact zero pattern.

    Raises:
        ValueError: names the factor at which a number may be flushed to zero.
    """
    names = [f"Z{l}" for l in range(1, len(factors) + 1)]
    P = rescaled(np.asarray(factors[-1], np.float64), names[-1])
    for Z, name in zip(reversed(factors[:-1]), reversed(names[:-1]), strict=True):
        P = rescaled(guarded_product(rescaled(np.asarray(Z, np.float64), name), P, name), name)
    refuse_flushed("product", smallest_positive(P), 1.0)
    return P
