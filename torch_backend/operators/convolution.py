"""Convolutions over 1 to 3 axes, transposed ones too, and the faster ways to carry them out."""

from __future__ import annotations

from abc import abstractmethod
from dataclasses import dataclass, replace
from functools import cached_property

import torch
import torch.nn.functional as F
from torch import Tensor

from torch_backend.operators.layout import Shape, arrange, fold, full_precision, unfold, zeros
from torch_backend.operators.linear import Weighted
from torch_backend.operators.phases import LANES, TransposeByPhases, transpose_by_phases
from torch_backend.operators.unrolled import TransposeUnrolled, transpose_unrolled

FEW_CHANNELS = LANES  # with fewer inputs, two convolutions side by side are as fast as one
FEW_PIXELS = 2048  # of a batch; with fewer, laying out the weights costs a convolution more than its sums
CONVOLVE = {1: F.conv1d, 2: F.conv2d, 3: F.conv3d}
CONVOLVE_TRANSPOSED = {1: F.conv_transpose1d, 2: F.conv_transpose2d, 3: F.conv_transpose3d}


def _product(x: Tensor, w: Tensor, bias: Tensor | None = None) -> Tensor:
    """W x + b at each pixel of x (n, C, H, W)."""
    y = F.linear(x.movedim(1, -1).flatten(0, 2), w, bias)
    return y.unflatten(0, (len(x), *x.shape[2:])).movedim(-1, 1)


@dataclass(frozen=True, eq=False)
class Convolving(Weighted):
    """What slides a kernel over 1 to 3 axes: weight (C_out, C_in / groups, *kernel), x (..., C_in, *space).

    bias is (C_out, 1, ...), or (C_out, *space) where it differs from place to place.
    """

    stride: Shape = (1,)
    padding: Shape = (0,)
    dilation: Shape = (1,)
    groups: int = 1

    @property
    def source(self) -> Shape:
        """(C_in, *space)."""
        return self.in_shape[-1 - len(self.stride) :]

    @property
    def target(self) -> Shape:
        """(C_out, *space)."""
        return self.out_shape[-1 - len(self.stride) :]

    def apply(self, x: Tensor) -> Tensor:
        return self._convolve(x, None)

    def forward(self, x: Tensor) -> Tensor:
        if self.bias is None or self.bias.numel() == self.target[0]:
            return self._convolve(x, None if self.bias is None else self.bias.flatten())
        return self._convolve(x, None) + self.bias

    @abstractmethod
    def _convolve(self, x: Tensor, bias: Tensor | None) -> Tensor:
        """W x + b for a bias (C_out,)."""


@dataclass(frozen=True, eq=False)
class Convolution(Convolving):
    """A convolution."""

    @property
    def kind(self) -> str:
        """ "dense" where every output reads the whole input, and each with weights of its own."""
        whole = self.weight.shape[1:] == self.in_shape and not any(self.padding)
        return "dense" if whole else "convolution"

    @cached_property
    def arranged(self) -> Tensor:
        """The weights in the layout the convolution runs fastest with."""
        return arrange(self.weight)

    def _convolve(self, x: Tensor, bias: Tensor | None) -> Tensor:
        above = arrange(fold(x, self.source))
        with full_precision(x):
            if self._is_product(above):
                read = above[..., :: self.stride[0], :: self.stride[1]]
                y = _product(read, self.weight.flatten(1), bias)
            else:
                y = CONVOLVE[len(self.stride)](
                    above,
                    self.arranged,
                    bias,
                    self.stride,
                    self.padding,
                    self.dilation,
                    self.groups,
                )
        return unfold(y, x, self.in_shape, self.out_shape)

    def adjoint(self, r: Tensor) -> Tensor:
        below = arrange(fold(r, self.target))
        with full_precision(r):
            if self._is_product(below):
                x = _product(below, self.weight.flatten(1).T)
                if max(self.stride) > 1:
                    read, x = x, zeros(x, (len(x), *self.in_shape))
                    x[..., :: self.stride[0], :: self.stride[1]] = read
            elif (faster := self._by_phases or self._unrolled) is not None:
                x = faster(below)
            else:
                x = CONVOLVE_TRANSPOSED[len(self.stride)](
                    below,
                    self.arranged,
                    None,
                    self.stride,
                    self.padding,
                    self._rest,
                    self.groups,
                    self.dilation,
                )
        return unfold(x, r, self.out_shape, self.in_shape)

    def _is_product(self, x: Tensor) -> bool:
        """Whether a convolution of 1×1 is carried out as the matrix product it is."""
        return (
            self.weight.shape[2:] == (1, 1)
            and (self.groups, *self.padding) == (1, 0, 0)
            and x.device.type == "cpu"
            and len(x) * torch.Size(self.target[1:]).numel() < FEW_PIXELS
        )

    def beside(self, other: Convolution) -> Convolution | None:
        channels, *space = self.source
        if self.groups > 1 or channels >= FEW_CHANNELS or self.in_shape != self.source:
            return None
        weight = torch.cat((self.weight, other.weight), 1)
        return replace(self, in_shape=(2 * channels, *space), weight=weight, bias=None)

    @cached_property
    def _by_phases(self) -> TransposeByPhases | None:
        """The transpose by phases, where that is faster."""
        stride = self.stride[0]
        if (
            self.stride != (stride, stride)
            or self.dilation != (1, 1)
            or self.groups > 1
            or self.source[0] >= FEW_CHANNELS
            or self.weight.device.type != "cpu"
        ):
            return None
        return transpose_by_phases(self.weight, stride, self.padding, self.source[1:], self.target[1:])

    @cached_property
    def _unrolled(self) -> TransposeUnrolled | None:
        """The transpose as a product of matrices, where that is faster."""
        if (
            self.weight.device.type != "cuda"
            or self.weight.dtype != torch.float64
            or self.stride != (1, 1)
            or self.groups > 1
        ):
            return None
        return transpose_unrolled(self.weight, self.padding, self.dilation, self.source[1:])

    @property
    def _rest(self) -> Shape:
        return unreached(self.source, self.target, self)


@dataclass(frozen=True, eq=False)
class TransposedConvolution(Convolving):
    """The transpose of a convolution from `target` to `source`: each number of x spreads a kernel over y.

    The weight is laid out as a convolution's, (C_out, C_in / groups, *kernel), so that what folds into one
    folds into the other. The size of y says how many trailing pixels nothing reaches (output_padding).
    """

    kind = "convolution"

    @cached_property
    def arranged(self) -> Tensor:
        """The weights as torch has them, (C_in, C_out / groups, *kernel)."""
        grouped = self.weight.unflatten(0, (self.groups, -1))
        return arrange(grouped.transpose(1, 2).flatten(0, 1))

    def _convolve(self, x: Tensor, bias: Tensor | None) -> Tensor:
        below = arrange(fold(x, self.source))
        with full_precision(x):
            y = CONVOLVE_TRANSPOSED[len(self.stride)](
                below,
                self.arranged,
                bias,
                self.stride,
                self.padding,
                self._rest,
                self.groups,
                self.dilation,
            )
        return unfold(y, x, self.in_shape, self.out_shape)

    def adjoint(self, r: Tensor) -> Tensor:
        above = arrange(fold(r, self.target))
        with full_precision(r):
            x = CONVOLVE[len(self.stride)](
                above, self.arranged, None, self.stride, self.padding, self.dilation, self.groups
            )
        x = x[(..., *(slice(n) for n in self.source[1:]))]  # output_padding may exceed a stride
        return unfold(x, r, self.out_shape, self.in_shape)

    @property
    def _rest(self) -> Shape:
        return unreached(self.target, self.source, self)


def unreached(large: Shape, small: Shape, layer: Convolving) -> Shape:
    """Trailing pixels of the larger image that no kernel reaches: output_padding of a transposed convolution
    from `small` to `large`, (C, *space) both.
    """
    sizes = zip(
        large[1:], small[1:], layer.weight.shape[2:], layer.stride, layer.padding, layer.dilation, strict=True
    )
    return tuple(n + 2 * p - d * (k - 1) - 1 - s * (m - 1) for n, m, k, s, p, d in sizes)
