"""Structure: every predicate against a slow dense oracle, over every kind, dense and sparse."""

from itertools import product

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import sparse

from rankone import strategies as kinds
from rankone import structure

SOME = settings(max_examples=60, deadline=None, derandomize=True)
SIZES = st.integers(2, 6)
SQUARE = st.one_of(
    kinds.matrices(SIZES.flatmap(kinds.reducible_patterns)),
    kinds.matrices(SIZES.flatmap(kinds.periodic_patterns)),
    kinds.matrices(SIZES.flatmap(kinds.primitive_patterns)),
    kinds.matrices(SIZES.flatmap(lambda n: kinds.sparse_patterns((n, n))), kinds.TINY_AND_HUGE),
    kinds.matrices(st.integers(1, 6).flatmap(lambda n: kinds.allowable_patterns((n, n)))),
)
RECTANGULAR = st.one_of(
    kinds.matrices(kinds.shapes().flatmap(kinds.scrambling_patterns), kinds.TINY_AND_HUGE),
    kinds.matrices(kinds.shapes().flatmap(kinds.markov_patterns)),
    kinds.matrices(kinds.shapes().flatmap(kinds.sparse_patterns)),
    kinds.matrices(kinds.shapes(2).flatmap(kinds.zero_row_patterns)),
)


def powers(A, count):
    """Patterns of A, A², …, by boolean matrix products."""
    step = A > 0
    power = step
    for _ in range(count):
        yield power
        power = (power.astype(int) @ step) > 0


def oracle_irreducible(A):
    return bool(np.any(list(powers(A, len(A))), axis=0).all())


def oracle_period(A):
    """gcd of the lengths of all closed walks of at most 2n steps through the first index."""
    returns = [k for k, power in enumerate(powers(A, 2 * len(A) ** 2), start=1) if power[0, 0]]
    return int(np.gcd.reduce(returns))


def oracle_index(A):
    positive = (
        k for k, power in enumerate(powers(A, structure.wielandt_bound(len(A))), start=1) if power.all()
    )
    return next(positive, None)


@SOME
@given(SQUARE)
def test_irreducible_is_that_every_index_leads_to_every_other(A):
    assert structure.is_irreducible(A) == oracle_irreducible(A)


@SOME
@given(SQUARE)
def test_period_is_the_gcd_of_closed_walks(A):
    if oracle_irreducible(A):
        assert structure.period(A) == oracle_period(A)
    else:
        with pytest.raises(ValueError, match="irreducible"):
            structure.period(A)


@SOME
@given(SQUARE)
def test_primitive_is_that_a_power_within_wielandts_bound_is_positive(A):
    index = oracle_index(A)
    assert structure.is_primitive(A) == (index is not None)
    if index is None:
        with pytest.raises(ValueError, match="primitive"):
            structure.index_of_primitivity(A)
    else:
        assert structure.index_of_primitivity(A) == index


@SOME
@given(RECTANGULAR)
def test_scrambling_and_markov_by_their_definitions(A):
    rows = [set(np.flatnonzero(row)) for row in A]
    assert structure.is_scrambling(A) == all(a & b for a, b in product(rows, rows))
    assert structure.is_markov(A) == bool(set.intersection(*rows))
    assert structure.is_allowable(A) == bool(A.any(axis=0).all() and A.any(axis=1).all())


@SOME
@given(RECTANGULAR)
def test_columns_are_the_rows_of_the_transpose(A):
    assert structure.is_scrambling(A, "columns") == structure.is_scrambling(A.T)
    assert structure.is_markov(A, "columns") == structure.is_markov(A.T)
    assert structure.is_stochastic(A, "columns") == structure.is_stochastic(A.T)


@SOME
@given(SQUARE, st.sampled_from([sparse.csr_array, sparse.csc_array, sparse.coo_array, sparse.csr_matrix]))
def test_sparse_answers_as_dense(A, form):
    S = form(A)
    for predicate in (
        structure.is_allowable,
        structure.is_irreducible,
        structure.is_primitive,
        structure.is_scrambling,
        structure.is_markov,
        structure.is_stochastic,
    ):
        assert predicate(S) == predicate(A)
    np.testing.assert_array_equal(structure.zero_one_pattern([S, A]), structure.zero_one_pattern([A, A]))


def test_stored_zeros_are_not_entries():
    stored = sparse.csr_array((np.array([1.0, 0.0]), (np.array([0, 1]), np.array([1, 0]))), shape=(2, 2))
    assert not structure.is_irreducible(stored)


@pytest.mark.parametrize("n", [1, 2, 3, 10, 25])
def test_wielandts_bound_is_attained_by_his_matrix(n):
    W = np.roll(np.eye(n), 1, axis=1)
    W[max(n - 2, 0), 0] = 1
    assert structure.index_of_primitivity(W) == structure.wielandt_bound(n)


@pytest.mark.parametrize("n", [2, 5, 2000])
def test_a_cyclic_permutation_has_period_n(n):
    cycle = sparse.csr_array((np.ones(n), (np.arange(n), (np.arange(n) + 1) % n)), shape=(n, n))
    assert structure.is_irreducible(cycle)
    assert structure.period(cycle) == n


@SOME
@given(kinds.chains())
def test_pattern_of_a_product_is_the_boolean_product(chain):
    oracle = chain[0] > 0
    for Z in chain[1:]:
        oracle = (oracle.astype(int) @ (Z > 0)) > 0
    np.testing.assert_array_equal(structure.zero_one_pattern(chain), oracle)


def test_pattern_of_a_product_that_underflows():
    tiny = np.full((2, 2), 1e-300)
    assert not np.any(tiny @ tiny)
    assert structure.zero_one_pattern([tiny, tiny]).all()


def test_large_patterns_against_dense_counting():
    rng = np.random.default_rng(3)
    n = 1100  # more than one block of packed rows, not a multiple of eight
    for density in (0.002, 0.01, 0.2):
        A = sparse.random_array((n, n), density=density, format="csr", rng=rng)
        D = (A.toarray() > 0).astype(np.float32)
        np.testing.assert_array_equal(structure.zero_one_pattern([A, A]), D @ D > 0)
        assert structure.is_scrambling(A) == bool(np.all(D @ D.T > 0))


@SOME
@given(kinds.stochastic(kinds.shapes(1, 6).flatmap(kinds.markov_patterns)))
def test_stochastic_within_rounding_and_not_beyond(P):
    assert structure.is_stochastic(P)
    assert structure.is_stochastic(P.T, "columns")
    assert not structure.is_stochastic(P * (1 + 1e-13))
    assert not structure.is_stochastic(2 * P)


def test_stochastic_is_judged_in_the_precision_of_the_matrix():
    P = np.full((3, 3), 1 / 3, dtype=np.float32)
    assert structure.is_stochastic(P)
    assert not structure.is_stochastic(P.astype(np.float64))
    assert structure.is_stochastic(np.eye(4, dtype=int))


ONE_ARGUMENT = [
    structure.is_allowable,
    structure.is_irreducible,
    structure.is_primitive,
    structure.is_scrambling,
    structure.is_markov,
    structure.is_stochastic,
    structure.period,
    structure.index_of_primitivity,
]


@pytest.mark.parametrize("function", ONE_ARGUMENT)
@pytest.mark.parametrize(
    ("bad", "message"),
    [
        ([[1.0, -1.0], [0.0, 1.0]], "expected finite entries"),
        ([[1.0, np.nan], [0.0, 1.0]], "expected finite entries"),
        (sparse.csr_array([[1.0, np.inf], [0.0, 1.0]]), "expected finite entries"),
        ([1.0, 2.0], "expected an"),
        (np.zeros((0, 3)), "expected an"),
        ([["a", "b"], ["c", "d"]], "expected real numbers"),
        ([[1j, 0], [0, 1]], "expected real numbers"),
    ],
)
def test_bad_matrices_are_refused(function, bad, message):
    with pytest.raises(ValueError, match=message):
        function(bad)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: structure.is_irreducible(np.ones((2, 3))), "square"),
        (lambda: structure.is_primitive(np.ones((2, 3))), "square"),
        (lambda: structure.is_stochastic(np.eye(2), 0), "axis"),
        (lambda: structure.is_scrambling(np.eye(2), "row"), "axis"),
        (lambda: structure.zero_one_pattern([]), "at least one factor"),
        (lambda: structure.zero_one_pattern([np.ones((2, 3)), np.ones((2, 3))]), "Z2: expected 3 rows"),
        (lambda: structure.zero_one_pattern([np.ones((2, 3)), -np.ones((3, 3))]), "Z2: expected finite"),
        (lambda: structure.wielandt_bound(0), "n: expected"),
    ],
)
def test_bad_arguments_are_refused(call, message):
    with pytest.raises(ValueError, match=message):
        call()
