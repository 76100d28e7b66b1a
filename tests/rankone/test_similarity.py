import math
from itertools import combinations

import mpmath
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rankone.similarity import (
    log10_graded,
    missing_fraction,
    one_minus_abs_cosine,
    one_minus_cosine,
    pairs,
)

# û − v̂ is known to a few units of rounding: 1e-15 of unit vectors, so 1 − cos = ‖û − v̂‖²/2 has relative error
# 1e-15/√(1 − cos)
ROUNDING = 1e-15
# log10_graded on exact input: V·ε in sin², a few ε in the logarithms
GRADED = 1e-12


def exact(u, v):
    """1 − |cos| and 1 − cos in 200 digits."""
    with mpmath.workdps(200):
        u, v = ([mpmath.mpf(x) for x in w] for w in (u, v))
        cos = mpmath.fdot(u, v) / mpmath.sqrt(mpmath.fdot(u, u) * mpmath.fdot(v, v))
        return 1 - abs(cos), 1 - cos


def test_pairs_are_of_different_vectors_each_once():
    assert list(zip(*pairs(4), strict=True)) == list(combinations(range(4), 2))


@pytest.mark.parametrize("angle", [1.5, 0.1, 1e-3, 1e-8, 1e-12])
@pytest.mark.parametrize("sign", [1, -1])
@pytest.mark.parametrize("scale", [1.0, 1e-300, 1e300])
def test_stable_formula_against_200_digits(angle, sign, scale):
    rng = np.random.default_rng(0)
    u, w = rng.standard_normal((2, 50))
    R = np.array([u, sign * (u + angle * w) * scale])
    absolute, signed = exact(*R)
    tolerance = 4 * ROUNDING / math.sqrt(float(absolute))
    np.testing.assert_allclose(one_minus_abs_cosine(R), [float(absolute)], rtol=tolerance)
    np.testing.assert_allclose(one_minus_cosine(R), [float(signed)], rtol=tolerance)


@pytest.mark.parametrize("n", [2, 3, 50, 1000])
@pytest.mark.parametrize("angle", [1e-10, 1e-12, 1e-14, 1e-15])
def test_relative_error_is_at_most_3e_16_over_the_root(angle, n):
    """As documented: 3 % at 1e-28, 30 % at 1e-30, down to 1e-31."""
    for seed in range(30):
        u, w = np.random.default_rng(seed).standard_normal((2, n))
        exactly = float(exact(u, u + angle * w)[0])
        if exactly > 1e-31:
            tolerance = 3e-16 / math.sqrt(exactly)
            np.testing.assert_allclose(one_minus_abs_cosine([u, u + angle * w]), [exactly], rtol=tolerance)


def test_at_1e_32_nothing_is_left_of_it():
    """Why the docstring ends at 1e-31: here it is wrong by more than its size."""
    u, w = np.random.default_rng(0).standard_normal((2, 3))
    worst = 0.0
    for k in range(100):
        v = u + 1e-16 * k * w
        exactly = float(exact(u, v)[0])
        if 1e-33 < exactly < 2e-32:
            worst = max(worst, abs(one_minus_abs_cosine([u, v])[0] / exactly - 1))
    assert worst > 1


def test_the_signed_distance_of_opposite_vectors_is_two_and_the_absolute_one_zero():
    R = [[1.0, 2.0, 2.0], [-2.0, -4.0, -4.0]]
    np.testing.assert_array_equal(one_minus_cosine(R), [2])
    np.testing.assert_array_equal(one_minus_abs_cosine(R), [0])


def test_a_zero_vector_is_missing_and_counted():
    d = one_minus_abs_cosine([[1, 2], [0, 0], [3, 1], [1, 1]])
    np.testing.assert_array_equal(np.isnan(d), [1 in pair for pair in combinations(range(4), 2)])
    assert missing_fraction(d) == 0.5


def graded_exact(M, s):
    """log10(1 − |cos|) of the rows of M·diag(e^s) in as many digits as that takes."""
    digits = 50 + int(2 * np.ptp(s) / math.log(10))
    with mpmath.workdps(digits):
        rows = [[mpmath.mpf(x) * mpmath.exp(mpmath.mpf(t)) for x, t in zip(row, s, strict=True)] for row in M]
        result = []
        for u, v in combinations(rows, 2):
            cos = abs(mpmath.fdot(u, v)) / mpmath.sqrt(mpmath.fdot(u, u) * mpmath.fdot(v, v))
            result.append(float(mpmath.log10(1 - cos)))
    return result


@pytest.mark.parametrize(
    "s",
    [
        [0, 0, 0, 0],
        [0, -1, -2, -3],
        [0, -50, -60, -90],
        [-20, 0, -90, -50],  # no order is assumed
        [800, -20, 30, 0],
        [0, -2000, -2500, -3000],  # 1e-1737
    ],
)
def test_graded_wedge_has_no_floor(s):
    M = np.random.default_rng(3).uniform(-1, 1, (5, 4))
    s = np.array(s, dtype=float)
    np.testing.assert_allclose(log10_graded(M, s), graded_exact(M, s), rtol=GRADED, atol=GRADED)


@settings(max_examples=60, deadline=None)
@given(st.integers(0, 2**32), st.integers(2, 6), st.integers(1, 6), st.floats(0, 60), st.floats(0, 0.6))
def test_graded_wedge_over_random_grades_and_zeros(seed, V, r, spread, zeros):
    rng = np.random.default_rng(seed)
    M = rng.uniform(-1, 1, (V, r)) * (rng.random((V, r)) > zeros)
    s = rng.uniform(-spread, 0, r)
    computed = log10_graded(M, s)
    for value, (a, b) in zip(computed, combinations(M, 2), strict=True):
        if not (a.any() and b.any()):
            assert np.isnan(value)
        elif np.linalg.matrix_rank([a, b]) == 1:
            assert value < -30  # parallel, up to the rounding of the quotients
        else:
            np.testing.assert_allclose(value, graded_exact(np.array([a, b]), s)[0], rtol=1e-9, atol=1e-9)


def test_graded_wedge_equals_the_stable_formula_where_that_is_valid():
    rng = np.random.default_rng(0)
    M, s = rng.standard_normal((7, 5)), np.array([0, -1, -4, -9, -16.0])
    np.testing.assert_allclose(
        log10_graded(M, s), np.log10(one_minus_abs_cosine(M * np.exp(s))), rtol=0, atol=1e-7
    )


def test_graded_wedge_of_the_same_vectors_in_another_order_is_the_same():
    rng = np.random.default_rng(0)
    M, s = rng.standard_normal((6, 6)), np.linspace(0, -300, 6)
    order = rng.permutation(6)
    distance = np.zeros((6, 6))
    i, j = pairs(6)
    distance[order[i], order[j]] = distance[order[j], order[i]] = log10_graded(M[order], s)
    np.testing.assert_allclose(distance[i, j], log10_graded(M, s), rtol=1e-13)


def test_graded_wedge_at_the_ends():
    M = np.array([[1, 0, 0], [2, 0, 0], [0, 1, 0], [0, 1, 1], [0, 0, 0]])
    d = log10_graded(M.astype(float), np.array([0, -1e4, -2e4]))
    expected = {(0, 1): -np.inf, (0, 2): 0, (0, 3): 0, (1, 2): 0, (1, 3): 0}  # parallel; orthogonal
    expected[2, 3] = -2e4 / math.log(10) - math.log10(2)  # sin = e^-10000, 1 − |cos| = sin²/2
    for pair, value in zip(combinations(range(5), 2), d, strict=True):
        np.testing.assert_allclose(value, expected.get(pair, np.nan), rtol=1e-12)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: one_minus_abs_cosine([[1, math.nan], [1, 2]]), "vectors: expected finite entries"),
        (lambda: one_minus_cosine([[math.inf, 1.0]]), "vectors: expected finite entries"),
        (lambda: one_minus_cosine([1, 2]), "vectors: expected a matrix"),
        (lambda: one_minus_cosine(np.zeros((2, 0))), "vectors: expected a matrix"),
        (lambda: one_minus_cosine([["a", "b"]]), "vectors: expected a matrix"),
        (lambda: one_minus_cosine([[1j, 2]]), "vectors: expected a matrix"),
    ],
)
def test_bad_arguments_are_refused(call, message):
    with pytest.raises(ValueError, match=message):
        call()
