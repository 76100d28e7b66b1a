"""Questions about ways through a network, as functions of its nodes in call order.

Relevance flows from a node to its inputs; a way down leads from a node to one of lower index.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence

from torch_backend.graph.node import Node
from torch_backend.operators.convolution import Convolution
from torch_backend.operators.linear import Dense, Diagonal
from torch_backend.operators.max_pool import MaxPool
from torch_backend.operators.operator import Image, Route
from torch_backend.operators.rectifier import Rectifier
from torch_backend.operators.unweighted import Average

LAYERS = (Convolution, Dense)


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
    """The image and the named layers that no skip goes around: all relevance from the output passes them."""
    named = [node for node in nodes if isinstance(node.op, Image) or node.name in layers]
    return [
        layer
        for layer in named
        if not any(i < layer.index for node in nodes[layer.index + 1 :] for i in node.inputs)
    ]


def first_layers(nodes: Sequence[Node]) -> set[int]:
    """Indices of the layers that read the image, directly or through affine nodes and routes."""
    plain = {0}
    for node in nodes[1:]:
        if isinstance(node.op, Diagonal | Route) and set(node.inputs) <= plain:
            plain.add(node.index)
    return {node.index for node in nodes if isinstance(node.op, LAYERS) and set(node.inputs) <= plain}


def last_layers(nodes: Sequence[Node]) -> set[int]:
    """The index of the layer that makes the logits, directly or through affine nodes, routes and averages."""
    index = len(nodes) - 1
    while isinstance(nodes[index].op, Route | Average | Diagonal) and len(nodes[index].inputs) == 1:
        (index,) = nodes[index].inputs
    return {index} if isinstance(nodes[index].op, LAYERS) else set()


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
