"""The factor of a node as a dense matrix, made of one-hot vectors: the oracle of everything local."""

from collections.abc import Iterable

import numpy as np
import torch
from numpy.typing import NDArray

from torch_backend.graph.graph import Graph
from torch_backend.graph.node import Node
from torch_backend.methods.method import Method
from torch_backend.propagation.passage import prepare
from torch_backend.propagation.taps import Tap
from torch_backend.propagation.units import units

Matrix = NDArray[np.float64]


@torch.no_grad()
def factor(graph: Graph, method: Method, node: Node, k: int) -> Matrix:
    """Z (C_in L_in, C_out L_out) of the node's k-th input, units as channels and locations."""
    n = node.value.numel()
    one_hot = torch.eye(n, dtype=node.value.dtype).view(n, 1, *node.shape)
    below = prepare(graph, method, node)(one_hot)[k].expand(n, 1, *graph.nodes[node.inputs[k]].shape)
    rows = torch.stack([units(graph, graph.nodes[node.inputs[k]]).of(r).flatten() for r in below[:, 0]])
    columns = units(graph, node).of(torch.arange(n)).flatten()
    return rows[columns].T.numpy()


def from_taps(graph: Graph, node: Node, k: int, taps: Iterable[Tap]) -> Matrix:
    """The same matrix, put together from taps."""
    below, above = units(graph, graph.nodes[node.inputs[k]]), units(graph, node)
    Z = np.zeros((below.channels, below.locations, above.channels, above.locations))
    for tap in taps:
        for j in range(above.channels):
            one_hot = torch.zeros(above.channels, len(tap.up), dtype=node.value.dtype)
            one_hot[j] = 1
            Z[:, tap.low.numpy(), j, tap.up.numpy()] += tap.down(one_hot).numpy()
    return Z.reshape(below.channels * below.locations, -1)
