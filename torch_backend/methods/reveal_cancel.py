"""DeepLIFT with the RevealCancel rule (Shrikumar, Greenside, Kundaje 2017, sections 3.5.1 and 3.5.3), whole
and without its cross terms.

A unit's difference is kept as Δ = Δ⁺ + Δ⁻, and each part has a multiplier of its own: m⁺ and m⁻. Vectors
travel down in turn, (2V, B, *shape): m⁺ and m⁻ of the first start vector, of the second, …
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from rankone.errors import refuse
from torch_backend.graph.node import Node
from torch_backend.methods.deeplift import (
    SAYS,
    DeepLift,
    gather,
    higher_winner,
    one_image,
    slope,
)
from torch_backend.operators.convolution import Convolving
from torch_backend.operators.entrywise import Bending
from torch_backend.operators.interpolation import Interpolation
from torch_backend.operators.linear import Dense, Diagonal, Linear
from torch_backend.operators.max_pool import MaxPool
from torch_backend.operators.operator import Image, Route
from torch_backend.operators.unweighted import Average, Sum
from torch_backend.rules.backward import Backward, Plain, Rule


def deeplift_reveal_cancel(reference: Tensor | None = None) -> DeepLift:
    """RevealCancel in whatever bends single numbers, the Linear rule in the layers below. Complete, as the
    Rescale rule is.

    reference: one image (1, *image shape), None for zeros. ValueError if it is something else.
    """
    return RevealCancel("deeplift_reveal_cancel", **SAYS, carries=2, reference=one_image(reference))


def deeplift_without_cross_terms(reference: Tensor | None = None) -> DeepLift:
    """RevealCancel where no Δ⁺ makes a Δ⁻ and no Δ⁻ a Δ⁺: the linear layers keep W⁺ only.

    Two chains of non-negative factors, through the units with Δ > 0 and through those with Δ < 0, that never
    meet: each tends to rank one, both together to rank two. Not complete (the ablation of Sixt, Granz,
    Landgraf, ICML 2020).
    """
    return WithoutCrossTerms(
        "deeplift_without_cross_terms", **SAYS, carries=2, reference=one_image(reference)
    )


@dataclass(frozen=True, eq=False)
class RevealCancel(DeepLift):
    """DeepLIFT with a multiplier for either sign."""

    def start(self, r: Tensor) -> Tensor:
        return r.repeat_interleave(2, 0)

    def read(self, node: Node, r: Tensor) -> Tensor:
        """The contributions m⁺Δ⁺ + m⁻Δ⁻, or the multiplier of the sign that Δ has."""
        up, down = r[0::2], r[1::2]
        if self.reads_multipliers:
            return torch.where(self.difference.delta(node) >= 0, up, down)
        plus, minus = self.parts(node)
        return up * plus + down * minus

    def rule(self, node: Node) -> Rule | None:
        match node.op:
            case Bending():
                return lambda op, x, y: self.rectifier(node)
            case Convolving() | Dense() | Sum() | Interpolation():
                return lambda op, x, y: self.linear(op, x - self.difference.x0(node))
            case Diagonal():
                return lambda op, x, y: self.factor(op)
        return super().rule(node)

    def linear(self, op: Linear, dx: Tensor) -> Backward:
        """The Linear rule: where Δx > 0, W⁺ makes Δy⁺ of it and W⁻ makes Δy⁻; where Δx < 0 W⁻ makes Δy⁺ and
        W⁺ makes Δy⁻; where Δx = 0 half of both.
        """

        def backward(m: Tensor) -> Tensor:
            up, down = apart(op, op.positive.adjoint(m))
            up_, down_ = apart(op, op.negative.adjoint(m))
            above, below = up + down_, up_ + down
            both = torch.where(dx > 0, above, torch.where(dx < 0, below, (above + below) / 2))
            return in_turn(op, both, both)

        return Plain(backward)

    def factor(self, op: Linear) -> Backward:
        """One factor for each unit: Δ⁺ and Δ⁻ change places where it is negative."""

        def backward(m: Tensor) -> Tensor:
            up, down = apart(op, op.positive.adjoint(m))
            up_, down_ = apart(op, op.negative.adjoint(m))
            return in_turn(op, up + down_, up_ + down)

        return Plain(backward)

    def rectifier(self, node: Node) -> Backward:
        """RevealCancel: m⁺ ↦ m⁺ Δy⁺ / Δx⁺, m⁻ ↦ m⁻ Δy⁻ / Δx⁻."""
        above, below = self.slopes(node)
        q = torch.stack((above, below))  # (2, B, *shape)
        return Plain(lambda m: (m.unflatten(0, (-1, 2)) * q).flatten(0, 1))

    def slopes(self, node: Node) -> tuple[Tensor, Tensor]:
        """Δy⁺ / Δx⁺ and Δy⁻ / Δx⁻ of f, entry by entry, each the mean of its being added first and last:
        Δy⁺ = ½ (f(x⁰ + Δx⁺) - f(x⁰)) + ½ (f(x) - f(x⁰ + Δx⁻)), and Δy⁻ likewise.
        """
        f, x0, x = node.op, self.difference.x0(node), self.difference.x(node)
        plus, minus = self.parts(self.below(node))
        above = slope(f, x0, x0 + plus) + slope(f, x0 + minus, x)
        below = slope(f, x0, x0 + minus) + slope(f, x0 + plus, x)
        return above / 2, below / 2

    def below(self, node: Node) -> Node:
        return self.difference.images.nodes[node.inputs[0]]

    def parts(self, node: Node) -> tuple[Tensor, Tensor]:
        """Δ⁺ and Δ⁻ of a node's output (B, *shape)."""
        op = node.op
        match op:
            case Image():
                return signs(self.difference.delta(node))
            case Convolving() | Dense() | Sum() | Interpolation():
                dx = self.difference.x(node) - self.difference.x0(node)
                return split_by_sign(op, *signs(dx), like=node.value)
            case Diagonal():
                return split_by_sign(op, *self.parts(self.below(node)), like=node.value)
            case Bending():
                (above, below), (plus, minus) = self.slopes(node), self.parts(self.below(node))
                return above * plus, below * minus
            case MaxPool():
                q, winner = higher_winner(op, self.difference.x0(node), self.difference.x(node))
                plus, minus = self.parts(self.below(node))
                return q * gather(plus, winner), q * gather(minus, winner)
            case Average() | Route():
                inputs = (self.parts(self.difference.images.nodes[i]) for i in node.inputs)
                plus, minus = (op.forward(op.join(part)) for part in zip(*inputs, strict=True))
                return plus, minus
        return refuse(
            f"node {node.name} ({node.kind}, {node.label})",
            expected="a node whose output has a positive and a negative part under RevealCancel",
            got=type(op).__name__,
            do="take deeplift_rescale, or a network without such a node below the rectifiers",
        )


@dataclass(frozen=True, eq=False)
class WithoutCrossTerms(RevealCancel):
    """m⁺ ↦ 1[Δx > 0] ⊙ W⁺ᵀ m⁺ and m⁻ ↦ 1[Δx < 0] ⊙ W⁺ᵀ m⁻ in linear layers."""

    def linear(self, op: Linear, dx: Tensor) -> Backward:
        def backward(m: Tensor) -> Tensor:
            up, down = apart(op, op.positive.adjoint(m))
            return in_turn(op, up * (dx > 0), down * (dx < 0))

        return Plain(backward)

    def factor(self, op: Linear) -> Backward:
        return Plain(op.positive.adjoint)


def signs(x: Tensor) -> tuple[Tensor, Tensor]:
    """x⁺ and x⁻."""
    return x.clamp(min=0), x.clamp(max=0)


def split_by_sign(op: Linear, plus: Tensor, minus: Tensor, *, like: Tensor) -> tuple[Tensor, Tensor]:
    """W⁺x⁺ + W⁻x⁻ and W⁺x⁻ + W⁻x⁺."""
    above = op.positive.apply(plus) + op.negative.apply(minus)
    below = op.positive.apply(minus) + op.negative.apply(plus)
    return above.reshape(like.shape), below.reshape(like.shape)


def apart(op: Linear, m: Tensor) -> tuple[Tensor, ...]:
    """m⁺ and m⁻ of what `op` reads, from vectors in turn, on the axis before that of the images."""
    axis = m.dim() - len(op.in_shape) - 2
    return m.unflatten(axis, (-1, 2)).unbind(axis + 1)


def in_turn(op: Linear, up: Tensor, down: Tensor) -> Tensor:
    """The inverse of `apart`."""
    axis = up.dim() - len(op.in_shape) - 2
    return torch.stack((up, down), axis + 1).flatten(axis, axis + 1)
