"""All that a network may do: torch's functions, tensor methods and modules -> handlers (see operation)."""

from __future__ import annotations

import operator
from collections.abc import Callable
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from torch_backend.graph import arithmetic, layers, routes
from torch_backend.graph.operation import of_each_image

FUNCTIONS: dict[Any, Callable[..., Any]] = {
    F.conv1d: layers.convolution,
    F.conv2d: layers.convolution,
    F.conv3d: layers.convolution,
    F.linear: layers.dense,
    F.batch_norm: layers.batch_norm,
    operator.add: arithmetic.add,
    operator.iadd: arithmetic.add,
    torch.add: arithmetic.add,
    operator.sub: arithmetic.subtract,
    operator.isub: arithmetic.subtract,
    torch.sub: arithmetic.subtract,
    operator.mul: arithmetic.multiply,
    operator.imul: arithmetic.multiply,
    torch.mul: arithmetic.multiply,
    operator.truediv: arithmetic.divide,
    operator.itruediv: arithmetic.divide,
    torch.div: arithmetic.divide,
    operator.neg: arithmetic.negative,
    torch.neg: arithmetic.negative,
    torch.cat: routes.concatenate,
    torch.concat: routes.concatenate,
    F.relu: layers.rectify,
    F.relu_: layers.rectify,
    torch.relu: layers.rectify,
    torch.relu_: layers.rectify,
    F.relu6: lambda x, inplace=False: layers.clamp(x, 0, 6),
    F.hardtanh: lambda x, min_val=-1.0, max_val=1.0, inplace=False: layers.clamp(x, min_val, max_val),
    torch.clamp: layers.clamp,
    torch.clamp_min: lambda x, min: layers.clamp(x, min),
    F.dropout: layers.drop,
    F.dropout1d: layers.drop,
    F.dropout2d: layers.drop,
    F.dropout3d: layers.drop,
    F.alpha_dropout: layers.drop,
    F.feature_alpha_dropout: layers.drop,
    operator.getitem: routes.getitem,
    F.pad: routes.pad,
    torch.flatten: routes.reshape(torch.flatten),
    torch.reshape: routes.reshape(torch.reshape),
    torch.squeeze: routes.reshape(torch.squeeze),
    torch.unsqueeze: routes.reshape(torch.unsqueeze),
    torch.unflatten: routes.reshape(torch.unflatten),
    torch.permute: routes.rearrangement(torch.permute),
    torch.transpose: routes.rearrangement(torch.transpose),
    torch.flip: routes.rearrangement(torch.flip),
    torch.narrow: routes.rearrangement(torch.narrow),
    torch.chunk: routes.pieces(torch.chunk),
    torch.split: routes.pieces(torch.split),
    torch.unbind: routes.pieces(torch.unbind),
    torch.mean: routes.reduction(torch.mean),
    torch.sum: routes.reduction(torch.sum),
}
for _axes in (1, 2, 3):
    for _target in (getattr(F, f"max_pool{_axes}d"), getattr(torch, f"max_pool{_axes}d")):
        FUNCTIONS[_target] = routes.max_pooling(_axes)
    FUNCTIONS[getattr(F, f"adaptive_max_pool{_axes}d")] = routes.adaptive_max_pooling(_axes)
    FUNCTIONS[getattr(F, f"avg_pool{_axes}d")] = routes.average_pooling(getattr(F, f"avg_pool{_axes}d"))
    FUNCTIONS[getattr(F, f"adaptive_avg_pool{_axes}d")] = routes.adaptive_average_pooling(
        getattr(F, f"adaptive_avg_pool{_axes}d")
    )

METHODS: dict[str, Callable[..., Any]] = {
    "add": arithmetic.add,
    "sub": arithmetic.subtract,
    "mul": arithmetic.multiply,
    "div": arithmetic.divide,
    "neg": arithmetic.negative,
    "relu": layers.rectify,
    "clamp": layers.clamp,
    "clamp_min": lambda x, min: layers.clamp(x, min),
    "contiguous": routes.same,
    "clone": routes.same,
    "float": routes.same,
    "to": routes.same,
    "view": routes.reshape(Tensor.view),
    "reshape": routes.reshape(Tensor.reshape),
    "flatten": routes.reshape(Tensor.flatten),
    "squeeze": routes.reshape(Tensor.squeeze),
    "unsqueeze": routes.reshape(Tensor.unsqueeze),
    "unflatten": routes.reshape(Tensor.unflatten),
    "permute": routes.rearrangement(Tensor.permute),
    "transpose": routes.rearrangement(Tensor.transpose),
    "flip": routes.rearrangement(Tensor.flip),
    "narrow": routes.rearrangement(Tensor.narrow),
    "chunk": routes.pieces(Tensor.chunk),
    "split": routes.pieces(Tensor.split),
    "unbind": routes.pieces(Tensor.unbind),
    "mean": routes.reduction(torch.mean),
    "sum": routes.reduction(torch.sum),
}


def module_call(module: nn.Module, x: Any, cast: Callable[[Any], Any]) -> Any:
    """The call of a leaf module on one node, if the table knows the module; else None."""
    match module:
        case nn.Conv1d() | nn.Conv2d() | nn.Conv3d() if module.padding_mode == "zeros":
            weight, bias = cast((module.weight, module.bias))
            return layers.convolution(
                x, weight, bias, module.stride, module.padding, module.dilation, module.groups
            )
        case nn.Linear():
            return layers.dense(x, *cast((module.weight, module.bias)))
        case nn.modules.batchnorm._BatchNorm():
            statistics = cast((module.running_mean, module.running_var, module.weight, module.bias))
            return layers.batch_norm(x, *statistics, eps=module.eps)
        case nn.ReLU():
            return layers.rectify(x)
        case nn.Hardtanh():  # ReLU6 is one
            return layers.clamp(x, module.min_val, module.max_val)
        case nn.MaxPool1d() | nn.MaxPool2d() | nn.MaxPool3d():
            axes = int(type(module).__name__[-2]) if type(module).__name__[-1] == "d" else x.value.dim() - 2
            return routes.max_pooling(axes)(
                x,
                module.kernel_size,
                module.stride,
                module.padding,
                module.dilation,
                module.ceil_mode,
                module.return_indices,
            )
        case nn.AdaptiveMaxPool1d() | nn.AdaptiveMaxPool2d() | nn.AdaptiveMaxPool3d():
            return routes.adaptive_max_pooling(x.value.dim() - 2)(
                x, module.output_size, module.return_indices
            )
        case nn.AvgPool1d() | nn.AvgPool2d() | nn.AvgPool3d():
            return of_each_image(module.forward, x)
        case nn.AdaptiveAvgPool1d() | nn.AdaptiveAvgPool2d() | nn.AdaptiveAvgPool3d():
            return routes.adaptive_average_pooling(lambda value, _: module.forward(value))(
                x, module.output_size
            )
        case nn.Flatten() | nn.Unflatten():
            return routes.reshape(module.forward)(x)
        case nn.ZeroPad1d() | nn.ZeroPad2d() | nn.ZeroPad3d():
            return routes.pad(x, tuple(module.padding))
        case nn.Identity() | nn.modules.dropout._DropoutNd():
            return x
    return None
