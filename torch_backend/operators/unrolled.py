"""The transpose of a convolution in float64 on a GPU, as one product of matrices.

A GPU's libraries multiply float64 matrices at its full rate, and convolve at a tenth of it. Each pixel of
x = Wᵀ r reads the places of r around it through all taps of the kernel; written side by side, as many times
as there are taps, they are what one matrix of weights multiplies.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import prod

import torch
import torch.nn.functional as F
from torch import Tensor

Size = tuple[int, int]

UNROLLED = 1 << 31  # bytes of places side by side at a time


@dataclass(frozen=True, eq=False)
class TransposeUnrolled:
    """Wᵀ: r (n, C_out, h, w) -> (n, C, H, W), with the weights as (C, C_out · taps)."""

    matrix: Tensor
    kernel: Size
    padding: Size
    dilation: Size
    space: Size

    def __call__(self, r: Tensor) -> Tensor:
        each = self.matrix.shape[1] * prod(self.space) * r.element_size()
        return torch.cat([self._product(some) for some in r.split(max(1, UNROLLED // each))])

    def _product(self, r: Tensor) -> Tensor:
        places = F.unfold(r, self.kernel, self.dilation, self.padding)  # (n, C_out · taps, H · W)
        return (self.matrix @ places).unflatten(2, self.space)


def transpose_unrolled(
    weight: Tensor, padding: Size, dilation: Size, space: Size
) -> TransposeUnrolled | None:
    """The transpose of the convolution with `weight` (C_out, C, K, K'), of images of size `space`, one group,
    no stride; None where padding goes beyond the kernel.
    """
    kernel = (weight.shape[2], weight.shape[3])
    around = tuple(d * (k - 1) - p for d, k, p in zip(dilation, kernel, padding, strict=True))
    if min(around) < 0:
        return None
    matrix = weight.flip(2, 3).transpose(0, 1).flatten(1)
    return TransposeUnrolled(matrix, kernel, (around[0], around[1]), dilation, space)
