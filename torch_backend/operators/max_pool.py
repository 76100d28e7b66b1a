"""Max-pooling: which input of each window made its maximum."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

import torch
import torch.nn.functional as F
from torch import Tensor

from torch_backend.operators.layout import Shape, zeros
from torch_backend.operators.operator import Operator, Pullback


@dataclass(frozen=True)
class MaxPool(Operator):
    """The maximum of each window; of equal maxima the one that torch's derivative chooses.

    function: x (B, C, *space) -> the maxima and their flat positions in space. tile, for speed only: the
    window (p, q) where windows tile the plane; None: the winners are looked up one by one.
    """

    kind = "max_pool"

    in_shape: Shape
    out_shape: Shape
    function: Callable[[Tensor], tuple[Tensor, Tensor]]
    tile: Shape | None = None

    def forward(self, x: Tensor) -> Tensor:
        return self.function(x)[0]

    def pullback(self, x: Tensor, y: Tensor) -> Pullback:
        _, winner = self.function(x)
        return self._spread(winner, x) if self.tile else lambda r: self.scatter(r, winner)

    def transposable(self) -> MaxPool:
        """`scatter` has a derivative, the mask of tiles has not."""
        return replace(self, tile=None)

    def _spread(self, winner: Tensor, x: Tensor) -> Pullback:
        """Windows that tile the image: copy r to every place of its window, times the winner's mask."""
        (_, height, width), (_, rows, columns), (p, q) = self.in_shape, self.out_shape, self.tile
        ones, no, one = torch.ones_like(winner, dtype=x.dtype), (0, 0), (1, 1)
        pulled = torch.ops.aten.max_pool2d_with_indices_backward
        mask = pulled(ones, x, self.tile, self.tile, no, one, ceil_mode=False, indices=winner)
        mask = mask[..., : rows * p, : columns * q].unflatten(-1, (columns, q)).unflatten(-3, (rows, p))

        def unpool(r: Tensor) -> Tensor:
            lead = r.shape[: r.dim() - 3]
            out = r.new_empty(*lead, rows, p, columns, q, r.shape[-3]).movedim(-1, len(lead))
            torch.mul(r[..., :, None, :, None], mask, out=out)
            out = out.flatten(-2).flatten(-3, -2)
            rest = (0, width - columns * q, 0, height - rows * p)
            return F.pad(out, rest) if any(rest) else out

        return unpool

    def scatter(self, r: Tensor, winner: Tensor) -> Tensor:
        """Windows that may overlap: add each r where its winner stands."""
        lead, space = r.shape[: -len(self.out_shape)], len(self.out_shape) - 1
        x = zeros(r, (lead.numel(), *self.in_shape)).view(*lead, *self.in_shape)
        r, winner = r.flatten(-space), winner.flatten(-space)  # (V, B, C, places)
        flat = x.view(*lead, self.in_shape[0], -1)
        flat.mT.scatter_add_(-2, winner.expand(r.shape).mT, r.mT)
        return x
