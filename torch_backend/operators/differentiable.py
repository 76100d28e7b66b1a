"""Any other function of one or more tensors: known only through its derivative."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor

from rankone.errors import refuse
from torch_backend.operators.layout import plain
from torch_backend.operators.operator import Operator, Pullback, Route


@dataclass(frozen=True)
class Differentiable(Operator):
    """y = function(*x), x a tuple of tensors; autograd has the derivative."""

    function: Callable[..., Tensor]

    def join(self, inputs: tuple[Tensor, ...], y: Tensor | None = None) -> tuple[Tensor, ...]:
        return inputs

    def split(self, r: tuple[Tensor, ...]) -> tuple[Tensor, ...]:
        return r

    def forward(self, x: tuple[Tensor, ...]) -> Tensor:
        return self.function(*(plain(part) for part in x))

    def pullback(self, x: tuple[Tensor, ...], y: Tensor) -> Pullback:
        leaves = tuple(part.detach().requires_grad_() for part in x)
        try:
            with torch.enable_grad():
                value = self.forward(leaves)
        except RuntimeError as error:
            refuse(
                "a function of the network",
                expected="one that autograd can differentiate",
                got=" ".join(str(error).split()),
                do="rewrite it, without out=",
            )
        if not value.requires_grad:  # a detached branch
            return lambda r: tuple(torch.zeros_like(part).expand(len(r), *part.shape) for part in x)

        def pull(r: Tensor) -> tuple[Tensor, ...]:
            vectors = [
                torch.autograd.grad(
                    value,
                    leaves,
                    vector.contiguous(),
                    retain_graph=True,
                    create_graph=r.requires_grad,
                    materialize_grads=True,
                )
                for vector in r
            ]
            return tuple(torch.stack(parts) for parts in zip(*vectors, strict=True))

        return pull


class Smooth(Differentiable):
    """A function of one node."""

    kind = "smooth"


class Product(Differentiable):
    """A function of several nodes, as their product."""

    kind = "product"


class OpaqueRoute(Route, Differentiable):
    """A function that moves numbers, across the images of the batch too."""


class Mixed(Differentiable):
    """A function in which the images of a batch meet: a network whose output depends on it is refused."""

    def __init__(self) -> None:
        super().__init__(lambda *x: x[0])
