"""The books of a chain: what came into every node, what it passed down, and where the rest went.

    for entry in ledger(graph, methods.z_plus, "logits", start):
        print(entry.node.name, entry.into, entry.down, entry.bias, entry.lost)   # (V, B) each

A rule whose backward function has a `book` (torch_backend.share.Share) accounts for all it is given:
into = down + bias + epsilon + lost (times α − β for αβ rules). Other rules promise nothing; what no account
explains is `rest`.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from torch_backend.graph.graph import Graph
from torch_backend.graph.node import Node
from torch_backend.methods import Method
from torch_backend.propagation.operator import path
from torch_backend.propagation.relevance import relevance as sweep_down


@dataclass(frozen=True, eq=False)
class Entry:
    """One node's books, sums over its units, (V, B) each: relevance that came into its output, went down to
    its inputs, was drawn by its bias and by the stabiliser ε, and was lost where a denominator is 0.

    lost < 0 is growth: αβ gives out α r even where there is no negative part to take β r from, as in the
    addition of two non-negative paths.
    """

    node: Node
    into: Tensor
    down: Tensor
    bias: Tensor
    epsilon: Tensor
    lost: Tensor

    @property
    def rest(self) -> Tensor:
        """What no account explains, into − (down + bias + epsilon + lost): 0 where the rule keeps books."""
        return self.into - (self.down + self.bias + self.epsilon + self.lost)


@torch.no_grad()
def ledger(
    graph: Graph, method: Method, start: str, relevance: Tensor, at: str = "input"
) -> tuple[Entry, ...]:
    """The books of every node on the way from `start` to `at`, from the top, for the start relevance
    (V, B, *shape). Arguments and errors are those of `torch_backend.relevance`.

    The books are those of what the method carries; where it reads something else at its end (gradient ⊙
    input, DeepLIFT), they are not those of what is read.
    """
    sweep_down(graph, method, start, relevance, at)  # refuses what it must
    method, origin = method.bind(graph), graph.node(start)
    nodes = path(graph, origin, graph.node(at))
    carried = {origin.index: method.start(relevance.to(origin.value))}
    entries = []
    for node in reversed(nodes):
        r = carried.pop(node.index)
        x = node.op.join(tuple(graph.nodes[i].value for i in node.inputs), node.value)
        backward = method.rule(node)(node.op, x, node.value)
        parts = node.op.split(backward(r))
        nothing = r.new_zeros(r.shape[:2])
        bias, epsilon, lost = backward.book(r) if hasattr(backward, "book") else (nothing,) * 3
        down = sum((_total(part) for part in parts), nothing)
        entries.append(Entry(node, _total(r), down, bias + nothing, epsilon + nothing, lost + nothing))
        for i, part in zip(node.inputs, parts, strict=True):
            carried[i] = carried[i] + part if i in carried else part
    return tuple(entries)


def _total(r: Tensor) -> Tensor:
    return r.flatten(2).sum(2)
