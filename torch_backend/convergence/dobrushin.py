"""Dobrushin's coefficient of the reversed chain: the rigorous worst case beside the parents' law.

τ₁ = ½ max_{i,k} ‖w_i − w_k‖₁ over the units of one place; f' = W f leaves of the range of f among the parents
of a place at most the part τ₁ among its units, whatever the starts (Dobrushin 1956; Seneta, chapter 3). Where
all units below have one place above, as in dense layers, it is taken over all of them and is exact. In a
convolution it is that of single places: units of two places may have no parent in common, and 1 is all
that could be said of them.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from rankone.contraction import dobrushin_coefficient
from rankone.errors import refuse
from torch_backend.convergence.reversed_chain import ReversedChain
from torch_backend.graph.graph import Graph
from torch_backend.methods.method import Method
from torch_backend.propagation.holding import held
from torch_backend.propagation.taps import Tap, taps

PLACES = 3  # of a convolution; a place of 512 channels with 9 · 512 parents takes a second
MOST = 4e10  # pairs of units times their parents; more take minutes


@dataclass(frozen=True)
class Worst:
    """places: how many were looked at, 0 for all units together; tau: the largest τ₁ of them, in [0, 1]."""

    places: int
    tau: float


def dobrushin(graph: Graph, method: Method, chain: ReversedChain, index: int) -> Worst:
    """The coefficient of what reaches the node `index` from its readers.

    ValueError for a chain with negative entries, and where pairs of units times parents are more than MOST.
    """
    method = method.bind(graph)
    graph = held(graph, method)
    edges = [
        (node.index, tap)
        for node in graph.nodes[index + 1 :]
        if node.index in chain.above
        for k, i in enumerate(node.inputs)
        if i == index
        for tap in taps(graph, method, node, k)
    ]
    p = chain.above[index].p
    alone = all(chain.above[reader].p.shape[1] == 1 for reader, _ in edges)
    places = range(p.shape[1]) if alone else _spread(p)
    rows = [_rows(edges, chain, x) for x in places]
    together = [torch.cat(rows)] if alone else rows
    if any(bool((some < 0).any()) for some in together):
        got, do = "one with negative entries", "take z_plus, alpha_beta:1:0, excitation_backprop"
        refuse(f"method {method.name}", expected="a non-negative chain", got=got, do=do)
    for w in together:
        if (work := len(w) ** 2 * w.shape[1] / 2) > MOST:
            do = "ask for another layer"
            refuse("pairs of units × parents", expected=f"at most {MOST:g}", got=f"{work:.2g}", do=do)
    taus = [dobrushin_coefficient(w.numpy()) for w in together if len(w) > 1]
    return Worst(0 if alone else len(places), max(taus, default=0.0))


def _spread(p: Tensor) -> Sequence[int]:
    """PLACES places with relevance, evenly over all of them."""
    live = p.any(0).nonzero().flatten()
    chosen = torch.linspace(0, len(live) - 1, min(PLACES, len(live)) + 2).long()[1:-1]
    return live[chosen].unique().tolist()


def _rows(edges: Sequence[tuple[int, Tap]], chain: ReversedChain, x: int) -> Tensor:
    """w_i (units with relevance, parents) of one place, in float64; parents place by place."""
    blocks = [
        tap.block(pair).double() * chain.above[reader].p[:, tap.up[pair]].double()
        for reader, tap in edges
        for pair in (tap.low == x).nonzero().flatten().tolist()
    ]
    W = torch.cat(blocks, 1)
    W = W[W.any(1)]
    return W / W.sum(1, keepdim=True)
