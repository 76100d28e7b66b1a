"""Hypothesis strategies for non-negative matrices by kind, and for chains whose shapes meet.

A kind is a pattern of positive entries; entries are drawn separately, so that every kind comes with any
entries: ordinary floats (the default), small integers for exact arithmetic, or floats over 600 decades.
Matrices are float64 arrays; where a kind belongs to the rows (as in Seneta) its docstring says so.

    @given(strategies.matrices(strategies.scrambling_patterns((4, 6))))
    def test_...(P): ...
"""

from collections.abc import Callable
from itertools import pairwise
from math import lcm
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

try:
    from hypothesis import strategies as st
    from hypothesis.extra.numpy import arrays
except ImportError as error:
    raise ImportError("rankone.strategies needs hypothesis; do: pip install hypothesis") from error

from rankone.errors import refuse

Pattern: TypeAlias = NDArray[np.bool_]
Array: TypeAlias = NDArray[np.float64]
Shape: TypeAlias = tuple[int, int]

# Entries of the positive places.
ORDINARY = st.floats(2.0**-10, 2.0**10)
SMALL_INTEGERS = st.integers(1, 9).map(float)
TINY_AND_HUGE = st.floats(-300, 300).map(lambda decade: 10.0**decade)


def shapes(smallest: int = 1, largest: int = 5) -> st.SearchStrategy[Shape]:
    """(rows, columns), each between the two sizes."""
    size = st.integers(smallest, largest)
    return st.tuples(size, size)


@st.composite
def matrices(
    draw: st.DrawFn, patterns: st.SearchStrategy[Pattern], entries: st.SearchStrategy[float] = ORDINARY
) -> Array:
    """A float64 matrix that is positive exactly where the pattern is."""
    pattern = draw(patterns)
    return np.where(pattern, draw(arrays(np.float64, pattern.shape, elements=entries)), 0.0)


@st.composite
def stochastic(draw: st.DrawFn, patterns: st.SearchStrategy[Pattern]) -> Array:
    """Rows sum to one, positive exactly where a pattern without zero rows is (transpose for columns)."""
    A: Array = draw(matrices(patterns))
    P: Array = A / A.sum(axis=1, keepdims=True)
    return P


def positive_patterns(shape: Shape) -> st.SearchStrategy[Pattern]:
    """Every entry positive."""
    return st.just(np.ones(shape, dtype=np.bool_))


@st.composite
def allowable_patterns(draw: st.DrawFn, shape: Shape) -> Pattern:
    """No zero row and no zero column."""
    pattern = draw(arrays(np.bool_, shape))
    for i in np.flatnonzero(~pattern.any(axis=1)):
        pattern[i, draw(st.integers(0, shape[1] - 1))] = True
    for j in np.flatnonzero(~pattern.any(axis=0)):
        pattern[draw(st.integers(0, shape[0] - 1)), j] = True
    return pattern


@st.composite
def zero_row_patterns(draw: st.DrawFn, shape: Shape) -> Pattern:
    """At least one zero row, but no zero column; needs two rows."""
    _needs_two("rows", shape[0])
    zero = draw(st.integers(0, shape[0] - 1))
    others: Pattern = draw(allowable_patterns((shape[0] - 1, shape[1])))
    return np.insert(others, zero, False, axis=0)


@st.composite
def sparse_patterns(draw: st.DrawFn, shape: Shape) -> Pattern:
    """At most max(shape) positive entries anywhere: mostly zeros, rows and columns may be zero."""
    pattern = np.zeros(shape, dtype=np.bool_)
    places = st.tuples(st.integers(0, shape[0] - 1), st.integers(0, shape[1] - 1))
    for i, j in draw(st.lists(places, max_size=max(shape))):
        pattern[i, j] = True
    return pattern


@st.composite
def reducible_patterns(draw: st.DrawFn, n: int) -> Pattern:
    """Block triangular after a permutation: some indices, not all, lead only to each other; n ≥ 2."""
    _needs_two("n", n)
    pattern = draw(arrays(np.bool_, (n, n)))
    closed = draw(st.integers(1, n - 1))
    pattern[:closed, closed:] = False
    return draw(_relabelled(pattern))


@st.composite
def periodic_patterns(draw: st.DrawFn, n: int) -> Pattern:
    """Irreducible with period ≥ 2; n ≥ 2.

    Indices fall into d classes and entries lead from each class to the next; a closed walk through all of
    them makes the graph strongly connected. The period is d or a multiple.
    """
    _needs_two("n", n)
    d = draw(st.integers(2, n))
    members = [list(range(c, n, d)) for c in range(d)]
    pattern = np.zeros((n, n), dtype=np.bool_)
    for step in range(d * lcm(*map(len, members))):
        here, there = members[step % d], members[(step + 1) % d]
        pattern[here[step // d % len(here)], there[(step + 1) // d % len(there)]] = True
    class_of = np.arange(n) % d
    allowed = class_of[None, :] == (class_of[:, None] + 1) % d
    pattern |= allowed & draw(arrays(np.bool_, (n, n)))
    return draw(_relabelled(pattern))


@st.composite
def primitive_patterns(draw: st.DrawFn, n: int) -> Pattern:
    """A cycle through all n indices, anything more, and one chord that makes the period 1.

    With the chord that closes a cycle of n − 1 and nothing else this is Wielandt's extremal matrix.
    """
    pattern = np.roll(np.eye(n, dtype=np.bool_), 1, axis=1)
    if draw(st.booleans()):
        pattern |= draw(arrays(np.bool_, (n, n)))
    loop, chord = (0, 0), (max(n - 2, 0), 0)
    pattern[draw(st.sampled_from([loop, chord]))] = True
    return draw(_relabelled(pattern))


@st.composite
def scrambling_patterns(draw: st.DrawFn, shape: Shape) -> Pattern:
    """Every two rows are positive together in some column."""
    pattern = draw(arrays(np.bool_, shape))
    for i in range(shape[0]):
        for j in range(i + 1):
            if not (pattern[i] & pattern[j]).any():
                pattern[[i, j], draw(st.integers(0, shape[1] - 1))] = True
    return pattern


@st.composite
def markov_patterns(draw: st.DrawFn, shape: Shape) -> Pattern:
    """One column is entirely positive."""
    pattern = draw(arrays(np.bool_, shape))
    pattern[:, draw(st.integers(0, shape[1] - 1))] = True
    return pattern


def any_shape_patterns(shape: Shape) -> st.SearchStrategy[Pattern]:
    """Patterns of this shape without a zero column: what a factor of a relevance chain may look like."""
    kinds = [positive_patterns(shape), allowable_patterns(shape)]
    return st.one_of(*kinds, zero_row_patterns(shape)) if shape[0] > 1 else st.one_of(*kinds)


@st.composite
def chains(
    draw: st.DrawFn,
    patterns: Callable[[Shape], st.SearchStrategy[Pattern]] = any_shape_patterns,
    entries: st.SearchStrategy[float] = ORDINARY,
    *,
    longest: int = 4,
    widest: int = 5,
) -> list[Array]:
    """Factors Z1, Z2, … of shapes (n_0, n_1), (n_1, n_2), …, each of a kind given by its shape."""
    widths = draw(st.lists(st.integers(1, widest), min_size=2, max_size=longest + 1))
    return [draw(matrices(patterns(shape), entries)) for shape in pairwise(widths)]


def _needs_two(name: str, size: int) -> None:
    if size < 2:
        refuse(
            name, expected="at least 2 for this kind", got=size, do="ask for a 2 × 2 matrix or a larger one"
        )


@st.composite
def _relabelled(draw: st.DrawFn, pattern: Pattern) -> Pattern:
    order = draw(st.permutations(range(len(pattern))))
    return pattern[np.ix_(order, order)]
