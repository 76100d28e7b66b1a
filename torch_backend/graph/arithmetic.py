"""Sums, constants and products: handlers with ATen's signatures (see table)."""

from __future__ import annotations

from math import isfinite, prod
from operator import methodcaller
from typing import Any

import torch
from torch import Tensor

from torch_backend.graph import routes
from torch_backend.graph.arrangement import Arrangement
from torch_backend.graph.routes import destination, mean, rearranged
from torch_backend.graph.step import Call, Operation, Read
from torch_backend.operators.layout import Shape
from torch_backend.operators.linear import Diagonal
from torch_backend.operators.unweighted import Sum

Part = Operation | Read | None


def add(call: Call, x, other, alpha=1) -> Part:
    if isinstance(x, Read) and isinstance(other, Read):
        parts = expanded(call, x), scaled(expanded(call, other), alpha)
        return (
            None
            if None in parts
            else Operation(Sum, (call.image, call.image, None, 2), parts, call.arrangement)
        )
    if isinstance(x, Read):
        return affine(call, x, 1.0, other if alpha == 1 else alpha * _real(other))
    return affine(call, other, float(alpha), x)


def subtract(call: Call, x, other, alpha=1) -> Part:
    return add(call, x, other, alpha=-alpha)


def subtract_from(call: Call, x, other, alpha=1) -> Part:
    return add(call, other, x, alpha=-alpha)


def multiply(call: Call, x, other) -> Part:
    """By a constant; products of two tensors are in products."""
    return affine(call, x, other, 0.0) if isinstance(x, Read) else affine(call, other, x, 0.0)


def divide(call: Call, x, other) -> Part:
    """By a constant."""
    return affine(call, x, 1 / _real(other), 0.0)


def negative(call: Call, x) -> Part:
    return affine(call, x, -1.0, 0.0)


def total(call: Call, x, dim=None, keepdim=False, *, dtype=None) -> Part:
    """A sum over some axes: so many times their mean."""
    average = mean(call, x, dim, keepdim)
    if average is None:
        return None
    count = prod(x.shape) / prod(average.arrangement.image)
    return scaled(average, count)


def fill(call: Call, x, mask, value) -> Part:
    """x where the mask is False, else the value."""
    if isinstance(mask, Read) or abs(value) == float("inf"):
        return None
    mask = mask.to(call.outputs[0].dtype)
    return affine(call, x, 1 - mask, value * mask)


def write(call: Call, x, source, *rest) -> Part:
    """The source, in the place of x."""
    return expanded(call, source)


def pad(call: Call, x, pad, value=0) -> Part:
    """A constant around an image: zeros, and a shift; or what no maximum chooses."""
    if value <= routes.LOWEST:
        return routes.pad_below(call, x, pad, value)
    padded = routes.pad(call, x, pad)
    if value == 0 or not isfinite(value):
        return padded if value == 0 else None
    nothing = call.outputs[0].new_zeros(x.arrangement.shape)
    return affine(call, padded, 1.0, call.function(nothing, pad, value))


def affine(call: Call, x: Part, scale: Any, shift: Any) -> Part:
    """scale ⊙ x + shift, where both are the same for all images."""
    if x is None:
        return None
    scale, shift = (of_one_image(call.arrangement, c, call.outputs[0]) for c in (scale, shift))
    x = expanded(call, x)
    if x is None or scale is None or shift is None:
        return None
    if scale.numel() == shift.numel() == 1 and (scale, shift) == (1, 0):
        return x
    return Operation(make_diagonal, (call.image, scale, shift), (x,), call.arrangement)


def _real(c: Any) -> Any:
    """A constant that may be multiplied or divided without rounding or wrapping around."""
    return c.double() if isinstance(c, Tensor) else c


def scaled(x: Part, factor: float) -> Part:
    if x is None or factor == 1:
        return x
    numbers = torch.tensor(float(factor), dtype=torch.float64), torch.tensor(0.0)
    return Operation(make_diagonal, (x.arrangement.image, *numbers), (x,), x.arrangement)


def of_one_image(arrangement: Arrangement, c: Any, like: Tensor) -> Tensor | None:
    """The constant as a tensor that broadcasts with one image's part; None if it differs between images."""
    if not isinstance(c, Tensor):
        return torch.tensor(float(c), dtype=torch.float64) if isinstance(c, int | float) else None
    if not c.is_floating_point():
        c = c.double()
    if c.numel() == 1:
        return c.reshape(())
    if arrangement.is_plain and c.dim() < like.dim():
        return c
    if arrangement.is_plain and len(c) == 1:
        return c[0]
    each = arrangement.to_images(c.expand(like.shape))
    return each[0] if bool((each == each[0]).all()) else None


def make_diagonal(shape: Shape, scale: Tensor, shift: Tensor) -> Diagonal:
    return Diagonal(shape, shape, shift, weight=scale)


def expanded(call: Call, x: Read | Operation) -> Part:
    """x with the shape of the output."""
    y = call.arrangement
    if x.arrangement == y:
        return x
    axis = len(x.arrangement.parts[0]) + len(y.shape) - len(x.arrangement.shape)
    sizes = [-1 if k == axis else n for k, n in enumerate(y.shape)]
    expand = methodcaller("expand", sizes)
    return rearranged(x, expand, y) if destination(x.arrangement, expand, y.shape) == y else None
