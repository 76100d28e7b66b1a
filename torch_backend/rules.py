"""The equations: how one node hands the relevance of its output down to its inputs.

A rule is a function (op, x, y) -> (r -> r_in): op the node's operator, x (B, *in_shape) its recorded
input, y (B, *out_shape) its recorded output. What depends on x only (denominators) is computed once; the
function returned then serves any number of vectors r (V, B, *out_shape). A rule of your own is a function
of the same form.

Equation numbers are those of Sixt, Granz, Landgraf, "When Explanations Lie" (arXiv 1912.09818).
Bias policy of every rule that shares relevance out: the bias is one more contribution. A positive bias
belongs to the positive part, a negative one to the negative part, and the relevance it draws is booked as
such, as is what meets 0/0 (-> 0).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

import torch
from torch import Tensor

from torch_backend.linear import Linear
from torch_backend.nonlinear import Rectifier

Backward = Callable[[Tensor], Tensor]
Rule = Callable[..., Backward]


# ---------------------------------------------------------------- the gradient family


def gradient(op, x, y) -> Backward:
    """r ↦ Jᵀ r, J the node's Jacobian at x: Wᵀ r in a linear layer, the winner takes all in a
    max-pooling.
    """
    return op.pullback(x, y)


def pass_through(op, x, y) -> Backward:  # noqa: ARG001
    """r ↦ r: a rectifier has one input for each output, which inherits all (Bach et al. 2015)."""
    return lambda r: r


def deconvolve(op: Rectifier, x: Tensor, y: Tensor) -> Backward:  # noqa: ARG001
    """r ↦ r⁺ in a rectifier (Zeiler and Fergus 2014)."""
    return lambda r: r.clamp(min=0)


def guide(op: Rectifier, x: Tensor, y: Tensor) -> Backward:  # noqa: ARG001
    """r ↦ 1[y > 0] ⊙ r⁺ in a rectifier (Springenberg et al. 2015; eq. 7)."""
    mask = op.mask(y)
    return lambda r: r.clamp(min=0) * mask


# ---------------------------------------------------------------- relevance shared out by contributions


def inverse(z: Tensor) -> Tensor:
    """1 / z, and 0 where z is 0 or so small that 1 / z overflows."""
    return torch.where(z.abs() < torch.finfo(z.dtype).tiny, 0, 1 / z)


@dataclass(frozen=True, eq=False)
class Part:
    """Contributions Wx that share one denominator: `share` = c / z scales the relevance before it goes
    down.
    """

    op: Linear
    x: Tensor
    share: Tensor


@dataclass(frozen=True, eq=False)
class Booking:
    """c r of one denominator: b / z of it goes to the bias, ε / z to the stabiliser, all of it is lost
    where z = 0.
    """

    coefficient: float
    share: Tensor
    bias: Tensor | None
    epsilon: Tensor | None


@dataclass(frozen=True, eq=False)
class Share:
    """r ↦ Σ x ⊙ Wᵀ(c r / z): relevance in proportion to contributions Wx to a total z, weighted by c.

    Shares combine linearly: `2 * p - n`.
    """

    parts: tuple[Part, ...]
    bookings: tuple[Booking, ...]

    def __call__(self, r: Tensor) -> Tensor:
        total: Tensor | None = None
        for x, parts in _by_input(self.parts):
            pulled: Tensor | None = None
            for part in parts:
                pull = part.op.adjoint(r * part.share)
                pulled = pull if pulled is None else pulled + pull
            term = x * pulled
            total = term if total is None else total + term
        assert total is not None
        return total

    def __rmul__(self, c: float) -> Share:
        parts = tuple(replace(part, share=c * part.share) for part in self.parts)
        bookings = tuple(
            replace(entry, coefficient=c * entry.coefficient, share=c * entry.share)
            for entry in self.bookings
        )
        return Share(parts, bookings)

    def __add__(self, other: Share) -> Share:
        return Share(self.parts + other.parts, self.bookings + other.bookings)

    def __sub__(self, other: Share) -> Share:
        return self + (-1) * other


def _by_input(parts: tuple[Part, ...]) -> list[tuple[Tensor, list[Part]]]:
    """Parts with the same x together: x ⊙ (W₁ᵀr₁ + W₂ᵀr₂)."""
    groups: dict[int, tuple[Tensor, list[Part]]] = {}
    for part in parts:
        groups.setdefault(id(part.x), (part.x, []))[1].append(part)
    return list(groups.values())


def share(
    *contributions: tuple[Linear, Tensor | None],
    bias: Tensor | None = None,
    z: Tensor | None = None,
    epsilon: float = 0.0,
) -> Share:
    """Relevance in proportion to the contributions Wx to z = Σ Wx + b (+ ε sign z).

    contributions: pairs (W, x); a pair whose x is None or whose W is 0 contributes nothing. z: Σ Wx + b,
    where it is already known.
    """
    some = tuple((op, x) for op, x in contributions if x is not None and not op.is_zero) or contributions[:1]
    if z is None:
        z = sum(op.apply(x) for op, x in some)
        z = z if bias is None else z + bias
    extra = None
    if epsilon:
        extra = torch.where(z < 0, -epsilon, epsilon)
        z = z + extra
    one_over_z = inverse(z)
    return Share(tuple(Part(op, x, one_over_z) for op, x in some), (Booking(1.0, one_over_z, bias, extra),))


def signs(x: Tensor) -> tuple[Tensor, Tensor | None]:
    """x⁺ and x⁻ (None where x ≥ 0, which costs nothing then)."""
    if bool((x >= 0).all()):
        return x, None
    return x.clamp(min=0), x.clamp(max=0)


def z_plus(op: Linear, x: Tensor, y: Tensor) -> Share:  # noqa: ARG001
    """(3): x⁺ ⊙ W⁺ᵀ(r / z⁺) + x⁻ ⊙ W⁻ᵀ(r / z⁺), z⁺ = W⁺x⁺ + W⁻x⁻ + b⁺ (x⁻ = 0 but at the input)."""
    plus, minus = signs(x)
    return share((op.positive, plus), (op.negative, minus), bias=op.positive.bias)


def z_minus(op: Linear, x: Tensor, y: Tensor) -> Share:  # noqa: ARG001
    """The negative twin of (3): x⁺ ⊙ W⁻ᵀ(r / z⁻) + x⁻ ⊙ W⁺ᵀ(r / z⁻), z⁻ = W⁻x⁺ + W⁺x⁻ + b⁻."""
    plus, minus = signs(x)
    return share((op.negative, plus), (op.positive, minus), bias=op.negative.bias)


def alpha_beta(alpha: float, beta: float) -> Rule:
    """(6): α times the positive share minus β times the negative share (Bach et al. 2015)."""

    def rule(op: Linear, x: Tensor, y: Tensor) -> Share:  # noqa: ARG001
        plus, minus = signs(x)
        up = share((op.positive, plus), (op.negative, minus), bias=op.positive.bias)
        if beta == 0 or (op.negative.is_zero and minus is None and op.bias is None):
            return alpha * up
        down = share((op.negative, plus), (op.positive, minus), bias=op.negative.bias)
        return alpha * up - beta * down

    return rule


def z(op: Linear, x: Tensor, y: Tensor) -> Share:
    """(5): x ⊙ Wᵀ(r / z), z = Wx + b."""
    return share((op, x), bias=op.bias, z=y)
