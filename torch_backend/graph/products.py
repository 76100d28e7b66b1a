"""Products of two tensors that depend on the images: gates, and functions written as x g(x).

Which factor is the gate is decided by where it comes from: a sigmoid, a softmax or a hard sigmoid, through
what moves, averages, scales or adds numbers.
"""

from __future__ import annotations

from functools import partial
from math import inf

import torch
from torch import Tensor

from torch_backend.graph import arithmetic
from torch_backend.graph.arithmetic import Part, expanded
from torch_backend.graph.attention import is_of_products
from torch_backend.graph.entries import activation, common_entries
from torch_backend.graph.norms_in_steps import divided_by_size, times_inverse_size
from torch_backend.graph.routes import destination, rearranged
from torch_backend.graph.step import Call, Operation, Read, Step
from torch_backend.operators.differentiable import Product
from torch_backend.operators.entrywise import Entrywise
from torch_backend.operators.holding import Gate
from torch_backend.operators.linear import Diagonal
from torch_backend.operators.operator import Route
from torch_backend.operators.rectifier import Rectifier
from torch_backend.operators.unweighted import Average, Sum

SOFTMAX = torch.ops.aten._softmax.default
# What makes gates, with values in [0, 1].
BOUNDED = {
    torch.ops.aten.sigmoid.default,
    torch.ops.aten.hardsigmoid.default,
    SOFTMAX,
}


def multiply(call: Call, x, other) -> Part:
    if not (isinstance(x, Read) and isinstance(other, Read)):
        return arithmetic.multiply(call, x, other)
    entries = common_entries(x, other)
    if entries is not None:
        return activation(call, entries, torch.mul)
    return times_inverse_size(call, x, other) or times_inverse_size(call, other, x) or gated(call, x, other)


def divide(call: Call, x, other) -> Part:
    if not isinstance(other, Read):
        return arithmetic.divide(call, x, other)
    if not isinstance(x, Read):
        return None
    entries = common_entries(x, other)
    return divided_by_size(call, x, other) if entries is None else activation(call, entries, torch.div)


def add_product(call: Call, x, a, b, *, value=1) -> Part:
    """x + value a ⊙ b."""
    if not isinstance(a, Read) and not isinstance(b, Read):
        return arithmetic.affine(call, x, 1.0, value * a * b)
    product = multiply(call, a, b)
    if product is None or not isinstance(x, Read):
        return arithmetic.affine(call, product, float(value), x)
    parts = expanded(call, x), arithmetic.scaled(product, value)
    if None in parts:
        return None
    return Operation(Sum, (call.image, call.image, None, 2), parts, call.arrangement)


def gated(call: Call, a: Read, b: Read) -> Operation | None:
    """s ⊙ x; None where neither factor is a gate, or both are."""
    if is_gate(a.step) == is_gate(b.step):
        return None
    x, s = (b, a) if is_gate(a.step) else (a, b)
    x, s = expanded(call, x), s if _broadcasts(call, s) else expanded(call, s)
    return None if x is None or s is None else Operation(Gate, (), (x, s), call.arrangement)


def _broadcasts(call: Call, s: Read) -> bool:
    """Whether it may stay as small as it is."""
    plain = call.arrangement.is_plain and s.arrangement.is_plain
    return plain and len(s.shape) == len(call.image)


def is_gate(step: Step) -> bool:
    """Whether its numbers are those of a bounded gate, moved, averaged, scaled, added, multiplied."""
    if step.what and step.what[0] in BOUNDED:
        return step.what[0] != SOFTMAX or not is_of_products(step)
    if isinstance(step.op, Rectifier):
        return _is_hard_sigmoid(step)
    passes = isinstance(step.op, Route | Average | Diagonal | Product | Sum)
    return passes and all(is_gate(part) for part in step.inputs)


def _is_hard_sigmoid(step: Step) -> bool:
    """min(max(x + c / 2, 0), c)."""
    (below,) = step.inputs
    ceiling = step.op.ceiling
    return ceiling < inf and isinstance(below.op, Diagonal) and bool((below.op.bias == ceiling / 2).all())


def gated_half(call: Call, x, dim=-1) -> Operation | None:
    """a ⊙ sigmoid(b) for the halves a and b along an axis (GLU, Dauphin et al. 2017)."""
    halves = [partial(_half, i=i, dim=dim) for i in (0, 1)]
    if destination(x.arrangement, halves[0], tuple(call.outputs[0].shape)) != call.arrangement:
        return None
    a, b = (rearranged(x, half, call.arrangement) for half in halves)
    gate = Operation(partial(Entrywise, torch.sigmoid), (), (b,), call.arrangement)
    return Operation(Gate, (), (a, gate), call.arrangement)


def _half(t: Tensor, i: int, dim: int) -> Tensor:
    return t.chunk(2, dim)[i]
