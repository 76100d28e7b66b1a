"""Non-negative matrices of Fractions, and their contraction decided exactly or to 60 digits."""

import math
from fractions import Fraction
from itertools import combinations_with_replacement, product

import mpmath
import numpy as np
from hypothesis import strategies as st

from rankone import strategies as kinds

DIGITS = 60
SLACK = mpmath.mpf(10) ** (10 - DIGITS)  # of the 60 digits, far beyond any true difference

INTEGERS = kinds.SMALL_INTEGERS


def rational(A):
    """The same matrix with Fractions as entries: products and sums are exact."""
    return np.vectorize(lambda a: Fraction(int(a)), otypes=[object])(A)


def rational_chain(length, patterns=kinds.any_shape_patterns):
    fixed = kinds.chains(patterns, INTEGERS, longest=length, widest=4)
    return fixed.filter(lambda chain: len(chain) == length).map(lambda chain: [rational(Z) for Z in chain])


def weights(n):
    """Non-negative, non-zero start vectors of n small integers."""
    return st.lists(st.integers(0, 9), min_size=n, max_size=n).filter(any).map(rational)


def normalised_rows(A):
    return A / A.sum(axis=1)[:, None]


def ratio_of(x, y):
    """e^{d(x, y)}, a Fraction, or inf on different supports."""
    if any((a > 0) != (b > 0) for a, b in zip(x, y, strict=True)):
        return math.inf
    quotients = [a / b for a, b in zip(x, y, strict=True) if b > 0]
    return max(quotients) / min(quotients)


def ratio_diameter(A):
    """e^{Δ(A)}: largest ratio over column pairs; rows that are zero in both do not matter."""
    return max(ratio_of(x, y) for x, y in combinations_with_replacement(A.T, 2))


def log(ratio):
    if ratio == math.inf:
        return mpmath.inf
    return mpmath.log(mpmath.mpf(ratio.numerator) / ratio.denominator)


def tau(A):
    return mpmath.tanh(log(ratio_diameter(A)) / 4)


def dobrushin(P):
    return max(sum(abs(p - q) for p, q in zip(a, b, strict=True)) / 2 for a, b in product(P, P))


def cosine_squared(x, y):
    return (x @ y) ** 2 / ((x @ x) * (y @ y))


def mixing(a):
    """[[1, a], [a, 1]]: τ = (1 − a)/(1 + a), and products multiply their τ exactly (common eigenvectors)."""
    return np.array([[Fraction(1), a], [a, Fraction(1)]])


def mixing_tau(A):
    """τ of a symmetric [[p, q], [q, p]], p ≥ q: √(ad) = p and √(bc) = q, so it is rational."""
    (p, q), (r, s) = A
    assert p == s
    assert q == r
    return (p - q) / (p + q)
