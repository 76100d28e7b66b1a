"""Tiny networks as nodes of a certificate: each covers some kinds, rules and oddities; made without torch."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from rankone.proof import network as records
from rankone.proof.network import Node
from tests.helpers import network_matrices as matrices

Array = Any


def in_order(W: Array, x: Array, b: Array, dtype: Any) -> Array:
    """W x + b, one product after the other."""
    y = np.zeros(len(W), dtype)
    for j in range(W.shape[1]):
        y = y + W[:, j].astype(dtype) * x[j].astype(dtype)
    return y + b.astype(dtype)


def permuted(W: Array, x: Array, b: Array, dtype: Any) -> Array:
    """From the last to the first, the bias first."""
    y = b.astype(dtype)
    for j in reversed(range(W.shape[1])):
        y = y + W[:, j].astype(dtype) * x[j].astype(dtype)
    return y


def tree(W: Array, x: Array, b: Array, dtype: Any) -> Array:
    """Pairs of pairs."""
    terms = [*(W.astype(dtype) * x.astype(dtype)).T, b.astype(dtype)]
    while len(terms) > 1:
        terms = [sum(terms[i : i + 2][1:], terms[i]) for i in range(0, len(terms), 2)]
    return terms[0]


def pairwise(W: Array, x: Array, b: Array, dtype: Any) -> Array:
    """NumPy's own sums."""
    return np.concatenate([W * x, b[:, None]], axis=1).astype(dtype).sum(axis=1, dtype=dtype)


ORDERS = (in_order, permuted, tree, pairwise)


@dataclass
class Network:
    """Nodes that are added one by one; values are computed in `dtype`, sums in some order."""

    dtype: Any = np.float32
    order: Callable[..., Array] = in_order
    nodes: list[Node] = field(default_factory=list)

    def value(self, name: str) -> Array:
        return matrices.values(self.nodes, float)[name]

    def image(self, value: Array) -> str:
        return self._put(records.Image(name="input", value=np.asarray(value, self.dtype)))

    def constant(self, name: str, value: Array) -> str:
        return self._put(records.Constant(name=name, value=np.asarray(value, self.dtype)))

    def linear(self, kind: type[Node], name: str, *inputs: str, shape: tuple[int, ...], **fields: Any) -> str:
        """A linear node, its value computed; shape: of y."""
        node = kind(name=name, inputs=inputs, value=np.zeros(shape, self.dtype), **fields)
        xs = [self.value(i) for i in inputs]
        W, _ = matrices.weights(node, xs, float)
        x = np.concatenate([x.ravel() for x in xs])
        bias = fields.get("bias")
        b = np.zeros(len(W)) if bias is None else np.broadcast_to(bias, shape).ravel().astype(float)
        y = self.order(W, x, b, self.dtype)
        if "divisor" in fields:
            y = y / np.broadcast_to(fields["divisor"], shape).ravel().astype(self.dtype)
        return self._put(replace(node, value=y.reshape(shape).astype(self.dtype)))

    def max_pool(self, name: str, x: str, **fields: Any) -> str:
        """A max-pooling of windows over x; of equal maxima the first wins."""
        size, image = self.value(x).shape, self.value(x)
        out = tuple(
            (n + a + b - d * (k - 1) - 1) // s + 1
            for n, k, s, (a, b), d in zip(
                size[1:],
                fields["kernel"],
                fields["stride"],
                fields["padding"],
                fields["dilation"],
                strict=True,
            )
        )
        winners = np.full((size[0], *out), -1)
        node = records.MaxPool(name=name, inputs=(x,), winners=winners, **fields)
        for place, _, at in matrices.windows(node, node.kernel, node.dilation, size[1:], out):
            for c in range(size[0]):
                best, here = winners[(c, *place)], np.ravel_multi_index((c, *at), size)
                if best < 0 or image.ravel()[here] > image.ravel()[best]:
                    winners[(c, *place)] = here
        return self._put(node)

    def put(self, kind: type[Node], name: str, *inputs: str, **fields: Any) -> str:
        return self._put(kind(name=name, inputs=inputs, **fields))

    def _put(self, node: Node) -> str:
        self.nodes.append(node)
        return node.name


def _random(seed: int, *shape: int, dtype: Any = np.float32) -> Array:
    return np.random.default_rng(seed).standard_normal(shape).astype(dtype)


def _weights(seed: int, *shape: int) -> Array:
    """More positive than negative, so that most units are alive."""
    return _random(seed, *shape) + np.float32(0.5)


PLAIN = {"stride": (1, 1), "dilation": (1, 1)}
AROUND = {**PLAIN, "padding": ((1, 1), (1, 1))}


def head(net: Network, below: str, rule: str, classes: int = 3) -> str:
    """Flatten, a dense layer, the logits."""
    n = net.value(below).size
    net.put(records.Reshape, "flat", below, shape=(n,))
    W, b = _weights(7, 4, n), _random(8, 4)
    net.linear(records.Dense, "fc1", "flat", shape=(4,), rule=rule, weight=W, bias=b)
    net.put(records.Rectifier, "fc1.relu", "fc1")
    return net.linear(
        records.Dense, "fc2", "fc1.relu", shape=(classes,), rule=rule, weight=_weights(9, classes, 4)
    )


def chain(rule: str, first: str, net: Network, **bounds: Any) -> str:
    """Two convolutions, biases, an overlapping max-pooling, dense layers; the image has either sign."""
    net.image(_random(1, 2, 4, 4))
    weight, bias = _weights(2, 3, 2, 3, 3), _random(3, 3, 1, 1)
    net.linear(
        records.Convolution,
        "conv1",
        "input",
        shape=(3, 4, 4),
        rule=first,
        weight=weight,
        bias=bias,
        **AROUND,
        **bounds,
    )
    net.put(records.Rectifier, "relu1", "conv1")
    net.max_pool("pool", "relu1", kernel=(2, 2), **PLAIN, padding=((0, 0), (0, 0)))
    net.linear(
        records.Convolution,
        "conv2",
        "pool",
        shape=(4, 2, 2),
        rule=rule,
        weight=_weights(4, 4, 3, 2, 2),
        bias=_random(5, 4, 1, 1),
        stride=(2, 2),
        dilation=(1, 1),
        padding=((0, 1), (0, 1)),
    )
    net.put(records.Rectifier, "relu2", "conv2")
    return head(net, "relu2", rule)


def z_plus(net: Network) -> str:
    return chain("z_plus", "z_plus", net)


def excitation(net: Network) -> str:
    return chain("excitation_backprop", "excitation_backprop", net)


def bounded(net: Network) -> str:
    low, high = np.full((2, 1, 1), -3, np.float32), np.full((2, 1, 1), 3.5, np.float32)
    return chain("z_plus", "z_b", net, low=low, high=high)


def squares(net: Network) -> str:
    return chain("z_plus", "w_square", net)


def flat(net: Network) -> str:
    return chain("z_plus", "flat", net)


def residual(net: Network) -> str:
    """A block with its addition, a batch norm that stays affine, ReLU6, a mean over all places."""
    net.image(_random(11, 2, 3, 3))
    net.linear(
        records.Convolution,
        "conv1",
        "input",
        shape=(3, 3, 3),
        rule="z_plus",
        weight=_weights(12, 3, 2, 3, 3),
        **AROUND,
    )
    net.put(records.Rectifier, "relu1", "conv1", ceiling=6.0)
    net.linear(
        records.Affine,
        "norm",
        "relu1",
        shape=(3, 3, 3),
        rule="z_plus",
        weight=_weights(13, 3, 1, 1),
        bias=_random(14, 3, 1, 1),
    )
    net.linear(
        records.Convolution,
        "conv2",
        "norm",
        shape=(3, 3, 3),
        rule="z_plus",
        weight=_weights(15, 3, 1, 3, 3),
        groups=3,
        **AROUND,
    )
    net.linear(records.Add, "add", "conv2", "relu1", shape=(3, 3, 3), rule="z_plus")
    net.put(records.Rectifier, "relu2", "add")
    net.linear(
        records.Average,
        "mean",
        "relu2",
        shape=(3, 1, 1),
        rule="z_plus",
        kernel=(3, 3),
        stride=(1, 1),
        padding=((0, 0), (0, 0)),
        divisor=np.array(9.0),
    )
    return head(net, "mean", "z_plus")


def moves(net: Network) -> str:
    """Overlapping averages with other divisors at the edge, concatenation, permutation, gather with
    repetition and zeros, a constant, an addition of a node to itself, a convolution of two groups.
    """
    net.image(_random(21, 2, 4, 4) + 1)
    net.linear(
        records.Average,
        "average",
        "input",
        shape=(2, 3, 3),
        rule="z_plus",
        kernel=(2, 2),
        stride=(1, 1),
        padding=((0, 0), (0, 0)),
        divisor=np.array([[4, 4, 2], [4, 4, 2], [2, 2, 1]], np.float32),
    )
    net.constant("noise", abs(_random(22, 2, 3, 3)))
    net.put(records.Concatenation, "both", "average", "noise", axis=0)
    net.linear(
        records.Convolution,
        "conv",
        "both",
        shape=(4, 3, 3),
        rule="z_plus",
        weight=_weights(23, 4, 2, 3, 3),
        groups=2,
        stride=(1, 1),
        dilation=(2, 2),
        padding=((2, 2), (2, 2)),
    )
    net.put(records.Rectifier, "relu", "conv")
    net.linear(records.Add, "twice", "relu", "relu", shape=(4, 3, 3), rule="z_plus")
    net.put(records.Permutation, "turned", "twice", axes=(1, 2, 0))
    index = np.array([[0, 1, 1, -1], [35, 20, 7, 0], [9, 9, 9, 30]])
    net.put(records.Gather, "picked", "turned", index=index)
    net.linear(
        records.Dense,
        "tokens",
        "picked",
        shape=(3, 2),
        rule="z_plus",
        weight=_weights(24, 2, 4),
        bias=_random(25, 3, 2),
    )
    net.put(records.Rectifier, "relu3", "tokens")
    return head(net, "relu3", "z_plus")


def volume(net: Network) -> str:
    """Three axes of space, and one."""
    net.image(_random(31, 1, 2, 3, 2))
    net.linear(
        records.Convolution,
        "conv",
        "input",
        shape=(2, 2, 3, 2),
        rule="z_plus",
        weight=_weights(32, 2, 1, 3, 3, 1),
        stride=(1, 1, 1),
        dilation=(1, 1, 1),
        padding=((1, 1), (1, 1), (0, 0)),
    )
    net.put(records.Rectifier, "relu", "conv")
    net.put(records.Reshape, "line", "relu", shape=(2, 12))
    net.linear(
        records.Convolution,
        "conv1d",
        "line",
        shape=(3, 5),
        rule="z_plus",
        weight=_weights(33, 3, 2, 4),
        bias=_random(34, 3, 5),
        stride=(2,),
        dilation=(1,),
        padding=((0, 0),),
    )
    net.put(records.Rectifier, "relu2", "conv1d")
    return head(net, "relu2", "z_plus")


def dead(net: Network) -> str:
    """A class that reaches nothing, units without positive contributions (0/0), a rectifier that is shut."""
    net.image(abs(_random(41, 5)))
    W = _random(42, 6, 5)
    W[2] = -abs(W[2])
    net.linear(records.Dense, "fc0", "input", shape=(6,), rule="z_plus", weight=W)
    net.put(records.Rectifier, "relu0", "fc0")
    W = abs(_random(43, 4, 6))
    W[3] = -W[3]
    net.linear(records.Dense, "fc1", "relu0", shape=(4,), rule="z_plus", weight=W)
    net.put(records.Rectifier, "relu1", "fc1")
    W = abs(_random(44, 3, 4))
    W[1] = -W[1]
    return net.linear(records.Dense, "fc2", "relu1", shape=(3,), rule="z_plus", weight=W)


NETWORKS = (z_plus, excitation, bounded, squares, flat, residual, moves, volume, dead)
