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
PLACE = "coordinate_transformation_mode"
POOLINGS = ("AveragePool", "LpPool", "MaxPool")


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
        while slope.dim() >= x.dim() and len(slope) == 1:
            slope = slope[0]
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


class HalfPixels(nn.Module):
    """A resizing by PyTorch's half pixels: a side of one holds the first number.

    Torch takes the middle.
    """

    def __init__(self, converted: operations.Resize) -> None:
        super().__init__()
        self.converted = converted

    def forward(
        self, x: Tensor, _roi: Tensor | None, scales: Tensor | None, sizes: Tensor | None = None
    ) -> Tensor:
        by_scales = scales is not None and scales.numel() > 0
        given = [float(n) for n in (scales if by_scales else sizes)]
        for axis in range(2, x.dim()):
            size = int(x.shape[axis] * given[axis]) if by_scales else given[axis]
            if size == 1 < x.shape[axis]:
                x, given[axis] = x.narrow(axis, 0, 1), 1.0
        numbers = torch.tensor(given, dtype=torch.float64)
        return self.converted(x, None, numbers, None) if by_scales else self.converted(x, None, None, numbers)


class PadToTheLastWindow(operations.AutoPad):
    """A pooling's padding where its number of windows is rounded up: ONNX has none that begins behind the
    image. What no window reads is not padded, so that torch, which takes padding for image, has none either.
    """

    def __init__(self, node: NodeProto) -> None:
        size = list(attribute(node, "kernel_shape"))
        one = [1] * len(size)
        strides, dilations = attribute(node, "strides", one), attribute(node, "dilations", one)
        value = -np.inf if node.op_type == "MaxPool" else 0.0
        super().__init__(size, list(strides), list(dilations), value=value)
        self.before, self.after = np.reshape(attribute(node, "pads"), (2, -1)).tolist()

    def pads(self, x: Tensor) -> list[tuple[int, int]]:
        return [
            (before, max(min(after, self._read(axis, size + before) - size - before), 0))
            for axis, (size, before, after) in enumerate(
                zip(x.shape[2:], self.before, self.after, strict=True)
            )
        ]

    def _read(self, axis: int, begins_before: int) -> int:
        """How far the last window reaches that begins on the image, or on the padding in front of it."""
        reach = (self.kernel_size[axis] - 1) * self.dilation[axis] + 1
        return (begins_before - 1) // self.stride[axis] * self.stride[axis] + reach


def mended(node: NodeProto, operation: nn.Module, known: Mapping[str, np.ndarray]) -> nn.Module:
    """The operation that the node asks for."""
    if _rounds_up_beside_a_layer(node):
        _pad_by(PadToTheLastWindow(node), operation)
    match operation:
        case operations.Gather():
            return Gather(attribute(node, "axis", 0))
        case operations.AveragePool():
            return AveragePool(operation)
        case operations.PRelu():
            return PRelu(operation)
        case operations.Resize() if attribute(node, PLACE) == b"pytorch_half_pixel":
            return HalfPixels(operation)
        case operations.Clip():
            return _clip(node, operation, known)
    return operation


def _rounds_up_beside_a_layer(node: NodeProto) -> bool:
    """Whether it pads more on one side, for which the converter takes a layer, and rounds its size up."""
    pads = list(attribute(node, "pads", ()))
    half = len(pads) // 2
    return node.op_type in POOLINGS and bool(attribute(node, "ceil_mode", 0)) and pads[:half] != pads[half:]


def _pad_by(layer: nn.Module, operation: nn.Module) -> None:
    """The layer pads, wherever the converter put its own."""
    match operation:
        case nn.Sequential():
            operation[0] = layer
        case operations.LpPool():
            operation.pad_layer = layer
        case operations.AveragePool() | operations.MaxPool():
            operation.pad = layer


def _clip(node: NodeProto, operation: nn.Module, known: Mapping[str, np.ndarray]) -> nn.Module:
    """With constant bounds, whether they are attributes or inputs; else as it is."""
    bounds = [attribute(node, "min"), attribute(node, "max")]
    for i, name in enumerate(node.input[1:]):
        if name and (name not in known or known[name].size != 1):
            return operation
        bounds[i] = float(known[name].item()) if name else None
    return Clip(*bounds)
