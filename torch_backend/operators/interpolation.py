"""Interpolation with weights of both signs, as bicubic: one matrix for each axis."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from functools import reduce
from itertools import product

import torch
from torch import Tensor

from torch_backend.operators.layout import full_precision
from torch_backend.operators.linear import Linear


@dataclass(frozen=True, eq=False)
class Interpolation(Linear):
    """y = (p K⁺ + n K⁻) x, K = K₁ ⊗ K₂ over the last two axes; K itself where p = n = 1. No bias.

    axes: K₁ (H', H) and K₂ (W', W). A weight of K is positive where its two factors have the same sign:
    K⁺ = K₁⁺ ⊗ K₂⁺ + K₁⁻ ⊗ K₂⁻ and K⁻ = K₁⁺ ⊗ K₂⁻ + K₁⁻ ⊗ K₂⁺.
    """

    kind = "interpolation"

    axes: tuple[Tensor, Tensor] = field(kw_only=True)
    p: float = 1.0
    n: float = 1.0

    def apply(self, x: Tensor) -> Tensor:
        with full_precision(x):
            return reduce(torch.add, (c * (k1 @ x @ k2.mT) for c, k1, k2 in self._terms()))

    def adjoint(self, r: Tensor) -> Tensor:
        with full_precision(r):
            return reduce(torch.add, (c * (k1.mT @ r @ k2) for c, k1, k2 in self._terms()))

    def blend(self, a: float, b: float) -> Interpolation:
        """pK⁺ is the positive part where p ≥ 0, and nK⁻ where n < 0."""
        return replace(self, p=self.p * (a if self.p >= 0 else b), n=self.n * (b if self.n >= 0 else a))

    def _terms(self) -> Iterator[tuple[float, Tensor, Tensor]]:
        """Kronecker products whose sum is the operator, each with its coefficient."""
        if self.p == self.n:
            yield self.p, *self.axes
            return
        for one, two in product((0, 1), repeat=2):
            c = self.p if one == two else self.n
            yield c, _of_sign(self.axes[0], one), _of_sign(self.axes[1], two)


def _of_sign(matrix: Tensor, negative: int) -> Tensor:
    """K⁺, or K⁻."""
    return matrix.clamp(max=0) if negative else matrix.clamp(min=0)
