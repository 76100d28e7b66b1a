"""Relevance handed down in proportion to contributions: what every LRP rule has in common, and its
bookkeeping.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import torch
from torch import Tensor

from torch_backend.linear import Linear


@dataclass(frozen=True, eq=False)
class Part:
    """Contributions Wx to one denominator z: relevance goes down as x ⊙ Wᵀ(r ⊙ share), share = c / z."""

    op: Linear
    x: Tensor
    share: Tensor


@dataclass(frozen=True, eq=False)
class Account:
    """One denominator z: of c r, the bias draws c b / z, the stabiliser c ε / z, and all is lost where z
    = 0.
    """

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
    """r ↦ Σ x ⊙ Wᵀ(c r / z): relevance in proportion to contributions. Shares combine linearly: `2 * p -
    n`.
    """

    parts: tuple[Part, ...]
    accounts: tuple[Account, ...]

    def __call__(self, r: Tensor) -> Tensor:
        terms = [
            x * _sum([part.op.adjoint(r * part.share) for part in parts]) for x, parts in self._by_input()
        ]
        return _sum(terms)

    def book(self, r: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Relevance (V, B) of r (V, B, *out_shape) that goes to the bias, to ε, and is lost; the rest
        goes down.
        """
        booked = [account.book(r) for account in self.accounts]
        return tuple(_sum(list(column)) for column in zip(*booked, strict=True))

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


def _sum(tensors: list[Tensor]) -> Tensor:
    total, *others = tensors
    for tensor in others:
        total = total + tensor
    return total


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
        z = _sum([op.apply(x) for op, x in some])
        z = z if bias is None else z + bias
    stabiliser = None
    if epsilon:
        stabiliser = epsilon * torch.where(z < 0, -1, 1).to(z)
        z = z + stabiliser
    one_over_z = _inverse(z)
    parts = tuple(Part(op, x, one_over_z) for op, x in some)
    return Share(parts, (Account(1.0, one_over_z, bias, stabiliser),))


def _inverse(z: Tensor) -> Tensor:
    """1 / z, and 0 where z is 0 or so small that 1 / z overflows."""
    return torch.where(z.abs() < torch.finfo(z.dtype).tiny, 0, 1 / z)


def signs(x: Tensor) -> tuple[Tensor, Tensor | None]:
    """x⁺ and x⁻, which is None where x ≥ 0: half the work."""
    if bool((x >= 0).all()):
        return x, None
    return x.clamp(min=0), x.clamp(max=0)
