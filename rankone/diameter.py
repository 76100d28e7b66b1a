"""Extreme pairs of a finite set of points, over *all* pairs, exactly: the farthest two, the least overlap.

Hilbert's distance is a translation-invariant seminorm of log vectors (max − min), total variation one of
probability vectors (½ Σ|·|). Tiles of points stay in cache and threads share them: NumPy releases the
interpreter lock inside each. A pair is skipped only when the triangle inequality through the centre rules it
out.
"""

import os
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from threading import Lock
from typing import NamedTuple, TypeAlias

import numpy as np
from numpy.typing import NDArray

Array: TypeAlias = NDArray[np.float64]
# Seminorm of each row of a (b, m) array, which it may overwrite: returns (b,).
Seminorm: TypeAlias = Callable[[Array], Array]
# (tile (b, m), point (m,), buffer (b, m)) to a value for each of the b pairs.
Measure: TypeAlias = Callable[[Array, Array, Array], Array]

_TILE_BYTES = 2**18  # a tile and its buffer fit together in an L2 cache of 1 MiB
_DIFFERENCES_WORTH_A_THREAD = 2**22  # for fewer, starting threads costs more than it saves


class Pair(NamedTuple):
    """Two points, by index, and their distance."""

    distance: float
    i: int
    j: int


def oscillation(difference: Array) -> Array:
    """max_k − min_k of each row: the seminorm whose kernel is the constant vectors."""
    spread: Array = np.maximum.reduce(difference, axis=1) - np.minimum.reduce(difference, axis=1)
    return spread


def half_l1(difference: Array) -> Array:
    """½ Σ_k |·| of each row: total variation between probability vectors."""
    total: Array = np.add.reduce(np.abs(difference, out=difference), axis=1)
    return total / 2


def farthest_pair(points: Array, seminorm: Seminorm) -> Pair:
    """The two rows of the (n, m) finite `points` at the largest distance; (0, 0, 0) for a single row.

    n² m / 2 subtractions and one seminorm each at worst, in O(n m) memory.
    """
    centred = points - points.mean(axis=0)
    radius = np.concatenate([seminorm(centred[k : k + 1].copy()) for k in range(len(centred))])
    outermost_first = np.argsort(-radius, kind="stable")
    distance, i, j = _largest(
        centred[outermost_first],
        lambda tile, point, buffer: seminorm(np.subtract(tile, point, out=buffer)),
        radius[outermost_first],
    )
    return Pair(distance, *sorted((int(outermost_first[i]), int(outermost_first[j]))))


def least_overlap(points: Array) -> Pair:
    """The two rows of the (n, m) `points` ≥ 0 with the smallest Σ_k min(·, ·); a single row with itself."""

    def minus_overlap(tile: Array, point: Array, buffer: Array) -> Array:
        overlap: Array = np.add.reduce(np.minimum(tile, point, out=buffer), axis=1)
        return -overlap

    overlap, i, j = _largest(points, minus_overlap, np.full(len(points), np.inf))
    return Pair(-overlap, i, j)


def _largest(points: Array, measure: Measure, radius: Array) -> Pair:
    """The pair at the maximum of a measure ≤ radius_i + radius_j, points being ordered by falling radius."""
    n, m = points.shape
    rows = max(1, _TILE_BYTES // (8 * m))
    itself = measure(points[:1], points[0], np.empty((1, m)))
    best, lock = [Pair(float(itself[0]) if n == 1 else -np.inf, 0, 0)], Lock()

    def scan(start: int) -> None:
        tile = points[start : start + rows]
        buffer = np.empty_like(tile)
        for i in range(start + len(tile) - 1):
            first = max(start, i + 1)
            if radius[i] + radius[first] <= best[0].distance:
                return  # later i lie further in
            later = tile[first - start :]
            values = measure(later, points[i], buffer[: len(later)])
            j = int(np.argmax(values))
            if values[j] > best[0].distance:
                with lock:
                    best[0] = max(best[0], Pair(float(values[j]), i, first + j))

    workers = _cores() if n * n * m > _DIFFERENCES_WORTH_A_THREAD else 1
    if workers == 1:
        for start in range(0, n, rows):
            scan(start)
    else:
        with ThreadPoolExecutor(workers) as pool:
            list(pool.map(scan, range(0, n, rows)))
    return best[0]


def _cores() -> int:
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
