"""What a measurement of the audit is: tasks, each written as one unit, and where their numbers go."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from numpy.typing import ArrayLike, NDArray

from torch_backend.audit.bench import Bench
from torch_backend.audit.measured.values import Values
from torch_backend.audit.options import Options
from torch_backend.maps.controls import another

Arrays = Mapping[str, NDArray[Any]]
TOGETHER = 4  # images of a task whose maps are computed together


@dataclass(frozen=True)
class Task:
    """A part of an audit, of plain values. method: as it was written; "": of none. images: their places.
    stage: the lowest one that is destroyed, if any. cost: about how many maps take as long.
    """

    name: str
    measurement: str
    method: str
    images: tuple[int, ...]
    stage: str = ""
    cost: float = 1.0


@dataclass(frozen=True)
class Measurement:
    """One thing that is measured.

    tasks    (bench, options, method) -> its tasks, in their order; none where the method cannot have it
    depends  (bench, options, task) -> what its numbers depend on beside network, images and method
    compute  (bench, options, task) -> the arrays of a unit; a `Refusal` where the method has no such numbers
    fill     (values, m, tasks with their arrays) puts them at the m-th method
    """

    name: str
    tasks: Callable[[Bench, Options, str], Sequence[Task]]
    depends: Callable[[Bench, Options, Task], Mapping[str, Any]]
    compute: Callable[[Bench, Options, Task], Mapping[str, ArrayLike]]
    fill: Callable[[Values, int, Sequence[tuple[Task, Arrays]]], None]


def named(measurement: str, method: str, images: Sequence[int], stage: str = "", *, cost: float) -> Task:
    """A task, with the name that its unit has."""
    where = f"images {images[0]}-{images[-1]}"
    name = " ".join(word for word in (method, measurement, stage, where) if word)
    return Task(name, measurement, method, tuple(images), stage, cost)


def chunks(count: int) -> list[tuple[int, ...]]:
    """The places of all images, TOGETHER in each."""
    return [tuple(range(k, min(k + TOGETHER, count))) for k in range(0, count, TOGETHER)]


def nothing_more(_bench: Bench, _options: Options, _task: Task) -> Mapping[str, Any]:
    """The numbers depend on nothing else."""
    return {}


def beside(bench: Bench, _: Options, task: Task) -> Mapping[str, Any]:
    """They depend on the images that stand beside those of the task (`partners`)."""
    return {"beside": [bench.digests[k] for k in partners(bench, task)]}


def partners(bench: Bench, task: Task) -> tuple[int, ...]:
    """For each image of the task the place of another one (maps.controls.another); () where there is none."""
    others = another(len(bench.images))
    return () if others is None else tuple(others[list(task.images)].tolist())


def closely(measurement: str, cost: Callable[[Bench, Options], float]) -> Callable[..., list[Task]]:
    """A task for each of the images that are looked at closely, of chains."""

    def tasks(bench: Bench, options: Options, method: str) -> list[Task]:
        if not bench.is_chain(method):
            return []
        places = range(min(options.closely, len(bench.images)))
        return [named(measurement, method, (k,), cost=cost(bench, options)) for k in places]

    return tasks
