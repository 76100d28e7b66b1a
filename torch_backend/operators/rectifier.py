"""Rectifiers: ReLU, and those with a ceiling, as ReLU6."""

from __future__ import annotations

from dataclasses import dataclass
from math import inf

import torch
from torch import Tensor

from torch_backend.operators.operator import EntrywisePullback, Operator, Pullback


@dataclass(frozen=True)
class Rectifier(Operator):
    """y = min(max(x, 0), ceiling)."""

    kind = "relu"

    ceiling: float = inf

    def forward(self, x: Tensor) -> Tensor:
        return x.clamp(0, self.ceiling)

    def mask(self, y: Tensor) -> Tensor:
        """1 where the unit lets its input through, else 0; y is what came out."""
        open_ = y > 0 if self.ceiling == inf else (y > 0) & (y < self.ceiling)
        return open_.to(y.dtype)

    def gate(self, y: Tensor) -> EntrywisePullback:
        """(r, out) ↦ r where the unit lets its input through, else 0; one pass over memory for a ReLU."""
        if self.ceiling < inf:
            mask = self.mask(y)
            return lambda r, out: torch.mul(r, mask, out=out)
        where_positive = torch.ops.aten.threshold_backward
        return lambda r, out: (
            where_positive(r, y, 0) if out is None else where_positive.grad_input(r, y, 0, grad_input=out)
        )

    def pullback(self, x: Tensor, y: Tensor) -> Pullback:
        gate = self.gate(y)
        return lambda r: gate(r, None)

    def entrywise(self, x: Tensor, y: Tensor) -> EntrywisePullback:
        return self.gate(y)
