"""What is not true of contraction but sounds so, decided in exact rational arithmetic.

First comes the proof that the checks in test_theorems can fail, then counterexamples of other kinds.
"""

import math
from fractions import Fraction
from functools import reduce
from itertools import combinations, combinations_with_replacement
from random import Random

import mpmath
import numpy as np
import pytest
from hypothesis import Phase, find, settings
from hypothesis import strategies as st

from rankone import strategies as kinds
from rankone import structure
from tests.helpers.rational import (
    DIGITS,
    SLACK,
    cosine_squared,
    dobrushin,
    log,
    mixing,
    mixing_tau,
    normalised_rows,
    ratio_diameter,
    ratio_of,
    rational,
    rational_chain,
    tau,
    weights,
)


@pytest.fixture(autouse=True)
def sixty_digits():
    with mpmath.workdps(DIGITS):
        yield


# The checks can fail: each statement, made a little stronger, is refuted by the same search.


def pairs_of_starts(A):
    return st.tuples(st.just(A), weights(A.shape[1]), weights(A.shape[1]))


FACTOR_AND_STARTS = rational_chain(1).flatmap(lambda chain: pairs_of_starts(chain[0]))
POSITIVE_AND_STARTS = rational_chain(1, kinds.positive_patterns).flatmap(
    lambda chain: pairs_of_starts(chain[0])
)
STOCHASTIC_PAIR = rational_chain(2, kinds.allowable_patterns).map(
    lambda chain: [normalised_rows(Z) for Z in chain]
)
SPARE = Fraction(11, 10)


def contracts_twice(case):
    A, x, y = case
    before = log(ratio_of(x, y))
    return before == mpmath.inf or log(ratio_of(A @ x, A @ y)) <= tau(A) ** 2 * before + SLACK


def angles_stay_inside_the_columns(case):
    C, u, v = case
    widest = min(cosine_squared(x, y) for x, y in combinations_with_replacement(C.T, 2))
    least = min(1, SPARE * widest)
    return cosine_squared(C @ u, C @ v) >= least


def cosine_exceeds_the_hilbert_bound(case):
    _, x, y = case
    ratio = ratio_of(x, y)
    return ratio == math.inf or cosine_squared(x, y) >= min(1, SPARE * 4 * ratio / (1 + ratio) ** 2)


STRONGER = {
    "Birkhoff-Hopf with τ²": (POSITIVE_AND_STARTS, contracts_twice),
    "τ(AB) ≤ τ(A) τ(B)/2": (
        rational_chain(2, kinds.positive_patterns),
        lambda c: tau(c[0] @ c[1]) <= 0.5 * tau(c[0]) * tau(c[1]) + SLACK,
    ),
    "τ₁(PQ) ≤ τ₁(P) τ₁(Q)/2": (
        STOCHASTIC_PAIR,
        lambda c: dobrushin(c[0] @ c[1]) <= Fraction(1, 2) * dobrushin(c[0]) * dobrushin(c[1]),
    ),
    "Δ(AB) < Δ(A)": (
        rational_chain(2),
        lambda c: ratio_diameter(c[0]) in (1, math.inf) or ratio_diameter(c[0] @ c[1]) < ratio_diameter(c[0]),
    ),
    "cone lemma with 10 % to spare": (FACTOR_AND_STARTS, angles_stay_inside_the_columns),
    "cosine-from-Hilbert with 10 % to spare": (FACTOR_AND_STARTS, cosine_exceeds_the_hilbert_bound),
}


@pytest.mark.parametrize("statement", STRONGER)
def test_a_stronger_statement_is_refuted(statement):
    cases, holds = STRONGER[statement]
    search = settings(max_examples=5000, deadline=None, database=None, phases=[Phase.generate])
    find(cases, lambda case: not holds(case), settings=search, random=Random(0))


# What is not true.


def test_irreducible_is_not_enough():
    """A cyclic permutation is irreducible; all its powers keep all angles."""
    P = rational(np.roll(np.eye(3), 1, axis=1))
    assert structure.is_irreducible(P.astype(float))
    power = rational(np.eye(3))
    for _ in range(30):
        power = power @ P
        assert max(cosine_squared(x, y) for x, y in combinations(power.T, 2)) == 0


def test_a_product_of_primitive_matrices_need_not_be_primitive():
    A = np.array([[0, 0, 1], [1, 0, 1], [0, 1, 0]])
    B = np.array([[0, 1, 0], [1, 0, 1], [1, 0, 0]])
    assert structure.is_primitive(A)
    assert structure.is_primitive(B)
    assert not structure.is_primitive(A @ B)


def test_entrywise_positive_factors_are_not_enough():
    """a_k = 4^-k: every factor is positive, but Σ(1 − τ_k) < ∞ and τ of every product is above 1/3."""
    C, seen = rational(np.eye(2)), Fraction(0)
    for k in range(1, 60):
        a = Fraction(1, 4**k)
        C, seen = C @ mixing(a), seen + (1 - mixing_tau(mixing(a)))
        assert mixing_tau(C) > Fraction(1, 3)
        assert seen < Fraction(2, 3)


def test_convergence_need_not_be_exponential():
    """τ_k = k/(k + 1) < 1 for all k: τ of the product is 1/(n + 1), which no c tⁿ with t < 1 bounds."""
    C = reduce(np.matmul, (mixing(Fraction(1, 2 * k + 1)) for k in range(1, 400)))
    assert mixing_tau(C) == Fraction(1, 400)
    assert mixing_tau(C) > 100 * Fraction(96, 100) ** 400


def test_the_hilbert_diameter_need_not_converge_where_directions_do():
    """[[1, 1], [0, 1]]^k: supports always differ, so Δ = ∞ and τ = 1; yet the angle tends to 0."""
    C = reduce(np.matmul, [rational([[1, 1], [0, 1]])] * 1000)
    assert ratio_diameter(C) == math.inf
    assert 1 - cosine_squared(*C.T) < Fraction(1, 10**5)


def test_a_product_growing_at_the_front_need_not_converge():
    """Z_k … Z_1: all starts agree better and better (Δ → 0), but each new factor turns the direction."""
    A, B = rational([[2, 1], [1, 1]]), rational([[1, 1], [1, 3]])
    front = reduce(np.matmul, [A, B] * 20)
    turned = B @ front
    agree = Fraction(1) + Fraction(1, 10**9)
    assert ratio_diameter(front) < agree
    assert ratio_diameter(turned) < agree
    assert ratio_of(front[:, 0], turned[:, 0]) > 2


def test_primitive_does_not_imply_scrambling():
    """Wielandt's 4 × 4 matrix made stochastic: τ₁ = 1 although a power is positive; that power has τ₁ < 1."""
    W = rational(np.roll(np.eye(4), 1, axis=1))
    W[2, 0] = Fraction(1)
    P = normalised_rows(W)
    assert dobrushin(P) == 1
    assert dobrushin(reduce(np.matmul, [P] * structure.wielandt_bound(4))) < 1


def test_close_in_angle_is_not_close_in_hilbert_distance():
    """The converse of cosine-from-Hilbert fails: a vanishing entry costs no angle and all of the distance."""
    x, y = rational([10**6, 0]), rational([10**6, 1])
    assert 1 - cosine_squared(x, y) < Fraction(1, 10**11)
    assert ratio_of(x, y) == math.inf
