"""The books of a chain: what came into every node, what it passed down, and where the rest went.

    for entry in ledger(graph, methods.z_plus, "logits", start):
        print(entry.node.name, entry.into, entry.down, entry.bias, entry.lost)   # (V, B) each

A rule that keeps books (`Backward.book`, rules.sharing) accounts for all it is given:
into = down + bias + epsilon + lost (times α − β for αβ rules). Other rules promise nothing; what no account
explains is `rest`.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from torch_backend.graph.graph import Graph
from torch_backend.graph.node import Node
from torch_backend.graph.paths import path
from torch_backend.methods.method import Method
from torch_backend.propagation.holding import held
from torch_backend.propagation.passage import hand_down, prepare
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
    method = method.bind(graph)
    graph = held(graph, method)
    origin, end = graph.node(start), graph.node(at)
    nodes = path(graph.nodes, origin, end)
    useful = {node.index for node in nodes} | {end.index}
    arrived = {origin.index: method.start(relevance.to(origin.value))}
    entries = []
    for node in reversed(nodes):
        r, passage = arrived[node.index], prepare(graph, method, node)
        nothing = r.new_zeros(r.shape[:2])
        books = passage.backward.book(r)
        down = sum((_total(part) for part in hand_down(node, passage, arrived, useful)), nothing)
        entries.append(Entry(node, _total(r), down, *(booked + nothing for booked in books)))
    return tuple(entries)


def _total(r: Tensor) -> Tensor:
    return r.flatten(2).sum(2)
