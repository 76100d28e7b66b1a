"""Linear operators without weights of their own: additions, averages, and what only moves numbers."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from functools import reduce

import torch
from torch import Tensor

from torch_backend.operators.layout import Shape, fold, unfold, zeros
from torch_backend.operators.linear import Linear
from torch_backend.operators.operator import Route


class NonNegative(Linear):
    """A linear operator without bias whose weights are all ≥ 0."""

    def blend(self, a: float, b: float) -> Linear:
        return self if a == 1 else Scaled(self.in_shape, self.out_shape, inner=self, factor=a)


@dataclass(frozen=True, eq=False)
class Scaled(Linear):
    """c W, for weights W ≥ 0: what rules make of the operators below."""

    inner: NonNegative = field(kw_only=True)
    factor: float = field(kw_only=True)

    def apply(self, x: Tensor) -> Tensor:
        return self.factor * self.inner.apply(x)

    def adjoint(self, r: Tensor) -> Tensor:
        return self.factor * self.inner.adjoint(r)

    def blend(self, a: float, b: float) -> Linear:
        return self.inner.part(self.factor * (a if self.factor >= 0 else b), 0)

    @property
    def is_zero(self) -> bool:
        return self.factor == 0

    @property
    def repeats(self) -> Linear | None:
        return self.inner.repeats


@dataclass(frozen=True, eq=False)
class Sum(NonNegative):
    """The addition of k inputs, [I I … I]: x is (k, 1, B, *shape), with the parts on an axis of their own
    in front.

    The axis of length one broadcasts against the V vectors of r (V, B, *shape) ↦ (k, V, B, *shape).
    """

    kind = "add"

    count: int = 2

    def join(self, inputs: tuple[Tensor, ...], y: Tensor | None = None) -> Tensor:
        x = side_by_side(inputs[0], self.count)
        for part, value in zip(x, inputs, strict=True):
            part[0] = value
        return x

    def split(self, r: Tensor) -> tuple[Tensor, ...]:
        return r.unbind(0)

    def forward(self, x: Tensor) -> Tensor:
        return self.apply(x)[0]

    def apply(self, x: Tensor) -> Tensor:
        return reduce(torch.add, x)

    def adjoint(self, r: Tensor) -> Tensor:
        return r.expand(self.count, *r.shape)

    @property
    def repeats(self) -> Sum:
        return self


def side_by_side(like: Tensor, count: int) -> Tensor:
    """Room for `count` tensors like this one, (count, 1, *shape), each laid out densely in the order of its
    axes: a slice or an expanded view of another tensor has strides that reach beyond its own numbers.
    """
    strides = torch.empty_like(like, device="meta").stride()
    return torch.empty_strided(
        (count, 1, *like.shape),
        (like.numel(), like.numel(), *strides),
        dtype=like.dtype,
        device=like.device,
    )


@dataclass(frozen=True, eq=False)
class Reshape(Route, NonNegative):
    """The same numbers in another shape."""

    def apply(self, x: Tensor) -> Tensor:
        return x.reshape(*x.shape[: x.dim() - len(self.in_shape)], *self.out_shape)

    def adjoint(self, r: Tensor) -> Tensor:
        return r.reshape(*r.shape[: r.dim() - len(self.out_shape)], *self.in_shape)


@dataclass(frozen=True, eq=False)
class Concatenation(Route, NonNegative):
    """The inputs one after the other along `axis` (counted from the end, < 0): x is already y."""

    axis: int = -1
    sizes: Shape = ()

    def join(self, inputs: tuple[Tensor, ...], y: Tensor | None = None) -> Tensor:
        return torch.cat(inputs, self.axis) if y is None else y

    def split(self, r: Tensor) -> tuple[Tensor, ...]:
        return r.split(self.sizes, self.axis)

    def apply(self, x: Tensor) -> Tensor:
        return x

    def adjoint(self, r: Tensor) -> Tensor:
        return r


@dataclass(frozen=True, eq=False)
class Gather(Route, NonNegative):
    """Numbers picked from several inputs: y_k = x_{index k}, x all inputs in a row; 0 where index < 0."""

    index: Tensor = field(kw_only=True)
    shapes: tuple[Shape, ...] = field(kw_only=True)

    def join(self, inputs: tuple[Tensor, ...], y: Tensor | None = None) -> Tensor:
        return torch.cat([part.flatten(1) for part in inputs], 1)

    def split(self, r: Tensor) -> tuple[Tensor, ...]:
        parts = r.split([torch.Size(shape).numel() for shape in self.shapes], -1)
        return tuple(part.unflatten(-1, shape) for part, shape in zip(parts, self.shapes, strict=True))

    def apply(self, x: Tensor) -> Tensor:
        padded = torch.cat([x, x.new_zeros(*x.shape[:-1], 1)], -1)
        return padded[..., self.index].unflatten(-1, self.out_shape)

    def adjoint(self, r: Tensor) -> Tensor:
        flat = r.flatten(-len(self.out_shape))
        x = flat.new_zeros(*flat.shape[:-1], self.in_shape[0] + 1)
        return x.index_add(-1, self.index % x.shape[-1], flat)[..., :-1]


@dataclass(frozen=True, eq=False)
class Function(NonNegative):
    """A linear function of (n, *in_shape) with weights ≥ 0, transposed by autograd."""

    function: Callable[[Tensor], Tensor] = field(kw_only=True)

    def apply(self, x: Tensor) -> Tensor:
        return unfold(self.function(fold(x, self.in_shape)), x, self.in_shape, self.out_shape)

    def adjoint(self, r: Tensor) -> Tensor:
        folded = fold(r, self.out_shape)
        zero = zeros(folded, (len(folded), *self.in_shape))
        with torch.enable_grad():
            zero.requires_grad_()
            (x,) = torch.autograd.grad(self.function(zero), zero, folded, create_graph=r.requires_grad)
        return unfold(x, r, self.out_shape, self.in_shape)


class Average(Function):
    """Average pooling, a mean or a sum over space."""

    kind = "average"


class Rearrangement(Route, Function):
    """Numbers that are picked: slices, permutations, repetition, padding with zeros."""


@dataclass(frozen=True, eq=False)
class Padding(Rearrangement):
    """Zeros around each image; `pad` is torch's: how many before and after, from the last axis on."""

    pad: Shape = field(kw_only=True)
