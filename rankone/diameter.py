"""Extreme pairs of a finite set of points, over *all* pairs, exactly: the farthest two, the least overlap.

Hilbert's distance is a translation-invariant seminorm of log vectors (max − min), total variation one of
probability vectors (½ Σ|·|). Every pair is screened in float32, in tiles that stay in cache, on all cores
(NumPy releases the interpreter lock inside each tile); pairs that its rounding leaves in doubt are decided in
float64. A pair is skipped only when the triangle inequality through the centre rules it out.
"""

import os
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from threading import Lock
from typing import Any, NamedTuple, TypeAlias

import numpy as np
from numpy.typing import NDArray

Array: TypeAlias = NDArray[np.float64]
Floats: TypeAlias = NDArray[Any]  # float64, or float32 while screening
# Seminorm of each row of a (b, m) array, which it may overwrite: returns (b,).
Seminorm: TypeAlias = Callable[[Floats], Floats]
# (tile (b, m), point (m,), buffer (b, m)) to a value for each of the b pairs.
Measure: TypeAlias = Callable[[Floats, Floats, Floats], Floats]

_TILE_BYTES = 2**18  # a tile and its buffer fit together in an L2 cache of 1 MiB
_DIFFERENCES_WORTH_A_THREAD = 2**22  # for fewer, starting threads costs more than it saves
# Error of a float32 measure over the size of its operands: their rounding, that of a difference, and that of
# NumPy's pairwise sum (blocks of 128 in 8 partial sums, then log2 of the number of blocks) are below 40 u.
_SCREENING_ERROR = 64 * 2.0**-24


class Pair(NamedTuple):
    """Two points, by index, and their distance."""

    distance: float
    i: int
    j: int


def oscillation(difference: Floats) -> Floats:
    """max_k − min_k of each row: the seminorm whose kernel is the constant vectors."""
    spread: Floats = np.maximum.reduce(difference, axis=1) - np.minimum.reduce(difference, axis=1)
    return spread


def half_l1(difference: Floats) -> Floats:
    """½ Σ_k |·| of each row: total variation between probability vectors."""
    total: Floats = np.add.reduce(np.abs(difference, out=difference), axis=1)
    return total / 2


def farthest_pair(points: Array, seminorm: Seminorm) -> Pair:
    """The two rows of the (n, m) finite `points` at the largest distance; (0, 0, 0) for a single row.

    n² m / 2 float32 subtractions and seminorms at worst, in O(n m) memory. The distance is that of float64
    arithmetic: within 16 u max |points − centre| of the exact one for max − min, (m + 8) u for ½ Σ|·|.
    """
    centred = points - points.mean(axis=0)
    radius = np.concatenate([seminorm(centred[k : k + 1].copy()) for k in range(len(centred))])
    outermost_first = np.argsort(-radius, kind="stable")
    distance, i, j = _largest(
        centred[outermost_first],
        lambda tile, point, buffer: seminorm(np.subtract(tile, point, out=buffer)),
        radius[outermost_first],
        size=2 * float(max(radius.max(), np.abs(centred).max())),
    )
    return Pair(distance, *sorted((int(outermost_first[i]), int(outermost_first[j]))))


def least_overlap(points: Array) -> Pair:
    """The two rows of the (n, m) `points` ≥ 0 with the smallest Σ_k min(·, ·); a single row with itself."""

    def minus_overlap(tile: Floats, point: Floats, buffer: Floats) -> Floats:
        overlap: Floats = np.add.reduce(np.minimum(tile, point, out=buffer), axis=1)
        return -overlap

    never_skipped = np.full(len(points), np.inf)
    overlap, i, j = _largest(points, minus_overlap, never_skipped, size=float(points.sum(axis=1).max()))
    return Pair(-overlap, i, j)


def _largest(points: Array, measure: Measure, radius: Array, size: float) -> Pair:
    """The pair at the maximum of a measure ≤ radius_i + radius_j; radii fall, operands are ≤ size."""
    n, m = points.shape
    itself = measure(points[:1], points[0], np.empty((1, m)))
    best, lock = [Pair(float(itself[0]) if n == 1 else -np.inf, 0, 0)], Lock()
    size = size or 1.0
    rough, doubt = (points / size).astype(np.float32), size * _SCREENING_ERROR
    rows = max(1, _TILE_BYTES // (4 * m))

    def scan(start: int) -> None:
        tile = rough[start : start + rows]
        buffer = np.empty_like(tile)
        for i in range(start + len(tile) - 1):
            first, known = max(start, i + 1), best[0].distance
            if radius[i] + radius[first] <= known:
                return  # later i lie further in
            later = tile[first - start :]
            screened = size * measure(later, rough[i], buffer[: len(later)]).astype(np.float64)
            in_doubt = screened >= max(known - doubt, screened.max() - 2 * doubt)
            candidates = first + np.flatnonzero(in_doubt)
            if candidates.size:
                values = measure(points[candidates], points[i], np.empty((candidates.size, m)))
                j = int(np.argmax(values))
                with lock:
                    best[0] = max(best[0], Pair(float(values[j]), i, int(candidates[j])))

    starts = range(0, n, rows)
    if n * n * m < _DIFFERENCES_WORTH_A_THREAD:
        for start in starts:
            scan(start)
    else:
        with ThreadPoolExecutor(_cores()) as pool:
            list(pool.map(scan, starts))
    return best[0]


def _cores() -> int:
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
