"""Relevance in proportion to contributions: what every LRP rule has in common, and its books.

What a neuron j receives from input i is the contribution c_ji = W_ji x_i; its bias b_j is one more. A rule
mixes positive and negative ones to p c⁺ + n c⁻ (`contributions`) and shares relevance out in proportion to
these (`share`): r_i = Σ_j c_ji r_j / z_j, z_j = Σ_i c_ji + b_j, c now the mixed contributions.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field, replace
from functools import reduce

import torch
from torch import Tensor

from torch_backend.operators.linear import Linear
from torch_backend.rules.backward import Backward, Books


@dataclass(frozen=True, eq=False)
class Contributions:
    """Terms W x as pairs (op, x), and the bias of the denominator, or None."""

    terms: tuple[tuple[Linear, Tensor], ...]
    bias: Tensor | None = None


def contributions(op: Linear, x: Tensor, positive: float = 1, negative: float = 1) -> Contributions:
    """p c⁺ + n c⁻ of the contributions c = W x, p = positive and n = negative, with the bias p b⁺ + n b⁻.

    At an input x ≥ 0 these are the contributions of pW⁺ + nW⁻, at x ≤ 0 those of nW⁺ + pW⁻.
    """
    w = op.part(positive, negative)
    if positive == negative:
        return Contributions(((w, x),), w.bias)
    return Contributions(by_sign(w, lambda: op.part(negative, positive), x), w.bias)


def share(c: Contributions, *, z: Tensor | None = None, epsilon: float = 0.0) -> Share:
    """Relevance in proportion to c: r ↦ Σ x ⊙ Wᵀ(r / (z + ε sign z)), z = Σ W x + b, sign 0 = 1; what meets
    a denominator 0 is lost. z: where it is known already.
    """
    terms = tuple((op, x) for op, x in c.terms if not op.is_zero) or c.terms[:1]
    z = _sum(terms, c.bias) if z is None else z
    stabiliser = None
    if epsilon:
        stabiliser = epsilon * torch.where(z < 0, -1, 1).to(z)
        z = z + stabiliser
    one_over_z = _inverse(z)
    parts = tuple(Part(op, x, one_over_z) for op, x in terms)
    return Share(parts, (Account(1.0, one_over_z, c.bias, stabiliser),))


def _sum(terms: tuple[tuple[Linear, Tensor], ...], bias: Tensor | None) -> Tensor:
    """Σ W x + b; a first operator that has this bias adds it itself."""
    (first, x), *others = terms
    with_bias = bias is not None and first.bias is bias
    z = first.forward(x) if with_bias else first.apply(x)
    z = reduce(torch.add, [op.apply(x) for op, x in others], z)
    return z if bias is None or with_bias else z + bias


def _inverse(z: Tensor) -> Tensor:
    """1 / z, and 0 where it is infinite: where z is 0 or next to it."""
    return z.reciprocal().nan_to_num_(nan=float("nan"), posinf=0.0, neginf=0.0)


# ---------------------------------------------------------------- what is handed down


@dataclass(frozen=True, eq=False)
class Part:
    """Contributions W x to one denominator z: relevance goes down as x ⊙ Wᵀ(r ⊙ quotient), quotient = k / z
    with k a coefficient, as α of αβ.
    """

    op: Linear
    x: Tensor
    quotient: Tensor

    def scaled(self, factor: Tensor | None) -> Tensor:
        """quotient ⊙ factor."""
        return self.quotient if factor is None else self.quotient * factor


@dataclass(frozen=True, eq=False)
class Account:
    """The books of one denominator z: of relevance k r a fraction b / z goes to the bias and ε / z to ε;
    where z = 0 none is handed down. quotient = k / z, 0 there; k the coefficient.
    """

    coefficient: float
    quotient: Tensor
    bias: Tensor | None
    epsilon: Tensor | None

    def book(self, r: Tensor) -> Books:
        """Relevance (V, B) that went to the bias, to ε, and was lost."""
        drawn = r * self.quotient
        nothing = drawn.new_zeros(())
        lost = torch.where(self.quotient == 0, self.coefficient * r, nothing)
        bias = nothing if self.bias is None else drawn * self.bias
        epsilon = nothing if self.epsilon is None else drawn * self.epsilon
        return Books(*(booked.expand_as(drawn).flatten(2).sum(2) for booked in (bias, epsilon, lost)))


@dataclass(frozen=True, eq=False)
class Share(Backward):
    """r ↦ Σ x ⊙ Wᵀ(k r / z): relevance in proportion to contributions.

    Shares combine linearly: `2 * p - n`.
    """

    parts: tuple[Part, ...]
    accounts: tuple[Account, ...]

    def __call__(self, r: Tensor) -> Tensor:
        pulled, x = self.factored(r, None)
        return pulled if x is None else pulled * x

    def book(self, r: Tensor) -> Books:
        """Relevance (V, B) of r (V, B, *out_shape) that the bias draws, ε draws, and that is lost."""
        booked = [account.book(r) for account in self.accounts]
        return Books(*(reduce(torch.add, column) for column in zip(*booked, strict=True)))

    def factored(
        self, r: Tensor, factor: Tensor | None, memory: Tensor | None = None
    ) -> tuple[Tensor, Tensor | None]:
        """For speed only, see Backward. With f the factor that r comes with, what is handed down is
        Σ Wᵀ(k r ⊙ f / z), and the x that all parts have in common its factor. Parts with different x are
        multiplied out; but an addition hands down copies of r, with Σ x ⊙ Wᵀ(k f / z) for a factor.
        """
        *others, (x, parts) = self._by_input()
        repeat = self.parts[0].op.repeats
        if others and repeat is not None:
            one = (1, *r.shape[1:])
            factors = [part.op.adjoint(part.scaled(factor).reshape(one)) * part.x for part in self.parts]
            return repeat.adjoint(r), reduce(torch.add, factors)
        products = [_pull(theirs, r, factor, None) * other for other, theirs in others]
        pulled = _pull(parts, r, factor, memory)
        return (reduce(torch.add, products, pulled * x), None) if products else (pulled, x)

    def __rmul__(self, k: float) -> Share:
        parts = tuple(replace(part, quotient=k * part.quotient) for part in self.parts)
        accounts = tuple(
            replace(account, coefficient=k * account.coefficient, quotient=k * account.quotient)
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


def _pull(parts: Iterable[Part], r: Tensor, factor: Tensor | None, memory: Tensor | None) -> Tensor:
    """Σ Wᵀ(k r ⊙ factor / z); the last part, which is the last to read r, may overwrite `memory`."""
    *others, last = parts
    pulled = [part.op.adjoint(r * part.scaled(factor)) for part in others]
    return reduce(torch.add, [*pulled, last.op.adjoint(torch.mul(r, last.scaled(factor), out=memory))])


# ---------------------------------------------------------------- inputs of either sign


def by_sign(w: Linear, for_negative: Callable[[], Linear], x: Tensor) -> tuple[tuple[Linear, Tensor], ...]:
    """The contributions of W x⁺ + W' x⁻; where x has no negative entry, W' = for_negative() is not made."""
    if bool(x.amin() >= 0):
        return ((w, x),)
    other = for_negative()
    if other.is_zero:
        return ((w, x.clamp(min=0)),)
    if (both := w.beside(other)) is not None:
        return ((BySign(w.in_shape, w.out_shape, both=both, x=x), x),)
    return (w, x.clamp(min=0)), (other, x.clamp(max=0))


@dataclass(frozen=True, eq=False)
class BySign(Linear):
    """For speed only: W x⁺ + W' x⁻ as one operator at one x. Relevance of x_i is pulled through W where
    x_i > 0, through W' where x_i < 0.
    """

    both: Linear = field(kw_only=True)
    x: Tensor = field(kw_only=True)

    def apply(self, x: Tensor) -> Tensor:
        return self.both.apply(torch.cat((x.clamp(min=0), x.clamp(max=0)), -len(self.in_shape)))

    def adjoint(self, r: Tensor) -> Tensor:
        by_w, by_other = self.both.adjoint(r).chunk(2, -len(self.in_shape))
        positive = (self.x > 0).to(r.dtype)
        return torch.addcmul(by_w * positive, by_other, 1 - positive)  # seven times as fast as torch.where

    def blend(self, a: float, b: float) -> Linear:
        return replace(self, both=self.both.part(a, b))
