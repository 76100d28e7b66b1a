"""Chain bounds: sound against exact rational arithmetic, best over all groupings, honest about rounding."""

import math
from fractions import Fraction
from functools import reduce
from itertools import combinations

import mpmath
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rankone import bounds, ergodicity
from rankone import strategies as kinds
from rankone.contraction import total_variation_diameter

SOME = settings(max_examples=40, deadline=None, derandomize=True)
COEFFICIENTS = [bounds.BIRKHOFF, bounds.DOBRUSHIN]
# The few operations after the products are not in the bounds; the slack covers them.
LAST_OPERATIONS = 32 * np.finfo(np.float64).eps

CHAINS = st.one_of(
    kinds.chains(), kinds.chains(kinds.positive_patterns), kinds.chains(entries=kinds.SMALL_INTEGERS)
)


def exact_product(factors):
    rational = [np.vectorize(lambda a: Fraction(float(a)), otypes=[object])(Z) for Z in factors]
    return reduce(np.matmul, rational)


def exact_birkhoff(factors):
    C = exact_product(factors)
    C = C[(C > 0).any(axis=1)]
    if not (C > 0).all():
        return 1.0
    cross = max(max(x / y) / min(x / y) for x in C.T for y in C.T)
    return float(mpmath.tanh(mpmath.log(mpmath.mpf(cross.numerator) / cross.denominator) / 4))


def exact_dobrushin(factors):
    C = exact_product(factors)
    shares = C / C.sum(axis=0)
    return float(max((abs(x - y).sum() / 2 for x, y in combinations(shares.T, 2)), default=0))


EXACT = {bounds.BIRKHOFF.name: exact_birkhoff, bounds.DOBRUSHIN.name: exact_dobrushin}


@pytest.mark.parametrize("coefficient", COEFFICIENTS, ids=lambda c: c.name)
def test_no_bound_is_below_the_exact_coefficient(coefficient):
    @SOME
    @given(CHAINS)
    def holds(factors):
        comparison = bounds.compare_bounds(factors, coefficient)
        exact = EXACT[coefficient.name](factors)
        for bound in (comparison.product, comparison.grouped, comparison.direct):
            assert exact <= bound.value * (1 + LAST_OPERATIONS) + LAST_OPERATIONS
        np.testing.assert_allclose(comparison.direct.value, exact, rtol=1e-9, atol=1e-13)
        assert comparison.grouped.log_value <= comparison.product.log_value + LAST_OPERATIONS
        assert comparison.grouped.log_value <= comparison.direct.log_value + LAST_OPERATIONS

    holds()


def all_groupings(k, longest):
    if k == 0:
        yield ()
    for last in range(1, min(k, longest) + 1):
        for head in all_groupings(k - last, longest):
            yield (*head, (k - last, k - 1))


@pytest.mark.parametrize("coefficient", COEFFICIENTS, ids=lambda c: c.name)
@pytest.mark.parametrize("longest", [1, 2, 3, 6])
def test_grouped_bound_is_the_best_of_all_groupings(coefficient, longest):
    rng = np.random.default_rng(4)
    # deep and narrow: blocks contract to their rounding, so that the best grouping is not the whole chain
    factors = [1 + 10.0 ** -rng.integers(1, 12) * rng.random((3, 3)) for _ in range(6)]
    chain = coefficient.prepared(bounds.chain_of(factors))
    best = min(bounds._bound(chain, coefficient, list(g)).log_value for g in all_groupings(6, longest))
    grouped = bounds.grouped_bound(factors, coefficient, longest=longest)
    np.testing.assert_allclose(grouped.log_value, best, rtol=1e-9)
    assert max(last - first + 1 for first, last in grouped.blocks) <= longest
    assert [l for first, last in grouped.blocks for l in range(first, last + 1)] == [1, 2, 3, 4, 5, 6]


@SOME
@given(kinds.chains())
def test_conserving_columns_sum_to_one_and_multiply_to_the_normalised_product(factors):
    conserved = bounds.conserving(bounds.chain_of(factors))
    for P in conserved:
        np.testing.assert_allclose(P.sum(axis=0), 1, rtol=1e-14)
    C = reduce(np.matmul, factors)
    np.testing.assert_allclose(reduce(np.matmul, conserved), C / C.sum(axis=0), rtol=1e-12)


@SOME
@given(kinds.chains(kinds.positive_patterns))
def test_chain_rounding_covers_the_product(factors):
    delta = Fraction(bounds.chain_rounding(factors))
    exact = exact_product(factors)
    computed = reduce(np.matmul, factors)
    for c, c_hat in zip(exact.flat, computed.flat, strict=True):
        assert abs(Fraction(float(c_hat)) - c) <= delta * c


@pytest.mark.parametrize("delta", [1e-12, 1e-3, 0.3])
@pytest.mark.parametrize("coefficient", COEFFICIENTS, ids=lambda c: c.name)
def test_widened_covers_every_perturbation_and_no_more_than_needed(coefficient, delta):
    rng = np.random.default_rng(5)
    worst = 0.0
    for _ in range(200):
        A = rng.random((2, 2)) + 0.1
        widened = coefficient.widened(coefficient.of(A), delta)
        for signs in range(16):
            S = np.array([(signs >> b) % 2 * 2 - 1 for b in range(4)]).reshape(2, 2)
            perturbed = coefficient.of(A * (1 + delta * S))
            assert perturbed <= widened + LAST_OPERATIONS
            worst = max(worst, (perturbed - coefficient.of(A)) / (widened - coefficient.of(A)))
    assert worst > 0.9


def test_cone_angle_of_a_comparison_covers_the_exact_angle():
    factors = [np.random.default_rng(s).random((4, 4)) for s in range(3)]
    with mpmath.workdps(50):
        C = exact_product(factors)
        cosines = [(x @ y) ** 2 / ((x @ x) * (y @ y)) for x, y in combinations(C.T, 2)]
        exact = max(mpmath.acos(mpmath.sqrt(mpmath.mpf(c.numerator) / c.denominator)) for c in cosines)
    angle = bounds.compare_bounds(factors).cone_angle
    assert exact <= angle <= exact * (1 + 1e-9)


def test_direct_is_tightest_until_rounding():
    rng = np.random.default_rng(6)
    comparison = bounds.compare_bounds([rng.random((8, 8)) for _ in range(3)], longest=2)
    assert comparison.tightest == "direct"
    assert comparison.direct.blocks == ((1, 3),)
    assert "submultiplicative" in comparison.why


def test_grouped_is_tightest_in_deep_chains_because_the_product_is_rounded():
    rng = np.random.default_rng(7)
    comparison = bounds.compare_bounds([rng.random((8, 8)) for _ in range(24)])
    assert comparison.tightest == "grouped"
    assert comparison.grouped.value < comparison.rounding / 10 < comparison.direct.value
    assert "limited by its rounding" in comparison.why


def test_product_is_tightest_where_each_factor_is_almost_rank_one():
    rng = np.random.default_rng(8)
    comparison = bounds.compare_bounds([1 + 1e-9 * rng.random((4, 4)) for _ in range(4)])
    assert comparison.tightest == "product"
    assert comparison.product.blocks == ((1, 1), (2, 2), (3, 3), (4, 4))
    assert "own coefficients" in comparison.why


def test_nothing_contracts_is_said():
    comparison = bounds.compare_bounds([np.eye(3)] * 2)
    assert comparison.direct.value == comparison.grouped.value == comparison.product.value == 1
    assert comparison.cone_angle == math.pi / 2
    assert "no grouping contracts" in comparison.why


def test_a_product_that_may_underflow_bounds_nothing():
    rng = np.random.default_rng(9)
    steep = np.array([[1.0, 1e-200], [1e-200, 1.0]])
    factors = [
        1 + rng.random((2, 2)),
        steep,
        steep,
    ]  # steep @ steep has entries 1 and 2e-200; the guard asks for 1e-400
    comparison = bounds.compare_bounds(factors)
    assert comparison.direct.value == 1
    assert comparison.grouped.value < 1
    assert comparison.cone_angle == math.pi / 2


def test_huge_and_tiny_scales_cancel():
    rng = np.random.default_rng(10)
    factors = [rng.random((4, 4)) for _ in range(3)]
    scaled = [Z * scale for Z, scale in zip(factors, (2.0**900, 2.0**900, 2.0**-900), strict=True)]
    for coefficient in COEFFICIENTS:
        np.testing.assert_allclose(
            bounds.direct_bound(scaled, coefficient).value, bounds.direct_bound(factors, coefficient).value
        )


def test_dobrushin_bounds_the_maps_of_a_chain_that_does_not_conserve():
    rng = np.random.default_rng(11)
    factors = [rng.random((6, 5)) ** 4, rng.random((5, 7)) ** 4]
    exact = total_variation_diameter(factors[0] @ factors[1])
    assert exact <= bounds.product_bound(factors, bounds.DOBRUSHIN).value
    np.testing.assert_allclose(bounds.direct_bound(factors, bounds.DOBRUSHIN).value, exact)


def test_deep_bounds_keep_a_logarithm_where_the_number_underflows():
    bound = bounds.ChainBound(((1, 1),) * 40, (1e-12,) * 40)
    assert bound.value == 0
    np.testing.assert_allclose(bound.log_value, -480 * math.log(10))
    assert bounds.ChainBound(((1, 1),), (0.0,)).log_value == -math.inf


# Weak ergodicity.


def mixing(a):
    return np.array([[1.0, a], [a, 1.0]])


def test_weak_ergodicity_of_a_harmonic_series():
    seen = ergodicity.weak_ergodicity([mixing(1 / (2 * k + 1)) for k in range(1, 101)])
    harmonic = np.cumsum([1 / (k + 1) for k in range(1, 101)])
    np.testing.assert_allclose(seen.partial_sums, harmonic, rtol=1e-11)
    np.testing.assert_allclose(seen.log_bound, -math.log(101), rtol=1e-11)
    np.testing.assert_allclose(seen.late_share, (harmonic[99] - harmonic[49]) / harmonic[99], rtol=1e-11)


@SOME
@given(st.lists(st.floats(0, 1), min_size=1))
def test_the_product_is_at_most_the_exponential_of_minus_the_sum(coefficients):
    seen = ergodicity.WeakErgodicity(tuple(coefficients))
    assert seen.log_bound <= -seen.partial_sums[-1] * (1 - 1e-12) + 1e-12
    assert 0 <= seen.late_share <= 1
    assert seen.conclusion


@pytest.mark.parametrize(
    ("factors", "words"),
    [
        ([np.eye(3)] * 3, "none of the 3 blocks contracts"),
        ([mixing(0.5)] * 4, "50% of it in the second half. Proved: the product contracts by ln Π τ = -4.39"),
        ([mixing(0.5)] * 4, "Not proved by any finite sequence"),
        ([mixing(0.5)] * 4, "If 1 − τ ≥ 0.667, the least of the second half, held ever after, convergence"),
        ([mixing(0.5), np.eye(2)], "nothing would follow"),
    ],
)
def test_conclusion_says_what_is_proved_and_what_is_not(factors, words):
    assert words in ergodicity.weak_ergodicity(factors).conclusion


def test_blocks_make_a_sequence_contract_that_does_not_factor_by_factor():
    factors = [np.array([[1.0, 1.0], [0.0, 1.0]]), np.array([[1.0, 0.0], [1.0, 1.0]])] * 3
    assert ergodicity.weak_ergodicity(factors).log_bound == 0
    blocks = bounds.grouped_bound(factors, longest=2).coefficients
    assert ergodicity.WeakErgodicity(blocks).log_bound < -1


FUNCTIONS = [bounds.product_bound, bounds.direct_bound, bounds.grouped_bound, bounds.compare_bounds]


@pytest.mark.parametrize("function", [*FUNCTIONS, ergodicity.weak_ergodicity])
@pytest.mark.parametrize(
    ("factors", "message"),
    [
        ([], "at least one factor"),
        ([np.ones((2, 3)), np.ones((2, 3))], "Z2: expected 3 rows, as Z1 has columns"),
        ([np.ones((2, 3)), -np.ones((3, 3))], "Z2: expected finite"),
        ([np.array([[1.0, 0.0]])], "Z1: expected no zero column"),
        ([np.ones(3)], "Z1: expected a non-empty real matrix"),
    ],
)
def test_bad_chains_are_refused(function, factors, message):
    with pytest.raises(ValueError, match=message):
        function(factors)


def test_bad_arguments_are_refused():
    with pytest.raises(ValueError, match="longest: expected an integer"):
        bounds.grouped_bound([np.eye(2)], longest=0)
    faint, turned = np.array([[1.0, 1e-200], [1.0, 0.0]]), np.array([[1e-200, 1.0], [1.0, 0.0]])
    with pytest.raises(ValueError, match="entries of Z2 that underflow"):
        bounds.product_bound([faint, turned], bounds.DOBRUSHIN)
    with pytest.raises(ValueError, match="entries of Z1 that underflow"):
        bounds.product_bound([np.array([[1e300, 1.0], [1e-300, 1.0]])], bounds.DOBRUSHIN)
