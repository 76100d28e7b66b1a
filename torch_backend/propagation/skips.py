"""Residual additions, h = f(x) + x: what of x's relevance comes through the identity, what through f.

    for skip in skips(graph, methods.z_plus, "logits", start):
        print(skip.block, skip.identity.sum(), skip.branch.sum())

At the addition the rule shares relevance out between the two. What goes to the identity is at x at once; what
goes to the branch passes its layers first.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import torch
from torch import Tensor

from torch_backend.graph.graph import Graph
from torch_backend.graph.node import Node
from torch_backend.graph.paths import leads_to, path, rectifier_of
from torch_backend.methods.method import Method
from torch_backend.operators.unweighted import Sum
from torch_backend.propagation.holding import held
from torch_backend.propagation.passage import hand_down, prepare
from torch_backend.propagation.relevance import relevance as sweep_down


class Residual(NamedTuple):
    """Indices of an addition and of the two nodes that it adds, x and f(x); inner: of those that make f(x)
    out of x, in call order.
    """

    addition: int
    x: int
    fx: int
    inner: tuple[int, ...]


@dataclass(frozen=True, eq=False)
class Skip:
    """Relevance at a residual addition and at the x below it, (V, B, *shape of x).

    block: the name of the addition, or of the rectifier that alone reads it; below: the name of x. arrived:
    at the addition; shared: what of it goes to the identity; both as the method carries them, carries·V
    vectors. above: what arrived, as the method reads it; identity, branch: what comes to x on either way, as
    it reads it.
    """

    block: str
    below: str
    arrived: Tensor
    shared: Tensor
    above: Tensor
    identity: Tensor
    branch: Tensor


def residuals(nodes: Sequence[Node]) -> tuple[Residual, ...]:
    """The additions h = f(x) + x whose f(x) nothing else reads, nor what it is made of; in call order.

    A skip with weights of its own, as in the first block of a ResNet's stage, is none: it has no identity.
    """
    return tuple(
        Residual(node.index, x, fx, inner)
        for node in nodes
        if isinstance(node.op, Sum) and len(node.inputs) == 2
        for x, fx in (node.inputs, node.inputs[::-1])
        if fx != x and fx in leads_to(nodes, {x})
        for inner in [tuple(made.index for made in path(nodes, nodes[fx], nodes[x]))]
        if all(reader.index in {*inner, node.index} for reader in _readers(nodes, inner))
    )


@torch.no_grad()
def skips(graph: Graph, method: Method, start: str, relevance: Tensor) -> Iterator[Skip]:
    """The residual additions on the way from `start` to the image, from the top, for the start relevance
    (V, B, *shape). Arguments and errors are those of `torch_backend.relevance`.
    """
    sweep_down(graph, method, start, relevance[:1], graph.end)  # refuses what it must
    method = method.bind(graph)
    graph = held(graph, method)
    origin, end = graph.node(start), graph.node(graph.end)
    nodes = path(graph.nodes, origin, end)
    useful = {node.index for node in nodes} | {end.index}
    residual = {found.addition: found for found in residuals(graph.nodes)}
    arrived = {origin.index: method.start(relevance.to(origin.value))}

    def pass_down(index: int, arrived: dict[int, Tensor]) -> tuple[Tensor, ...]:
        node = graph.nodes[index]
        return hand_down(node, prepare(graph, method, node), arrived, useful)

    for node in reversed(nodes):
        if node.index not in residual:
            if node.index in arrived:  # else it is of a branch, and has been passed with it
                pass_down(node.index, arrived)
            continue
        found, here = residual[node.index], arrived.pop(node.index)
        parts = dict(zip(node.inputs, pass_down(node.index, {node.index: here}), strict=True))
        through = {found.fx: parts[found.fx]}
        for index in reversed(found.inner):
            pass_down(index, through)
        below = graph.nodes[found.x]
        yield Skip(
            _name(graph.nodes, node),
            below.name,
            here,
            parts[found.x],
            method.read(node, here),
            method.read(below, parts[found.x]),
            method.read(below, through[found.x]),
        )
        for ways in ({found.x: parts[found.x]}, through):
            for index, r in ways.items():
                arrived[index] = arrived[index] + r if index in arrived else r


def _readers(nodes: Sequence[Node], some: Sequence[int]) -> list[Node]:
    return [node for node in nodes if not set(some).isdisjoint(node.inputs)]


def _name(nodes: Sequence[Node], addition: Node) -> str:
    rectifier = rectifier_of(nodes, addition.index)
    return (addition if rectifier is None else nodes[rectifier]).name
