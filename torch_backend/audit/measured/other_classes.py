"""Is the map another one when another class is asked for? Of classes drawn for each image."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from numpy.typing import ArrayLike

from torch_backend.audit.bench import Bench
from torch_backend.audit.measured.measurement import Arrays, Measurement, Task, chunks, named
from torch_backend.audit.measured.values import Values
from torch_backend.audit.options import Options
from torch_backend.audit.part import Test
from torch_backend.audit.random_logit import other_classes

NAME = "another class"


def tasks(bench: Bench, _options: Options, method: str) -> list[Task]:
    """For all images, unless no other class is asked for."""
    count = len(others(bench)) + 1
    if count == 1:
        return []
    return [named(NAME, method, some, cost=count * len(some)) for some in chunks(len(bench.images))]


def others(bench: Bench) -> tuple[str, ...]:
    """A name for each other class that is asked for: its number."""
    return tuple(str(k) for k in range(bench.plan.classes or 0))


def depends(bench: Bench, _options: Options, _task: Task) -> dict[str, Any]:
    """The number of classes."""
    return {"classes": bench.plan.classes}


def compute(bench: Bench, _options: Options, task: Task) -> Mapping[str, ArrayLike]:
    """scores, null (K, B, S); classes (K, B)."""
    subject, part = bench.subjects[task.method], bench.part(task.images)
    found = part.compared(subject, Test())
    classes = other_classes(part.case(bench.images.dtype), subject, bench.plan.classes)
    return {"scores": found["scores"], "null": found["null"], "classes": classes.cpu().numpy()}


def fill(values: Values, m: int, parts: Sequence[tuple[Task, Arrays]]) -> None:
    """The variables logit, logit_null and other_class."""
    for task, found in parts:
        here = list(task.images)
        values.put("logit", (m, here), found["scores"].swapaxes(0, 1))
        values.put("logit_null", (m, here), found["null"].swapaxes(0, 1))
        values.put("other_class", here, found["classes"].T)


OTHER_CLASSES = Measurement(NAME, tasks, depends, compute, fill)
