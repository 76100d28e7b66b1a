"""Zero-one patterns: where a non-negative matrix is positive, and boolean products of such patterns.

A pattern is a boolean CSR array. In a boolean product the right factor is *packed*, eight columns a byte, and
row i of the result is the bitwise OR of the packed rows that row i of the left factor points at. That touches
nnz(left) · n / 8 bytes whatever the fill, and nothing can overflow or underflow.
"""

from collections.abc import Sequence
from itertools import pairwise
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import sparse

from rankone.errors import refuse

Bits: TypeAlias = NDArray[np.uint8]
Matrix: TypeAlias = ArrayLike | sparse.sparray | sparse.spmatrix

_UNPACKED_ROWS = 1024  # rows unpacked at a time: bounds the memory of `packed`


def pattern_of(matrix: Matrix, *, name: str = "matrix") -> sparse.csr_array:
    """Pattern {a_ij > 0} of a finite non-negative (n, m) matrix, dense or scipy.sparse, n, m ≥ 1.

    Explicitly stored zeros are not entries. Raises ValueError for any other input.
    """
    stored: Any = sparse.csr_array(matrix) if sparse.issparse(matrix) else np.asarray(matrix)
    entries = stored.data if sparse.issparse(stored) else stored
    if entries.dtype.kind not in "buif":
        refuse(name, expected="real numbers", got=f"dtype {entries.dtype}", do="convert to float64 first")
    if stored.ndim != 2 or 0 in stored.shape:
        refuse(name, expected="an (n, m) matrix, n, m ≥ 1", got=f"shape {stored.shape}", do="pass one factor")
    if not np.all(np.isfinite(entries) & (entries >= 0)):
        bad = "a negative, infinite or NaN entry"
        refuse(
            name, expected="finite entries ≥ 0", got=bad, do="pass the non-negative factor, not a signed one"
        )
    return sparse.csr_array(stored > 0)


def refuse_gaps(factors: Sequence[Any], *, letter: str = "Z", order: str = "input to the output") -> None:
    """ValueError unless there is a factor, and the shapes (n0, n1), (n1, n2), … of Z1, Z2, … meet.

    letter, order: what the factors are called, and where the first and the last one belong.
    """
    if not factors:
        refuse("factors", expected="at least one factor", got="none", do=f"pass [{letter}1, {letter}2, …]")
    for l, (left, right) in enumerate(pairwise(factors), start=1):
        if left.shape[1] != right.shape[0]:
            refuse(
                f"{letter}{l + 1}",
                expected=f"{left.shape[1]} rows, as {letter}{l} has columns",
                got=f"shape {right.shape}",
                do=f"order the factors from the {order}",
            )


def packed(pattern: sparse.csr_array) -> Bits:
    """Rows of an (n, m) pattern as (n, ⌈m/8⌉) bytes."""
    blocks = range(0, pattern.shape[0], _UNPACKED_ROWS)
    return np.concatenate([np.packbits(pattern[k : k + _UNPACKED_ROWS].toarray(), axis=1) for k in blocks])


def unpacked(bits: Bits, columns: int) -> NDArray[np.bool_]:
    """The (n, columns) boolean array whose rows were packed."""
    return np.unpackbits(bits, axis=1, count=columns).view(np.bool_)


def reached(pattern: sparse.csr_array, i: int, bits: Bits) -> Bits:
    """Row i of the boolean product pattern · bits: everything that row i reaches in one more step."""
    step = pattern.indices[pattern.indptr[i] : pattern.indptr[i + 1]]
    union: Bits = np.bitwise_or.reduce(bits[step], axis=0)
    return union


def boolean_product(pattern: sparse.csr_array, bits: Bits) -> Bits:
    """Pattern of the product, (n, m) pattern times (m, ·) packed rows, as (n, ·) packed rows."""
    return np.stack([reached(pattern, i, bits) for i in range(pattern.shape[0])])


def zero_one_pattern(factors: Sequence[Matrix]) -> NDArray[np.bool_]:
    """Pattern of C = Z1 Z2 … Zk, shape (n_0, n_k), exactly, without forming the product.

    factors: Z_l of shape (n_{l-1}, n_l), dense or scipy.sparse, finite and non-negative.
    Raises ValueError for an empty chain, a bad factor, or shapes that do not meet.
    """
    patterns = [pattern_of(Z, name=f"Z{l}") for l, Z in enumerate(factors, start=1)]
    refuse_gaps(patterns)
    bits = packed(patterns[-1])
    for pattern in reversed(patterns[:-1]):
        bits = boolean_product(pattern, bits)
    return unpacked(bits, patterns[-1].shape[1])
