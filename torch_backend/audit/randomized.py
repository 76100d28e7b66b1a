"""Other weights, drawn at random, in some layers of a network.

A layer is redrawn as it was read, a batch norm folded into it and gone with it: weights iid, biases 0. (A
batch norm's stored statistics belong to the weights below it; beside others they would blow up or silence
what they were to normalise.) An affine map that folds into no layer stays as trained. A draw is keyed by its
number and the layer, so layers of equal shape get different weights, and all methods the same ones.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import replace
from math import prod, sqrt

import torch
from torch import Tensor

from rankone.results.protocol import Protocol, corrected
from torch_backend.graph.node import Node
from torch_backend.graph.rebuilt import Rebuilt
from torch_backend.operators.linear import Weighted
from torch_backend.operators.operator import Operator
from torch_backend.randomness import seeded


def drawn(
    network: Rebuilt, layers: Collection[int], key: tuple[object, ...], protocol: Protocol = corrected
) -> dict[int, Operator]:
    """The operators of these nodes (their indices) with weights drawn from (key, name of the node).

    corrected: N(0, 2 / inputs) (He et al. 2015). paper: the framework's default of its code, uniform on
    ±√(6 / (inputs + outputs)) (Glorot and Bengio 2010).
    """
    draw = glorot_uniform if protocol.draws_glorot else he_normal
    return {i: _redrawn(network.nodes[i], key, draw) for i in sorted(layers)}


def _redrawn(node: Node, key: tuple[object, ...], draw) -> Weighted:
    op = node.op
    weight = draw(op.weight.shape, seeded("random weights", *key, node.name)).to(op.weight)
    return replace(op, weight=weight, bias=None if op.bias is None else torch.zeros_like(op.bias))


def he_normal(shape: torch.Size, generator: torch.Generator) -> Tensor:
    """N(0, 2 / inputs), weights (outputs, inputs, *kernel)."""
    return sqrt(2 / prod(shape[1:])) * torch.randn(shape, generator=generator)


def glorot_uniform(shape: torch.Size, generator: torch.Generator) -> Tensor:
    """Uniform on ±√(6 / (inputs + outputs)), weights (outputs, inputs, *kernel)."""
    inputs, outputs = prod(shape[1:]), shape[0] * prod(shape[2:])
    return sqrt(6 / (inputs + outputs)) * (2 * torch.rand(shape, generator=generator) - 1)
