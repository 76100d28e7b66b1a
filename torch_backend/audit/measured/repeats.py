"""Is the map the same when it is computed once more, and when another image is computed with it?

A map that is not says something of chance, or of the other images of its batch.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import ArrayLike

from torch_backend.audit.bench import Bench
from torch_backend.audit.measured.measurement import Arrays, Measurement, Task, beside, named, partners
from torch_backend.audit.measured.values import Values
from torch_backend.audit.options import Options
from torch_backend.audit.steadiness import gap

NAME = "repeats"


def tasks(bench: Bench, options: Options, method: str) -> list[Task]:
    """For each of the images that are looked at closely."""
    return [named(NAME, method, (k,), cost=6) for k in range(min(options.closely, len(bench.images)))]


def compute(bench: Bench, _: Options, task: Task) -> Mapping[str, ArrayLike]:
    """repeat, batch (1,): gaps; NaN for the batch where there is no other image, or where the map is zero."""
    subject, (place,) = bench.subjects[task.method], task.images
    calls = subject, subject.again or subject
    once, again = (bench.anew((place,)).trained(call) for call in calls)
    others = partners(bench, task)
    if not others:
        return {"repeat": gap(once, again), "batch": [np.nan]}
    together = bench.anew((place, *others)).trained(subject)[:1]
    return {"repeat": gap(once, again), "batch": gap(once, together)}


def fill(values: Values, m: int, parts: Sequence[tuple[Task, Arrays]]) -> None:
    """The variables repeat_gap and batch_gap."""
    for task, found in parts:
        values.put("repeat_gap", (m, list(task.images)), found["repeat"])
        values.put("batch_gap", (m, list(task.images)), found["batch"])


REPEATS = Measurement(NAME, tasks, beside, compute, fill)
