"""Structure of non-negative matrices: computed from the pattern of positive entries, never declared.

Terms as in Seneta, *Non-negative Matrices and Markov Chains* (2nd ed., 1981), chapters 1, 3 and 4. Every
function takes a dense array or a scipy.sparse matrix with finite entries ≥ 0 and raises ValueError for
anything else. Where a property belongs to the rows or to the columns the caller says which in words: in a
chain C = Z1 Z2 …, shapes (n_{l-1}, n_l), the *columns* of a factor are the maps of its start neurons.
"""

from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray
from scipy import sparse
from scipy.sparse import csgraph

from rankone.errors import refuse
from rankone.pattern import (
    Bits,
    Matrix,
    boolean_product,
    packed,
    pattern_of,
    reached,
    unpacked,
    zero_one_pattern,
)

__all__ = [
    "Axis",
    "index_of_primitivity",
    "is_allowable",
    "is_irreducible",
    "is_markov",
    "is_primitive",
    "is_scrambling",
    "is_stochastic",
    "period",
    "wielandt_bound",
    "zero_one_pattern",
]

Axis = Literal["rows", "columns"]

# A sum of n rounded terms that should be one is off by at most about n·eps/2 (Higham, §4.2), and so is the
# division that made it one; the factor leaves room for sums taken in lower-order ways.
STOCHASTIC_ULPS = 4


def is_allowable(matrix: Matrix) -> bool:
    """No row and no column of the (n, m) matrix is zero."""
    pattern = pattern_of(matrix)
    return bool(np.all(pattern.sum(axis=0) > 0) and np.all(pattern.sum(axis=1) > 0))


def is_irreducible(matrix: Matrix) -> bool:
    """Every index of the (n, n) matrix leads to every other: its graph is one strongly connected component.

    The 1 × 1 zero matrix is reducible (Horn and Johnson's convention). Irreducible does *not* mean that
    powers converge: a cyclic permutation is irreducible; see `period`.
    """
    pattern = _square(matrix)
    return _strongly_connected(pattern)


def period(matrix: Matrix) -> int:
    """Greatest common divisor of all cycle lengths of an irreducible (n, n) matrix.

    With λ(v) the breadth-first distance of v from any root, it is gcd over edges u → v of λ(u) + 1 − λ(v)
    (Denardo 1977). Raises ValueError for a reducible matrix.
    """
    pattern = _square(matrix)
    if not _strongly_connected(pattern):
        refuse(
            "matrix",
            expected="an irreducible matrix",
            got="a reducible one",
            do="take a strongly connected component first",
        )
    return _period(pattern)


def is_primitive(matrix: Matrix) -> bool:
    """Some power of the (n, n) matrix is entrywise positive: irreducible with period 1."""
    pattern = _square(matrix)
    return _strongly_connected(pattern) and _period(pattern) == 1


def wielandt_bound(n: int) -> int:
    """(n − 1)² + 1: a primitive n × n matrix has A^k > 0 for every k from here on, and not always earlier.

    Wielandt, Math. Z. 52 (1950).
    """
    if n < 1:
        refuse("n", expected="an integer ≥ 1", got=n, do="pass the size of the matrix")
    return (n - 1) ** 2 + 1


def index_of_primitivity(matrix: Matrix) -> int:
    """Smallest k with A^k > 0 for a primitive (n, n) matrix, 1 ≤ k ≤ (n − 1)² + 1.

    Squares A^(2^s) until one is positive, then assembles the longest power that is not, bit by bit: about
    4 log₂ n boolean products, n³/8 bytes of work and n²/8 bytes of memory each. Raises ValueError if A is not
    primitive.
    """
    pattern = _square(matrix)
    if not (_strongly_connected(pattern) and _period(pattern) == 1):
        refuse(
            "matrix",
            expected="a primitive matrix",
            got="one with no positive power",
            do="call it where is_primitive(matrix) holds",
        )
    n = pattern.shape[0]
    squares = [packed(pattern)]
    while not _all_ones(squares[-1], n):
        squares.append(_times(squares[-1], squares[-1], n))
    k, power = 0, packed(sparse.eye_array(n, dtype=np.bool_, format="csr"))
    for s in reversed(range(len(squares) - 1)):
        longer = _times(power, squares[s], n)
        if not _all_ones(longer, n):
            k, power = k + 2**s, longer
    return k + 1


def is_scrambling(matrix: Matrix, axis: Axis = "rows") -> bool:
    """Every two rows (or columns) of the (n, m) matrix are positive together somewhere.

    For a row-stochastic P this is λ(P) > 0 and τ₁(P) < 1 (Hajnal 1958). Row i meets the rows that P Pᵀ
    reaches from it. Rows that share the fullest column meet each other already: only the others are searched.
    """
    pattern = _along(pattern_of(matrix), axis)
    column_counts = pattern.sum(axis=0)
    fullest = _column(pattern, int(np.argmax(column_counts)))
    others = np.setdiff1d(np.arange(pattern.shape[0]), fullest)
    lightest_first = others[np.argsort(np.diff(pattern.indptr)[others], kind="stable")]
    if lightest_first.size == 0:
        return True
    rows_of_column = packed(sparse.csr_array(pattern.T))
    n = pattern.shape[0]
    return all(_all_ones(reached(pattern, i, rows_of_column)[None], n) for i in lightest_first)


def is_markov(matrix: Matrix, axis: Axis = "rows") -> bool:
    """All rows (or columns) are positive together at one place: one column (or row) is entirely positive.

    Seneta's Markov matrices are stochastic as well, and scramble; the condition here is on the pattern alone.
    """
    pattern = _along(pattern_of(matrix), axis)
    return bool(np.any(pattern.sum(axis=0) == pattern.shape[0]))


def is_stochastic(matrix: Matrix, axis: Axis = "rows") -> bool:
    """Every row (or column) sums to one, to the rounding of a sum of n terms in the matrix's own precision.

    A factor that conserves relevance has columns that sum to one: `is_stochastic(Z, "columns")`.
    """
    pattern_of(matrix)  # refuses what is not a finite non-negative matrix
    A: Any = matrix if sparse.issparse(matrix) else np.asarray(matrix)
    sums = np.asarray(A.sum(axis=_summed(axis), dtype=np.float64)).ravel()
    terms = A.shape[_summed(axis)]
    eps = np.finfo(A.dtype).eps if A.dtype.kind == "f" else 0.0
    return bool(np.all(np.abs(sums - 1) <= STOCHASTIC_ULPS * terms * eps))


def _summed(axis: Axis) -> int:
    if axis not in ("rows", "columns"):
        refuse(
            "axis",
            expected='"rows" or "columns"',
            got=repr(axis),
            do="name the one whose entries are summed or compared",
        )
    return 1 if axis == "rows" else 0


def _along(pattern: sparse.csr_array, axis: Axis) -> sparse.csr_array:
    return pattern if _summed(axis) == 1 else sparse.csr_array(pattern.T)


def _column(pattern: sparse.csr_array, k: int) -> NDArray[np.intp]:
    rows: NDArray[np.intp] = sparse.csc_array(pattern[:, [k]]).indices
    return rows


def _square(matrix: Matrix) -> sparse.csr_array:
    pattern = pattern_of(matrix)
    if pattern.shape[0] != pattern.shape[1]:
        refuse(
            "matrix",
            expected="a square matrix",
            got=f"shape {pattern.shape}",
            do="pass a factor with as many rows as columns",
        )
    return pattern


def _strongly_connected(pattern: sparse.csr_array) -> bool:
    components, _ = csgraph.connected_components(pattern, directed=True, connection="strong")
    return bool(components == 1 and pattern.nnz > 0)


def _period(pattern: sparse.csr_array) -> int:
    distance = csgraph.dijkstra(pattern, indices=0, unweighted=True).astype(np.int64)
    u, v = pattern.nonzero()
    return int(np.gcd.reduce(distance[u] + 1 - distance[v]))


def _times(left: Bits, right: Bits, n: int) -> Bits:
    return boolean_product(sparse.csr_array(unpacked(left, n)), right)


def _all_ones(bits: Bits, columns: int) -> bool:
    full = np.packbits(np.ones(columns, dtype=np.bool_))
    return bool(np.all(bits == full))
