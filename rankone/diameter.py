"""Extreme pairs of a finite set of points, over *all* pairs, exactly: the farthest two, the least overlap.

Hilbert's distance is a translation-invariant seminorm of log vectors (max − min), total variation one of
probability vectors (½ Σ|·|). Blocks of pairs are screened with the fastest arithmetic there is, on all cores:
max − min by NumPy in float32, Σ|·| by SciPy's compiled loop in float64 (both release the interpreter lock).
Pairs that the rounding of the screening leaves in doubt are decided in float64. A pair is skipped only when
the triangle inequality through the centre rules it out.
"""

import os
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from threading import Lock
from typing import Any, NamedTuple, TypeAlias

import numpy as np
from numpy.typing import NDArray
from scipy.spatial.distance import cdist

Array: TypeAlias = NDArray[np.float64]
Floats: TypeAlias = NDArray[Any]  # float64, or float32 while screening
Indices: TypeAlias = NDArray[np.intp]
# Seminorm of each row of a (b, m) array, which it may overwrite: returns (b,).
Seminorm: TypeAlias = Callable[[Floats], Floats]

_TILE_BYTES = 2**18  # of float32: twice that, a buffer or float64, fits in an L2 cache of 1 MiB
_BLOCK = 32  # points that meet a tile in one go: enough for the arithmetic to outweigh the calls
_DIFFERENCES_WORTH_A_THREAD = 2**22  # for fewer, starting threads costs more than it saves
# Error of a float32 oscillation ≤ 1 of operands ≤ 1/2, in units of roundoff: 1/2 for each operand and 1 for
# their difference, twice, and 1 for max − min.
_FLOAT32_ERROR = 8 * 2.0**-24


class Pair(NamedTuple):
    """Two points, by index, and their distance."""

    distance: float
    i: int
    j: int


@dataclass(frozen=True)
class Measure:
    """What is to be largest over the pairs of n points: its value in float64, and a fast guess.

    value(i, js): point i with each of the points js, (b,). screen(block, tile): all pairs of two ranges of
    points, (a, b), at most `error` from their values. radius (n,), falling: value ≤ radius_i + radius_j.
    """

    value: Callable[[int, Indices], Array]
    screen: Callable[[slice, slice], Array]
    error: float
    radius: Array


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

    seminorm: `oscillation`, `half_l1`, which have a faster way, or another. n² m / 2 differences at worst, in
    O(n m) memory. The distance is that of float64 arithmetic: within 16 u max |points − centre| of the exact
    one for max − min, (m + 8) u for ½ Σ|·|.
    """
    centre = points.mean(axis=0)
    radius = np.concatenate([seminorm(point[None] - centre) for point in points])
    outermost_first = np.argsort(-radius, kind="stable")
    centred = points[outermost_first]
    centred -= centre
    measure_of = FASTER.get(seminorm, partial(_measure_of, seminorm))
    measure = measure_of(centred, radius[outermost_first])
    distance, i, j = _largest(measure, points.shape)
    return Pair(distance, *sorted((int(outermost_first[i]), int(outermost_first[j]))))


def least_overlap(points: Array) -> Pair:
    """The two rows of the (n, m) `points` ≥ 0 with the smallest Σ_k min(·, ·); a single row with itself.

    min(p, q) = (p + q − |p − q|)/2 serves to screen; small overlaps keep their digits, as minima are summed.
    """
    n, m = points.shape
    sums = points.sum(axis=1)
    negative = Measure(
        value=lambda i, js: -np.minimum(points[js], points[i]).sum(axis=1),
        screen=lambda block, tile: (
            _half_l1_between(points[block], points[tile]) - (sums[block, None] + sums[tile]) / 2
        ),
        error=(2 * m + 16) * 2.0**-53 * float(sums.max()),  # of sums in any order
        radius=np.zeros(n),
    )
    overlap, i, j = _largest(negative, points.shape)
    return Pair(-overlap, i, j)


def _half_l1_between(points: Array, others: Array) -> Array:
    """½ Σ_k |·| of the difference of each of (a, m) and each of (b, m): (a, b)."""
    total: Array = cdist(points, others, "cityblock")
    return total / 2


def _half_l1_of(points: Array, radius: Array) -> Measure:
    """Total variation. Its screening is in float64, and so it is the value: no pair is left in doubt."""
    return Measure(
        value=lambda i, js: _half_l1_between(points[i : i + 1], points[js])[0],
        screen=lambda block, tile: _half_l1_between(points[block], points[tile]),
        error=0.0,
        radius=radius,
    )


def _oscillation_of(points: Array, radius: Array) -> Measure:
    """max − min, screened in float32."""
    size = 2 * float(max(radius.max(), np.abs(points).max())) or 1.0
    rough = np.divide(points, size, out=np.empty(points.shape, np.float32), casting="same_kind")

    def screen(block: slice, tile: slice) -> Array:
        others = rough[tile]
        buffer = np.empty_like(others)
        rows = [oscillation(np.subtract(others, point, out=buffer)) for point in rough[block]]
        return size * np.array(rows, dtype=np.float64)

    return Measure(
        value=lambda i, js: oscillation(points[js] - points[i]),
        screen=screen,
        error=size * _FLOAT32_ERROR,
        radius=radius,
    )


def _measure_of(seminorm: Seminorm, points: Array, radius: Array) -> Measure:
    """Any seminorm: every pair in float64, as it is."""

    def screen(block: slice, tile: slice) -> Array:
        return np.array([seminorm(points[tile] - point) for point in points[block]])

    return Measure(
        value=lambda i, js: seminorm(points[js] - points[i]), screen=screen, error=0.0, radius=radius
    )


FASTER: dict[Seminorm, Callable[[Array, Array], Measure]] = {
    half_l1: _half_l1_of,
    oscillation: _oscillation_of,
}


def _largest(measure: Measure, shape: tuple[int, ...]) -> Pair:
    """The pair of the n of (n, m) points at the maximum of a measure; for n = 1 the point with itself."""
    n, m = shape
    if n == 1:
        return Pair(float(measure.value(0, np.array([0]))[0]), 0, 0)
    best, lock = [Pair(-np.inf, 0, 0)], Lock()
    rows = max(1, _TILE_BYTES // (4 * m))

    def scan(start: int) -> None:
        """The pairs of a point of one tile and an earlier point."""
        stop = min(start + rows, n)
        for first in range(0, stop - 1, _BLOCK):
            known, tile = best[0].distance, slice(max(start, first), stop)
            block = slice(first, min(first + _BLOCK, stop))
            in_reach = np.count_nonzero(measure.radius[block] + measure.radius[tile.start] > known)
            if not in_reach:
                return  # later points lie further in
            screened = measure.screen(slice(first, first + in_reach), tile)
            for i, js in _in_doubt(screened, known, measure.error, tile.start - first):
                values = measure.value(first + i, tile.start + js)
                j = int(np.argmax(values))
                with lock:
                    best[0] = max(best[0], Pair(float(values[j]), first + i, tile.start + int(js[j])))

    starts = range(0, n, rows)
    if n * n * m < _DIFFERENCES_WORTH_A_THREAD:
        for start in starts:
            scan(start)
    else:
        with ThreadPoolExecutor(_cores()) as pool:
            list(pool.map(scan, starts))
    return best[0]


def _in_doubt(screened: Array, known: float, error: float, offset: int) -> list[tuple[int, Indices]]:
    """Rows i of a block of screened values, with the columns js that may hold its largest, above `known`.

    Column j is the point of row j + offset. A point is paired with later ones only.
    """
    rows, columns = np.nonzero((screened > known - error) & (screened >= screened.max() - 2 * error))
    later = columns + offset > rows
    rows, columns = rows[later], columns[later]
    return [(int(i), columns[rows == i]) for i in np.unique(rows)]


def _cores() -> int:
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
