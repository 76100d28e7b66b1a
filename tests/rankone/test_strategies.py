"""Each kind satisfies its predicate, and each kind reaches what it is for."""

import subprocess
import sys
from random import Random

import numpy as np
import pytest
from hypothesis import find, given, settings
from hypothesis import strategies as st

from rankone import strategies as kinds
from rankone import structure

FEW = settings(max_examples=40, deadline=None, derandomize=True)
LONG_SEARCH = settings(max_examples=5000, deadline=None, database=None)
SQUARES = st.integers(2, 6)


def positive(A):
    return bool(np.all(A > 0))


KINDS = {
    "positive": (kinds.shapes().flatmap(kinds.positive_patterns), positive),
    "allowable": (kinds.shapes().flatmap(kinds.allowable_patterns), structure.is_allowable),
    "zero rows": (
        kinds.shapes(2).flatmap(kinds.zero_row_patterns),
        lambda A: bool(not A.any(axis=1).all() and A.any(axis=0).all()),
    ),
    "sparse": (kinds.shapes(3).flatmap(kinds.sparse_patterns), lambda A: np.count_nonzero(A) <= max(A.shape)),
    "reducible": (SQUARES.flatmap(kinds.reducible_patterns), lambda A: not structure.is_irreducible(A)),
    "periodic": (SQUARES.flatmap(kinds.periodic_patterns), lambda A: structure.period(A) >= 2),
    "primitive": (SQUARES.flatmap(kinds.primitive_patterns), structure.is_primitive),
    "scrambling": (kinds.shapes().flatmap(kinds.scrambling_patterns), structure.is_scrambling),
    "markov": (kinds.shapes().flatmap(kinds.markov_patterns), structure.is_markov),
}


@pytest.mark.parametrize("kind", KINDS)
def test_each_kind_satisfies_its_predicate(kind):
    patterns, predicate = KINDS[kind]

    @FEW
    @given(kinds.matrices(patterns))
    def holds(A):
        assert predicate(A)

    holds()


@FEW
@given(kinds.stochastic(kinds.shapes().flatmap(kinds.scrambling_patterns)))
def test_stochastic_rows_sum_to_one_on_the_pattern_of_their_kind(P):
    assert structure.is_stochastic(P)
    assert structure.is_scrambling(P)


REACH = {
    "allowable but not positive": ("allowable", lambda A: not positive(A)),
    "allowable and wide": ("allowable", lambda A: A.shape[1] > A.shape[0] > 1),
    "a sparse matrix with a zero column": ("sparse", lambda A: not A.any(axis=0).all()),
    "reducible without a zero row": ("reducible", lambda A: bool(A.any(axis=1).all()) and len(A) > 2),
    "period 2": ("periodic", lambda A: structure.period(A) == 2 and len(A) > 3),
    "period 3 on more than three indices": ("periodic", lambda A: structure.period(A) == 3 and len(A) > 3),
    "a cyclic permutation": ("periodic", lambda A: structure.period(A) == len(A) > 2),
    "Wielandt's extremal matrix": (
        "primitive",
        lambda A: len(A) > 3 and structure.index_of_primitivity(A) == structure.wielandt_bound(len(A)),
    ),
    "primitive with a positive diagonal entry": ("primitive", lambda A: np.trace(A) > 0 and len(A) > 2),
    "scrambling but not Markov": ("scrambling", lambda A: not structure.is_markov(A)),
    "Markov but not positive": ("markov", lambda A: not positive(A)),
}


@pytest.mark.parametrize("what", REACH)
def test_reach(what):
    kind, feature = REACH[what]
    find(KINDS[kind][0].map(lambda pattern: pattern * 1.0), feature, settings=LONG_SEARCH, random=Random(0))


def test_entries_reach_tiny_and_huge_in_one_matrix():
    matrices = kinds.matrices(kinds.positive_patterns((2, 2)), kinds.TINY_AND_HUGE)
    find(matrices, lambda A: A.min() < 1e-250 and A.max() > 1e250, settings=LONG_SEARCH, random=Random(0))


@pytest.mark.parametrize(
    "feature",
    [
        lambda chain: len(chain) >= 3,
        lambda chain: len({Z.shape for Z in chain}) >= 2,
        lambda chain: any(not Z.any(axis=1).all() for Z in chain),
        lambda chain: any(positive(Z) and Z.size > 3 for Z in chain),
    ],
    ids=["long", "rectangular", "zero row", "positive factor"],
)
def test_chains_reach(feature):
    find(kinds.chains(), feature, settings=LONG_SEARCH, random=Random(0))


@FEW
@given(kinds.chains())
def test_shapes_of_chains_meet_and_no_column_is_zero(chain):
    np.linalg.multi_dot([np.eye(len(chain[0])), *chain])
    assert all(Z.any(axis=0).all() for Z in chain)


@pytest.mark.parametrize(
    "strategy", [kinds.reducible_patterns(1), kinds.periodic_patterns(1), kinds.zero_row_patterns((1, 3))]
)
def test_kinds_that_need_two_rows_say_so(strategy):
    with pytest.raises(ValueError, match="expected at least 2"):
        find(strategy, lambda _: True, settings=LONG_SEARCH)


def test_without_hypothesis_the_error_says_what_to_install():
    block = "import sys; sys.modules['hypothesis'] = None; import rankone.strategies"
    process = subprocess.run([sys.executable, "-c", block], capture_output=True, text=True, check=False)
    assert process.returncode != 0
    assert "pip install hypothesis" in process.stderr
