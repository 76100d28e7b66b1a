"""From a call in the user's code to (kind of node, operator): the table of everything a network may do.

A handler has the signature of the function it stands for; arguments that depend on the image are Nodes.
It returns a Call (one operation to execute), a Node (the call changes nothing), or a tuple of Calls (a
function with several outputs). Whatever has no handler is known only through its derivative: kind
"smooth" (of one node) or "product" (of several).
"""

from __future__ import annotations

import operator
from collections.abc import Callable
from dataclasses import dataclass, replace
from math import inf, prod
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.fx.node import map_aggregate
from torch.nn.utils.fusion import fuse_conv_bn_weights, fuse_linear_bn_weights

from rankone.errors import refuse
from torch_backend.linear import (
    Concatenation,
    Convolution,
    Dense,
    Diagonal,
    Function,
    Reshape,
    Sum,
)
from torch_backend.node import Node
from torch_backend.nonlinear import Differentiable, MaxPool, Rectifier, plain


@dataclass(frozen=True)
class Call:
    """An operation to execute: its kind, its operator, and what it reads (Nodes, or Calls to execute
    first).
    """

    kind: str
    op: Any
    inputs: tuple[Any, ...]


def tuple_of(value: int | tuple[int, ...], count: int) -> tuple[int, ...]:
    return (value,) * count if isinstance(value, int) else tuple(value) * (count if len(value) == 1 else 1)


def nodes_in(arguments: object) -> list[Node]:
    """The Nodes among (nested) arguments, in order, each once."""
    found: dict[int, Node] = {}
    map_aggregate(arguments, lambda a: found.setdefault(a.index, a) if isinstance(a, Node) else None)
    return list(found.values())


def constants(*arguments: object) -> bool:
    return not nodes_in(arguments)


# ---------------------------------------------------------------- anything else


def differentiable(
    function: Callable[..., Any], arguments: tuple, named: dict, kind: str | None = None
) -> Any:
    """A call known only through its derivative. Several outputs: a Call each."""
    inputs = nodes_in((arguments, named))

    def run(*values: Tensor) -> Any:
        known = {node.index: value for node, value in zip(inputs, values, strict=True)}
        fill = lambda a: known[a.index] if isinstance(a, Node) else a  # noqa: E731
        return function(*map_aggregate(arguments, fill), **map_aggregate(named, fill))

    kind = kind or ("smooth" if len(inputs) == 1 else "product")
    output = run(*(plain(node.value) for node in inputs))
    if isinstance(output, tuple | list):
        return tuple(
            Call(kind, Differentiable(lambda *v, i=i: run(*v)[i]), tuple(inputs))
            if isinstance(part, Tensor)
            else part
            for i, part in enumerate(output)
        )
    return Call(kind, Differentiable(run), tuple(inputs)) if isinstance(output, Tensor) else output


def averaging(function: Callable[[Tensor], Tensor], x: Node, kind: str = "average") -> Call | Node:
    """A linear function of each image with weights ≥ 0."""
    shape = tuple(function(x.value).shape[1:])
    return Call(kind, Function(x.shape, shape, function=function), (x,))


# ---------------------------------------------------------------- layers with weights


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
    return Call("convolution", op, (x,))


def _convolve(x, weight, *rest):
    return {3: F.conv1d, 4: F.conv2d, 5: F.conv3d}[weight.dim()](x, weight, *rest)


def dense(x, weight, bias=None):
    if not constants(weight, bias):
        return differentiable(F.linear, (x, weight, bias), {})
    return Call("dense", Dense(x.shape, (*x.shape[:-1], len(weight)), bias, weight=weight), (x,))


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
    return Call("affine", Diagonal(x.shape, x.shape, shift, weight=scale), (x,))


def absorbs_batch_norm(call: Call) -> bool:
    """Whether a batch norm after this layer acts on the layer's channels."""
    return call.kind == "convolution" or (call.kind == "dense" and len(call.op.out_shape) == 1)


def fold_batch_norm(call: Call, norm: nn.modules.batchnorm._BatchNorm, cast: Callable[[Any], Any]) -> Call:
    """The layer followed by its batch norm, as one layer with new weights (torch.nn.utils.fusion)."""
    layer = call.op
    mean, variance, scale, shift = cast((norm.running_mean, norm.running_var, norm.weight, norm.bias))
    scale = torch.ones_like(mean) if scale is None else scale
    shift = torch.zeros_like(mean) if shift is None else shift
    bias = None if layer.bias is None else layer.bias.flatten()
    fuse = fuse_conv_bn_weights if call.kind == "convolution" else fuse_linear_bn_weights
    weight, bias = (p.detach() for p in fuse(layer.weight, bias, mean, variance, norm.eps, scale, shift))
    bias = bias.reshape(-1, *[1] * (len(layer.out_shape) - 1)) if call.kind == "convolution" else bias
    return Call(call.kind, replace(layer, weight=weight, bias=bias), call.inputs)


# ---------------------------------------------------------------- sums, constants, products


def _constant(x: Node, c: Any) -> Tensor | None:
    """The constant as a tensor that broadcasts with one image's activation; None if it cannot."""
    c = torch.as_tensor(c, dtype=x.value.dtype, device=x.value.device)
    if c.dim() == x.value.dim() and len(c) == 1:
        c = c[0]
    fits = c.dim() < x.value.dim() and torch.broadcast_shapes(c.shape, x.shape) == x.shape
    return c if fits else None


def _affine(x: Node, scale: Any, shift: Any) -> Call | None:
    scale, shift = _constant(x, scale), _constant(x, shift)
    if scale is None or shift is None:
        return None
    return Call("affine", Diagonal(x.shape, x.shape, shift, weight=scale), (x,))


def _broadcast(x: Node, shape: tuple[int, ...]) -> Node | Call:
    if x.shape == shape:
        return x
    return Call("route", Function(x.shape, shape, function=lambda t: t.expand(len(t), *shape)), (x,))


def add(x, other, *, alpha=1):
    if alpha != 1:
        return differentiable(torch.add, (x, other), {"alpha": alpha})
    if isinstance(x, Node) and isinstance(other, Node):
        if len(x.shape) != len(other.shape):
            return differentiable(torch.add, (x, other), {})
        shape = tuple(torch.broadcast_shapes(x.shape, other.shape))
        parts = _broadcast(x, shape), _broadcast(other, shape)
        return Call("add", Sum(shape, shape, None, 2), parts)
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
        return Call("add", Sum(x.shape, x.shape, None, 2), (x, _affine(other, -1.0, 0.0)))
    if isinstance(x, Node):
        return _affine(x, 1.0, -other) or differentiable(torch.sub, (x, other), {})
    return _affine(other, -1.0, x) or differentiable(torch.sub, (x, other), {})


def multiply(x, other):
    if not (isinstance(x, Node) and isinstance(other, Node)):
        node, c = (x, other) if isinstance(x, Node) else (other, x)
        if (call := _affine(node, c, 0.0)) is not None:
            return call
    return differentiable(torch.mul, (x, other), {})


def divide(x, other, *, rounding_mode=None):
    if isinstance(x, Node) and constants(other, rounding_mode) and rounding_mode is None:
        return _affine(x, 1 / other, 0.0) or differentiable(torch.div, (x, other), {})
    return differentiable(torch.div, (x, other), {"rounding_mode": rounding_mode})


def negative(x):
    return _affine(x, -1.0, 0.0)


# ---------------------------------------------------------------- pooling


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
        tiles = axes == 2 and kernel == stride and not any(padding) and set(dilation) == {1} and not ceil_mode

        def function(value: Tensor) -> tuple[Tensor, Tensor]:
            return pool(value, kernel, stride, padding, dilation, ceil_mode=ceil_mode, return_indices=True)

        return _max_pool(x, function, kernel if tiles else None)

    return handler


def adaptive_max_pooling(axes: int):
    pool = {1: F.adaptive_max_pool1d, 2: F.adaptive_max_pool2d, 3: F.adaptive_max_pool3d}[axes]

    def handler(x, output_size, return_indices=False):
        if return_indices:
            return differentiable(pool, (x, output_size), {"return_indices": True})
        return _max_pool(x, lambda value: pool(value, output_size, return_indices=True), None)

    return handler


def _max_pool(x: Node, function, tile) -> Call:
    shape = tuple(function(x.value)[0].shape[1:])
    return Call("max_pool", MaxPool(x.shape, shape, function, tile), (x,))


def average_pooling(pool):
    def handler(x, *args, **kwargs):
        return averaging(lambda value: pool(value, *args, **kwargs), x)

    return handler


def adaptive_average_pooling(pool):
    def handler(x, output_size):
        call = averaging(lambda value: pool(value, output_size), x)
        return x if call.op.out_shape == x.shape else call

    return handler


def reduction(function):
    def handler(x, dim=None, keepdim=False, **kwargs):
        axes = () if dim is None else tuple(d % x.value.dim() for d in tuple_of(dim, 1))
        if not axes or 0 in axes or kwargs:
            return differentiable(function, (x, dim, keepdim), kwargs)
        return averaging(lambda value: function(value, axes, keepdim), x)

    return handler


# ---------------------------------------------------------------- routes


def reshape(function):
    """A function that keeps the numbers and their order, image by image."""

    def handler(x, *args, **kwargs):
        shape = tuple(function(x.value.to("meta").contiguous(), *args, **kwargs).shape)
        if shape[:1] != x.value.shape[:1] or prod(shape[1:]) != prod(x.shape):
            return differentiable(function, (x, *args), kwargs, "route")
        return x if shape[1:] == x.shape else Call("route", Reshape(x.shape, shape[1:]), (x,))

    return handler


def rearrangement(function):
    """A function that picks numbers of each image: slice, permutation, padding with zeros."""

    def handler(x, *args, **kwargs):
        image = torch.arange(1, len(x.value) + 1, dtype=x.value.dtype, device=x.value.device)
        picked = function(image.reshape(-1, *[1] * len(x.shape)).expand_as(x.value), *args, **kwargs)
        if len(picked) != len(image) or not bool(
            ((picked.movedim(0, -1) == image) | (picked.movedim(0, -1) == 0)).all()
        ):
            return differentiable(function, (x, *args), kwargs, "route")  # moves the axis of the images
        return averaging(lambda value: function(value, *args, **kwargs), x, "route")

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
        return differentiable(lambda parts: torch.cat(parts, dim), (tensors,), {}, "route")
    axis = dim % tensors[0].value.dim() - tensors[0].value.dim()
    if axis == -tensors[0].value.dim():
        return differentiable(lambda parts: torch.cat(parts, dim), (tensors,), {}, "route")
    sizes = tuple(t.shape[axis] for t in tensors)
    shape = list(tensors[0].shape)
    shape[axis] = sum(sizes)
    return Call("route", Concatenation(tuple(shape), tuple(shape), None, axis, sizes), tensors)


def same(x, *args, **kwargs):
    return x


# ---------------------------------------------------------------- rectifiers, dropout


def rectify(x, inplace=False):
    return Call("relu", Rectifier(), (x,))


def clamp(x, min=None, max=None):
    if (
        isinstance(min, int | float)
        and min == 0
        and (max is None or (isinstance(max, int | float) and max > 0))
    ):
        return Call("relu", Rectifier(inf if max is None else float(max)), (x,))
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


FUNCTIONS: dict[Any, Callable[..., Any]] = {
    F.conv1d: convolution,
    F.conv2d: convolution,
    F.conv3d: convolution,
    F.linear: dense,
    F.batch_norm: batch_norm,
    operator.add: add,
    operator.iadd: add,
    torch.add: add,
    operator.sub: subtract,
    operator.isub: subtract,
    torch.sub: subtract,
    operator.mul: multiply,
    operator.imul: multiply,
    torch.mul: multiply,
    operator.truediv: divide,
    operator.itruediv: divide,
    torch.div: divide,
    operator.neg: negative,
    torch.neg: negative,
    torch.cat: concatenate,
    torch.concat: concatenate,
    F.relu: rectify,
    F.relu_: rectify,
    torch.relu: rectify,
    torch.relu_: rectify,
    F.relu6: lambda x, inplace=False: clamp(x, 0, 6),
    F.hardtanh: lambda x, min_val=-1.0, max_val=1.0, inplace=False: clamp(x, min_val, max_val),
    torch.clamp: clamp,
    torch.clamp_min: lambda x, min: clamp(x, min),
    F.dropout: drop,
    F.dropout1d: drop,
    F.dropout2d: drop,
    F.dropout3d: drop,
    F.alpha_dropout: drop,
    F.feature_alpha_dropout: drop,
    operator.getitem: getitem,
    F.pad: pad,
    torch.flatten: reshape(torch.flatten),
    torch.reshape: reshape(torch.reshape),
    torch.squeeze: reshape(torch.squeeze),
    torch.unsqueeze: reshape(torch.unsqueeze),
    torch.unflatten: reshape(torch.unflatten),
    torch.permute: rearrangement(torch.permute),
    torch.transpose: rearrangement(torch.transpose),
    torch.flip: rearrangement(torch.flip),
    torch.narrow: rearrangement(torch.narrow),
    torch.chunk: pieces(torch.chunk),
    torch.split: pieces(torch.split),
    torch.unbind: pieces(torch.unbind),
    torch.mean: reduction(torch.mean),
    torch.sum: reduction(torch.sum),
}
for _axes in (1, 2, 3):
    for _target in (getattr(F, f"max_pool{_axes}d"), getattr(torch, f"max_pool{_axes}d")):
        FUNCTIONS[_target] = max_pooling(_axes)
    FUNCTIONS[getattr(F, f"adaptive_max_pool{_axes}d")] = adaptive_max_pooling(_axes)
    FUNCTIONS[getattr(F, f"avg_pool{_axes}d")] = average_pooling(getattr(F, f"avg_pool{_axes}d"))
    FUNCTIONS[getattr(F, f"adaptive_avg_pool{_axes}d")] = adaptive_average_pooling(
        getattr(F, f"adaptive_avg_pool{_axes}d")
    )

METHODS: dict[str, Callable[..., Any]] = {
    "add": add,
    "sub": subtract,
    "mul": multiply,
    "div": divide,
    "neg": negative,
    "relu": rectify,
    "clamp": clamp,
    "clamp_min": lambda x, min: clamp(x, min),
    "contiguous": same,
    "clone": same,
    "float": same,
    "to": same,
    "view": reshape(Tensor.view),
    "reshape": reshape(Tensor.reshape),
    "flatten": reshape(Tensor.flatten),
    "squeeze": reshape(Tensor.squeeze),
    "unsqueeze": reshape(Tensor.unsqueeze),
    "unflatten": reshape(Tensor.unflatten),
    "permute": rearrangement(Tensor.permute),
    "transpose": rearrangement(Tensor.transpose),
    "flip": rearrangement(Tensor.flip),
    "narrow": rearrangement(Tensor.narrow),
    "chunk": pieces(Tensor.chunk),
    "split": pieces(Tensor.split),
    "unbind": pieces(Tensor.unbind),
    "mean": reduction(torch.mean),
    "sum": reduction(torch.sum),
}


def module_call(module: nn.Module, x: Any, cast: Callable[[Any], Any]) -> Any:
    """The call of a leaf module on one node, if the table knows the module; else None."""
    match module:
        case nn.Conv1d() | nn.Conv2d() | nn.Conv3d() if module.padding_mode == "zeros":
            weight, bias = cast((module.weight, module.bias))
            return convolution(x, weight, bias, module.stride, module.padding, module.dilation, module.groups)
        case nn.Linear():
            return dense(x, *cast((module.weight, module.bias)))
        case nn.modules.batchnorm._BatchNorm():
            statistics = cast((module.running_mean, module.running_var, module.weight, module.bias))
            return batch_norm(x, *statistics, eps=module.eps)
        case nn.ReLU():
            return rectify(x)
        case nn.Hardtanh():  # ReLU6 is one
            return clamp(x, module.min_val, module.max_val)
        case nn.MaxPool1d() | nn.MaxPool2d() | nn.MaxPool3d():
            axes = int(type(module).__name__[-2]) if type(module).__name__[-1] == "d" else x.value.dim() - 2
            return max_pooling(axes)(
                x,
                module.kernel_size,
                module.stride,
                module.padding,
                module.dilation,
                module.ceil_mode,
                module.return_indices,
            )
        case nn.AdaptiveMaxPool1d() | nn.AdaptiveMaxPool2d() | nn.AdaptiveMaxPool3d():
            return adaptive_max_pooling(x.value.dim() - 2)(x, module.output_size, module.return_indices)
        case nn.AvgPool1d() | nn.AvgPool2d() | nn.AvgPool3d():
            return averaging(module.forward, x)
        case nn.AdaptiveAvgPool1d() | nn.AdaptiveAvgPool2d() | nn.AdaptiveAvgPool3d():
            return adaptive_average_pooling(lambda value, _: module.forward(value))(x, module.output_size)
        case nn.Flatten() | nn.Unflatten():
            return reshape(module.forward)(x)
        case nn.ZeroPad1d() | nn.ZeroPad2d() | nn.ZeroPad3d():
            return pad(x, tuple(module.padding))
        case nn.Identity() | nn.modules.dropout._DropoutNd():
            return x
    return None
