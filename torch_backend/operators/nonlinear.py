"""What happens between linear layers: rectify, choose the maximum, anything else differentiable.

Each operator has `forward(x)`, `pullback(x, y)` (the transposed Jacobian at the recorded x, as a function of
any number of vectors), and `join` / `split` between a node's inputs and its x.
"""

from collections.abc import Callable
from dataclasses import dataclass
from math import inf

import torch
import torch.nn.functional as F
from torch import Tensor

from rankone.errors import refuse
from torch_backend.operators.linear import Shape, zeros


class OneInput:
    """A node that reads one node: x is its value."""

    def join(self, inputs: tuple[Tensor, ...], y: Tensor | None = None) -> Tensor:
        return inputs[0]

    def split(self, r: Tensor) -> tuple[Tensor, ...]:
        return (r,)


@dataclass(frozen=True)
class Entrywise:
    """r ↦ function(r, None), entry by entry; function(r, out) writes into out."""

    function: Callable[[Tensor, Tensor | None], Tensor]

    def __call__(self, r: Tensor) -> Tensor:
        return self.function(r, None)

    def overwrite(self, r: Tensor) -> Tensor:
        """The same; the memory of r is used."""
        return self.function(r, r)


class Identity:
    """r ↦ r; a scale (see sweep) stays apart."""

    def __call__(self, r: Tensor) -> Tensor:
        return r

    def scaled(
        self, r: Tensor, scale: Tensor | None, memory: Tensor | None = None
    ) -> tuple[Tensor, Tensor | None]:
        return r, scale


@dataclass(frozen=True)
class Rectifier(OneInput):
    """y = min(max(x, 0), ceiling)."""

    ceiling: float = inf

    def forward(self, x: Tensor) -> Tensor:
        return x.clamp(0, self.ceiling)

    def mask(self, y: Tensor) -> Tensor:
        """1 where the unit lets its input through, else 0; y is what came out."""
        open_ = y > 0 if self.ceiling == inf else (y > 0) & (y < self.ceiling)
        return open_.to(y.dtype)

    def gate(self, y: Tensor) -> Callable[[Tensor, Tensor | None], Tensor]:
        """(r, out) ↦ r where the unit lets its input through, else 0; one pass over memory for a ReLU."""
        if self.ceiling < inf:
            mask = self.mask(y)
            return lambda r, out: torch.mul(r, mask, out=out)
        where_positive = torch.ops.aten.threshold_backward
        return lambda r, out: (
            where_positive(r, y, 0) if out is None else where_positive.grad_input(r, y, 0, grad_input=out)
        )

    def pullback(self, x: Tensor, y: Tensor) -> Callable[[Tensor], Tensor]:
        return Entrywise(self.gate(y))


@dataclass(frozen=True)
class MaxPool(OneInput):
    """The maximum of each window; of equal maxima the first wins.

    function: x (B, C, *space) -> the maxima and their flat positions in space. tile: the window (p, q)
    where windows tile the plane, else None.
    """

    in_shape: Shape
    out_shape: Shape
    function: Callable[[Tensor], tuple[Tensor, Tensor]]
    tile: Shape | None = None

    def forward(self, x: Tensor) -> Tensor:
        return self.function(x)[0]

    def pullback(self, x: Tensor, y: Tensor) -> Callable[[Tensor], Tensor]:
        _, winner = self.function(x)
        return self._spread(winner, x) if self.tile else lambda r: self.scatter(r, winner)

    def _spread(self, winner: Tensor, x: Tensor) -> Callable[[Tensor], Tensor]:
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


def plain(x: Tensor) -> Tensor:
    """A contiguous copy, for a function that may work in place or ask for a view."""
    return x.clone(memory_format=torch.contiguous_format)


@dataclass(frozen=True)
class Differentiable:
    """Any other function of one or more tensors: known only through its derivative."""

    function: Callable[..., Tensor]

    def join(self, inputs: tuple[Tensor, ...], y: Tensor | None = None) -> tuple[Tensor, ...]:
        return inputs

    def split(self, r: tuple[Tensor, ...]) -> tuple[Tensor, ...]:
        return r

    def forward(self, x: tuple[Tensor, ...]) -> Tensor:
        return self.function(*(plain(part) for part in x))

    def pullback(self, x: tuple[Tensor, ...], y: Tensor) -> Callable[[Tensor], tuple[Tensor, ...]]:
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
                    vector,
                    retain_graph=True,
                    create_graph=r.requires_grad,
                    materialize_grads=True,
                )
                for vector in r
            ]
            return tuple(torch.stack(parts) for parts in zip(*vectors, strict=True))

        return pull
