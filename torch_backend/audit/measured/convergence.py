"""Cosine similarity convergence: where does random relevance from a layer become parallel?"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from torch_backend.audit.bench import Bench, starts_of
from torch_backend.audit.measured.measurement import Arrays, Measurement, Task, closely
from torch_backend.audit.measured.values import Values
from torch_backend.audit.options import Options
from torch_backend.audit.part import precisely_enough
from torch_backend.convergence import tallies
from torch_backend.convergence.csc import tallies_of
from torch_backend.convergence.statistics import Reading

NAME = "convergence"


def _cost(bench: Bench, options: Options) -> float:
    """On their way vectors pass half of the layers, on the average."""
    return len(starts_of(bench, options)) * options.vectors / 2


def depends(bench: Bench, options: Options, _task: Task) -> dict[str, Any]:
    """Starts and vectors."""
    return {"starts": list(starts_of(bench, options)), "vectors": options.vectors}


def compute(bench: Bench, options: Options, task: Task) -> Mapping[str, ArrayLike]:
    """The tallies of one image, as arrays."""
    (place,), starts = task.images, starts_of(bench, options)

    def found(precision):
        graph = bench.graph(place, precision)
        chain = bench.chain(task.method, graph)
        return tallies_of(graph, [bench.digests[place]], chain, starts, options.vectors, options.seed)

    return tallies.as_arrays(precisely_enough(found, bench.images.dtype)[0])


def fill(values: Values, m: int, parts: Sequence[tuple[Task, Arrays]]) -> None:
    """The variables csc and csc_…: of all images together."""
    for (start, layer), tally in tallies.joined(tallies.from_arrays(found) for _, found in parts).items():
        here = m, values.place("start", start), values.place("layer", layer)
        for name, number in numbers(tally.reading(start, layer)).items():
            values.put(name, here, number)


def numbers(reading: Reading) -> dict[str, float]:
    """What the results say of a reading."""
    low, high = reading.interval()
    logarithms = {
        "csc": reading.median,
        "csc_low": low,
        "csc_high": high,
        "csc_null": reading.null(),
        "csc_whole": reading.whole.median,
        "csc_whole_null": reading.whole_null(),
    }
    return {
        **{name: float(np.power(10.0, log10)) for name, log10 in logarithms.items()},
        "csc_within_90": reading.within(0.9),
        "csc_missing": reading.missing,
    }


CONVERGENCE = Measurement(NAME, closely(NAME, _cost), depends, compute, fill)
