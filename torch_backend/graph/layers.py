"""Layers with weights and rectifiers: handlers with ATen's signatures (see table)."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import partial
from math import inf
from operator import methodcaller
from typing import Any

import torch
from torch import Tensor

from rankone.errors import refuse
from torch_backend.graph.arithmetic import Part, affine
from torch_backend.graph.arrangement import Arrangement
from torch_backend.graph.step import Call, Operation, Read
from torch_backend.operators.convolution import Convolution
from torch_backend.operators.layout import Shape
from torch_backend.operators.linear import Dense, Diagonal
from torch_backend.operators.operator import Operator
from torch_backend.operators.rectifier import Clamp, Rectifier
from torch_backend.operators.unweighted import Rearrangement


def constants(*arguments: Any) -> bool:
    return not any(isinstance(a, Read) for a in arguments)


def convolution(
    call: Call, x, weight, bias, stride, padding, dilation, transposed, output_padding, groups
) -> Operation | None:
    if not constants(weight, bias) or transposed:
        return None
    geometry = *(_for_each_axis(numbers, weight) for numbers in (stride, padding, dilation)), groups
    return Operation(make_convolution, (x.shape, call.image, weight, bias, *geometry), (x,), call.arrangement)


def _for_each_axis(numbers: Sequence[int], weight: Tensor) -> Shape:
    """One number may stand for all axes of the kernel."""
    return tuple(numbers) * (weight.dim() - 2 if len(numbers) == 1 else 1)


def make_convolution(
    x: Shape,
    y: Shape,
    weight: Tensor,
    bias: Tensor | None,
    stride: Shape,
    padding: Shape,
    dilation: Shape,
    groups: int,
) -> Convolution:
    if bias is not None:
        bias = bias.reshape(-1, *[1] * len(stride))
    return Convolution(x, y, bias, stride, padding, dilation, groups, weight=weight)


def product(call: Call, x, w) -> Part:
    """x W, or W x."""
    return dense(call, x, w.t()) if constants(w) else dense_in_front(call, x, w) if constants(x) else None


def product_and_bias(call: Call, bias, x, w, *, beta=1, alpha=1) -> Part:
    """β b + α x W."""
    if not constants(bias):
        return None
    found = product(call, x, w)
    return found and affine(
        replace(call, arrangement=found.arrangement), found, float(alpha), bias if beta == 1 else beta * bias
    )


def batched_product(call: Call, x, w) -> Part:
    """x W, or W x, for each of a batch of matrices W that are all the same."""
    if isinstance(x, Read) and isinstance(w, Read):
        return None
    matrices = w if isinstance(x, Read) else x
    if len(matrices) > 1 and bool((matrices != matrices[:1]).any()):
        return None
    return dense(call, x, w[0].t()) if constants(w) else dense_in_front(call, x[0], w)


def dense_in_front(call: Call, weight, x) -> Part:
    """W x, over the axis before the last one."""
    if len(x.shape) == 1:  # the images are on the last
        y = Arrangement(call.arrangement.shape, len(weight), x.arrangement.count)
        return dense(replace(call, arrangement=y), x, weight)
    if call.arrangement.parts is None:
        return None
    turn = methodcaller("transpose", -1, -2)
    turned, product = (
        Arrangement((s.count, *s.image[:-2], s.image[-1], s.image[-2]), 1, s.count)
        for s in (x.arrangement, call.arrangement)
    )
    below = Operation(partial(Rearrangement, x.shape, turned.image, function=turn), (), (x,), turned)
    layer = Operation(make_dense, (turned.image, product.image, weight), (below,), product)
    return Operation(
        partial(Rearrangement, product.image, call.image, function=turn), (), (layer,), call.arrangement
    )


def dense(call: Call, x, weight, bias=None) -> Part:
    if (
        not constants(weight, bias)
        or call.arrangement.parts is None
        or x.shape[-1:] != tuple(weight.shape[1:])
    ):  # the images are on the last axis
        return None
    product = Operation(make_dense, (x.shape, call.image, weight), (x,), call.arrangement)
    return product if bias is None else affine(call, product, 1.0, bias)


def make_dense(x: Shape, y: Shape, weight: Tensor) -> Dense:
    return Dense(x, y, weight=weight)


def batch_norm(call: Call, x, weight, bias, mean, variance, training, momentum, eps) -> Operation | None:
    if training or mean is None or variance is None:
        if call.arrangement.is_plain and call.arrangement.count > 1:
            refuse(
                "batch norm",
                expected="stored statistics",
                got="statistics of the batch, which mix the images",
                do="call model.eval() and track running statistics",
            )
        return None
    if not constants(weight, bias, mean, variance):
        return None
    axes = call.outputs[0].dim() - 2
    arguments = x.shape, axes, mean, variance, weight, bias, eps
    return Operation(make_batch_norm, arguments, (x,), call.arrangement)


def batch_norm_without_training(
    call: Call, x, weight, bias, mean, variance, momentum, eps
) -> Operation | None:
    return batch_norm(call, x, weight, bias, mean, variance, training=False, momentum=momentum, eps=eps)


def make_batch_norm(
    x: Shape,
    axes: int,
    mean: Tensor,
    variance: Tensor,
    weight: Tensor | None,
    bias: Tensor | None,
    eps: float,
) -> Diagonal:
    scale = torch.rsqrt(variance + eps) * (1 if weight is None else weight)
    shift = (0 if bias is None else bias) - mean * scale
    return Diagonal(x, x, shift.reshape(-1, *[1] * axes), weight=scale.reshape(-1, *[1] * axes))


def entrywise(operator: Callable[..., Operator]) -> Callable[..., Operation]:
    """The handler of an operator of single numbers, which takes ATen's other arguments."""
    return lambda call, x, *numbers: Operation(operator, numbers, (x,), call.arrangement)


rectify = entrywise(Rectifier)


def threshold(call: Call, x, threshold, value) -> Operation | None:
    return rectify(call, x) if (threshold, value) == (0, 0) else None


def rectify_up_to_6(call: Call, x) -> Operation:
    return hard_tanh(call, x, 0, 6)


def hard_tanh(call: Call, x, min_val=-1, max_val=1) -> Operation | None:
    known = min_val == 0 and max_val > 0
    return Operation(Rectifier, (float(max_val),), (x,), call.arrangement) if known else None


def clamp(call: Call, x, min=None, max=None) -> Operation | None:
    """min(max(x, 0), ceiling): a rectifier."""
    if not (_is(min, lambda low: low == 0) and (max is None or _is(max, lambda high: high > 0))):
        return None
    return Operation(Clamp, (inf if max is None else float(max),), (x,), call.arrangement)


def clamp_below(call: Call, x, min) -> Operation | None:
    return clamp(call, x, min, None)


def _is(value: Any, condition) -> bool:
    return isinstance(value, int | float) and condition(value)
