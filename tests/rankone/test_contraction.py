"""Contraction coefficients against slow exact oracles: rational arithmetic on the very float64 entries."""

import math
from fractions import Fraction
from itertools import combinations, product

import mpmath
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rankone import contraction, diameter
from rankone import strategies as kinds
from rankone.structure import is_scrambling

SOME = settings(max_examples=60, deadline=None, derandomize=True)

# A logarithm of a quotient is off by a few units of roundoff of max(1, Δ); so is the difference of two.
ROUNDOFF = 16 * np.finfo(np.float64).eps

ENTRIES = st.sampled_from([kinds.ORDINARY, kinds.SMALL_INTEGERS, kinds.TINY_AND_HUGE])
POSITIVE = ENTRIES.flatmap(lambda e: kinds.matrices(kinds.shapes().flatmap(kinds.positive_patterns), e))
FACTORS = ENTRIES.flatmap(lambda e: kinds.matrices(kinds.shapes().flatmap(kinds.any_shape_patterns), e))
STOCHASTIC = kinds.stochastic(
    st.one_of(
        kinds.shapes().flatmap(kinds.scrambling_patterns), kinds.shapes().flatmap(kinds.allowable_patterns)
    )
)


def exact(A):
    """Rows of Fractions, exactly the float64 entries."""
    return [[Fraction(float(a)) for a in row] for row in A]


def log_of(q):
    """ln of a Fraction of any size."""
    return math.log(q.numerator) - math.log(q.denominator)


def oracle_diameter(A):
    rows = [row for row in exact(A) if any(row)]
    if any(a == 0 for row in rows for a in row):
        return math.inf
    columns = list(zip(*rows, strict=True))
    ratios = [[x / y for x, y in zip(a, b, strict=True)] for a, b in product(columns, columns)]
    return log_of(max(max(r) / min(r) for r in ratios))


def oracle_total_variation(rows):
    shares = [[p / sum(row) for p in row] for row in rows]
    pairs = product(shares, shares)
    return max(sum(abs(p - q) for p, q in zip(a, b, strict=True)) / 2 for a, b in pairs)


@SOME
@given(FACTORS)
def test_projective_diameter_is_the_largest_cross_ratio(A):
    oracle = oracle_diameter(A)
    np.testing.assert_allclose(contraction.projective_diameter(A), oracle, rtol=ROUNDOFF, atol=ROUNDOFF)
    np.testing.assert_allclose(contraction.birkhoff_coefficient(A), math.tanh(oracle / 4), atol=ROUNDOFF)


@SOME
@given(POSITIVE, st.data())
def test_diameter_ignores_scales_of_rows_and_columns_and_transposition(A, data):
    left, right = (
        2.0 ** np.array(data.draw(st.lists(st.integers(-9, 9), min_size=n, max_size=n))) for n in A.shape
    )
    oracle = contraction.projective_diameter(A)
    for B in (left[:, None] * A * right, A.T, np.vstack([A, np.zeros(A.shape[1])])):
        np.testing.assert_allclose(contraction.projective_diameter(B), oracle, rtol=ROUNDOFF, atol=ROUNDOFF)


def test_small_diameters_keep_their_digits_at_any_scale():
    A = np.array([[1.0, 1.0], [1.0, 1.0 + 2.0**-40]])
    for scale in (1.0, 1e-290, 1e290):
        np.testing.assert_allclose(
            contraction.projective_diameter(A * [[scale], [1.0]]), 2.0**-40, atol=ROUNDOFF, rtol=0
        )


@SOME
@given(kinds.matrices(kinds.shapes(1, 6).map(lambda s: np.ones((s[0], 3), dtype=bool)), kinds.TINY_AND_HUGE))
def test_hilbert_distance_is_a_projective_metric(A):
    d = contraction.hilbert_distance
    x, y, z = A.T
    assert d(x, x) == 0
    np.testing.assert_allclose(d(x, 4 * x / 3), 0, atol=ROUNDOFF)
    np.testing.assert_allclose(d(x, y), d(y, x), rtol=ROUNDOFF)
    assert d(x, z) <= d(x, y) + d(y, z) + ROUNDOFF * (1 + d(x, z))
    np.testing.assert_allclose(d(x, y), oracle_diameter(A[:, :2]), rtol=ROUNDOFF, atol=ROUNDOFF)


def test_hilbert_distance_of_different_supports_is_infinite():
    assert contraction.hilbert_distance([1.0, 0.0], [1.0, 1.0]) == np.inf
    assert contraction.hilbert_distance([1.0, 0.0], [2.0, 0.0]) == 0
    assert contraction.birkhoff_coefficient(np.eye(3)) == 1


@SOME
@given(STOCHASTIC)
def test_dobrushin_and_hajnal_by_their_definitions(P):
    rows = exact(P)
    pairs = list(product(rows, rows))
    overlap = min(sum(map(min, a, b)) for a, b in pairs)
    tau = max(sum(abs(p - q) for p, q in zip(a, b, strict=True)) / 2 for a, b in pairs)
    delta = max(abs(p - q) for a, b in pairs for p, q in zip(a, b, strict=True))
    np.testing.assert_allclose(contraction.dobrushin_coefficient(P), float(tau), atol=ROUNDOFF)
    np.testing.assert_allclose(contraction.hajnal_lambda(P), min(1.0, float(overlap)), rtol=ROUNDOFF)
    np.testing.assert_allclose(contraction.hajnal_delta(P), float(delta), atol=ROUNDOFF)
    np.testing.assert_allclose(contraction.dobrushin_coefficient(P.T, "columns"), float(tau), atol=ROUNDOFF)
    assert (contraction.hajnal_lambda(P) > 0) == is_scrambling(P)


def test_a_small_overlap_keeps_its_digits():
    P = np.array([[1.0, 1e-20, 0.0], [0.0, 1.0, 1e-25], [1e-30, 0.0, 1.0]])
    assert contraction.dobrushin_coefficient(P) == 1
    assert contraction.hajnal_lambda(P) == 1e-30


@SOME
@given(FACTORS)
def test_total_variation_of_columns(A):
    oracle = float(oracle_total_variation(list(zip(*exact(A), strict=True))))
    np.testing.assert_allclose(contraction.total_variation_diameter(A), oracle, atol=ROUNDOFF)
    np.testing.assert_allclose(
        contraction.total_variation(A[:, 0], A[:, -1]),
        contraction.total_variation_diameter(A[:, [0, -1]]),
        atol=ROUNDOFF,
    )


def exact_angle(x, y):
    with mpmath.workdps(60):
        x, y = [mpmath.mpf(float(a)) for a in x], [mpmath.mpf(float(a)) for a in y]
        inner, xx, yy = mpmath.fdot(x, y), mpmath.fdot(x, x), mpmath.fdot(y, y)
        cosine = inner / mpmath.sqrt(xx * yy)
        return float(mpmath.acos(min(cosine, mpmath.mpf(1))))


@SOME
@given(FACTORS)
def test_cone_angle_is_the_widest_between_columns(A):
    oracle = max((exact_angle(x, y) for x, y in combinations(A.T, 2)), default=0.0)
    np.testing.assert_allclose(contraction.cone_angle(A), oracle, rtol=1e-12, atol=ROUNDOFF)
    np.testing.assert_allclose(contraction.min_cosine(A), math.cos(oracle), atol=ROUNDOFF)


@pytest.mark.parametrize("angle", [1e-2, 1e-6, 1e-10])
def test_cone_angle_of_almost_parallel_columns_has_no_cancellation(angle):
    rng = np.random.default_rng(0)
    profile = rng.random((50, 1))
    A = profile * (1 + angle * rng.standard_normal((50, 9))) * 10.0 ** rng.integers(-200, 200, 9)
    oracle = max(exact_angle(x, y) for x, y in combinations(A.T, 2))
    # entries of unit columns are rounded once or twice: an angle of about eps
    np.testing.assert_allclose(contraction.cone_angle(A), oracle, rtol=1e-12, atol=ROUNDOFF)


def test_cone_angle_over_more_columns_than_one_gram_block(monkeypatch):
    A = np.random.default_rng(1).random((5, 23))
    whole = contraction.cone_angle(A)
    monkeypatch.setattr(contraction, "_GRAM_COLUMNS", 4)
    assert contraction.cone_angle(A) == whole


def test_one_minus_cos_bound_is_one_minus_the_reciprocal_of_cosh():
    for delta in (0.0, 1e-8, 1e-3, 1.0, 10.0):
        with mpmath.workdps(60):
            oracle = float(1 - 1 / mpmath.cosh(mpmath.mpf(delta) / 2))
        np.testing.assert_allclose(
            contraction.one_minus_cos_bound(math.tanh(delta / 4)), oracle, rtol=ROUNDOFF
        )
    assert contraction.one_minus_cos_bound(1.0) == 1


@pytest.mark.parametrize("seminorm", [diameter.oscillation, diameter.half_l1])
@pytest.mark.parametrize("spread", ["alike", "heavy tails", "all equidistant", "almost equidistant"])
def test_tiles_threads_and_pruning_change_nothing(monkeypatch, seminorm, spread):
    rng = np.random.default_rng(2)
    points = {
        "alike": rng.standard_normal((83, 17)),
        "heavy tails": rng.standard_cauchy((83, 17)),
        "all equidistant": np.eye(83),
        "almost equidistant": np.eye(83) + 1e-11 * rng.random((83, 83)),  # float32 cannot tell
    }[spread]
    oracle = max(seminorm((a - b)[None])[0] for a, b in combinations(points, 2))
    least = min(np.minimum(a, b).sum() for a, b in combinations(abs(points), 2))
    for tile_bytes, worth_a_thread in ((2**18, 2**40), (2**10, 2**40), (2**10, 1), (1, 1)):
        monkeypatch.setattr(diameter, "_TILE_BYTES", tile_bytes)
        monkeypatch.setattr(diameter, "_DIFFERENCES_WORTH_A_THREAD", worth_a_thread)
        distance, i, j = diameter.farthest_pair(points, seminorm)
        np.testing.assert_allclose(distance, oracle, rtol=1e-14)
        np.testing.assert_allclose(seminorm((points[i] - points[j])[None])[0], oracle, rtol=1e-14)
        overlap, i, j = diameter.least_overlap(abs(points))
        np.testing.assert_allclose(overlap, least, rtol=1e-14)
        np.testing.assert_allclose(np.minimum(abs(points[i]), abs(points[j])).sum(), least, rtol=1e-14)


@pytest.mark.parametrize(
    "function",
    [
        contraction.projective_diameter,
        contraction.birkhoff_coefficient,
        contraction.total_variation_diameter,
        contraction.cone_angle,
        contraction.min_cosine,
    ],
)
@pytest.mark.parametrize(
    ("bad", "message"),
    [
        ([[1.0, 0.0], [2.0, 0.0]], "1 zero columns, the first is 1"),
        ([[1.0, -1.0], [2.0, 1.0]], "finite entries"),
        ([[1.0, np.nan], [2.0, 1.0]], "finite entries"),
        ([[1.0, np.inf], [2.0, 1.0]], "finite entries"),
        ([1.0, 2.0], "matrix"),
        (np.zeros((3, 0)), "matrix"),
        ([["a"]], "dtype"),
        ([[1j]], "dtype"),
    ],
)
def test_bad_matrices_are_refused(function, bad, message):
    with pytest.raises(ValueError, match=message):
        function(bad)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: contraction.hilbert_distance([1.0], [1.0, 2.0]), "y: expected shape"),
        (lambda: contraction.hilbert_distance([0.0, 0.0], [1.0, 2.0]), "x: expected no zero column"),
        (lambda: contraction.hilbert_distance([[1.0]], [1.0]), "x: expected a non-empty real vector"),
        (lambda: contraction.total_variation([1.0, -1.0], [1.0, 1.0]), "x: expected finite"),
        (lambda: contraction.dobrushin_coefficient([[1.0, 1.0]]), "rows that sum to one"),
        (lambda: contraction.hajnal_lambda([[0.5, 0.5]], "columns"), "columns that sum to one"),
        (lambda: contraction.hajnal_delta([[0.5, 0.5]], "sideways"), "axis"),
        (lambda: contraction.one_minus_cos_bound(1.5), "tau"),
        (lambda: contraction.one_minus_cos_bound(math.nan), "tau"),
    ],
)
def test_bad_arguments_are_refused(call, message):
    with pytest.raises(ValueError, match=message):
        call()
