"""Questions about ways through a network, as functions of its nodes in call order.

Relevance flows from a node to its inputs; a way down leads from a node to one of lower index.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence

from torch_backend.graph.node import Node
from torch_backend.operators.convolution import Convolving
from torch_backend.operators.linear import Dense, Diagonal
from torch_backend.operators.max_pool import MaxPool
from torch_backend.operators.operator import Image, Route
from torch_backend.operators.rectifier import Rectifier

LAYERS = (Convolving, Dense)


def leads_to(nodes: Sequence[Node], wanted: Collection[int]) -> set[int]:
    """Indices of the nodes from which relevance flows to a wanted one, the wanted ones included."""
    leading: set[int] = set()
    for node in nodes:
        if node.index in wanted or leading.intersection(node.inputs):
            leading.add(node.index)
    return leading


def reached_from(nodes: Sequence[Node], starts: Collection[int]) -> set[int]:
    """Indices of the nodes to which relevance flows from a start, the starts included."""
    below: set[int] = set()
    for node in reversed(nodes):
        if node.index in starts or node.index in below:
            below.update((node.index, *node.inputs))
    return below


def path(nodes: Sequence[Node], start: Node, at: Node) -> list[Node]:
    """The nodes that relevance of `start` passes on its ways to `at`, in call order: `start`, not `at`."""
    passed = leads_to(nodes, {at.index}) & reached_from(nodes, {start.index}) - {at.index}
    return [nodes[index] for index in sorted(passed)]


def trunk(nodes: Sequence[Node], layers: Collection[str]) -> list[Node]:
    """The image and the named layers that no skip goes around: all relevance from the output passes them, or
    from another node if only those are given that it depends on.
    """
    named = [node for node in nodes if isinstance(node.op, Image) or node.name in layers]
    return [
        layer
        for layer in named
        if not any(i < layer.index for node in nodes if node.index > layer.index for i in node.inputs)
    ]


def first_layers(nodes: Sequence[Node]) -> tuple[set[int], set[int]]:
    """Indices of the first layers on the ways up from the image: those that read it through no other layer;
    and of those that do so with a part of their input only.
    """
    whole, part, alone, beside = set(), set(), {0}, {0}
    for node in nodes[1:]:
        if beside.isdisjoint(node.inputs):
            continue
        if isinstance(node.op, LAYERS):
            (whole if alone.issuperset(node.inputs) else part).add(node.index)
        else:
            beside.add(node.index)
            if alone.issuperset(node.inputs):
                alone.add(node.index)
    return whole, part


def last_layers(nodes: Sequence[Node]) -> tuple[set[int], set[int]]:
    """Indices of the last layers, those that no other layer reads on the way to the logits; and of those that
    another one reads, too.
    """
    readers: dict[int, list[int]] = {node.index: [] for node in nodes}
    for node in nodes:
        for i in node.inputs:
            readers[i].append(node.index)
    whole, part, alone, beside = set(), set(), set(), set()
    for node in reversed(nodes):
        output = node is nodes[-1]
        if not output and beside.isdisjoint(readers[node.index]):
            continue
        all_ = output or alone.issuperset(readers[node.index])
        if isinstance(node.op, LAYERS):
            (whole if all_ else part).add(node.index)
        else:
            beside.add(node.index)
            if all_:
                alone.add(node.index)
    return whole, part


def rectified(nodes: Sequence[Node]) -> set[int]:
    """Indices of the nodes that a rectifier reads, directly or through affine nodes, routes, max-pooling."""
    found: set[int] = set()
    for node in reversed(nodes):
        between = isinstance(node.op, Diagonal | Route | MaxPool)
        if isinstance(node.op, Rectifier) or (node.index in found and between):
            found.update(node.inputs)
    return found


def rectifier_of(nodes: Sequence[Node], index: int) -> int | None:
    """The ReLU that alone reads the node, through affine nodes, if there is one."""
    readers = [node for node in nodes if index in node.inputs]
    if len(readers) != 1:
        return None
    if isinstance(readers[0].op, Diagonal):
        return rectifier_of(nodes, readers[0].index)
    return readers[0].index if isinstance(readers[0].op, Rectifier) else None
