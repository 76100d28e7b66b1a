"""The transpose of a convolution with few input channels, of a network's first layer, by phases.

Convolutions work on LANES channels at a time, so that the three of an image leave most of them idle. Cut the
image into blocks of b × b pixels: pixels at the same place within a block, one phase, see the same taps of
the kernel. The b² phases of C channels are the C b² channels of one plain convolution of r, interleaved
afterwards. It costs more taps, and fewer idle lanes.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import ceil, prod

import torch
import torch.nn.functional as F
from torch import Tensor

Size = tuple[int, int]

LANES = 16


@dataclass(frozen=True)
class PhasedAxis:
    """One axis of y = W x: pixel t = b m + q of x, in phase q of block m, reads places (b/s) m + j of y
    through tap q + P − s j, first ≤ j ≤ last.
    """

    pixels: int
    places: int
    taps: int
    stride: int
    padding: int
    block: int

    @property
    def step(self) -> int:
        return self.block // self.stride

    @property
    def first(self) -> int:
        return min(0, -((self.taps - 1 - self.padding) // self.stride))

    @property
    def last(self) -> int:
        return (self.block - 1 + self.padding) // self.stride

    @property
    def blocks(self) -> int:
        return -(-self.pixels // self.block)

    @property
    def ahead(self) -> int:
        """Blocks to compute before the image: a convolution pads as much in front as it needs behind."""
        behind = self.step * (self.blocks - 1) + self.last - (self.places - 1)
        return max(0, -(-(behind + self.first) // self.step))

    def chosen(self, like: Tensor) -> Tensor:
        """1 where phase q reads place j through tap k: (b, J, K)."""
        q = torch.arange(self.block)[:, None, None]
        j = torch.arange(self.first, self.last + 1)[:, None]
        return (q + self.padding - self.stride * j == torch.arange(self.taps)).to(like)


@dataclass(frozen=True, eq=False)
class TransposeByPhases:
    """Wᵀ: r (n, C_out, h, w) -> (n, C, H, W)."""

    kernel: Tensor
    axes: tuple[PhasedAxis, PhasedAxis]

    def __call__(self, r: Tensor) -> Tensor:
        y, x = self.axes
        padding = [axis.step * axis.ahead - axis.first for axis in self.axes]
        phases = F.conv2d(r, self.kernel, None, (y.step, x.step), padding)
        phases = phases[..., y.ahead : y.ahead + y.blocks, x.ahead : x.ahead + x.blocks]
        return F.pixel_shuffle(phases, y.block)[..., : y.pixels, : x.pixels]


def transpose_by_phases(
    weight: Tensor, stride: int, padding: Size, space: Size, out: Size, blocks: Sequence[int] = ()
) -> TransposeByPhases | None:
    """The transpose of the convolution with `weight` (C_out, C, K, K'), from images of size `space` to `out`.

    blocks: the b to choose the cheapest from, multiples of the stride s; by default s, 2s and 4s. None where
    that is 1: the transposed convolution as it is.
    """
    sizes = tuple(zip(space, out, weight.shape[2:], (stride, stride), padding, strict=True))
    choices = [
        tuple(PhasedAxis(*size, block) for size in sizes)
        for block in blocks or (stride, 2 * stride, 4 * stride)
    ]
    y, x = min(choices, key=lambda axes: _cost(weight.shape[1], axes))
    if y.block == 1:
        return None
    kernel = torch.einsum("ockl,qjk,pil->cqpoji", weight, y.chosen(weight), x.chosen(weight))
    return TransposeByPhases(kernel.flatten(0, 2).contiguous(memory_format=torch.channels_last), (y, x))


def _cost(channels: int, axes: tuple[PhasedAxis, ...]) -> float:
    """Multiplications for a pixel and an output channel, those of idle lanes included."""
    pixels = prod(axis.block for axis in axes)
    lanes = LANES * ceil(channels * pixels / LANES)
    return lanes * prod(axis.last - axis.first + 1 for axis in axes) / pixels
