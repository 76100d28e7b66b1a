"""Is the map another one when weights are destroyed, from the output down to a stage (audit.cascade)?"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from numpy.typing import ArrayLike

from torch_backend.audit.bench import Bench, tests
from torch_backend.audit.measured.measurement import Arrays, Measurement, Task, chunks, named
from torch_backend.audit.measured.values import Values
from torch_backend.audit.options import Options
from torch_backend.audit.part import Test

NAME = "weights down to"
VARIABLES = {"scores": "cascade", "null": "cascade_null", "forward_alone": "forward_alone"}


def tasks(bench: Bench, options: Options, method: str) -> list[Task]:
    """For each stage and all images."""
    cost = 3 * options.draws
    return [
        named(NAME, method, some, test.stage, cost=cost * len(some))
        for some in chunks(len(bench.images))
        for test in destructions(bench)
    ]


def destructions(bench: Bench) -> list[Test]:
    """Those that the plan asks for, from the output down."""
    return [test for test in tests(bench) if test.order]


def depends(_bench: Bench, options: Options, _task: Task) -> dict[str, Any]:
    """The number of draws."""
    return {"draws": options.draws}


def compute(bench: Bench, _: Options, task: Task) -> Mapping[str, ArrayLike]:
    """scores, null, forward_alone (K draws, B, S)."""
    (test,) = (test for test in destructions(bench) if test.stage == task.stage)
    found = bench.part(task.images).compared(bench.subjects[task.method], test)
    return {name: found[name] for name in VARIABLES}


def fill(values: Values, m: int, parts: Sequence[tuple[Task, Arrays]]) -> None:
    """The variables cascade, cascade_null and forward_alone."""
    for task, found in parts:
        stage = values.place("stage", task.stage)
        for name, variable in VARIABLES.items():
            values.put(variable, (m, stage, slice(None), list(task.images)), found[name].swapaxes(0, 1))


WEIGHTS = Measurement(NAME, tasks, depends, compute, fill)
