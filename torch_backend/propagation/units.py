"""A node's units as channels and locations, wherever a reshape or a permutation has put them."""

from __future__ import annotations

from dataclasses import dataclass
from math import prod

import torch
from torch import Tensor

from torch_backend.graph.graph import Graph
from torch_backend.graph.node import Node
from torch_backend.operators.layout import Shape
from torch_backend.operators.linear import Linear
from torch_backend.operators.operator import Route


@dataclass(frozen=True, eq=False)
class Units:
    """C channels at L locations. order: (C·L,) where each stands in the flattened value; None: as they are.

    A map (C, *space) has C channels at each place, a vector (n,) has n at one location, and a map that was
    flattened keeps its locations.
    """

    channels: int
    space: Shape
    order: Tensor | None = None

    @property
    def locations(self) -> int:
        """L."""
        return prod(self.space)

    def of(self, t: Tensor) -> Tensor:
        """(*shape of the node) -> (C, L)."""
        flat = t.reshape(-1)
        return (flat if self.order is None else flat[self.order]).view(self.channels, self.locations)

    def __eq__(self, other: object) -> bool:
        """Whether a unit has the same channel and location in both."""
        return isinstance(other, Units) and (self.channels, self.space) == (other.channels, other.space)

    __hash__ = None


def units(graph: Graph, node: Node) -> Units:
    """The units of a node of the graph."""
    if isinstance(node.op, Route) and len(node.inputs) == 1 and isinstance(node.op, Linear):
        source = sources(node.op)
        if len(source) == prod(node.op.in_shape) and bool(
            (source.sort().values == torch.arange(len(source))).all()
        ):
            there = units(graph, graph.nodes[node.inputs[0]])
            place = torch.empty_like(source)
            place[source] = torch.arange(len(source))
            order = place if there.order is None else place[there.order]
            return Units(there.channels, there.space, order)
    return Units(node.shape[0], tuple(node.shape[1:]))


def sources(op: Linear) -> Tensor:
    """Of each number that a route puts out, which one of its input it is: (n_out,), −1 for a zero."""
    count = torch.arange(1, prod(op.in_shape) + 1, dtype=torch.float64)
    return op.apply(count.view(1, *op.in_shape)).flatten().long() - 1
