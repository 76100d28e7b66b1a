"""All classes at once: the relevance operator C from the logits down, a column for each class, in float64.

Of every linear chain how near C is to rank one (operator view); of one without negative entries the cone that
its columns span, which holds the map of every class and every non-negative mixture (proof.class_cone).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from math import prod

import numpy as np
import torch
from numpy.typing import ArrayLike
from scipy.sparse.linalg import aslinearoperator

from rankone.errors import Refusal, refuse
from rankone.stable_rank import stable_rank
from torch_backend.audit.bench import Bench
from torch_backend.audit.measured.measurement import Arrays, Measurement, Task, closely, nothing_more
from torch_backend.audit.measured.values import Values
from torch_backend.audit.options import Options
from torch_backend.graph.graph import Graph
from torch_backend.graph.paths import trunk
from torch_backend.proof.class_cone import ClassCone, columns_of, cone_of_columns
from torch_backend.propagation.operator import ChainOperator

NAME = "all classes"
MEMORY = 1 << 30  # bytes of one layer's columns; where all classes have no room, only higher layers are read
VARIABLES = ("total_variation", "share_change", "diameter", "one_minus_min_cos")


def _cost(bench: Bench, _: Options) -> float:
    """In float64, and the check that a chain is linear."""
    return 3.0 * bench.network.nodes[-1].shape[0] + 20


def compute(bench: Bench, _: Options, task: Task) -> Mapping[str, ArrayLike]:
    """layers (L,); excess (L,): stable rank − 1, NaN where C is zero; cone (L, 4): the VARIABLES, NaN for
    chains with negative entries; compared (L,): classes, -1 for those.
    """
    graph = bench.graph(task.images[0], torch.float64)
    chain = bench.chain(task.method, graph)
    layers = readable(graph)
    ChainOperator(graph, chain, "logits", layers[-1])  # refuses what is not linear
    names, excesses, cones = [], [], []
    for layer, columns in columns_of(graph, chain, layers, memory=MEMORY):
        names.append(layer)
        excesses.append(stable_rank(aslinearoperator(columns)).excess if columns.any() else np.nan)
        cones.append(_cone(layer, columns))
    return {
        "layers": np.array(names, dtype=str),
        "excess": np.array(excesses),
        "cone": np.array([[getattr(cone, name) for name in VARIABLES] for cone in cones]),
        "compared": np.array([cone.classes for cone in cones]),
    }


def _cone(layer: str, columns: np.ndarray) -> ClassCone:
    try:
        return cone_of_columns(layer, columns)
    except Refusal:  # negative entries
        nothing = np.zeros((len(columns), 0))
        return replace(cone_of_columns(layer, nothing), classes=-1)


def readable(graph: Graph) -> list[str]:
    """The layers that no skip goes around, output first, down to where all columns have room. ValueError if
    not even the topmost has.
    """
    logits = graph.nodes[-1]
    below = [node for node in reversed(trunk(graph.nodes, graph.layers)) if node.index < logits.index]
    bytes_of = 8 * logits.shape[0]
    names = []
    for node in below:
        widest = max(prod(other.shape) for other in graph.nodes[node.index :])
        if bytes_of * widest <= MEMORY:
            names.append(node.name)
    if not names:
        expected = f"room for {logits.shape[0]} columns"
        refuse("classes", expected=expected, got=f"{MEMORY / 1e9:.2g} GB", do="take a network with fewer")
    return names


def fill(values: Values, m: int, parts: Sequence[tuple[Task, Arrays]]) -> None:
    """The variables stable_rank_excess, those of the cone, and classes_compared."""
    for task, found in parts:
        layers = [values.place("layer", name) for name in found["layers"].tolist()]
        here = m, task.images[0], layers
        values.put("stable_rank_excess", here, found["excess"])
        values.put("classes_compared", here, found["compared"])
        for k, name in enumerate(VARIABLES):
            values.put(name, here, found["cone"][:, k])


COLUMNS = Measurement(NAME, closely(NAME, _cost), nothing_more, compute, fill)
