"""The largest and the smallest share of every unit over many maps, which arrive in blocks: O(n) memory.

p_ij = c_ij / Σ_i c_ij is unit i's share of the map of start j, column j of C ≥ 0, shape (n, V). What holds of
the shares over all columns holds for every non-negative mixture of them, whose shares are means of theirs.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class ShareRange:
    """Of the columns seen so far: low, high (n,) the smallest and largest share of each unit; least, most the
    smallest and largest sum of a column; silent the numbers of the zero columns, which have no shares; seen
    how many there were.
    """

    low: Array
    high: Array
    least: float
    most: float
    silent: tuple[int, ...]
    seen: int

    @classmethod
    def nothing(cls, n: int) -> ShareRange:
        """Of no column of n units."""
        return cls(np.full(n, np.inf), np.zeros(n), np.inf, 0.0, (), 0)

    def joined(self, columns: Array) -> ShareRange:
        """With v more columns, given as rows (v, n), finite and ≥ 0."""
        low, high = self.low.copy(), self.high.copy()
        masses = columns.sum(axis=1)
        for column, mass in zip(columns, masses, strict=True):
            if mass > 0:
                share = column / mass
                np.minimum(low, share, out=low)
                np.maximum(high, share, out=high)
        some = masses[masses > 0]
        silent = np.flatnonzero(masses == 0) + self.seen
        return ShareRange(
            low,
            high,
            min(self.least, some.min(initial=np.inf)),
            max(self.most, some.max(initial=0.0)),
            (*self.silent, *silent.tolist()),
            self.seen + len(columns),
        )

    @property
    def speaking(self) -> int:
        """How many columns were not zero."""
        return self.seen - len(self.silent)

    @property
    def log_ratio(self) -> float:
        """R = max_i ln(high_i / low_i) ≥ 0, +∞ where a unit has a share of some column and none of another;
        nan for fewer than one column. Δ/2 ≤ R ≤ Δ, Δ Hilbert's projective diameter of the columns.
        """
        return log_ratio(self.high, self.low)


def log_ratio(high: Array, low: Array) -> float:
    """max_i ln(high_i / low_i) over the units where high_i > 0, high ≥ low ≥ 0; +∞ where low_i is 0."""
    some = high > 0
    if not some.any():
        return float("nan")
    if not low[some].all():
        return float("inf")
    return max(0.0, float(np.log1p((high[some] - low[some]) / low[some]).max()))
