"""K: how many rounding errors the entries of a map at each node of a network certificate may have.

Nothing is negative, so that each entry is its exact value times K factors (1 + ε)^±1, |ε| ≤ u, in whatever
order sums are taken (Higham, *Accuracy and Stability*, section 3.4). The rules stand in
docs/network_certificates.md.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from fractions import Fraction
from functools import singledispatch

import numpy as np

from rankone.errors import refuse
from rankone.proof.network import (
    Add,
    Affine,
    Average,
    Concatenation,
    Constant,
    Convolution,
    Dense,
    Gather,
    Image,
    Linear,
    MaxPool,
    Node,
    Permutation,
    Rectifier,
    Reshape,
)
from rankone.proof.rounding import UNIT_ROUNDOFF, gamma, round_up

Shape = tuple[int, ...]
ROUNDED_TERMS = ("z_b", "w_square")  # rules whose terms are rounded themselves
FROM_ENVELOPE = 1  # the division by a sum, once, where an envelope begins
ROOM = 32  # of single operations


def roundings(nodes: Sequence[Node], start: str, begin: int = 0) -> dict[str, int]:
    """K at each node that relevance of the node `start` comes to; `begin` at the start itself.

    begin: 0 for units, 1 for channels; K + FROM_ENVELOPE of a layer whose envelope is carried
    down from there.

    Raises:
        ValueError: a node of no known kind.
    """
    shape = shapes(nodes)
    arriving: dict[str, list[int]] = {start: [begin]}
    counts: dict[str, int] = {}
    for node in reversed(nodes):
        if node.name in arriving:
            each = arriving[node.name]
            counts[node.name] = max(each) + len(each) - 1
            for i in node.inputs:
                arriving.setdefault(i, []).append(counts[node.name] + adds(node, shape))
    return counts


def delta(k: int) -> float:
    """γ_K, rounded up: the relative error of an entry."""
    return round_up(*gamma(k).as_integer_ratio())


def allowance(k: int, n: int) -> Fraction:
    """3 γ_K + γ_n + 32 u: the relative error to allow for in columns of n units, so that every honest
    verifier confirms what is claimed of them (compare `rounding.allowed_error`).
    """
    return 3 * gamma(k) + gamma(n) + ROOM * UNIT_ROUNDOFF


def shapes(nodes: Sequence[Node]) -> dict[str, Shape]:
    """The shape of y at each node. ValueError for a node of no known kind."""
    found: dict[str, Shape] = {}
    for node in nodes:
        found[node.name] = _shape(node, found)
    return found


# ---------------------------------------------------------------- kinds

Shapes = Mapping[str, Shape]


@singledispatch
def adds(node: Node, _: Shapes) -> int:
    """What handing relevance down from y to the inputs adds to K; shapes of the node and its inputs by name.

    ValueError for a node of no known kind.
    """
    return refuse(node.name, expected="a kind with a count", got=type(node).__name__, do="add its rule")


@adds.register(Image | Constant | Rectifier | Concatenation | Reshape | Permutation)
def _nothing(_node: Node, _: Shapes) -> int:
    return 0


@adds.register
def _convolution(node: Convolution, shape: Shapes) -> int:
    kernel = node.weight.shape[2:]
    places = places_in_one(kernel, node.dilation, shape[node.inputs[0]][1:])
    windows = over_one_place(kernel, node.stride, node.dilation, shape[node.name][1:])
    return _shared(node, node.weight.shape[1] * places, len(node.weight) // node.groups * windows)


@adds.register
def _dense(node: Dense, _: Shapes) -> int:
    return _shared(node, node.weight.shape[1], node.weight.shape[0])


@adds.register
def _affine(node: Affine, _: Shapes) -> int:
    return _shared(node, 1, 1)


@adds.register
def _add(node: Add, _: Shapes) -> int:
    return _shared(node, len(node.inputs), 1)


@adds.register
def _average(node: Average, shape: Shapes) -> int:
    close = (1,) * len(node.kernel)
    places = places_in_one(node.kernel, close, shape[node.inputs[0]][1:])
    return _shared(node, places, over_one_place(node.kernel, node.stride, close, shape[node.name][1:]))


@adds.register
def _max_pool(node: MaxPool, shape: Shapes) -> int:
    return over_one_place(node.kernel, node.stride, node.dilation, shape[node.name][1:]) - 1


@adds.register
def _gather(node: Gather, _: Shapes) -> int:
    return int(np.bincount(node.index[node.index >= 0]).max(initial=1)) - 1


def _shared(node: Linear, n: int, m: int) -> int:
    """n + m + 6 + 2 e: z, the quotient, Wᵀ and the product with x."""
    bias = getattr(node, "bias", None) is not None
    return n + bias + m + 6 + 2 * (node.rule in ROUNDED_TERMS)


def places_in_one(kernel: Shape, dilation: Shape, size: Shape) -> int:
    """At most so many places are read by one window: zeros around them are no summands."""
    return math.prod(min(k, -(-n // d)) for k, d, n in zip(kernel, dilation, size, strict=True))


def over_one_place(kernel: Shape, stride: Shape, dilation: Shape, out: Shape) -> int:
    """At most so many windows read one place."""
    axes = zip(kernel, stride, dilation, out, strict=True)
    return math.prod(min(n, -(-k * math.gcd(s, d) // s)) for k, s, d, n in axes)


@singledispatch
def _shape(node: Node, _: Shapes) -> Shape:
    return refuse(node.name, expected="a kind with a shape", got=type(node).__name__, do="add its rule")


@_shape.register
def _recorded(node: Image | Constant | Linear, _: Shapes) -> Shape:
    return node.value.shape


@_shape.register
def _of_winners(node: MaxPool, _: Shapes) -> Shape:
    return node.winners.shape


@_shape.register
def _same(node: Rectifier, shape: Shapes) -> Shape:
    return shape[node.inputs[0]]


@_shape.register
def _joined(node: Concatenation, shape: Shapes) -> Shape:
    first = shape[node.inputs[0]]
    along = sum(shape[i][node.axis] for i in node.inputs)
    return (*first[: node.axis], along, *first[node.axis + 1 :])


@_shape.register
def _reshaped(node: Reshape, _: Shapes) -> Shape:
    return node.shape


@_shape.register
def _permuted(node: Permutation, shape: Shapes) -> Shape:
    return tuple(shape[node.inputs[0]][axis] for axis in node.axes)


@_shape.register
def _of_index(node: Gather, _: Shapes) -> Shape:
    return node.index.shape
