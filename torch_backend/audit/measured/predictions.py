"""The classes that the network predicts: those that are explained."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from numpy.typing import ArrayLike

from torch_backend.audit.bench import Bench
from torch_backend.audit.measured.measurement import Arrays, Measurement, Task, chunks, named, nothing_more
from torch_backend.audit.measured.values import Values
from torch_backend.audit.options import Options

NAME = "predictions"
NO_METHOD = ""  # of a task that belongs to none


def tasks(bench: Bench, _: Options, method: str = NO_METHOD) -> list[Task]:
    """For all images, of no method."""
    return [named(NAME, method, some, cost=len(some)) for some in chunks(len(bench.images))]


def compute(bench: Bench, _: Options, task: Task) -> Mapping[str, ArrayLike]:
    """targets (B,)."""
    return {"targets": bench.part(task.images).case(bench.images.dtype).targets.cpu().numpy()}


def fill(values: Values, _: int, parts: Sequence[tuple[Task, Arrays]]) -> None:
    """The variable target."""
    for task, found in parts:
        values.put("target", list(task.images), found["targets"])


PREDICTIONS = Measurement(NAME, tasks, nothing_more, compute, fill)
