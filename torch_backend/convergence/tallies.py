"""The tallies of a sweep, one for each start layer and layer: joined over images, kept as arrays."""

from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from torch_backend.convergence.statistics import Pool, Tally

Tallies = Mapping[tuple[str, str], Tally]  # (start layer, layer) -> its statistics


def joined(parts: Iterable[Tallies]) -> Tallies:
    """Of all images, from those of some each, in their order; the same whatever the parts were."""
    whole: dict[tuple[str, str], Tally] = {}
    for part in parts:
        for place, tally in part.items():
            whole.setdefault(place, Tally(channels=len(tally.widths) - 1)).join(tally)
    return whole


def as_arrays(tallies: Tallies) -> dict[str, NDArray[Any]]:
    """Arrays that hold the same, T tallies of B images.

    starts, layers, sums (T, 3)    of each: where, and its pairs, missing and negative ones
    widths, channels (T,)          `widths` of all, one after the other, with C of each
    units (T, B)                   a whole map's dimensions
    medians (T, 2, B)              of each image: over locations, and of whole maps
    bins, counts, filled (T, 2)    the bins of both histograms that are not 0, one after the other
    """
    pools = [pool for tally in tallies.values() for pool in (tally.local, tally.whole)]
    bins = [np.flatnonzero(pool.histogram) for pool in pools]
    return {
        "starts": np.array([start for start, _ in tallies], dtype=str),
        "layers": np.array([layer for _, layer in tallies], dtype=str),
        "sums": np.array([(t.pairs, t.missing, t.negative) for t in tallies.values()], dtype=np.int64),
        "widths": np.concatenate([t.widths for t in tallies.values()]),
        "channels": np.array([len(t.widths) - 1 for t in tallies.values()]),
        "units": np.array([t.units for t in tallies.values()], dtype=np.int64),
        "medians": np.array([p.image_medians for p in pools]).reshape(len(tallies), 2, -1),
        "bins": np.concatenate(bins),
        "counts": np.concatenate([p.histogram[b] for p, b in zip(pools, bins, strict=True)]),
        "filled": np.array([len(b) for b in bins]).reshape(-1, 2),
    }


def from_arrays(arrays: Mapping[str, NDArray[Any]]) -> Tallies:
    """The tallies that `as_arrays` made them of."""
    ends = np.cumsum(arrays["filled"])[:-1]
    bins, counts = np.split(arrays["bins"], ends), np.split(arrays["counts"], ends)
    widths = np.split(arrays["widths"], np.cumsum(arrays["channels"] + 1)[:-1])
    tallies: dict[tuple[str, str], Tally] = {}
    for k, place in enumerate(zip(arrays["starts"].tolist(), arrays["layers"].tolist(), strict=True)):
        tally = tallies[place] = Tally(channels=int(arrays["channels"][k]))
        tally.widths += widths[k]
        tally.units += arrays["units"][k].tolist()
        tally.pairs, tally.missing, tally.negative = arrays["sums"][k].tolist()
        for j, pool in enumerate((tally.local, tally.whole)):
            _fill(pool, arrays["medians"][k, j], bins[2 * k + j], counts[2 * k + j])
    return tallies


def _fill(pool: Pool, medians: NDArray[Any], bins: NDArray[Any], counts: NDArray[Any]) -> None:
    pool.image_medians += medians.tolist()
    pool.histogram[bins] = counts
