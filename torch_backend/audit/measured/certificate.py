"""What is proved of all classes, rounding errors included, for one image of a chain ≥ 0."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import ArrayLike

from torch_backend.audit.bench import Bench
from torch_backend.audit.measured.measurement import Arrays, Measurement, Task, named, nothing_more
from torch_backend.audit.measured.values import Values
from torch_backend.audit.options import Options
from torch_backend.proof.all_columns import Room
from torch_backend.proof.network_proof import begin, best

NAME = "certificate"
ROOM = Room(memory=1 << 31, work=4e11)  # about 40 seconds of two cores; below, the envelope goes on alone
VARIABLES = {
    "total_variation": "certified_total_variation",
    "share": "certified_share_change",
    "one_minus_cos": "certified_one_minus_cos",
}


def tasks(bench: Bench, options: Options, method: str) -> list[Task]:
    """For the first image."""
    if not options.closely or not bench.is_chain(method):
        return []
    return [named(NAME, method, (0,), cost=2.0 * bench.network.nodes[-1].shape[0] + 14)]


def compute(bench: Bench, _: Options, task: Task) -> Mapping[str, ArrayLike]:
    """layers (L,); bounds (L, 3): the VARIABLES, of each layer the best that is claimed of it; classes (L,):
    how many are compared there.
    """
    (place,) = task.images
    chain = bench.chain(task.method, bench.network)
    proof = begin(bench.examined.network, bench.images[place : place + 1], chain)
    layers = list(proof.layers(ROOM))
    return {
        "layers": np.array([certified.layer.node for certified in layers], dtype=str),
        "bounds": np.array([[bounds[name] for name in VARIABLES] for bounds in best(layers)]),
        "classes": np.array([certified.columns for certified in layers]),
    }


def fill(values: Values, m: int, parts: Sequence[tuple[Task, Arrays]]) -> None:
    """The variables certified_…, with their classes. One class alone differs from nothing: NaN."""
    for task, found in parts:
        layers = [values.place("layer", name) for name in found["layers"].tolist()]
        bounds = np.where(found["classes"][:, None] > 1, found["bounds"], np.nan)
        for k, variable in enumerate(VARIABLES.values()):
            values.put(variable, (m, task.images[0], layers), bounds[:, k])
        values.put("certified_classes", (m, task.images[0], layers), found["classes"])


CERTIFICATE = Measurement(NAME, tasks, nothing_more, compute, fill)
