"""Pooling, averages, what only moves numbers: handlers with ATen's signatures (see table)."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from math import prod
from operator import methodcaller
from typing import Any

import torch
from torch import Tensor

from torch_backend.graph.arrangement import Arrangement, arrangements
from torch_backend.graph.step import Call, Operation, Read
from torch_backend.operators.interpolation import Interpolation
from torch_backend.operators.layout import Shape
from torch_backend.operators.max_pool import MaxPool, PaddingBelow
from torch_backend.operators.unweighted import Average, Function, Padding, Rearrangement, Reshape

LOWEST = torch.finfo(torch.float32).min  # and below: the paddings of max-poolings


def view(call: Call, x, *args, **kwargs) -> Operation | Read:
    """The same numbers in the same order."""
    if call.image == x.shape:
        return Read(x.step, call.arrangement)
    return Operation(Reshape, (x.shape, call.image), (x,), call.arrangement)


def copy(call: Call, x, *args, **kwargs) -> Read:
    return x


def imagewise(
    function: Callable[[Tensor], Tensor], x: Arrangement, y: Arrangement
) -> Callable[[Tensor], Tensor]:
    """The function on (n, *image), for any number n of images."""
    if x.is_plain and y.is_plain:
        return function
    return lambda v: y.to_images(function(x.from_images(v)))


def linear(
    known_as: type[Function], x: Read, function: Callable[[Tensor], Tensor], y: Arrangement, **more: Any
) -> Operation:
    make = partial(known_as, x.shape, y.image, function=imagewise(function, x.arrangement, y), **more)
    return Operation(make, (), (x,), y)


def move(call: Call, x, *args, **kwargs) -> Any:
    """Numbers that are picked: permutations, slices, repetition. Several outputs: an Operation for each."""
    if not isinstance(x, Read):  # a list of tensors, as in `stack`
        return None
    found = []
    for i, output in enumerate(call.outputs):

        def function(t: Tensor, i: int = i) -> Tensor:
            moved = call.function(t, *args, **kwargs)
            return moved[i] if call.several else moved

        y = destination(x.arrangement, function, tuple(output.shape))
        found.append(None if y is None else rearranged(x, function, y))
    return tuple(found) if call.several else found[0]


def rearranged(x: Read, function: Callable[[Tensor], Tensor], y: Arrangement) -> Operation | Read:
    return without_effect(x, linear(Rearrangement, x, function, y))


def without_effect(x: Read, operation: Operation) -> Operation | Read:
    """A view, if the function of the operation keeps the numbers and their order."""
    y = operation.arrangement
    numbers = torch.arange(float(prod(x.shape))).view(1, *x.shape)
    if prod(y.image) != prod(x.shape):
        return operation
    found = operation.make().forward(numbers)
    if not torch.equal(found.flatten(), numbers.flatten()):
        return operation
    return Read(x.step, y) if y.image == x.shape else Operation(Reshape, (x.shape, y.image), (x,), y)


def destination(
    x: Arrangement, function: Callable[[Tensor], Tensor], shape: tuple[int, ...]
) -> Arrangement | None:
    """How the images are arranged in function(t), of this shape, for t arranged as x; None if it mixes them,
    or does something else with other numbers of images.
    """
    image = torch.arange(1.0, x.count + 2)
    try:
        picked = function(x.from_images(image.view(-1, *[1] * len(x.image)).expand(-1, *x.image)))
    except RuntimeError:
        return None
    for y in arrangements(shape, x.count):
        before, a, m, after = y.parts
        if tuple(picked.shape) != (*before, a * m * len(image), *after):
            continue
        from_image = y.to_images(picked).movedim(0, -1)
        if bool(((from_image == image) | (from_image == 0)).all()):
            return y
    return None


def pad(call: Call, x, pad) -> Operation | Read | None:
    """Zeros around an image."""
    if not any(pad):
        return x
    y = destination(x.arrangement, lambda t: call.function(t, pad), tuple(call.outputs[0].shape))
    return None if y is None else linear(Padding, x, lambda t: call.function(t, pad), y, pad=tuple(pad))


def pad_below(call: Call, x, pad, value) -> Operation | None:
    """What no maximum chooses, around an image."""
    if not x.arrangement.is_plain:
        return None
    below = partial(PaddingBelow, lambda t: call.function(t, pad, value), tuple(pad))
    return Operation(below, (), (x,), call.arrangement)


def average(call: Call, x, *args, **kwargs) -> Operation | Read:
    """A weighted mean over space, with weights ≥ 0."""
    return without_effect(
        x, linear(Average, x, lambda t: call.function(t, *args, **kwargs), call.arrangement)
    )


def interpolate(call: Call, x, output_size, align_corners, *scales) -> Operation:
    """Bicubic: weights of both signs, along one axis after the other."""
    factors = (*scales, None, None)[:2]
    axes = [
        _interpolation(call.function, n, m, align_corners, factor)
        for n, m, factor in zip(x.shape[-2:], output_size, factors, strict=True)
    ]
    return Operation(make_interpolation, (x.shape, call.image, *axes), (x,), call.arrangement)


def _interpolation(function: Callable, n: int, m: int, align_corners: Any, factor: float | None) -> Tensor:
    """The weights along one axis, (m, n), of an interpolation from n to m.

    Of images two pixels wide: torch 2.15 mistakes the layout of narrower ones.
    """
    columns = torch.eye(n, dtype=torch.float64).view(n, 1, n, 1).repeat(1, 1, 1, 2)
    return function(columns, [m, 2], align_corners, factor, None)[:, 0, :, 0].T.contiguous()


def make_interpolation(x: Shape, y: Shape, along_height: Tensor, along_width: Tensor) -> Interpolation:
    return Interpolation(x, y, axes=(along_height, along_width))


def mean(call: Call, x, dim=None, keepdim=False, *, dtype=None) -> Operation | Read | None:
    """The mean over some axes of an image."""
    function = methodcaller("mean", tuple(dim), keepdim) if dim else None
    y = function and destination(x.arrangement, function, tuple(call.outputs[0].shape))
    return None if y is None else without_effect(x, linear(Average, x, function, y))


def max_pooling(axes: int) -> Callable[..., Any]:
    """Max-pooling over as many axes: the maxima; their positions are held."""

    def handler(call: Call, x, *args, **kwargs) -> Operation:
        y = call.arrangement

        def function(v: Tensor) -> tuple[Tensor, Tensor]:
            maxima, positions = call.function(x.arrangement.from_images(v), *args, **kwargs)
            return y.to_images(maxima), y.to_images(positions)

        return without_effect(x, Operation(partial(MaxPool, x.shape, y.image, function, axes), (), (x,), y))

    return handler
