"""A network as a method walks it: normalisations and gates that it holds constant are affine maps."""

from __future__ import annotations

from dataclasses import replace

from torch_backend.graph.graph import Graph
from torch_backend.graph.node import Node
from torch_backend.methods.method import Method
from torch_backend.operators.holding import Holding


def held(graph: Graph, method: Method) -> Graph:
    """The same nodes; those with a `Held` rule are the affine maps that they are at the recorded images, and
    read nothing else than what these maps read.
    """
    return replace(
        graph, nodes=tuple(_held(graph, node) if method.holds(node) else node for node in graph.nodes)
    )


def _held(graph: Graph, node: Node) -> Node:
    op: Holding = node.op
    return replace(node, op=op.held(graph.x(node)), inputs=node.inputs[:1])
