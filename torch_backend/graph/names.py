"""Names of nodes: the paper's for chains like VGG and for residual networks, the module path elsewhere.

A chain (no addition, no concatenation): conv<stage>_<i> and fc<i>; a stage ends where the resolution
halves. A residual network: block<stage>_<k> is the ReLU after the k-th addition of a stage (the addition
itself where no ReLU follows), "dense" the one dense layer. Everything else goes by its module path. A
layer's name denotes its output after its ReLU, if it has one; <name>.pre is the value before it. The image
is "input"; of several inputs (torch_backend.graph.joined) each has its own name, and "inputs" is the rows
that they stand in.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from math import log2, prod

from torch_backend.graph.node import Node
from torch_backend.graph.paths import LAYERS, rectifier_of
from torch_backend.operators.convolution import Convolving
from torch_backend.operators.differentiable import Product
from torch_backend.operators.linear import Dense
from torch_backend.operators.unweighted import Sum


def name(nodes: Sequence[Node]) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """The name of every node, and the names of the layers in call order."""
    chain = not any(isinstance(node.op, Sum | Product) or len(node.inputs) > 1 for node in nodes)
    residual = any(isinstance(node.op, Sum) for node in nodes)
    stages = _stages(nodes)
    dense = [node.index for node in nodes if isinstance(node.op, Dense) and len(node.shape) == 1]
    count: Counter[object] = Counter()
    wanted: dict[int, str] = {}
    layers: dict[int, str] = {}
    for node in nodes:
        if isinstance(node.op, Convolving) and chain:
            count[stages[node.index]] += 1
            title = f"conv{stages[node.index]}_{count[stages[node.index]]}"
        elif isinstance(node.op, Sum) and len(node.shape) > 1:
            count[stages[node.index]] += 1
            title = f"block{stages[node.index]}_{count[stages[node.index]]}"
        elif node.index in dense and (chain or residual):
            title = "dense" if residual and len(dense) == 1 else f"fc{dense.index(node.index) + 1}"
        elif isinstance(node.op, LAYERS):
            title = node.label
        else:
            wanted.setdefault(node.index, node.label)
            continue
        anchor = rectifier_of(nodes, node.index)
        if anchor is None:
            wanted[node.index] = title
        else:
            wanted[node.index], wanted[anchor] = f"{title}.pre", title
        layers[node.index if anchor is None else anchor] = title
    unique = _unique(wanted[i] for i in range(len(nodes)))
    return unique, tuple(unique[i] for i in sorted(layers))


def _stages(nodes: Sequence[Node]) -> dict[int, int]:
    """The stage of each node: 1 at the resolution of the first convolution, one more whenever it halves."""
    size = {
        node.index: prod(node.shape[1:]) ** (1 / (len(node.shape) - 1))
        for node in nodes
        if len(node.shape) > 1
    }
    marked = [n.index for n in nodes if isinstance(n.op, Convolving | Sum) and n.index in size]
    if not marked:
        return dict.fromkeys(size, 1)
    halvings = {i: round(log2(size[marked[0]] / size[i])) for i in marked}
    ranks = sorted(set(halvings.values()))
    return {i: 1 + ranks.index(h) for i, h in halvings.items()}


def _unique(wanted: Iterable[str]) -> tuple[str, ...]:
    """A repeated name gets a number: relu, relu_2, relu_3."""
    taken: set[str] = {"logits"}
    unique = []
    for title in wanted:
        candidate, number = title, 1
        while candidate in taken:
            number += 1
            candidate = f"{title}_{number}"
        taken.add(candidate)
        unique.append(candidate)
    return tuple(unique)
