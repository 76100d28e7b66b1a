"""Median and quartiles, for curves: what lies beside others is shown, nothing is judged."""

import math
from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True, eq=False)
class Spread:
    """median, low and high quartile; NaN where nothing was measured."""

    median: np.ndarray
    low: np.ndarray
    high: np.ndarray


def spread(values: np.ndarray, *axes: int) -> Spread:
    """Over these axes, of what was measured: (…) in float64."""
    kept = [axis for axis in range(values.ndim) if axis not in axes]
    count = math.prod(values.shape[axis] for axis in axes)
    flat = values.transpose(*kept, *axes).reshape(*(values.shape[axis] for axis in kept), count)
    low, median, high = (np.full(flat.shape[:-1], np.nan) for _ in range(3))
    some = ~np.isnan(flat).all(-1)
    if flat.shape[-1] and some.any():
        low[some], median[some], high[some] = np.nanquantile(flat[some], (0.25, 0.5, 0.75), axis=-1)
    return Spread(median, low, high)


def median(values: np.ndarray, *axes: int) -> np.ndarray:
    """The median alone."""
    return spread(values, *axes).median
