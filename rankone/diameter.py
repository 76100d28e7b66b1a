"""The diameter of a finite set of points under a translation-invariant seminorm, over *all* pairs, exactly.

Hilbert's distance is such a seminorm of log vectors (max − min), total variation one of probability vectors
(½ Σ|·|). Tiles of points stay in cache and threads share the tiles: NumPy releases the interpreter lock inside
each. A pair is skipped only when the triangle inequality through the centre shows that it is not the farthest.
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

_TILE_BYTES = 2**18  # a tile and its buffer fit together in an L2 cache of 1 MiB
_ENTRIES_WORTH_A_THREAD = 2**22  # below this many differences starting threads costs more than it saves


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
    centred, radius = centred[outermost_first], radius[outermost_first]
    n, m = centred.shape
    rows = max(1, _TILE_BYTES // (8 * m))
    best, lock = [Pair(0.0, 0, 0)], Lock()

    def scan(start: int) -> None:
        tile = centred[start : start + rows]
        buffer = np.empty_like(tile)
        for i in range(min(start + rows, n) - 1):
            if radius[i] + radius[max(start, i + 1)] <= best[0].distance:
                return  # later i lie further in
            later = tile[max(0, i + 1 - start) :]
            distances = seminorm(np.subtract(later, centred[i], out=buffer[: len(later)]))
            j = int(np.argmax(distances))
            if distances[j] > best[0].distance:
                with lock:
                    best[0] = max(best[0], Pair(float(distances[j]), i, max(start, i + 1) + j))

    workers = _cores() if n * n * m > _ENTRIES_WORTH_A_THREAD else 1
    if workers == 1:
        for start in range(0, n, rows):
            scan(start)
    else:
        with ThreadPoolExecutor(workers) as pool:
            list(pool.map(scan, range(0, n, rows)))
    distance, i, j = best[0]
    return Pair(distance, *sorted((int(outermost_first[i]), int(outermost_first[j]))))


def _cores() -> int:
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
