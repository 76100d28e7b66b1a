"""Columns of C on their way down from one layer of the trunk to the next.

The chain from the start to the image is cut at the layers that all relevance passes. Between two of them lies
a stretch: its nodes, with their rules at the recorded activations.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from math import prod

import torch
from torch import Tensor

from torch_backend.graph.graph import Graph
from torch_backend.graph.node import Node
from torch_backend.graph.paths import path, reached_from, trunk
from torch_backend.methods.method import Method
from torch_backend.operators.convolution import Convolving
from torch_backend.operators.linear import Weighted
from torch_backend.proof.witness import witnessed
from torch_backend.propagation.carried import Carried
from torch_backend.propagation.malloc import kept_pages
from torch_backend.propagation.passage import Passage, hand_down, prepare
from torch_backend.rules.backward import Books

PASSES = 16  # multiplications that one pass over a number in memory costs as much time as


@dataclass(frozen=True, eq=False)
class Stretch:
    """The nodes that relevance of `top` passes on its ways to `bottom`, in call order, with `top`."""

    graph: Graph
    method: Method
    top: Node
    bottom: Node
    nodes: tuple[Node, ...]

    @property
    def widest(self) -> int:
        """Numbers of the widest node."""
        return max(prod(node.shape) for node in (*self.nodes, self.bottom))

    @property
    def work(self) -> int:
        """Multiplications that a column costs, or what takes as long."""
        return sum(products(node) + PASSES * prod(node.shape) for node in self.nodes)

    @torch.no_grad()
    def prepared(self) -> Prepared:
        """With what its rules compute of the recorded activations alone."""
        passages = {node.index: prepare(self.graph, self.method, node) for node in self.nodes}
        seen = {i: replace(passage, backward=witnessed(passage.backward)) for i, passage in passages.items()}
        return Prepared(self, seen)


@dataclass(frozen=True, eq=False)
class Prepared:
    """A stretch that columns can pass."""

    stretch: Stretch
    passages: dict[int, Passage]

    @torch.no_grad()
    def down(self, columns: Tensor) -> Tensor:
        """(v, *top) -> (v, *bottom)."""
        top, bottom = self.stretch.top, self.stretch.bottom
        useful = {node.index for node in self.stretch.nodes} | {bottom.index}
        arrived = {top.index: Carried((top.name,), (len(columns),), columns[:, None], owned=False)}
        with kept_pages():
            for node in reversed(self.stretch.nodes):
                if node.index in arrived:
                    hand_down(node, self.passages[node.index].carry, arrived, useful)
            return arrived[bottom.index].product().r[:, 0]

    @torch.no_grad()
    def booked(self, vector: Tensor) -> tuple[Tensor, Books]:
        """(1, *top) -> (1, *bottom), and where the rest went: numbers (1, 1)."""
        top, bottom = self.stretch.top, self.stretch.bottom
        useful = {node.index for node in self.stretch.nodes} | {bottom.index}
        arrived = {top.index: vector[:, None]}
        total = Books(*torch.zeros(3, 1, 1).to(vector))
        for node in reversed(self.stretch.nodes):
            if node.index in arrived:
                passage = self.passages[node.index]
                books = passage.backward.book(arrived[node.index])
                total = Books(*(a + b for a, b in zip(total, books, strict=True)))
                hand_down(node, passage, arrived, useful)
        return arrived[bottom.index][:, 0], total


def stretches(graph: Graph, method: Method, start: Node) -> tuple[Stretch, ...]:
    """From the start to the image, cut at the layers that all its relevance passes, from the top."""
    below = reached_from(graph.nodes, {start.index})
    nodes = [node for node in graph.nodes if node.index in below]
    ends = [node for node in reversed(trunk(nodes, graph.layers)) if node is not start]
    return tuple(
        Stretch(graph, method, top, bottom, tuple(path(graph.nodes, top, bottom)))
        for top, bottom in zip([start, *ends], ends, strict=False)
    )


def products(node: Node) -> int:
    """Multiplications of a weight and a number."""
    match node.op:
        case Convolving() as op:
            return op.weight.numel() * prod(op.target[1:])
        case Weighted() as op:
            return op.weight.numel()
    return 0


def blocks(count: int, widest: int, memory: int) -> Sequence[slice]:
    """0 … count − 1 in pieces of as many columns as fit into `memory` bytes at the widest node."""
    size = max(1, memory // (8 * widest))
    return [slice(first, min(first + size, count)) for first in range(0, count, size)]
