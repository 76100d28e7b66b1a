"""The spread of numbers along a curve: the smallest, the median and the largest at each place."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from rankone.results.table import Row

Floats = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Spread:
    """places: their names, in the order of the rows; low, median, high: (places,)."""

    places: tuple[str, ...]
    low: Floats
    median: Floats
    high: Floats


def spread(rows: Sequence[Row], column: str, *, at: str) -> Spread:
    """The spread of a column's numbers over the rows, images for example, that have the same name in `at`."""
    values: dict[str, list[float]] = {}
    for row in rows:
        values.setdefault(row[at], []).append(row[column])
    low, median, high = (np.array([of(v) for v in values.values()]) for of in (np.min, np.median, np.max))
    return Spread(tuple(values), low, median, high)
