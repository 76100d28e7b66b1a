"""Is the map of another image another one? And does it show more than the edges of its own?

The other image is half the images away (maps.controls.another), as neighbours are often alike. Where images
are of one kind, such as slices of one head, their maps may agree because the images do.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import ArrayLike

from torch_backend.audit.bench import Bench
from torch_backend.audit.measured.measurement import (
    Arrays,
    Measurement,
    Task,
    beside,
    chunks,
    named,
    partners,
)
from torch_backend.audit.measured.values import Values
from torch_backend.audit.options import Options
from torch_backend.audit.study import with_edges
from torch_backend.maps.scores import SCORES

NAME = "another image"


def tasks(bench: Bench, _: Options, method: str) -> list[Task]:
    """For all images."""
    return [named(NAME, method, some, cost=4 * len(some)) for some in chunks(len(bench.images))]


def compute(bench: Bench, _: Options, task: Task) -> Mapping[str, ArrayLike]:
    """edges, another, another_null (B, S): NaN where the picture is not known, and where there is one image
    only or the other one is the same.
    """
    subject, part = bench.subjects[task.method], bench.part(task.images)
    maps, pictures = part.trained(subject), bench.examined.pictures
    here = None if pictures is None else pictures[list(task.images)]
    found = {"edges": with_edges(maps, here, bench.plan.protocol)}
    others = partners(bench, task)
    if not others:
        nothing = np.full((len(maps), len(SCORES)), np.nan)
        return {**found, "another": nothing, "another_null": nothing}
    compared = part.reference(subject, maps.dtype).compare(bench.part(others).trained(subject))
    scores, null = compared.scores[0].numpy(), compared.null[0].numpy()
    same = [bench.digests[k] == bench.digests[other] for k, other in zip(task.images, others, strict=True)]
    scores[same] = np.nan
    return {**found, "another": scores, "another_null": null}


def fill(values: Values, m: int, parts: Sequence[tuple[Task, Arrays]]) -> None:
    """The variables edges, another and another_null."""
    for task, found in parts:
        for name in ("edges", "another", "another_null"):
            values.put(name, (m, list(task.images)), found[name])


IMAGE = Measurement(NAME, tasks, beside, compute, fill)
