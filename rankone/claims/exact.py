"""Exact linear algebra: NumPy arrays of fractions, for which @, *, + and == make no rounding error."""

from fractions import Fraction
from itertools import combinations
from typing import Any

import numpy as np
from numpy.typing import NDArray

Matrix = NDArray[Any]


def exact(A: object) -> Matrix:
    """An array of integers or fractions as an object array of Fractions."""
    return np.asarray(np.vectorize(Fraction, otypes=[object])(np.asarray(A, dtype=object)))


def identity(n: int) -> Matrix:
    """The n × n identity in fractions."""
    return exact(np.eye(n, dtype=int).tolist())


def rank(A: Matrix) -> int:
    """Rank by Gaussian elimination in fractions; exact."""
    rows = [list(row) for row in exact(A)]
    r = 0
    for column in range(len(rows[0])):
        pivot = next((i for i in range(r, len(rows)) if rows[i][column] != 0), None)
        if pivot is None:
            continue
        rows[r], rows[pivot] = rows[pivot], rows[r]
        for i in range(r + 1, len(rows)):
            ratio = rows[i][column] / rows[r][column]
            rows[i] = [a - ratio * b for a, b in zip(rows[i], rows[r], strict=True)]
        r += 1
        if r == len(rows):
            break
    return r


def cos_squared(x: Matrix, y: Matrix) -> Fraction:
    """The squared cosine of two non-zero vectors, a fraction in [0, 1]."""
    xy, xx, yy = (_dot(*pair) for pair in ((x, y), (x, x), (y, y)))
    return xy * xy / (xx * yy)


def least_cos_squared(A: Matrix) -> Fraction:
    """The smallest squared cosine over all pairs of columns of A; no column may be zero."""
    return min(cos_squared(x, y) for x, y in combinations(A.T, 2))


def orthogonal(A: Matrix) -> bool:
    """Whether every two columns of A are orthogonal; of A ≥ 0: whether they are disjoint."""
    return all(_dot(x, y) == 0 for x, y in combinations(A.T, 2))


def parallel(x: Matrix, y: Matrix) -> bool:
    """Whether x and y are non-zero multiples of each other."""
    return bool(any(x != 0) and any(y != 0) and cos_squared(x, y) == 1)


def show(A: Matrix) -> str:
    """A vector or matrix of fractions as it is written by hand: [[1, 1/2], [0, 1]]."""
    if A.ndim == 0:
        return str(A.item())
    return "[" + ", ".join(show(np.asarray(row, dtype=object)) for row in A) + "]"


def _dot(x: Matrix, y: Matrix) -> Fraction:
    return sum((a * b for a, b in zip(x, y, strict=True)), Fraction(0))
