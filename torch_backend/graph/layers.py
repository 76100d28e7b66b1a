"""Layers with weights, rectifiers, dropout: handlers with torch's signatures (see operation)."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from math import inf
from typing import Any

import torch
import torch.nn.functional as F
from torch import nn
from torch.nn.utils.fusion import fuse_conv_bn_weights, fuse_linear_bn_weights

from rankone.errors import refuse
from torch_backend.graph.operation import Operation, constants, differentiable, tuple_of
from torch_backend.operators.convolution import Convolution
from torch_backend.operators.linear import Dense, Diagonal, Linear
from torch_backend.operators.rectifier import Rectifier


def convolution(x, weight, bias=None, stride=1, padding=0, dilation=1, groups=1):
    if not constants(weight, bias):
        return differentiable(_convolve, (x, weight, bias, stride, padding, dilation, groups), {})
    axes = weight.dim() - 2
    stride, dilation = tuple_of(stride, axes), tuple_of(dilation, axes)
    if padding == "valid":
        padding = 0
    if padding == "same":
        reach = tuple(d * (k - 1) for d, k in zip(dilation, weight.shape[2:], strict=True))
        if any(n % 2 for n in reach):  # an even kernel is padded on one side more than on the other
            return differentiable(_convolve, (x, weight, bias, stride, padding, dilation, groups), {})
        padding = tuple(n // 2 for n in reach)
    padding = tuple_of(padding, axes)
    space = tuple(
        (n + 2 * p - d * (k - 1) - 1) // s + 1
        for n, k, s, p, d in zip(x.shape[1:], weight.shape[2:], stride, padding, dilation, strict=True)
    )
    if bias is not None:
        bias = bias.reshape(-1, *[1] * axes)
    op = Convolution(x.shape, (len(weight), *space), bias, stride, padding, dilation, groups, weight=weight)
    return Operation(op, (x,))


def _convolve(x, weight, *rest):
    return {3: F.conv1d, 4: F.conv2d, 5: F.conv3d}[weight.dim()](x, weight, *rest)


def dense(x, weight, bias=None):
    if not constants(weight, bias):
        return differentiable(F.linear, (x, weight, bias), {})
    return Operation(Dense(x.shape, (*x.shape[:-1], len(weight)), bias, weight=weight), (x,))


def batch_norm(x, mean, variance, weight=None, bias=None, training=False, momentum=0.1, eps=1e-5):
    if training or mean is None or variance is None:
        refuse(
            f"node reading {x.label!r} (batch norm)",
            expected="stored statistics",
            got="statistics of the batch, which mix the images",
            do="call model.eval() and track running statistics",
        )
    scale = torch.rsqrt(variance + eps) * (1 if weight is None else weight)
    shift = (0 if bias is None else bias) - mean * scale
    axes = [1] * (len(x.shape) - 1)
    shift, scale = shift.reshape(-1, *axes), scale.reshape(-1, *axes)
    return Operation(Diagonal(x.shape, x.shape, shift, weight=scale), (x,))


def absorbs_batch_norm(layer: Linear) -> bool:
    """Whether a batch norm after this layer acts on the layer's channels."""
    return isinstance(layer, Convolution) or (isinstance(layer, Dense) and len(layer.out_shape) == 1)


def fold_batch_norm(
    layer: Convolution | Dense, norm: nn.modules.batchnorm._BatchNorm, cast: Callable[[Any], Any]
) -> Convolution | Dense:
    """The layer followed by its batch norm, as one layer with new weights (torch.nn.utils.fusion)."""
    mean, variance, scale, shift = cast((norm.running_mean, norm.running_var, norm.weight, norm.bias))
    scale = torch.ones_like(mean) if scale is None else scale
    shift = torch.zeros_like(mean) if shift is None else shift
    bias = None if layer.bias is None else layer.bias.flatten()
    convolves = isinstance(layer, Convolution)
    fuse = fuse_conv_bn_weights if convolves else fuse_linear_bn_weights
    weight, bias = (p.detach() for p in fuse(layer.weight, bias, mean, variance, norm.eps, scale, shift))
    bias = bias.reshape(-1, *[1] * (len(layer.out_shape) - 1)) if convolves else bias
    return replace(layer, weight=weight, bias=bias)


def rectify(x, inplace=False):
    return Operation(Rectifier(), (x,))


def clamp(x, min=None, max=None):
    if (
        isinstance(min, int | float)
        and min == 0
        and (max is None or (isinstance(max, int | float) and max > 0))
    ):
        return Operation(Rectifier(inf if max is None else float(max)), (x,))
    return differentiable(torch.clamp, (x, min, max), {})


def drop(x, p=0.5, training=True, inplace=False):
    if training:
        refuse(
            f"dropout of {x.label!r}",
            expected="training=False",
            got="training=True: another network at each call",
            do="pass training=self.training and call model.eval()",
        )
    return x
