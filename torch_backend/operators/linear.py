"""Linear operators y = W x + b: what a rule may ask of them, and the two that are matrices or diagonals.

Shapes: x is (..., *in_shape) and y is (..., *out_shape); the leading axes (vectors, images) are free.
A rule asks for W x (`apply`), Wᵀ r (`adjoint`), the bias, and the operator with other weights: aW⁺ + bW⁻
(`part`), or any function of the single weights (`Weighted.map`).
"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from functools import cached_property
from math import prod

import torch
import torch.nn.functional as F
from torch import Tensor

from torch_backend.operators.layout import Shape, full_precision
from torch_backend.operators.operator import Operator


@dataclass(frozen=True, eq=False)
class Linear(Operator):
    """y = W x + b, bound to one input shape. `bias` broadcasts with (*out_shape,), or is None."""

    in_shape: Shape
    out_shape: Shape
    bias: Tensor | None = None

    @abstractmethod
    def apply(self, x: Tensor) -> Tensor:
        """W x: (..., *in_shape) -> (..., *out_shape), without the bias."""

    @abstractmethod
    def adjoint(self, r: Tensor) -> Tensor:
        """Wᵀ r: (..., *out_shape) -> (..., *in_shape)."""

    @abstractmethod
    def blend(self, a: float, b: float) -> Linear:
        """The operator aW⁺ + bW⁻, with the bias ab⁺ + bb⁻, made anew; see `part`."""

    def part(self, a: float, b: float) -> Linear:
        """The operator aW⁺ + bW⁻, with the bias ab⁺ + bb⁻; W⁺ and W⁻ themselves are kept."""
        match (a, b):
            case (1, 1):
                return self
            case (1, 0):
                return self.positive
            case (0, 1):
                return self.negative
        return self.blend(a, b)

    @cached_property
    def positive(self) -> Linear:
        """W⁺, with the bias b⁺."""
        return self.blend(1, 0)

    @cached_property
    def negative(self) -> Linear:
        """W⁻, with the bias b⁻."""
        return self.blend(0, 1)

    def forward(self, x: Tensor) -> Tensor:
        """W x + b."""
        y = self.apply(x)
        return y if self.bias is None else y + self.bias

    def pullback(self, x: Tensor, y: Tensor) -> Callable[[Tensor], Tensor]:
        """Wᵀ, whatever x."""
        return self.adjoint

    def beside(self, other: Linear) -> Linear | None:
        """For speed only: one operator for W x + W' x' on cat((x, x'), channels), where that is faster than
        two; None: do without.
        """
        return None

    @property
    def is_zero(self) -> bool:
        """For speed only: whether W is known to be 0, so that it need not be applied."""
        return False

    @property
    def repeats(self) -> Linear | None:
        """For speed only, for operators that copy (an addition): R, where W = cR and Rᵀ copies numbers as
        they are, Rᵀ(a ⊙ b) = Rᵀa ⊙ Rᵀb, so that what all copies share is multiplied before copying.
        """
        return None


@dataclass(frozen=True, eq=False)
class Weighted(Linear):
    """A linear operator that owns a tensor of weights."""

    weight: Tensor = field(kw_only=True)

    def map(self, f: Callable[[Tensor], Tensor]) -> Weighted:
        """The operator with the weights f(W), entry by entry, and the bias f(b)."""
        return replace(self, weight=f(self.weight), bias=None if self.bias is None else f(self.bias))

    def blend(self, a: float, b: float) -> Linear:
        if a == b:
            return self.map(lambda w: a * w)
        return self.map(lambda w: torch.where(w > 0, a * w, b * w))


@dataclass(frozen=True, eq=False)
class Dense(Weighted):
    """A dense layer on the last axis: weight (m, n), x (..., n), y (..., m)."""

    @property
    def kind(self) -> str:
        """ "convolution", of width 1, where the same weights serve several places."""
        return "dense" if prod(self.in_shape[:-1]) == 1 else "convolution"

    def apply(self, x: Tensor) -> Tensor:
        with full_precision(x):
            return F.linear(x, self.weight)

    def adjoint(self, r: Tensor) -> Tensor:
        with full_precision(r):
            return r @ self.weight


@dataclass(frozen=True, eq=False)
class Diagonal(Weighted):
    """y = w ⊙ x + b: an affine map of each entry, as a batch norm that no convolution absorbs."""

    kind = "affine"

    def apply(self, x: Tensor) -> Tensor:
        return x * self.weight

    def adjoint(self, r: Tensor) -> Tensor:
        return r * self.weight
