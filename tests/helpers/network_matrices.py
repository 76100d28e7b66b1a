"""The slow oracle of network certificates: every node as an explicit matrix, float64 or Fractions.

From the records alone, with loops instead of shifted products; nothing of the verifier.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from fractions import Fraction
from itertools import product
from typing import Any

import numpy as np

from rankone.proof import network as records
from rankone.proof.network import Linear, Node

Array = Any
Number = Callable[[Any], Any]  # a recorded number -> float or Fraction


def entries(array: Array, number: Number) -> Array:
    """An array of such numbers: float64, or Fractions."""
    found = np.empty(np.size(array), object)
    found[:] = [number(x) for x in np.ravel(array).tolist()]
    found = found.reshape(np.shape(array))
    return found.astype(np.float64) if all(isinstance(x, float) for x in found.ravel()) else found


def windows(
    node: Any, kernel: Sequence[int], dilation: Sequence[int], size: Sequence[int], out: Sequence[int]
):
    """(place of y, place in the kernel, place of x), for every place of a kernel that lies in the image."""
    for place in product(*map(range, out)):
        for tap in product(*map(range, kernel)):
            at = tuple(
                p * s - before + t * d
                for p, s, (before, _), t, d in zip(
                    place, node.stride, node.padding, tap, dilation, strict=True
                )
            )
            if all(0 <= i < n for i, n in zip(at, size, strict=True)):
                yield place, tap, at


def weights(node: Linear, xs: Sequence[Array], number: Number) -> tuple[Array, Array]:
    """W (out, in) of a linear node with inputs xs, all flattened and in a row, and where there is a weight.

    Of an average without its divisor.
    """
    out, size = node.value.shape, xs[0].shape
    W = entries(np.zeros((np.prod(out, dtype=int), sum(x.size for x in xs))), number)
    there = np.zeros(W.shape, bool)

    def put(y: tuple[int, ...], x: tuple[int, ...], w: Any) -> None:
        place = np.ravel_multi_index(y, out), np.ravel_multi_index(x, size)
        W[place], there[place] = number(w), True

    match node:
        case records.Convolution():
            each = len(node.weight) // node.groups
            for place, tap, at in windows(node, node.weight.shape[2:], node.dilation, size[1:], out[1:]):
                for o, i in product(range(len(node.weight)), range(node.weight.shape[1])):
                    channel = o // each * node.weight.shape[1] + i
                    put((o, *place), (channel, *at), node.weight[(o, i, *tap)].item())
        case records.Dense():
            for lead in np.ndindex(*size[:-1]):
                for o, i in product(*map(range, node.weight.shape)):
                    put((*lead, o), (*lead, i), node.weight[o, i].item())
        case records.Affine():
            for at in np.ndindex(*size):
                put(at, at, np.broadcast_to(node.weight, size)[at].item())
        case records.Average():
            for place, _, at in windows(node, node.kernel, (1,) * len(node.kernel), size[1:], out[1:]):
                for c in range(size[0]):
                    put((c, *place), (c, *at), 1)
        case records.Add():
            for k, at in product(range(len(xs)), range(xs[0].size)):
                W[at, k * xs[0].size + at], there[at, k * xs[0].size + at] = number(1), True
    return W, there


def moved(node: Node, xs: Sequence[Array]) -> Array:
    """Of which of all inputs, flattened and in a row, each number of y is a copy; -1 for none."""
    ends = np.cumsum([0, *(x.size for x in xs)])
    index = [np.arange(a, b).reshape(x.shape) for a, b, x in zip(ends, ends[1:], xs, strict=False)]
    match node:
        case records.Rectifier():
            return index[0]
        case records.MaxPool():
            return node.winners
        case records.Concatenation():
            return np.concatenate(index, node.axis)
        case records.Reshape():
            return index[0].reshape(node.shape)
        case records.Permutation():
            return index[0].transpose(node.axes)
        case records.Gather():
            return node.index
    raise TypeError(type(node))


def values(nodes: Sequence[Node], number: Number) -> dict[str, Array]:
    """y of every node, recorded or moved."""
    found: dict[str, Array] = {}
    for node in nodes:
        xs = [found[i] for i in node.inputs]
        if hasattr(node, "value"):
            found[node.name] = entries(node.value, number)
            continue
        flat = np.concatenate([*(x.ravel() for x in xs), entries(np.zeros(1), number)])
        y = flat[moved(node, xs)]
        if isinstance(node, records.Rectifier):
            y = np.maximum(y, number(0))
            y = y if node.ceiling is None else np.minimum(y, number(node.ceiling))
        found[node.name] = y
    return found


def terms(
    node: Linear, W: Array, there: Array, x: Array, number: Number
) -> tuple[list[tuple[Array, Array]], Array]:
    """The terms (W_t, x_t) of a rule, and its bias; x flat."""
    zero, one = number(0), number(1)
    positive, negative = np.maximum(W, zero), np.maximum(-W, zero)
    ones = entries(np.ones(x.shape), number)
    bias = entries(np.zeros(len(W)), number)
    match node.rule:
        case "z_plus":
            if getattr(node, "bias", None) is not None:
                b = np.broadcast_to(node.bias, node.value.shape).ravel()
                bias = np.maximum(entries(b, number), zero)
            return [(positive, np.maximum(x, zero)), (negative, np.maximum(-x, zero))], bias
        case "excitation_backprop":
            return [(positive, np.maximum(x, zero))], bias
        case "w_square":
            return [(W * W, ones)], bias
        case "flat":
            return [(entries(there, lambda t: one if t else zero), ones)], bias
        case "z_b":
            shape = values_shape(node, x)
            low, high = (entries(np.broadcast_to(b, shape).ravel(), number) for b in (node.low, node.high))
            return [(positive, x - low), (negative, high - x)], bias
    raise ValueError(node.rule)


def values_shape(node: Linear, x: Array) -> tuple[int, ...]:
    """The shape of x of a convolution, dense or affine layer, which z_b is for in these tests."""
    match node:
        case records.Convolution():
            space = x.size // (node.weight.shape[1] * node.groups)
            side = round(space ** (1 / len(node.stride)))
            return (node.weight.shape[1] * node.groups, *(side,) * len(node.stride))
        case records.Dense():
            return (*node.value.shape[:-1], node.weight.shape[1])
    return node.value.shape


Times = Callable[[Array, Array], Array]  # a matrix and a matrix or vector -> their product


def passage(node: Node, xs: Sequence[Array], number: Number, times: Times = np.matmul) -> Array:
    """The matrix that hands relevance down, (in, out)."""
    if not isinstance(node, Linear):
        index = moved(node, xs).ravel()
        Z = entries(np.zeros((sum(x.size for x in xs), index.size)), number)
        Z[index[index >= 0], np.flatnonzero(index >= 0)] = number(1)
        return Z
    x = np.concatenate([x.ravel() for x in xs])
    W, there = weights(node, xs, number)
    some, bias = terms(node, W, there, x, number)
    z = sum((times(W_t, x_t) for W_t, x_t in some), bias)
    over = entries(z, lambda d: number(0) if d == 0 else number(1) / d)
    return sum(x_t[:, None] * W_t.T for W_t, x_t in some) * over


def columns(
    nodes: Sequence[Node], start: str, number: Number = Fraction, times: Times = np.matmul
) -> Mapping[str, Array]:
    """C (n, V) at every node that relevance of the start's units reaches, by multiplying matrices."""
    y = values(nodes, number)
    found = {start: entries(np.eye(y[start].size), number)}
    for node in reversed(nodes):
        if node.name in found and node.inputs:
            xs = [y[i] for i in node.inputs]
            r = times(passage(node, xs, number, times), found[node.name])
            ends = np.cumsum([0, *(x.size for x in xs)])
            for i, a, b in zip(node.inputs, ends, ends[1:], strict=False):
                found[i] = found[i] + r[a:b] if i in found else r[a:b]
    return found
