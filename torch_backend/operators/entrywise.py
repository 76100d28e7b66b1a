"""Functions of single numbers: y = f(x), entry by entry."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor

from torch_backend.operators.operator import Operator, Pullback


class Bending(Operator):
    """What bends numbers one by one: y = f(x), entry by entry."""

    @abstractmethod
    def derivative(self, x: Tensor) -> Tensor:
        """f'(x), in the shape of x."""

    def pullback(self, x: Tensor, y: Tensor) -> Pullback:
        slope = self.derivative(x)
        return lambda r: r * slope


@dataclass(frozen=True)
class Entrywise(Bending):
    """y = function(x); autograd has the derivative. f(0) may be anything, as ½ in the sigmoid."""

    kind = "smooth"

    function: Callable[[Tensor], Tensor]

    def forward(self, x: Tensor) -> Tensor:
        return self.function(x)

    def derivative(self, x: Tensor) -> Tensor:
        with torch.enable_grad():
            leaf = x.detach().requires_grad_()
            (slope,) = torch.autograd.grad(self.function(leaf).sum(), leaf)
        return slope


class Activation(Entrywise):
    """f(0) = 0, as in leaky rectifiers, SiLU, GELU, tanh: a unit with one input and no bias, whatever its
    slopes.
    """

    kind = "activation"
