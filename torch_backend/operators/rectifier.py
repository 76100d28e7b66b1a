"""Rectifiers: ReLU, and those with a ceiling, as ReLU6."""

from __future__ import annotations

from dataclasses import dataclass
from math import inf

import torch
from torch import Tensor

from torch_backend.operators.entrywise import Bending
from torch_backend.operators.operator import Pullback


@dataclass(frozen=True)
class Rectifier(Bending):
    """y = min(max(x, 0), ceiling)."""

    kind = "relu"

    ceiling: float = inf

    def forward(self, x: Tensor) -> Tensor:
        return x.clamp(0, self.ceiling)

    def derivative(self, x: Tensor) -> Tensor:
        return self.mask(self.forward(x))

    def mask(self, y: Tensor) -> Tensor:
        """1 where the unit lets its input through, else 0; y is what came out."""
        open_ = y > 0 if self.ceiling == inf else (y > 0) & (y < self.ceiling)
        return open_.to(y.dtype)

    def gate(self, y: Tensor) -> Pullback:
        """r ↦ r where the unit lets its input through, else 0; one pass over memory for a ReLU."""
        if self.ceiling < inf:
            mask = self.mask(y)
            return lambda r: r * mask
        return lambda r: torch.ops.aten.threshold_backward(r, y, 0)

    def pullback(self, x: Tensor, y: Tensor) -> Pullback:
        return self.gate(y)


@dataclass(frozen=True)
class Clamp(Rectifier):
    """The same function by clamping; what its derivative is at its ends, this release of torch decides."""

    def pullback(self, x: Tensor, y: Tensor) -> Pullback:
        with torch.enable_grad():
            leaf = x.detach().requires_grad_()
            (inside,) = torch.autograd.grad(self.forward(leaf).sum(), leaf)
        return lambda r: r * inside
