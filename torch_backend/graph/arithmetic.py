"""Sums, constants and products: handlers with the signatures of torch's functions (see operation)."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from torch_backend.graph.node import Node
from torch_backend.graph.operation import Operation, constants, differentiable
from torch_backend.operators.linear import Diagonal
from torch_backend.operators.unweighted import Rearrangement, Sum


def _constant(x: Node, c: Any) -> Tensor | None:
    """The constant as a tensor that broadcasts with one image's activation; None if it cannot."""
    c = torch.as_tensor(c, dtype=x.value.dtype, device=x.value.device)
    if c.dim() == x.value.dim() and len(c) == 1:
        c = c[0]
    fits = c.dim() < x.value.dim() and torch.broadcast_shapes(c.shape, x.shape) == x.shape
    return c if fits else None


def _affine(x: Node, scale: Any, shift: Any) -> Operation | None:
    scale, shift = _constant(x, scale), _constant(x, shift)
    if scale is None or shift is None:
        return None
    return Operation(Diagonal(x.shape, x.shape, shift, weight=scale), (x,))


def _broadcast(x: Node, shape: tuple[int, ...]) -> Node | Operation:
    if x.shape == shape:
        return x
    return Operation(Rearrangement(x.shape, shape, function=lambda t: t.expand(len(t), *shape)), (x,))


def add(x, other, *, alpha=1):
    if alpha != 1:
        return differentiable(torch.add, (x, other), {"alpha": alpha})
    if isinstance(x, Node) and isinstance(other, Node):
        if len(x.shape) != len(other.shape):
            return differentiable(torch.add, (x, other), {})
        if x.shape == other.shape:
            return Operation(Sum(x.shape, x.shape, None, 2), (x, other), x.value + other.value)
        shape = tuple(torch.broadcast_shapes(x.shape, other.shape))
        parts = _broadcast(x, shape), _broadcast(other, shape)
        return Operation(Sum(shape, shape, None, 2), parts)
    x, c = (x, other) if isinstance(x, Node) else (other, x)
    if isinstance(c, int | float) and c == 0:
        return x
    return _affine(x, 1.0, c) or differentiable(torch.add, (x, c), {})


def subtract(x, other, *, alpha=1):
    if alpha != 1:
        return differentiable(torch.sub, (x, other), {"alpha": alpha})
    if isinstance(x, Node) and isinstance(other, Node):
        if x.shape != other.shape:
            return differentiable(torch.sub, (x, other), {})
        return Operation(Sum(x.shape, x.shape, None, 2), (x, _affine(other, -1.0, 0.0)))
    if isinstance(x, Node):
        return _affine(x, 1.0, -other) or differentiable(torch.sub, (x, other), {})
    return _affine(other, -1.0, x) or differentiable(torch.sub, (x, other), {})


def multiply(x, other):
    if not (isinstance(x, Node) and isinstance(other, Node)):
        node, c = (x, other) if isinstance(x, Node) else (other, x)
        if (operation := _affine(node, c, 0.0)) is not None:
            return operation
    return differentiable(torch.mul, (x, other), {})


def divide(x, other, *, rounding_mode=None):
    if isinstance(x, Node) and constants(other, rounding_mode) and rounding_mode is None:
        return _affine(x, 1 / other, 0.0) or differentiable(torch.div, (x, other), {})
    return differentiable(torch.div, (x, other), {"rounding_mode": rounding_mode})


def negative(x):
    return _affine(x, -1.0, 0.0)
