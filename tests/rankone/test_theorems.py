"""Theorems on contraction, each a test named after it, decided in exact rational arithmetic.

Where a bound is transcendental (τ = tanh(Δ/4)) both sides are taken to 60 digits from exact rationals. That
these checks can fail, and what is *not* true but sounds so: test_counterexamples.
"""

import math
from fractions import Fraction
from functools import reduce
from itertools import combinations, combinations_with_replacement, product

import mpmath
import numpy as np
import pytest
import sympy
from hypothesis import given, settings
from hypothesis import strategies as st

from rankone import contraction, structure
from rankone import strategies as kinds
from tests.helpers.rational import (
    DIGITS,
    INTEGERS,
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

THEOREM = settings(max_examples=60, deadline=None, derandomize=True)


@pytest.fixture(autouse=True)
def sixty_digits():
    with mpmath.workdps(DIGITS):
        yield


@THEOREM
@given(st.data())
def test_birkhoff_hopf_contraction(data):
    """d(Ax, Ay) ≤ τ(A) d(x, y)."""
    (A,) = data.draw(rational_chain(1))
    x, y = data.draw(weights(A.shape[1])), data.draw(weights(A.shape[1]))
    before, after = log(ratio_of(x, y)), log(ratio_of(A @ x, A @ y))
    if before == mpmath.inf:
        assert after <= log(ratio_diameter(A))
    else:
        assert after <= tau(A) * before + SLACK


@THEOREM
@given(kinds.matrices(kinds.shapes(2, 4).flatmap(kinds.positive_patterns), INTEGERS).map(rational))
def test_birkhoffs_coefficient_is_the_best_constant(A):
    """Two starts near the geometric mean of the widest columns come as close to τ(A) as one likes."""
    k, l, i, j = max(
        product(range(len(A)), range(len(A)), range(A.shape[1]), range(A.shape[1])),
        key=lambda q: A[q[0], q[2]] * A[q[1], q[3]] / (A[q[0], q[3]] * A[q[1], q[2]]),
    )
    a, b, c, d = (mpmath.mpf(int(A[q])) for q in ((k, i), (k, j), (l, i), (l, j)))
    h = mpmath.mpf(10) ** -15
    x = mpmath.sqrt(b * d / (a * c)) * mpmath.exp(-h / 2)
    y = x * mpmath.exp(h)
    image = mpmath.log((a * y + b) * (c * x + d) / ((c * y + d) * (a * x + b)))
    assert abs(image / h - tau(A)) < mpmath.mpf(10) ** -25


@THEOREM
@given(rational_chain(2))
def test_submultiplicativity_of_birkhoffs_coefficient(chain):
    """τ(AB) ≤ τ(A) τ(B)."""
    A, B = chain
    assert tau(A @ B) <= tau(A) * tau(B) + SLACK


@THEOREM
@given(st.data())
def test_submultiplicativity_of_dobrushins_coefficient(data):
    """τ₁(PQ) ≤ τ₁(P) τ₁(Q), exactly, for rectangular row-stochastic P, Q."""
    P, Q = (normalised_rows(Z) for Z in data.draw(rational_chain(2, kinds.allowable_patterns)))
    assert dobrushin(P @ Q) <= dobrushin(P) * dobrushin(Q)


@THEOREM
@given(rational_chain(1, kinds.allowable_patterns))
def test_dobrushins_coefficient_is_one_minus_hajnals_lambda(chain):
    P = normalised_rows(chain[0])
    assert dobrushin(P) == 1 - min(sum(map(min, p, q)) for p, q in product(P, P))


@THEOREM
@given(rational_chain(2, kinds.allowable_patterns), st.data())
def test_hajnals_inequality(chain, data):
    """δ(PQ) ≤ τ₁(P) δ(Q), P row-stochastic, Q any real matrix."""
    P, Q = normalised_rows(chain[0]), chain[1]
    signs = data.draw(st.lists(st.sampled_from([-1, 0, 1]), min_size=Q.size, max_size=Q.size))
    Q = Q * np.array(signs).reshape(Q.shape)

    def delta(M):
        return max(max(column) - min(column) for column in M.T)

    assert delta(P @ Q) <= dobrushin(P) * delta(Q)


@THEOREM
@given(rational_chain(2))
def test_monotone_diameter(chain):
    """Δ(AB) ≤ min(Δ(A), τ(A) Δ(B)): no factor on either side widens the cone."""
    A, B = chain
    assert ratio_diameter(A @ B) <= min(ratio_diameter(A), ratio_diameter(B))
    if ratio_diameter(B) < math.inf:
        assert log(ratio_diameter(A @ B)) <= tau(A) * log(ratio_diameter(B)) + SLACK


@THEOREM
@given(st.data())
def test_cone_lemma(data):
    """The smallest cosine between C u and C v over u, v ≥ 0 is that of two columns."""
    (C,) = data.draw(rational_chain(1))
    u, v = data.draw(weights(C.shape[1])), data.draw(weights(C.shape[1]))
    columns = combinations_with_replacement(C.T, 2)
    assert cosine_squared(C @ u, C @ v) >= min(cosine_squared(x, y) for x, y in columns)


@THEOREM
@given(st.data())
def test_total_variation_over_a_cone_is_attained_at_columns(data):
    (C,) = data.draw(rational_chain(1))
    u, v = data.draw(weights(C.shape[1])), data.draw(weights(C.shape[1]))
    x, y = C @ u, C @ v
    assert dobrushin(normalised_rows(np.stack([x, y]))) <= dobrushin(normalised_rows(C.T))


@THEOREM
@given(st.data())
def test_the_step_in_birkhoffs_proof(data):
    """d(Ax, Ay) ≤ 2 ln(cosh((D + Δ)/4)/cosh((D − Δ)/4)) ≤ τ(A) D, D = d(x, y): what D alone allows."""
    (A,) = data.draw(rational_chain(1, kinds.positive_patterns))
    x, y = data.draw(weights(A.shape[1])), data.draw(weights(A.shape[1]))
    D, diameter = log(ratio_of(x, y)), log(ratio_diameter(A))
    if mpmath.inf > D:
        allowed = 2 * mpmath.log(mpmath.cosh((D + diameter) / 4) / mpmath.cosh((D - diameter) / 4))
        assert log(ratio_of(A @ x, A @ y)) <= allowed + SLACK
        assert allowed <= tau(A) * D + SLACK


PAIR = kinds.matrices(st.integers(1, 6).map(lambda n: np.ones((n, 2), bool)), INTEGERS).map(rational)


@THEOREM
@given(PAIR)
def test_shares_and_total_variation_from_hilbert(A):
    """p ≤ e^d q and ½ Σ|p − q| ≤ tanh(d/4), p and q the columns over their sums."""
    p, q = normalised_rows(A.T)
    R = ratio_of(p, q)
    assert np.all(p <= R * q)
    assert digits_of(dobrushin(np.stack([p, q]))) <= mpmath.tanh(log(R) / 4) + SLACK


def digits_of(x: Fraction):
    """The fraction in 60 digits."""
    return mpmath.mpf(x.numerator) / x.denominator


@pytest.mark.parametrize("s", [2, 3, 100])
def test_total_variation_from_hilbert_is_sharp(s):
    """Shares (s, 1) and (1, s) over s + 1: d = 2 ln s, and both sides are (s − 1)/(s + 1)."""
    P = normalised_rows(rational([[s, 1], [1, s]]))
    assert ratio_of(*P) == s**2
    assert dobrushin(P) == Fraction(s - 1, s + 1)
    assert abs(mpmath.tanh(log(ratio_of(*P)) / 4) - mpmath.mpf(s - 1) / (s + 1)) <= SLACK


@THEOREM
@given(PAIR)
def test_cosine_from_hilbert(A):
    """cos ≥ 1/cosh(d/2); with R = e^d its square is rational, 4R/(1 + R)²."""
    x, y = A.T
    R = ratio_of(x, y)
    assert cosine_squared(x, y) >= 4 * R / (1 + R) ** 2


@pytest.mark.parametrize("s", [Fraction(1), Fraction(3, 2), Fraction(100)])
def test_cosine_from_hilbert_is_sharp(s):
    x, y = np.array([Fraction(1), s]), np.array([s, Fraction(1)])
    R = ratio_of(x, y)
    assert cosine_squared(x, y) == 4 * R / (1 + R) ** 2


def test_kantorovich_inequality_behind_cosine_from_hilbert():
    """m ≤ x_k/y_k ≤ M gives (m + M)⟨x, y⟩ ≥ ‖x‖² + mM‖y‖² ≥ 2√(mM) ‖x‖‖y‖.

    So cos ≥ 2√(mM)/(m + M) = 1/cosh(d/2). Each step is an identity with a remainder visibly ≥ 0.
    """
    x, y, X, Y, m, p, q = sympy.symbols("x y X Y m p q", positive=True)
    M = m * sympy.exp(2 * p)  # d = ln(M/m) = 2p
    # one coordinate: (m + M)xy − x² − mM y² = (x − m y)(M y − x), both brackets ≥ 0
    assert sympy.expand((m + M) * x * y - x**2 - m * M * y**2 - (x - m * y) * (M * y - x)) == 0
    # norms X, Y: X² + q²Y² − 2q XY = (X − qY)², q = √(mM)
    assert sympy.expand(X**2 + q**2 * Y**2 - 2 * q * X * Y - (X - q * Y) ** 2) == 0
    # the constant
    assert sympy.simplify((2 * sympy.sqrt(m * M) / (m + M) - 1 / sympy.cosh(p)).rewrite(sympy.exp)) == 0


def test_birkhoffs_coefficient_of_two_by_two():
    """τ([[a, b], [c, d]]) = |√(ad) − √(bc)|/(√(ad) + √(bc)), as tanh(Δ/4) and as the best constant."""
    a, b, c, d, z = sympy.symbols("a b c d z", positive=True)
    s, r = sympy.sqrt(a * d), sympy.sqrt(b * c)
    # tanh(ln(q)/4) with q = ad/bc is (√q − 1)/(√q + 1)
    q = (s / r) ** 2
    tanh = (sympy.sqrt(q) - 1) / (sympy.sqrt(q) + 1)
    assert sympy.simplify(sympy.tanh(sympy.log(z**4) / 4).rewrite(sympy.exp) - (z**2 - 1) / (z**2 + 1)) == 0
    assert sympy.simplify(tanh - (s - r) / (s + r)) == 0
    # t = ln(x₁/x₂) maps to ln((a e^t + b)/(c e^t + d)), of slope (ad − bc) z/((az + b)(cz + d)) at e^t = z
    slope = z * sympy.diff(sympy.log((a * z + b) / (c * z + d)), z)
    assert sympy.simplify(slope - (a * d - b * c) * z / ((a * z + b) * (c * z + d))) == 0
    # (az + b)(cz + d) − (s + r)² z = (√(ac) z − √(bd))² ≥ 0: at most (s² − r²)/(s + r)², attained
    remainder = (a * z + b) * (c * z + d) - (s + r) ** 2 * z
    assert sympy.simplify(remainder - (sympy.sqrt(a * c) * z - sympy.sqrt(b * d)) ** 2) == 0
    assert sympy.simplify((s**2 - r**2) / (s + r) ** 2 - (s - r) / (s + r)) == 0


@pytest.mark.parametrize(("a", "b", "c", "d"), [(4, 1, 1, 4), (9, 4, 1, 25), (1, 16, 9, 1)])
def test_birkhoffs_coefficient_of_two_by_two_in_numbers(a, b, c, d):
    s, r = math.sqrt(a * d), math.sqrt(b * c)
    np.testing.assert_allclose(contraction.birkhoff_coefficient([[a, b], [c, d]]), abs(s - r) / (s + r))


@THEOREM
@given(kinds.matrices(st.integers(1, 5).flatmap(kinds.primitive_patterns), INTEGERS).map(rational))
def test_wielandt(A):
    """A primitive: A^((n−1)²+1) > 0."""
    power = reduce(np.matmul, [A] * structure.wielandt_bound(len(A)))
    assert np.all(power > 0)


@pytest.mark.parametrize("n", [2, 3, 4, 5])
def test_wielandts_exponent_is_sharp(n):
    W = rational(np.roll(np.eye(n), 1, axis=1))
    W[n - 2, 0] = Fraction(1)
    earlier = reduce(np.matmul, [W] * (structure.wielandt_bound(n) - 1), rational(np.eye(n)))
    assert not np.all(earlier > 0)
    assert np.all(earlier @ W > 0)


def test_convergence_if_the_sum_of_one_minus_tau_diverges():
    """a_k = 1/(2k + 1): τ_k = k/(k + 1), Σ(1 − τ_k) the harmonic series, τ(A_1 … A_n) = 1/(n + 1) → 0."""
    C = rational(np.eye(2))
    for k in range(1, 200):
        A = mixing(Fraction(1, 2 * k + 1))
        assert mixing_tau(A) == Fraction(k, k + 1)
        C = C @ A
        assert mixing_tau(C) == Fraction(1, k + 1)


@THEOREM
@given(rational_chain(4, kinds.positive_patterns))
def test_convergence_is_exponential_at_the_largest_tau(chain):
    """With τ(B_i) ≤ t < 1 for all i, τ(B_1 … B_k) ≤ t^k and all cosines are ≥ 1/cosh(2 artanh t^k)."""
    t = max(tau(B) for B in chain)
    C = reduce(np.matmul, chain)
    bound = t ** len(chain)
    assert tau(C) <= bound + SLACK
    for x, y in combinations(C.T, 2):
        cos2 = cosine_squared(x, y)
        cosine = mpmath.sqrt(mpmath.mpf(cos2.numerator) / cos2.denominator)
        assert cosine >= 1 / mpmath.cosh(2 * mpmath.atanh(bound)) - SLACK


@THEOREM
@given(rational_chain(3, kinds.positive_patterns))
def test_cones_of_longer_products_are_nested(chain):
    """Columns of CZ lie in the cone of the columns of C: with Δ → 0 they converge, and not only agree."""
    A, B, C = chain
    longer, shorter = A @ B @ C, A @ B
    for j, column in enumerate(longer.T):
        assert np.all(shorter @ C[:, j] == column)
        assert np.all(C[:, j] >= 0)
        assert min(ratio_of(column, x) for x in shorter.T) <= ratio_diameter(shorter)
