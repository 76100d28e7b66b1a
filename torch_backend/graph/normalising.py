"""Normalisations by stored statistics or by each image's own: handlers with ATen's signatures (see table)."""

from __future__ import annotations

from functools import partial

import torch
from torch import Tensor

from rankone.errors import refuse
from torch_backend.graph.layers import constants
from torch_backend.graph.step import Call, Operation
from torch_backend.operators.holding import Norm
from torch_backend.operators.layout import Shape
from torch_backend.operators.linear import Diagonal


def batch_norm(call: Call, x, weight, bias, mean, variance, training, momentum, eps) -> Operation | None:
    """By channel: (B, C, ...), or (1, B C, ...) as instance norms have it."""
    numbers = weight, bias, mean, variance
    if not constants(*numbers):
        return None
    _, _, channels, _ = x.arrangement.parts
    by_image = x.arrangement.parts[:2] == ((1,), 1)
    if by_image:
        if not all(c is None or _repeats(c, channels) for c in numbers):
            return None
        numbers = tuple(c if c is None else c[:channels] for c in numbers)
    axes = call.outputs[0].dim() - 2
    if training or mean is None or variance is None:
        if by_image:
            arguments = axes, *numbers[:2], eps
            return Operation(make_instance_norm, arguments, (x,), call.arrangement)
        if call.arrangement.is_plain and call.arrangement.count > 1:
            refuse(
                "batch norm",
                expected="stored statistics",
                got="statistics of the batch, which mix the images",
                do="call model.eval() and track running statistics",
            )
        return None
    if not by_image and not (x.arrangement.outer == 1 and x.arrangement.parts[0] == ()):
        return None
    return Operation(make_batch_norm, (x.shape, axes, *numbers, eps), (x,), call.arrangement)


def _repeats(c: Tensor, channels: int) -> bool:
    """Whether each image has the numbers of the first."""
    rows = c.view(-1, channels)
    return bool((rows == rows[:1]).all())


def batch_norm_without_training(
    call: Call, x, weight, bias, mean, variance, momentum, eps
) -> Operation | None:
    return batch_norm(call, x, weight, bias, mean, variance, training=False, momentum=momentum, eps=eps)


def make_batch_norm(
    x: Shape,
    axes: int,
    weight: Tensor | None,
    bias: Tensor | None,
    mean: Tensor,
    variance: Tensor,
    eps: float,
) -> Diagonal:
    scale = torch.rsqrt(variance + eps) * (1 if weight is None else weight)
    shift = (0 if bias is None else bias) - mean * scale
    return Diagonal(x, x, shift.reshape(-1, *[1] * axes), weight=scale.reshape(-1, *[1] * axes))


def layer_norm(call: Call, x, normalized_shape, weight, bias, eps) -> Operation | None:
    """Over the last axes."""
    axes = len(normalized_shape)
    if not constants(weight, bias) or axes > len(x.arrangement.parts[3]):
        return None
    return Operation(make_layer_norm, (axes, weight, bias, eps), (x,), call.arrangement)


def root_mean_square_norm(call: Call, x, normalized_shape, weight, eps) -> Operation | None:
    """Over the last axes, not centred."""
    axes = len(normalized_shape)
    if not constants(weight) or axes > len(x.arrangement.parts[3]):
        return None
    eps = torch.finfo(call.outputs[0].dtype).eps if eps is None else eps
    return Operation(make_root_mean_square_norm, (axes, weight, eps), (x,), call.arrangement)


def group_norm(call: Call, x, weight, bias, n, c, space, group, eps) -> Operation | None:
    """Over groups of channels, and space."""
    if not constants(weight, bias):
        return None
    axes = call.outputs[0].dim() - 2
    return Operation(make_group_norm, (axes, group, weight, bias, eps), (x,), call.arrangement)


def make_layer_norm(axes: int, weight: Tensor | None, bias: Tensor | None, eps: float) -> Norm:
    return Norm(*_scale_and_shift(weight, bias, 0), partial(_over_last, axes=axes), eps)


def make_root_mean_square_norm(axes: int, weight: Tensor | None, eps: float) -> Norm:
    numbers = _scale_and_shift(weight, None, 0)
    return Norm(*numbers, partial(_over_last, axes=axes), eps, centred=False)


def make_instance_norm(axes: int, weight: Tensor | None, bias: Tensor | None, eps: float) -> Norm:
    return Norm(*_scale_and_shift(weight, bias, axes), partial(_over_last, axes=axes), eps)


def make_group_norm(axes: int, groups: int, weight: Tensor | None, bias: Tensor | None, eps: float) -> Norm:
    average = partial(_over_groups, axes=axes, groups=groups)
    return Norm(*_scale_and_shift(weight, bias, axes), average, eps)


def _scale_and_shift(weight: Tensor | None, bias: Tensor | None, axes: int) -> tuple[Tensor, Tensor]:
    """γ and β, with as many axes behind them."""
    behind = [1] * axes
    return (
        torch.ones(()) if weight is None else weight.reshape(*weight.shape, *behind),
        torch.zeros(()) if bias is None else bias.reshape(*bias.shape, *behind),
    )


def _over_last(x: Tensor, axes: int) -> Tensor:
    return x.mean(tuple(range(-axes, 0)), keepdim=True)


def _over_groups(x: Tensor, axes: int, groups: int) -> Tensor:
    """For each channel, the mean of its group."""
    channel = -1 - axes
    grouped = x.unflatten(channel, (groups, -1))
    mean = grouped.mean(tuple(range(channel, 0)), keepdim=True)
    each = [-1] * (mean.dim() + channel) + [grouped.shape[channel]] + [-1] * axes
    return mean.expand(each).flatten(channel - 1, channel)
