"""Operators that the converter carries out in another way than the file says, or than can be read."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import torch
import torch.nn.functional as F
from onnx import NodeProto
from onnx2pytorch import operations
from torch import Tensor, nn

from torch_backend.inputs.onnx.editing import attribute

POOLS = {1: F.avg_pool1d, 2: F.avg_pool2d, 3: F.avg_pool3d}


class Gather(nn.Module):
    """Entries along one axis: the converter counts a negative axis from the front."""

    def __init__(self, axis: int) -> None:
        super().__init__()
        self.axis = axis

    def forward(self, x: Tensor, places: Tensor) -> Tensor:
        size, axis = x.shape[self.axis], self.axis % x.dim()
        chosen = x.index_select(axis, places.flatten() % size)
        return chosen.reshape((*x.shape[:axis], *places.shape, *x.shape[axis + 1 :]))


class Clip(nn.Module):
    """Numbers kept between two that are known: a rectifier, if they are 0 and more."""

    def __init__(self, low: float | None, high: float | None) -> None:
        super().__init__()
        self.low, self.high = low, high

    def forward(self, x: Tensor, *_: Tensor | None) -> Tensor:
        return x if self.low is None and self.high is None else torch.clamp(x, self.low, self.high)


class PRelu(nn.Module):
    """x where x > 0, else a slope times x: torch's own where there is a slope for each channel, or one."""

    def __init__(self, converted: nn.Module) -> None:
        super().__init__()
        self.converted = converted

    def forward(self, x: Tensor, slope: Tensor) -> Tensor:
        of_channels = slope.shape[:1] == x.shape[1:2] and slope.dim() == x.dim() - 1
        if slope.numel() == 1 or (of_channels and slope.numel() == len(slope)):
            return F.prelu(x, slope.flatten())
        return self.converted(x, slope)


class AveragePool(nn.Module):
    """The mean over what is there in each window, of an image that is padded by itself or by a layer."""

    def __init__(self, converted: operations.AveragePool) -> None:
        super().__init__()
        self.pad, self.pool = converted.pad, converted.pool

    def forward(self, x: Tensor) -> Tensor:
        pads = self.pad.pads(x) if isinstance(self.pad, operations.AutoPad) else [(0, 1)]
        if all(before == after for before, after in pads):
            mean, padding = POOLS[len(pads)], [before for before, _ in pads]
            size, step = self.pool.kernel_size, self.pool.stride
            return mean(x, size, step, padding, self.pool.ceil_mode, count_include_pad=False)
        share = self.pool(self.pad(torch.ones_like(x[:1])))
        return self.pool(self.pad(x)) * torch.where(share > 0, 1 / share, 0.0)


def mended(node: NodeProto, operation: nn.Module, known: Mapping[str, np.ndarray]) -> nn.Module:
    """The operation that the node asks for."""
    match operation:
        case operations.Gather():
            return Gather(attribute(node, "axis", 0))
        case operations.AveragePool():
            return AveragePool(operation)
        case operations.PRelu():
            return PRelu(operation)
        case operations.Clip():
            return _clip(node, operation, known)
    return operation


def _clip(node: NodeProto, operation: nn.Module, known: Mapping[str, np.ndarray]) -> nn.Module:
    """With constant bounds, whether they are attributes or inputs; else as it is."""
    bounds = [attribute(node, "min"), attribute(node, "max")]
    for i, name in enumerate(node.input[1:]):
        if name and (name not in known or known[name].size != 1):
            return operation
        bounds[i] = float(known[name].item()) if name else None
    return Clip(*bounds)
