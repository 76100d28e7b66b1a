"""A network's layers in the order in which their weights are destroyed: top-down, bottom-up, one at a time.

A stage is what lies between two layers that no skip goes around: of a chain one layer with weights, of a
residual network a block. Its name is that of the layer where it ends ("conv4_3", "block5_1", "dense").
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from rankone.errors import refuse
from torch_backend.graph.graph import Graph
from torch_backend.graph.paths import LAYERS, trunk


@dataclass(frozen=True)
class Stage:
    """The indices of the nodes with weights between two layers, output first."""

    name: str
    layers: tuple[int, ...]


def stages(graph: Graph) -> tuple[Stage, ...]:
    """All stages of the network, output first; ValueError if no layer has weights."""
    ends = [node.index for node in trunk(graph.nodes, graph.layers)]
    ends = sorted({*ends[1:], len(graph.nodes) - 1})
    found, begin = [], 0
    for end in ends:
        weighted = [n.index for n in graph.nodes[begin + 1 : end + 1] if isinstance(n.op, LAYERS)]
        if weighted:
            found.append(Stage(_named(graph, end), tuple(reversed(weighted))))
        begin = end
    if not found:
        refuse(
            "model",
            expected="convolutions or dense layers, whose weights are destroyed",
            got="none",
            do="give a network with weights",
        )
    return tuple(reversed(found))


def _named(graph: Graph, index: int) -> str:
    """The name of the last layer at or below the node."""
    known = {graph.node(name).index: name for name in graph.layers}
    return known[max(i for i in known if i <= index)]


def destroyed(all_stages: Sequence[Stage], order: Order, name: str) -> frozenset[int]:
    """The nodes whose weights are destroyed when `order` has come to the stage of that name; ValueError if
    there is none.
    """
    names = [stage.name for stage in all_stages]
    if name not in names:
        refuse("stage", expected=f"one of {', '.join(names)}", got=repr(name), do="copy one of these")
    return frozenset(i for stage in order.of(all_stages, names.index(name)) for i in stage.layers)


@dataclass(frozen=True)
class Order:
    """Which stages are destroyed with the k-th one (output first), `of(stages, k)`, and the names of stages
    (output first) in the order in which that is done, `in_turn(names)`.
    """

    name: str
    meaning: str
    of: Callable[[Sequence[Stage], int], Sequence[Stage]]
    in_turn: Callable[[Sequence[str]], Sequence[str]] = tuple


top_down = Order("top_down", "from the output down to this layer", lambda all_, k: all_[: k + 1])
bottom_up = Order(
    "bottom_up", "from the image up to this layer", lambda all_, k: all_[k:], lambda names: names[::-1]
)
single = Order("single", "this layer alone", lambda all_, k: all_[k : k + 1])

ORDERS = (top_down, bottom_up, single)
