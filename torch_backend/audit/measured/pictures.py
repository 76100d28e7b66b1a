"""A few maps to be looked at: of some classes, and with weights destroyed down to some stages."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import ArrayLike, NDArray
from torch import Tensor

from torch_backend.audit.bench import Bench
from torch_backend.audit.case import Case
from torch_backend.audit.measured.measurement import Arrays, Measurement, Task, named, nothing_more
from torch_backend.audit.measured.values import Values
from torch_backend.audit.measured.weights import destructions
from torch_backend.audit.options import Options
from torch_backend.audit.part import precisely_enough
from torch_backend.audit.random_logit import other_classes

OF_CLASSES, OF_DESTROYED = "maps of classes", "maps with weights destroyed"
IMAGES, CLASSES = 3, 4  # that are kept at most
SIDE = 96  # pixels of a kept map at most


def images(bench: Bench) -> range:
    """Those whose maps are kept."""
    return range(min(IMAGES, len(bench.images)))


def class_count(bench: Bench) -> int:
    """How many classes' maps are kept: the explained one's and others'."""
    return min(CLASSES, bench.network.nodes[-1].shape[0])


def tasks_of_classes(bench: Bench, _: Options, method: str) -> list[Task]:
    """For the first images."""
    return [named(OF_CLASSES, method, images(bench), cost=class_count(bench) * len(images(bench)))]


def tasks_of_destroyed(bench: Bench, _: Options, method: str) -> list[Task]:
    """For the first images."""
    return [
        named(OF_DESTROYED, method, images(bench), cost=2 * len(destructions(bench)) * len(images(bench)))
    ]


def of_classes(bench: Bench, _: Options, task: Task) -> Mapping[str, ArrayLike]:
    """maps (B, K, H, W), as they are kept; classes (B, K)."""
    subject, part = bench.subjects[task.method], bench.part(task.images)
    targets = part.case(bench.images.dtype).targets[None]
    some = class_count(bench) - 1
    others = [other_classes(part.case(bench.images.dtype), subject, some)] if some else []
    classes = torch.cat([targets, *others])

    def maps(case: Case) -> list[Tensor]:
        return [case.maps(subject.of(case.trained), case.trained, some) for some in classes]

    return {"maps": _kept(bench, task, maps), "classes": classes.T.cpu().numpy()}


def of_destroyed(bench: Bench, _: Options, task: Task) -> Mapping[str, ArrayLike]:
    """maps (B, K, H, W), as they are kept, of each stage, for the first draw."""
    subject = bench.subjects[task.method]

    def destroyed(case: Case, layers: tuple[int, ...]) -> Tensor:
        graph, _ = case.redrawn(layers, case.key(subject, 0))
        return case.maps(subject.of(graph), graph)

    def maps(case: Case) -> list[Tensor]:
        return [destroyed(case, test.layers) for test in destructions(bench)]

    return {"maps": _kept(bench, task, maps)}


def _kept(bench: Bench, task: Task, maps: Callable[[Case], list[Tensor]]) -> NDArray[np.float32]:
    part = bench.part(task.images)
    found, _ = precisely_enough(lambda precision: maps(part.case(precision)), bench.images.dtype)
    return torch.stack([reduced(some) for some in found], 1).numpy()


def reduced(maps: Tensor) -> Tensor:
    """(B, H, W) in at most SIDE × SIDE pixels, each the mean of those it covers; each map divided by its
    largest magnitude, float32.
    """
    small = F.adaptive_avg_pool2d(maps.double(), [min(SIDE, side) for side in maps.shape[1:]])
    return (small / small.abs().amax((1, 2), keepdim=True).clamp(min=torch.finfo(small.dtype).tiny)).float()


def fill_classes(values: Values, m: int, parts: Sequence[tuple[Task, Arrays]]) -> None:
    """The variables map and shown_class_number."""
    for _, found in parts:
        values.put("map", m, found["maps"])
        values.put("shown_class_number", ..., found["classes"])


def fill_destroyed(values: Values, m: int, parts: Sequence[tuple[Task, Arrays]]) -> None:
    """The variable map_destroyed."""
    for _, found in parts:
        values.put("map_destroyed", m, found["maps"])


MAPS_OF_CLASSES = Measurement(OF_CLASSES, tasks_of_classes, nothing_more, of_classes, fill_classes)
MAPS_OF_DESTROYED = Measurement(OF_DESTROYED, tasks_of_destroyed, nothing_more, of_destroyed, fill_destroyed)
