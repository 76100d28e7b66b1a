"""A traced network and a method as the records of a certificate, which say the same without torch.

What is recorded are weights, values and the rules' names. Rules whose chains have negative numbers have no
name there, and functions that are no sums, maxima or moves no kind: both are refused by name.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from math import inf, prod
from typing import Any, NoReturn

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from rankone.errors import refuse
from rankone.proof import network as records
from torch_backend import rules
from torch_backend.graph.graph import Graph
from torch_backend.graph.node import Node
from torch_backend.graph.paths import reached_from
from torch_backend.methods.method import Method
from torch_backend.operators.convolution import Convolution
from torch_backend.operators.layout import Shape
from torch_backend.operators.linear import Dense, Diagonal
from torch_backend.operators.max_pool import MaxPool
from torch_backend.operators.operator import Image, Operator
from torch_backend.operators.rectifier import Rectifier
from torch_backend.operators.unweighted import (
    Average,
    Concatenation,
    Gather,
    Rearrangement,
    Reshape,
    Sum,
)
from torch_backend.proof.windows import Window, windows

NAMES = {
    rules.z_plus: "z_plus",
    rules.excite: "excitation_backprop",
    rules.squares: "w_square",
}
RECTIFYING = (rules.guide, rules.deconvolve)
SAME = 1e-9  # of a pooling in float64, told from windows of other sizes


def exported(graph: Graph, method: Method, start: Node) -> tuple[records.Node, ...]:
    """The records of all nodes that `start` depends on, in call order; the graph holds one image, float64.

    ValueError that names the node, or the method, for what no certificate is known of.
    """
    _refuse_rectified(method)
    depends = reached_from(graph.nodes, {start.index})
    return tuple(
        record
        for node in graph.nodes
        if node.index in depends
        for record in records_of(node.op, Site(graph, method, node))
    )


def _refuse_rectified(method: Method) -> None:
    """Why there is nothing to certify for guided backpropagation and the like."""
    if method.relu in RECTIFYING:
        refuse(
            f"method {method.name}",
            expected="a chain that is linear in the relevance",
            got="one that clips relevance between weights of both signs: the map of a mixture of classes is "
            "no mixture of their maps, no order is kept, and no bound over all starts is known",
            do="take z_plus; of this method, sample with rankone csc",
        )


@dataclass(frozen=True, eq=False)
class Site:
    """A node of a graph that a method walks."""

    graph: Graph
    method: Method
    node: Node

    @property
    def name(self) -> str:
        return self.node.name

    @property
    def inputs(self) -> tuple[str, ...]:
        """The names of what it reads."""
        return tuple(self.graph.nodes[i].name for i in self.node.inputs)

    @property
    def x(self) -> Any:
        """What it reads, (1, *in_shape)."""
        return self.graph.x(self.node)

    @property
    def value(self) -> NDArray[np.float64]:
        """What it put out, without the axis of images."""
        return self.node.value[0].contiguous().cpu().numpy()

    @property
    def linear(self) -> dict[str, Any]:
        """The fields of a linear node: name, inputs, value and rule, with the bounds of z_b."""
        rule = self.method.rule(self.node)
        if isinstance(rule, rules.Held):
            rule = rule.rule
        fields = {"name": self.name, "inputs": self.inputs, "value": self.value}
        if isinstance(rule, rules.Bounded):
            low, high = (exact(bound[0]) for bound in rule.bounds(self.x))
            return {**fields, "rule": "z_b", "low": low, "high": high}
        if rule not in NAMES:
            refuse(
                f"method {self.method.name} at {self.name} ({self.node.kind})",
                expected="a rule whose chain has no negative numbers",
                got="another one, under which the relevance of classes may cancel"
                if rule
                else "no rule for this kind of node",
                do="take z_plus, excitation_backprop, deep_taylor or alpha_beta:1:0; of signed chains, the "
                "stable rank that rankone cone prints",
            )
        return {**fields, "rule": NAMES[rule]}

    def unknown(self, why: str) -> NoReturn:
        """Refuse the node."""
        refuse(
            f"{self.name} ({self.node.kind}, {self.node.label})",
            expected="a node that a certificate has a record for: convolutions, dense layers, affine maps, "
            "additions, poolings, rectifiers, moves",
            got=why,
            do="start relevance below it: --start LAYER",
        )


def exact(t: Tensor) -> NDArray[np.floating]:
    """The numbers as float32 where that is exact, else as they are."""
    single = t.float()
    return (single if torch.equal(single.to(t.dtype), t) else t).contiguous().cpu().numpy()


def _maybe(t: Tensor | None) -> NDArray[np.floating] | None:
    return None if t is None else exact(t)


# ---------------------------------------------------------------- one operator each


def records_of(op: Operator, at: Site) -> tuple[records.Node, ...]:
    """The records of one node; the last one has its name."""
    match op:
        case Image():
            return (records.Image(name=at.name, value=exact(at.node.value[0])),)
        case Convolution():
            return (_convolution(op, at),)
        case Dense():
            return (records.Dense(**at.linear, weight=exact(op.weight), bias=_maybe(op.bias)),)
        case Diagonal():
            return (_affine(op, at),)
        case Sum():
            return (records.Add(**at.linear),)
        case Average():
            return _average(op, at)
        case MaxPool():
            return (_max_pool(op, at),)
        case Rectifier():
            ceiling = None if op.ceiling == inf else float(op.ceiling)
            return (records.Rectifier(name=at.name, inputs=at.inputs, ceiling=ceiling),)
        case Concatenation():
            axis = op.axis % len(op.out_shape)
            return (records.Concatenation(name=at.name, inputs=at.inputs, axis=axis),)
        case Reshape():
            return (records.Reshape(name=at.name, inputs=at.inputs, shape=op.out_shape),)
        case Gather():
            return (_gather(op.index.reshape(op.out_shape), at),)
        case Rearrangement():
            return (_gather(moved(op.apply, op.in_shape), at),)
    return at.unknown("another function")


def _convolution(op: Convolution, at: Site) -> records.Convolution:
    if op.in_shape != op.source:
        at.unknown("a convolution of several images side by side")
    return records.Convolution(
        **at.linear,
        weight=exact(op.weight),
        bias=_maybe(op.bias),
        stride=tuple(op.stride),
        padding=tuple((p, p) for p in op.padding),
        dilation=tuple(op.dilation),
        groups=op.groups,
    )


def _affine(op: Diagonal, at: Site) -> records.Affine:
    """Of a map that is held, with numbers for each image, those of the one image."""
    axes = len(op.in_shape)
    weight, bias = (None if t is None else exact(t[0] if t.dim() > axes else t) for t in (op.weight, op.bias))
    return records.Affine(**at.linear, weight=weight, bias=bias)


def _average(op: Average, at: Site) -> tuple[records.Node, ...]:
    """A mean over windows; where the axes of space are gone, and a reshape."""
    kept = (*op.out_shape, *[1] * (len(op.in_shape) - len(op.out_shape)))
    axes = len(op.in_shape) - 1

    def function(x: Tensor) -> Tensor:
        return op.function(x).reshape(len(x), *x.shape[1:-axes], *kept[-axes:])

    found = windows(function, op.in_shape, kept, axes)
    if found is None:
        at.unknown("a mean with weights, or over windows of several sizes")
    divisor = _divisor(found, op, kept, at)
    mean = records.Average(
        **{**at.linear, "value": at.value.reshape(kept)},
        divisor=divisor,
        kernel=tuple(w.kernel for w in found),
        stride=tuple(w.stride for w in found),
        padding=tuple((w.before, w.after) for w in found),
    )
    if kept == op.out_shape:
        return (mean,)
    below = f"{at.name}.kept"
    return (
        records.Average(**{**vars(mean), "name": below}),
        records.Reshape(name=at.name, inputs=(below,), shape=op.out_shape),
    )


def _divisor(found: tuple[Window, ...], op: Average, kept: Shape, at: Site) -> NDArray[np.floating]:
    """What the sums over the windows are divided by, which broadcasts with y; refused where it is no sum."""
    x = at.x
    sums, ones = x, torch.ones_like(x)
    for axis, window in enumerate(found, start=-len(found)):
        reach = window.reach(op.in_shape[axis], kept[axis]).to(x)
        sums, ones = ((t.movedim(axis, -1) @ reach.T).movedim(-1, axis) for t in (sums, ones))
    divisor = ones / op.function(torch.ones_like(x)).reshape(ones.shape)
    divisor = torch.where((divisor.round() / divisor - 1).abs() < SAME, divisor.round(), divisor)
    y = op.function(x).reshape(ones.shape)
    if max(w.dilation for w in found) > 1 or not torch.allclose(sums / divisor, y, rtol=SAME, atol=0):
        at.unknown("a mean with weights")
    alike = bool((divisor == divisor.flatten()[0]).all())
    return exact(divisor.flatten()[:1].reshape((1,) * len(kept)) if alike else divisor[0, :1])


def _max_pool(op: MaxPool, at: Site) -> records.MaxPool:
    found = windows(op.forward, op.in_shape, op.out_shape, op.axes)
    if found is None or len(op.in_shape) != op.axes + 1:
        at.unknown("a maximum over windows of several sizes")
    _, winner = op.function(at.x)
    first = prod(op.in_shape[1:]) * torch.arange(op.in_shape[0]).reshape(-1, *[1] * op.axes)
    return records.MaxPool(
        name=at.name,
        inputs=at.inputs,
        winners=(winner[0].cpu() + first).contiguous().numpy(),
        kernel=tuple(w.kernel for w in found),
        stride=tuple(w.stride for w in found),
        padding=tuple((w.before, w.after) for w in found),
        dilation=tuple(w.dilation for w in found),
    )


def moved(function: Callable[[Tensor], Tensor], in_shape: Shape) -> Tensor:
    """Where each number of a move comes from, -1 where a zero stands."""
    numbers = torch.arange(1.0, prod(in_shape) + 1, dtype=torch.float64).reshape(1, *in_shape)
    return function(numbers)[0].long() - 1


def _gather(index: Tensor, at: Site) -> records.Gather:
    return records.Gather(name=at.name, inputs=at.inputs, index=index.contiguous().cpu().numpy())
