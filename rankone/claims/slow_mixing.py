"""Products of A_n = [[1, a_n], [a_n, 1]]: positive matrices whose product may stop short of rank one.

All A_n share the eigenvectors (1, 1) and (1, −1), with eigenvalues 1 ± a_n. The product of N of them is thus
[[p, q], [q, p]] with contrast ρ_N = (p − q)/(p + q) = Π (1 − a_n)/(1 + a_n), and its columns have cosine
(1 − ρ²)/(1 + ρ²). ρ_N tends to zero, and the columns to one direction, exactly when Σ a_n diverges.
"""

from collections.abc import Callable, Iterator
from fractions import Fraction

from rankone.claims.exact import Matrix, exact, identity

OffDiagonal = Callable[[int], Fraction]


def summable(n: int) -> Fraction:
    """a_n = 1/(2(n+1)² − 1): the contrast telescopes to ρ_N = (N+2)/(2(N+1)), which stays above 1/2."""
    return Fraction(1, 2 * (n + 1) ** 2 - 1)


def divergent(n: int) -> Fraction:
    """a_n = 1/(2n + 1): the contrast telescopes to ρ_N = 1/(N+1), which tends to zero, but only so slowly."""
    return Fraction(1, 2 * n + 1)


def mixing(a: Fraction) -> Matrix:
    """[[1, a], [a, 1]]."""
    return exact([[1, a], [a, 1]])


def products(off_diagonal: OffDiagonal, depth: int) -> Iterator[Matrix]:
    """A_1, A_1 A_2, …, A_1 ⋯ A_depth, exactly."""
    P = identity(2)
    for n in range(1, depth + 1):
        P = P @ mixing(off_diagonal(n))
        yield P


def contrast(P: Matrix) -> Fraction:
    """ρ = (p − q)/(p + q), from the first column of the product."""
    p, q = P[:, 0]
    return Fraction(p - q) / Fraction(p + q)
