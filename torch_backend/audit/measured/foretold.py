"""What convergence measures, predicted from one pass of an image's factors (convergence.predicted)."""

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
from torch_backend.convergence.predicted import closure, foretold

NAME = "predicted"
PASSES = 40.0  # that a law takes for a chain, about


def _cost(*_: object) -> float:
    return PASSES


def depends(bench: Bench, options: Options, _task: Task) -> dict[str, Any]:
    """The starts."""
    return {"starts": list(starts_of(bench, options))}


def compute(bench: Bench, options: Options, task: Task) -> Mapping[str, ArrayLike]:
    """places (n, 2): start and layer; log10 (n,): of the median of 1 − |cos|."""
    (place,), starts = task.images, starts_of(bench, options)

    def found(precision):
        graph = bench.graph_on_cpu(place, precision)
        (law,) = foretold(graph, bench.chain(task.method, graph), (closure,), starts, options.seed)
        return law

    law, _ = precisely_enough(found, bench.images.dtype)
    return {"places": np.array(list(law), dtype=str).reshape(-1, 2), "log10": np.array(list(law.values()))}


def fill(values: Values, m: int, parts: Sequence[tuple[Task, Arrays]]) -> None:
    """The variable predicted: the median over images, in decades."""
    of_images: dict[tuple[str, str], list[float]] = {}
    for _, found in parts:
        for (start, layer), number in zip(found["places"].tolist(), found["log10"].tolist(), strict=True):
            of_images.setdefault((start, layer), []).append(number)
    for (start, layer), decades in of_images.items():
        here = m, values.place("start", start), values.place("layer", layer)
        values.put("predicted", here, 10.0 ** float(np.median(decades)))


FORETOLD = Measurement(NAME, closely(NAME, _cost), depends, compute, fill)
