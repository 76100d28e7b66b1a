"""A network as it was read, carried out node by node: with other operators in some places, other weights.

The user's model is not touched, and not asked: what runs are the nodes that were read of it.

    again = Rebuilt.of(graph)                               # checked: it computes what the model does
    other = again.graph({node.index: new_op}, images)       # the same network with another layer
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import NoReturn

import torch
from torch import Tensor, nn

from rankone.errors import Overflow, refuse
from torch_backend.graph.checks import agree
from torch_backend.graph.graph import Graph
from torch_backend.graph.node import Node
from torch_backend.operators.layout import arrange, is_finite
from torch_backend.operators.operator import Operator
from torch_backend.randomness import seeded


@dataclass(frozen=True, eq=False)
class Rebuilt:
    """Nodes in call order that are carried out on any images: what a `Graph` of them reads.

    model: the user's, which says how tokens become rows (graph.joined); it does not run. changed: indices of
    the nodes whose operators are not the network's own.
    """

    nodes: tuple[Node, ...] = field(repr=False)
    layers: tuple[str, ...]
    model: nn.Module = field(repr=False)
    changed: frozenset[int] = frozenset()

    @classmethod
    def of(cls, graph: Graph) -> Rebuilt:
        """The network of the graph. ValueError if its nodes do not compute what the model does for other
        images than those it was traced with: where they hold numbers of an image, such as a mask.
        """
        again = cls(graph.nodes, graph.layers, graph.network.model)
        x = torch.cat([graph.nodes[0].value, graph.nodes[0].value[:1]])  # one image more
        others = x + x.std() * torch.randn(x.shape, generator=seeded("other images")).to(x)
        there = graph.record(others).nodes
        here = again._carried_out(others)
        for node in there:
            try:
                _, value = next(here)
            except RuntimeError:  # shapes that do not fit
                _refuse(node)
            if not agree(value, node.value, x.dtype):
                _refuse(node)
        return again

    def graph(self, operators: Mapping[int, Operator], images: Tensor) -> Graph:
        """The network with `operators` in the nodes of these indices, recorded for images (B, *input shape);
        an `Overflow` if its numbers are not finite.
        """
        nodes = tuple(replace(node, op=operators.get(node.index, node.op)) for node in self.nodes)
        other = replace(self, nodes=nodes, changed=self.changed.union(operators))
        return Graph(*other.read(images), other)

    def read(self, images: Tensor) -> tuple[tuple[Node, ...], tuple[str, ...]]:
        """The nodes with their values for images (B, *input shape), and the names of the layers."""
        nodes = tuple(replace(node, value=value) for node, value in self._carried_out(images))
        if not is_finite(nodes[-1].value):
            refuse(
                "network with other weights",
                expected="finite numbers",
                got="NaN or infinity in its output",
                do="compute it in float64, or draw smaller weights",
                kind=Overflow,
            )
        return nodes, self.layers

    def outputs(self, images: Tensor) -> Tensor:
        """The logits (B, ...)."""
        *_, (_, logits) = self._carried_out(images)
        return logits

    def _carried_out(self, images: Tensor) -> Iterator[tuple[Node, Tensor]]:
        """Each node with its value, which is forgotten here once all nodes that read it have been."""
        last_read = {i: node.index for node in self.nodes for i in node.inputs}
        values: dict[int, Tensor] = {}
        for node in self.nodes:
            if node.inputs:
                with torch.no_grad():
                    x = node.op.join(tuple(values[i] for i in node.inputs))
                    values[node.index] = arrange(node.op.forward(x))
            else:
                values[node.index] = arrange(images.detach().clone())
            yield node, values[node.index]
            for i in node.inputs:
                if last_read[i] == node.index:
                    values.pop(i, None)


def _refuse(node: Node) -> NoReturn:
    refuse(
        f"node {node.name!r}",
        expected="an operation that is the same for all images",
        got=f"one that holds numbers of those it was traced with, or their number ({node.label})",
        do="leave out tests that give the network other weights",
    )
