"""The reference that a chain of signed rules starts from: the one that most of all starts turn to.

Any positive reference serves a non-negative chain. Of a signed one the sum of all classes may be what the
network hardly passes on: the logits of two classes have nearly opposite gradients. Below a start the layers
of one place, dense ones, make one matrix; its first right singular vector is what N(0, I) starts mostly have
in common below.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from torch_backend.graph.graph import Graph
from torch_backend.methods.method import Method
from torch_backend.propagation.holding import held
from torch_backend.propagation.taps import Tap, taps
from torch_backend.propagation.units import units
from torch_backend.randomness import seeded

STEPS = 30  # of power iteration: a direction that is twice as strong as the next is then known to 1e-9


@torch.no_grad()
def principal(graph: Graph, method: Method, start: str) -> Tensor:
    """(1, 1, *shape of start): the first right singular vector of what lies below with one place; ones where
    all of its entries have one sign, or nothing of one place lies below.
    """
    method = method.bind(graph)
    graph = held(graph, method)
    node = graph.node(start)
    ones = torch.ones_like(node.value)[None]
    factors = _of_one_place(graph, method, node.index)
    if not factors:
        return ones
    v = torch.randn(node.value.numel(), 1, generator=seeded("principal", start)).to(ones)
    for _ in range(STEPS):
        u = v
        for tap in factors:
            u = tap.down(u)
        for tap in reversed(factors):
            u = tap.lift(u)
        v = u / u.norm().clamp(min=torch.finfo(u.dtype).tiny)
    return ones if bool((v >= 0).all() | (v <= 0).all()) else v.view(ones.shape)


def _of_one_place(graph: Graph, method: Method, index: int) -> Sequence[Tap]:
    """The factors from a node down as far as one node of one place follows the other."""
    found: list[Tap] = []
    while True:
        node = graph.nodes[index]
        alone = [units(graph, some).locations == 1 for some in (node, *(graph.nodes[i] for i in node.inputs))]
        if len(node.inputs) != 1 or not all(alone):
            return found
        meeting = [tap for tap in taps(graph, method, node, 0) if len(tap.low)]
        if len(meeting) != 1:
            return found
        found += meeting
        (index,) = node.inputs
