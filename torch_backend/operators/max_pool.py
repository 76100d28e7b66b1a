"""Max-pooling: which input of each window made its maximum."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from torch import Tensor

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
