"""Max-pooling: which input of each window made its maximum."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

import torch
import torch.nn.functional as F
from torch import Tensor

from torch_backend.operators.differentiable import Smooth
from torch_backend.operators.layout import Shape, zeros
from torch_backend.operators.operator import Operator, Pullback


@dataclass(frozen=True)
class MaxPool(Operator):
    """The maximum of each window; of equal maxima the one that torch's derivative chooses.

    function: x (B, C, *space) -> the maxima and their flat positions in space. axes: how many space has.
    """

    kind = "max_pool"

    in_shape: Shape
    out_shape: Shape
    function: Callable[[Tensor], tuple[Tensor, Tensor]]
    axes: int

    def forward(self, x: Tensor) -> Tensor:
        return self.function(x)[0]

    def pullback(self, x: Tensor, y: Tensor) -> Pullback:
        _, winner = self.function(x)
        return lambda r: self.scatter(r, winner)

    def scatter(self, r: Tensor, winner: Tensor) -> Tensor:
        """Add each r where its winner stands; windows may overlap."""
        lead = r.shape[: -len(self.out_shape)]
        x = zeros(r, (lead.numel(), *self.in_shape)).view(*lead, *self.in_shape)
        r, winner = r.flatten(-self.axes), winner.flatten(-self.axes)  # (V, B, C, places)
        flat = x.flatten(-self.axes)
        flat.mT.scatter_add_(-2, winner.expand(r.shape).mT, r.mT)
        return x


@dataclass(frozen=True)
class PaddingBelow(Smooth):
    """What no maximum chooses, -∞, around each image; `pad` is torch's: how many before and after, from the
    last axis on.
    """

    pad: Shape


def with_padding_below(pool: MaxPool, in_shape: Shape, padding: PaddingBelow) -> MaxPool | None:
    """The max-pooling of an image (*in_shape,) that is padded first; None if a window holds nothing else."""
    space = in_shape[-pool.axes :]
    if len(padding.pad) > 2 * pool.axes:
        return None
    origin = F.pad(torch.arange(torch.Size(space).numel()).view(space), padding.pad).flatten()

    def function(x: Tensor) -> tuple[Tensor, Tensor]:
        maxima, positions = pool.function(padding.function(x))
        return maxima, origin.to(positions.device)[positions]

    maxima, _ = function(torch.zeros(1, *in_shape, dtype=torch.float64))
    return replace(pool, in_shape=in_shape, function=function) if bool((maxima == 0).all()) else None
