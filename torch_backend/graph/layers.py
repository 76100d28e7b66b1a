"""Layers with weights and rectifiers: handlers with ATen's signatures (see table)."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import partial
from math import inf, prod
from operator import methodcaller
from typing import Any

import torch
from torch import Tensor

from torch_backend.graph.arithmetic import Part, affine, of_one_image
from torch_backend.graph.arrangement import Arrangement
from torch_backend.graph.step import Call, Operation, Read
from torch_backend.operators.convolution import Convolution, TransposedConvolution
from torch_backend.operators.entrywise import Activation, Entrywise
from torch_backend.operators.layout import Shape
from torch_backend.operators.linear import Dense, Linear
from torch_backend.operators.operator import Operator
from torch_backend.operators.rectifier import Clamp, Rectifier
from torch_backend.operators.unweighted import Rearrangement, Reshape


def constants(*arguments: Any) -> bool:
    return not any(isinstance(a, Read) for a in arguments)


def convolution(
    call: Call, x, weight, bias, stride, padding, dilation, transposed, output_padding, groups
) -> Operation | None:
    if not constants(weight, bias):
        return None
    make = make_transposed_convolution if transposed else make_convolution
    geometry = *(_for_each_axis(numbers, weight) for numbers in (stride, padding, dilation)), groups
    layer = make, (x.shape, call.image, weight, bias, *geometry)
    own = groups == 1 and max(dilation) == 1 and not any(output_padding)
    if transposed and own and x.shape == (weight.shape[0], *[1] * len(geometry[0])):
        return _dense_of_one_pixel(call, x, *layer)
    return Operation(*layer, (x,), call.arrangement)


def _dense_of_one_pixel(call: Call, x: Read, make: Callable, arguments: tuple) -> Operation:
    """A transposed convolution of one pixel, whose outputs have each weights of their own."""
    below, above = (
        Arrangement((s.count, prod(s.image)), 1, s.count) for s in (x.arrangement, call.arrangement)
    )
    pixel = Operation(Reshape, (x.shape, below.image), (x,), below)
    layer = Operation(make_dense_of_one_pixel, (make, *arguments), (pixel,), above)
    return Operation(Reshape, (above.image, call.image), (layer,), call.arrangement)


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


def make_transposed_convolution(
    x: Shape,
    y: Shape,
    weight: Tensor,
    bias: Tensor | None,
    stride: Shape,
    padding: Shape,
    dilation: Shape,
    groups: int,
) -> TransposedConvolution:
    """weight: torch's, (C_in, C_out / groups, *kernel)."""
    if bias is not None:
        bias = bias.reshape(-1, *[1] * len(stride))
    weight = weight.unflatten(0, (groups, -1)).transpose(1, 2).flatten(0, 1)
    return TransposedConvolution(x, y, bias, stride, padding, dilation, groups, weight=weight)


def make_dense_of_one_pixel(make: Callable[..., Linear], x: Shape, y: Shape, *arguments: Any) -> Dense:
    layer = make(x, y, *arguments)
    ones = torch.eye(x[0]).to(layer.weight).view(x[0], *x)
    bias = None if layer.bias is None else layer.bias.expand(y).flatten()
    return Dense((x[0],), (prod(y),), bias, weight=layer.apply(ones).flatten(1).T.contiguous())


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


def entrywise(operator: Callable[..., Operator]) -> Callable[..., Operation]:
    """The handler of an operator of single numbers, which takes ATen's other arguments."""
    return lambda call, x, *numbers: Operation(operator, numbers, (x,), call.arrangement)


rectify = entrywise(Rectifier)


def threshold(call: Call, x, threshold, value) -> Operation | None:
    return rectify(call, x) if (threshold, value) == (0, 0) else None


def rectify_up_to_6(call: Call, x) -> Operation:
    return hard_tanh(call, x, 0, 6)


def hard_tanh(call: Call, x, min_val=-1, max_val=1) -> Operation:
    """min(max(x, low), high): a rectifier where low is 0."""
    if min_val == 0 and max_val > 0:
        return Operation(Rectifier, (float(max_val),), (x,), call.arrangement)
    return bent(call, x, min_val, max_val, zero_stays=min_val <= 0 <= max_val)


def clamp(call: Call, x, min=None, max=None) -> Operation | None:
    """min(max(x, low), high): a rectifier where low is 0."""
    if not all(limit is None or isinstance(limit, int | float) for limit in (min, max)):
        return None
    low, high = -inf if min is None else float(min), inf if max is None else float(max)
    if low == 0 and high > 0:
        return Operation(Clamp, (high,), (x,), call.arrangement)
    return bent(call, x, min, max, zero_stays=low <= 0 <= high)


def clamp_below(call: Call, x, min) -> Operation | None:
    if isinstance(min, int | float) and min != 0:
        return bent(call, x, min, zero_stays=min < 0)
    return clamp(call, x, min, None)


def bent(call: Call, x, *args, zero_stays: bool, **kwargs) -> Operation:
    """A function of single numbers; zero_stays: whether f(0) = 0."""
    known_as = Activation if zero_stays else Entrywise
    make = partial(known_as, lambda v: call.function(v, *args, **kwargs))
    return Operation(make, (), (x,), call.arrangement)


activate = partial(bent, zero_stays=True)
squash = partial(bent, zero_stays=False)


def leaky_rectify(call: Call, x, negative_slope=0.01) -> Operation:
    """x where x > 0, else s x; a rectifier where s is 0."""
    return rectify(call, x) if negative_slope == 0 else activate(call, x, negative_slope)


def leaky_rectify_by_channel(call: Call, x, weight) -> Operation | None:
    """PReLU: slopes that were learnt."""
    slopes = of_one_image(call.arrangement, weight, call.outputs[0]) if constants(weight) else None
    return None if slopes is None else Operation(make_leaky, (slopes,), (x,), call.arrangement)


def make_leaky(slopes: Tensor) -> Activation:
    return Activation(lambda v: torch.where(v > 0, v, slopes * v))
