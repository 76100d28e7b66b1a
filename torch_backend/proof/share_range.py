"""The largest and the smallest share of every unit over many maps, which arrive in blocks: O(n) memory.

p_ij = c_ij / Σ_i c_ij is unit i's share of the map of start j, column j of C ≥ 0, shape (n, V). What holds of
the shares over all columns holds for every non-negative mixture of them, whose shares are means of theirs.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import inf, nan

import torch
from torch import Tensor


@dataclass(frozen=True, eq=False)
class ShareRange:
    """Of the columns seen so far: low, high (n,) the smallest and largest share of each unit; least, most the
    smallest and largest sum of a column; silent the numbers of the zero columns, which have no shares; seen
    how many there were.
    """

    low: Tensor
    high: Tensor
    least: float
    most: float
    silent: tuple[int, ...]
    seen: int

    @classmethod
    def nothing(cls, n: int, like: Tensor) -> ShareRange:
        """Of no column of n units, with the precision and device of `like`."""
        return cls(like.new_full((n,), inf), like.new_zeros(n), inf, 0.0, (), 0)

    def joined(self, columns: Tensor) -> ShareRange:
        """With v more columns, given as rows (v, n), finite and ≥ 0."""
        masses = columns.sum(1)
        speaking = masses > 0
        silent = tuple(int(j) + self.seen for j in (~speaking).nonzero())
        seen = self.seen + len(columns)
        if len(silent) == len(columns):
            return ShareRange(self.low, self.high, self.least, self.most, (*self.silent, *silent), seen)
        if silent:
            columns, masses = columns[speaking], masses[speaking]
        low, high = (columns / masses[:, None]).aminmax(dim=0)
        return ShareRange(
            torch.minimum(self.low, low),
            torch.maximum(self.high, high),
            min(self.least, float(masses.min())),
            max(self.most, float(masses.max())),
            (*self.silent, *silent),
            seen,
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


def log_ratio(high: Tensor, low: Tensor) -> float:
    """max_i ln(high_i / low_i) over the units where high_i > 0, high ≥ low ≥ 0; +∞ where low_i is 0."""
    some = high > 0
    if not some.any():
        return nan
    if not low[some].all():
        return inf
    return max(0.0, float(((high[some] - low[some]) / low[some]).log1p().max()))
