"""A traced network carried out once more in float64, node by node, as it was folded.

What is recorded are then activations of the recorded weights, with rounding errors of float64 only; weights
that were float32 stay the numbers that they are.
"""

from __future__ import annotations

from dataclasses import replace

import torch

from torch_backend.graph.graph import Graph
from torch_backend.graph.rebuilt import Rebuilt
from torch_backend.operators.linear import Weighted
from torch_backend.operators.operator import Operator


@torch.no_grad()
def in_float64(graph: Graph) -> Graph:
    """The same nodes with the same weights and images, in float64; ValueError: not all numbers are finite."""
    nodes = tuple(replace(node, op=_wide(node.op)) for node in graph.nodes)
    again = Rebuilt(nodes, graph.layers, graph.network.model)
    return again.graph({}, graph.nodes[0].value.double())


def _wide(op: Operator) -> Operator:
    return op.map(torch.Tensor.double) if isinstance(op, Weighted) else op
