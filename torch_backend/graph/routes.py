"""Pooling, averages, what only moves numbers: handlers with torch's signatures (see operation)."""

from __future__ import annotations

import operator
from math import prod

import torch
import torch.nn.functional as F
from torch import Tensor

from rankone.errors import refuse
from torch_backend.graph.node import Node
from torch_backend.graph.operation import Operation, differentiable, of_each_image, tuple_of
from torch_backend.operators.differentiable import OpaqueRoute
from torch_backend.operators.max_pool import MaxPool
from torch_backend.operators.unweighted import Concatenation, Rearrangement, Reshape


def max_pooling(axes: int):
    pool = {1: F.max_pool1d, 2: F.max_pool2d, 3: F.max_pool3d}[axes]

    def handler(x, kernel_size, stride=None, padding=0, dilation=1, ceil_mode=False, return_indices=False):
        if return_indices:
            refuse(
                f"max-pooling of {x.label!r}",
                expected="one output",
                got="return_indices=True",
                do="rewrite the model without unpooling",
            )
        kernel = tuple_of(kernel_size, axes)
        stride = kernel if stride is None or stride == () or stride == [] else tuple_of(stride, axes)
        padding, dilation = tuple_of(padding, axes), tuple_of(dilation, axes)

        def function(value: Tensor) -> tuple[Tensor, Tensor]:
            return pool(value, kernel, stride, padding, dilation, ceil_mode=ceil_mode, return_indices=True)

        return _max_pool(x, function)

    return handler


def adaptive_max_pooling(axes: int):
    pool = {1: F.adaptive_max_pool1d, 2: F.adaptive_max_pool2d, 3: F.adaptive_max_pool3d}[axes]

    def handler(x, output_size, return_indices=False):
        if return_indices:
            return differentiable(pool, (x, output_size), {"return_indices": True})
        return _max_pool(x, lambda value: pool(value, output_size, return_indices=True))

    return handler


def _max_pool(x: Node, function) -> Operation:
    value, _ = function(x.value)
    return Operation(MaxPool(x.shape, tuple(value.shape[1:]), function), (x,), value)


def average_pooling(pool):
    def handler(x, *args, **kwargs):
        return of_each_image(lambda value: pool(value, *args, **kwargs), x)

    return handler


def adaptive_average_pooling(pool):
    def handler(x, output_size):
        operation = of_each_image(lambda value: pool(value, output_size), x)
        return x if operation.op.out_shape == x.shape else operation

    return handler


def reduction(function):
    def handler(x, dim=None, keepdim=False, **kwargs):
        dim = kwargs.pop("axis", dim)
        axes = () if dim is None else tuple(d % x.value.dim() for d in tuple_of(dim, 1))
        if not axes or 0 in axes or kwargs:
            return differentiable(function, (x, dim, keepdim), kwargs)
        return of_each_image(lambda value: function(value, axes, keepdim), x)

    return handler


def reshape(function):
    """A function that keeps the numbers and their order, image by image."""

    def handler(x, *args, **kwargs):
        shape = tuple(function(x.value.to("meta").contiguous(), *args, **kwargs).shape)
        if shape[:1] != x.value.shape[:1] or prod(shape[1:]) != prod(x.shape):
            return differentiable(function, (x, *args), kwargs, OpaqueRoute)
        return x if shape[1:] == x.shape else Operation(Reshape(x.shape, shape[1:]), (x,))

    return handler


def rearrangement(function):
    """A function that picks numbers of each image: slice, permutation, padding with zeros."""

    def handler(x, *args, **kwargs):
        image = torch.arange(1, len(x.value) + 1, dtype=x.value.dtype, device=x.value.device)
        picked = function(image.reshape(-1, *[1] * len(x.shape)).expand_as(x.value), *args, **kwargs)
        if len(picked) != len(image) or not bool(
            ((picked.movedim(0, -1) == image) | (picked.movedim(0, -1) == 0)).all()
        ):
            return differentiable(function, (x, *args), kwargs, OpaqueRoute)  # moves the axis of the images
        return of_each_image(lambda value: function(value, *args, **kwargs), x, Rearrangement)

    return handler


def pieces(function):
    """A function that cuts x into several tensors."""

    def handler(x, *args, **kwargs):
        count = len(function(x.value, *args, **kwargs))
        cut = [rearrangement(lambda value, i=i: function(value, *args, **kwargs)[i]) for i in range(count)]
        return tuple(piece(x) for piece in cut)

    return handler


def getitem(x, index):
    return rearrangement(operator.getitem)(x, index)


def pad(x, pad, mode="constant", value=None):
    if mode == "constant" and value not in (None, 0):
        return differentiable(F.pad, (x, pad, mode, value), {})
    return rearrangement(F.pad)(x, pad, mode=mode) if any(pad) else x


def concatenate(tensors, dim=0, **kwargs):
    dim = kwargs.get("axis", dim)
    tensors = tuple(tensors)
    if not all(isinstance(t, Node) for t in tensors):
        return differentiable(lambda parts: torch.cat(parts, dim), (tensors,), {}, OpaqueRoute)
    axis = dim % tensors[0].value.dim() - tensors[0].value.dim()
    if axis == -tensors[0].value.dim():
        return differentiable(lambda parts: torch.cat(parts, dim), (tensors,), {}, OpaqueRoute)
    sizes = tuple(t.shape[axis] for t in tensors)
    shape = list(tensors[0].shape)
    shape[axis] = sum(sizes)
    return Operation(Concatenation(tuple(shape), tuple(shape), None, axis, sizes), tensors)


def same(x, *args, **kwargs):
    return x
