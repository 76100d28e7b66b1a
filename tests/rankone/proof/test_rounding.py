"""The rounding analysis against exact rational arithmetic, and its guard against flushed numbers."""

import math
from fractions import Fraction
from functools import reduce

import numpy as np
import pytest

from rankone.proof import rounding
from rankone.proof.rounding import chain_error, chain_product, gamma, guarded_product, rescaled, round_up
from tests.helpers.exact_oracle import KINDS, chain, fractions

ORDERS = {
    "matrix product": lambda A, B: A @ B,
    "one after the other": lambda A, B: reduce(np.add, (np.outer(A[:, k], B[k]) for k in range(A.shape[1]))),
    "backwards": lambda A, B: A[:, ::-1] @ B[::-1],
}


def relative_errors(computed, exact):
    """|computed / exact - 1| of the non-zero entries, all Fractions; the zeros must coincide."""
    np.testing.assert_array_equal(computed != 0, exact != 0)
    nonzero = exact != 0
    return abs(computed[nonzero] / exact[nonzero] - 1)


@pytest.mark.parametrize("order", ORDERS)
@pytest.mark.parametrize("n", [1, 2, 7, 60])
def test_error_of_a_non_negative_product_is_at_most_gamma_in_any_order(n, order):
    rng = np.random.default_rng(n)
    A, B = np.exp(4 * rng.standard_normal((6, n))), np.exp(4 * rng.standard_normal((n, 6)))
    errors = relative_errors(fractions(ORDERS[order](A, B)), fractions(A) @ fractions(B))
    assert 0 < max(errors) <= gamma(n)


def test_gamma_would_be_too_small_for_a_product_that_cancels():
    rng = np.random.default_rng(0)
    A, B = rng.standard_normal((40, 60)), rng.standard_normal((60, 40))
    assert max(relative_errors(fractions(A @ B), fractions(A) @ fractions(B))) > gamma(60)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("seed", range(1, 8))
def test_error_of_a_chain_is_at_most_delta_and_its_zero_pattern_exact(kind, seed):
    factors = chain(kind, seed)
    exact = reduce(np.matmul, map(fractions, factors))
    computed = fractions(chain_product(factors))
    scale = next(c / e for c, e in zip(computed.flat, exact.flat, strict=True) if e)
    power = Fraction(2) ** round(math.log2(scale.numerator) - math.log2(scale.denominator))
    delta = chain_error([Z.shape[1] for Z in factors[:-1]])
    assert max(relative_errors(computed / power, exact)) <= delta


def test_delta_of_vgg_16_head_and_of_no_product():
    assert chain_error([]) == 0
    assert chain_error([4096, 4096]) == pytest.approx(8192 * 2.0**-53, rel=1e-9)
    assert chain_error([4096, 4096]) > Fraction(8192, 2**53)


@pytest.mark.parametrize(
    "x",
    [
        Fraction(1, 3),
        Fraction(2, 3),
        Fraction(1, 10**330),
        Fraction(1, 2**1074),
        Fraction(10**400, 10**399 + 1),
        0,
        7,
    ],
)
def test_round_up_gives_the_smallest_float_above(x):
    up = round_up(*Fraction(x).as_integer_ratio())
    assert Fraction(up) >= x
    assert up == 0 or Fraction(math.nextafter(up, -1)) < x


def test_round_up_beyond_the_floats_is_infinite():
    assert round_up(10**400) == math.inf


def test_rescaled_is_exact_and_leaves_a_tame_matrix_alone():
    A = np.array([[3.0, 0.5]])
    assert rescaled(A, "A") is A
    B = rescaled(A * 2.0**700, "A")
    np.testing.assert_array_equal(B, A * 2.0**-2)


A_TINY, B_TINY = np.array([[1.0, 2.0**-500]]), np.array([[1.0, 0.0], [0.0, 2.0**-600]])


def test_a_product_that_flushes_to_zero_is_refused():
    with np.errstate(under="ignore"):
        assert (A_TINY @ B_TINY)[0, 1] == 0  # silently: the exact entry is 2^-1100
    with pytest.raises(ValueError, match=r"^Z1: expected non-zero products .*flushed to zero"):
        guarded_product(A_TINY, B_TINY, "Z1")


@pytest.mark.parametrize(
    ("factors", "name"),
    [
        ([A_TINY, B_TINY], "Z1"),
        ([np.array([[5e-324, 1.0]])], "product"),
        ([np.array([[2.0**1000, 2.0**-1000]])], "Z1"),
        ([np.ones((1, 1)), np.array([[2.0**-1000, 2.0**1000]])], "Z2"),
    ],
    ids=["product", "subnormal", "range", "range of the last"],
)
def test_chain_product_names_the_factor_where_a_number_may_be_flushed(factors, name):
    with pytest.raises(ValueError, match=f"^{name}: .*flushed"):
        chain_product(factors)


def test_numbers_that_look_dangerous_but_scale_away_are_accepted():
    factors = [
        np.full((2, 2), 1e-300),
        np.full((2, 2), 1e300),
        np.full((2, 2), 1e-300),
        np.full((2, 2), 1e-300),
    ]
    C = chain_product(factors)
    np.testing.assert_array_equal(C, C[0, 0])
    assert rounding.SMALLEST < C[0, 0] < rounding.LARGEST
