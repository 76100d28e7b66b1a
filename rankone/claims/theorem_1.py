"""Theorem 1 of the ICML version: does a limit without zero and orthogonal columns give rank one?"""

from fractions import Fraction
from itertools import combinations

import numpy as np

from rankone.claims.exact import Matrix, cos_squared, exact, rank, show
from rankone.claims.record import Claim, Evidence, Verdict, check
from rankone.claims.sources import ICML

A = exact([["1/2", "1/2", "1/2"], [0, 1, 0], [0, 0, 1]])
PRODUCT = exact([[0, 1, 1], [0, 1, 0], [0, 0, 1]])
CONSERVING = exact([["1/2", "1/4", "1/4"], ["1/2", "3/4", 0], [0, 0, "3/4"]])
DEPTH = 60


def evidence(A: Matrix = A, product: Matrix = PRODUCT, conserving: Matrix = CONSERVING) -> Evidence:
    """The sequence A, A, … meets every condition of the theorem, and A^N tends to a `product` of rank two.

    `conserving` meets them too, and its columns sum to one: there the theorem is true. All are (n, n).
    """
    cos2 = cos_squared(*product.T[-2:])
    lam, spread = shared_mass(conserving), 1 - shared_mass(np.linalg.matrix_power(conserving, DEPTH))
    bound = (1 - lam) ** DEPTH
    return Evidence(
        "exact arithmetic",
        (
            check(
                (A >= 0).all() and all(x @ y > 0 for x, y in combinations(A.T, 2)),
                f"A = {show(A)} is non-negative, no column is zero, no two columns are orthogonal; the "
                "constant sequence A, A, A, … has the limit A.",
            ),
            check(
                (A @ product == product).all() and (A @ (A - product) == (A - product) / 2).all(),
                f"Its product converges, to B = {show(product)}: A B = B and A (A − B) = (A − B)/2, hence "
                "A^N − B = (A − B)/2^(N−1), which tends to zero.",
            ),
            check(
                rank(product) > 1 and cos2 < Fraction(1, 2),
                f"The rank of B is {rank(product)}; the cos² of its last two columns is {cos2}.",
            ),
            check(
                (conserving.sum(axis=0) == 1).all() and lam > 0 and spread <= bound,
                "With conservation it is true. If the columns also sum to one, as those of "
                f"{show(conserving)} (those of A sum to {show(A.sum(axis=0))}), every two share a mass "
                f"of at least λ = {lam}, and the columns of A^N differ by at most (1 − λ)^N in total "
                f"variation: {float(spread):.1e} ≤ {float(bound):.1e} at N = {DEPTH}.",
            ),
        ),
    )


def shared_mass(P: Matrix) -> Fraction:
    """Hajnal's λ for the columns of P, (n, m): the least Σ_k min(p_ki, p_kj) over pairs of columns."""
    return min(Fraction(np.minimum(x, y).sum()) for x, y in combinations(P.T, 2))


CLAIM = Claim(
    id="theorem-1",
    words="If the non-negative matrices A_1, A_2, … have a limit with no zero column and no two "
    "orthogonal columns, their product converges to a matrix of rank one.",
    source=ICML,
    section="Theorem 1",
    verdict=Verdict.FALSE,
    because="Overlapping columns are not enough where one direction loses to two others that never "
    "meet. True when the columns sum to one (relevance is conserved): overlap then is Hajnal's λ > 0, "
    "and the product contracts.",
    evidence=evidence,
)
