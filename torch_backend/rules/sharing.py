"""Relevance in proportion to contributions: what every LRP rule has in common, and its books."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from functools import reduce

import torch
from torch import Tensor

from torch_backend.operators.linear import Linear


@dataclass(frozen=True, eq=False)
class Part:
    """Contributions Wx to one denominator z: relevance goes down as x ⊙ Wᵀ(r ⊙ share), share = c / z."""

    op: Linear
    x: Tensor
    share: Tensor

    def scaled(self, scale: Tensor | None) -> Tensor:
        """share ⊙ scale."""
        return self.share if scale is None else self.share * scale


@dataclass(frozen=True, eq=False)
class Account:
    """One denominator z: of c r the bias draws b / z, the stabiliser ε / z; all is lost where z = 0."""

    coefficient: float
    share: Tensor
    bias: Tensor | None
    epsilon: Tensor | None

    def book(self, r: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Relevance (V, B) that went to the bias, to ε, and was lost."""
        drawn = r * self.share
        nothing = drawn.new_zeros(())
        lost = torch.where(self.share == 0, self.coefficient * r, nothing)
        bias = nothing if self.bias is None else drawn * self.bias
        epsilon = nothing if self.epsilon is None else drawn * self.epsilon
        return tuple(_total(booked.expand_as(drawn)) for booked in (bias, epsilon, lost))


def _total(r: Tensor) -> Tensor:
    return r.flatten(2).sum(2)


@dataclass(frozen=True, eq=False)
class Share:
    """r ↦ Σ x ⊙ Wᵀ(c r / z): relevance in proportion to contributions.

    Shares combine linearly: `2 * p - n`.
    """

    parts: tuple[Part, ...]
    accounts: tuple[Account, ...]

    def __call__(self, r: Tensor) -> Tensor:
        pulled, x = self.scaled(r, None)
        return pulled if x is None else _times(pulled, x)

    def scaled(
        self, r: Tensor, scale: Tensor | None, memory: Tensor | None = None
    ) -> tuple[Tensor, Tensor | None]:
        """The same for relevance r ⊙ scale, its result in two factors as well: Σ Wᵀ(c r ⊙ scale / z) and the
        input x of all parts; where they have not one x, the product and None. An addition, which repeats r,
        leaves it as it is: the factor is Σ x ⊙ Wᵀ(c scale / z). memory: may be overwritten (r itself).
        """
        *others, (x, parts) = self._by_input()
        repeat = self.parts[0].op.repeats
        if others and repeat is not None:
            one = (1, *r.shape[1:])
            factors = [part.op.adjoint(part.scaled(scale).reshape(one)) * part.x for part in self.parts]
            return repeat.adjoint(r), reduce(_plus, factors)
        products = [_times(_pull(theirs, r, scale, None), other) for other, theirs in others]
        pulled = _pull(parts, r, scale, memory)
        return (reduce(_plus, products, _times(pulled, x)), None) if products else (pulled, x)

    def book(self, r: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Relevance (V, B) of r (V, B, *out_shape) that the bias draws, ε draws, and that is lost."""
        booked = [account.book(r) for account in self.accounts]
        return tuple(reduce(torch.add, column) for column in zip(*booked, strict=True))

    def __rmul__(self, c: float) -> Share:
        parts = tuple(replace(part, share=c * part.share) for part in self.parts)
        accounts = tuple(
            replace(account, coefficient=c * account.coefficient, share=c * account.share)
            for account in self.accounts
        )
        return Share(parts, accounts)

    def __add__(self, other: Share) -> Share:
        return Share(self.parts + other.parts, self.accounts + other.accounts)

    def __sub__(self, other: Share) -> Share:
        return self + (-1) * other

    def _by_input(self) -> list[tuple[Tensor, list[Part]]]:
        """Parts with the same x together: x ⊙ (W₁ᵀr₁ + W₂ᵀr₂)."""
        groups: dict[int, tuple[Tensor, list[Part]]] = {}
        for part in self.parts:
            groups.setdefault(id(part.x), (part.x, []))[1].append(part)
        return list(groups.values())


def _pull(parts: list[Part], r: Tensor, scale: Tensor | None, memory: Tensor | None) -> Tensor:
    """Σ Wᵀ(c r ⊙ scale / z); the last part, which is the last to read r, may overwrite `memory`."""
    return reduce(
        _plus,
        [
            part.op.adjoint(torch.mul(r, part.scaled(scale), out=memory if part is parts[-1] else None))
            for part in parts
        ],
    )


def _plus(mine: Tensor, other: Tensor) -> Tensor:
    return torch.add(mine, other, out=_own(mine))


def _times(mine: Tensor, other: Tensor) -> Tensor:
    return torch.mul(mine, other, out=_own(mine))


def _own(mine: Tensor) -> Tensor | None:
    """Fresh memory costs more than the arithmetic: reuse `mine`, unless its entries share memory (an expanded
    view) or autograd follows it (torch_backend.chain_operator).
    """
    return None if mine.requires_grad or 0 in mine.stride() else mine


def share(
    *contributions: tuple[Linear, Tensor],
    bias: Tensor | None = None,
    z: Tensor | None = None,
    epsilon: float = 0.0,
) -> Share:
    """Relevance in proportion to the contributions Wx to z = Σ Wx + b (+ ε sign z).

    contributions: pairs (W, x). z: Σ Wx + b, where it is known already.
    """
    some = tuple((op, x) for op, x in contributions if not op.is_zero) or contributions[:1]
    if z is None:
        (first, x0), *others = some
        with_bias = bias is not None and first.bias is bias
        z = first.forward(x0) if with_bias else first.apply(x0)
        z = reduce(torch.add, [op.apply(x) for op, x in others], z)
        z = z if bias is None or with_bias else z + bias
    stabiliser = None
    if epsilon:
        stabiliser = epsilon * torch.where(z < 0, -1, 1).to(z)
        z = z + stabiliser
    one_over_z = _inverse(z)
    parts = tuple(Part(op, x, one_over_z) for op, x in some)
    return Share(parts, (Account(1.0, one_over_z, bias, stabiliser),))


def _inverse(z: Tensor) -> Tensor:
    """1 / z, and 0 where it is infinite: where z is 0 or next to it."""
    return z.reciprocal().nan_to_num_(nan=float("nan"), posinf=0.0, neginf=0.0)


@dataclass(frozen=True, eq=False)
class BySign(Linear):
    """W x⁺ + W' x⁻ as one operator at one x: what comes down to a positive entry comes by W, else by W'."""

    both: Linear = field(kw_only=True)
    x: Tensor = field(kw_only=True)

    def apply(self, x: Tensor) -> Tensor:
        return self.both.apply(torch.cat((x.clamp(min=0), x.clamp(max=0)), -len(self.in_shape)))

    def adjoint(self, r: Tensor) -> Tensor:
        by_w, by_other = self.both.adjoint(r).chunk(2, -len(self.in_shape))
        positive = (self.x > 0).to(r.dtype)
        return torch.addcmul(by_w * positive, by_other, 1 - positive)  # seven times as fast as torch.where


def by_sign(w: Linear, for_negative: Callable[[], Linear], x: Tensor) -> tuple[tuple[Linear, Tensor], ...]:
    """The contributions of W x⁺ + W' x⁻; after a rectifier x⁻ = 0, and W' = for_negative() is not made."""
    if bool(x.amin() >= 0):
        return ((w, x),)
    other = for_negative()
    if other.is_zero:
        return ((w, x.clamp(min=0)),)
    if (both := w.beside(other)) is not None:
        return ((BySign(w.in_shape, w.out_shape, both=both, x=x), x),)
    return (w, x.clamp(min=0)), (other, x.clamp(max=0))
