"""The equations: how one node hands the relevance of its output down to its inputs.

A rule is a function (op, x, y) -> Backward (rules.backward): op the node's operator, x its recorded input
(B, *in_shape), y its recorded output (B, *out_shape). What depends on these only (denominators, masks) is
computed once; the Backward then serves any number of vectors, r (V, B, *out_shape) ↦ r_in (V, B, *in_shape).
A rule of your own is a function of the same form, and may return a plain function r ↦ r_in (an addition has
its k inputs on an axis in front of x and r_in, see operators.unweighted.Sum).

Equation numbers are those of Sixt, Granz, Landgraf, "When Explanations Lie" (arXiv 1912.09818).

c⁺ and c⁻ are the positive and the negative contributions W_ji x_i (rules.sharing). Bias, the same in LRP's
rules z, ε, γ, z⁺ and αβ: it is one more contribution; a positive bias belongs to the positive part, a
negative one to the negative part. Excitation, w² and z^B have none. What it draws is booked, as is what meets
0/0, which is 0.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import ceil

import torch
from torch import Tensor

from rankone.errors import refuse
from torch_backend.operators.linear import Linear, Weighted
from torch_backend.operators.operator import Operator
from torch_backend.operators.rectifier import Rectifier
from torch_backend.rules.backward import Backward, Identity, Plain, Rule
from torch_backend.rules.sharing import Contributions, Share, contributions, share

# ---------------------------------------------------------------- the gradient family


def gradient(op: Operator, x, y: Tensor) -> Backward:
    """r ↦ Jᵀ r, J the node's Jacobian at x: Wᵀ r in a linear layer, the winner's place in a max-pooling."""
    return Plain(op.pullback(x, y))


def pass_through(op: Operator, x, y: Tensor) -> Backward:
    """r ↦ r: a rectifier has one input for each output, which inherits all (Bach et al. 2015)."""
    return Identity()


def deconvolve(op: Rectifier, x: Tensor, y: Tensor) -> Backward:
    """r ↦ r⁺ in a rectifier (Zeiler and Fergus 2014)."""
    return Plain(lambda r: r.clamp(min=0))


def guide(op: Rectifier, x: Tensor, y: Tensor) -> Backward:
    """r ↦ 1[y > 0] ⊙ r⁺ in a rectifier (Springenberg et al. 2015; eq. 7)."""
    gate = op.gate(y)
    return Plain(lambda r: gate(r).clamp_(min=0))


def rectify_gradient(quantile: float) -> Rule:
    """r ↦ r ⊙ 1[y ⊙ r > τ] in a rectifier (RectGrad, Kim et al. 2019).

    τ is the quantile of y ⊙ r over the units of the layer, for each vector and image. ValueError: the
    quantile is not in [0, 1).
    """
    if not 0 <= quantile < 1:
        refuse("quantile", expected="a number in [0, 1)", got=quantile, do="RectGrad's own is 0.98")

    def rule(op: Rectifier, x: Tensor, y: Tensor) -> Backward:
        def backward(r: Tensor) -> Tensor:
            importance = y * r
            units = importance.flatten(2)
            rank = max(1, ceil(quantile * units.shape[-1]))
            tau = units.kthvalue(rank, dim=-1).values
            return r * (importance > tau.reshape(*tau.shape, *[1] * (r.dim() - 2)))

        return Plain(backward)

    return rule


# ---------------------------------------------------------------- relevance shared out by contributions


def z(op: Linear, x: Tensor, y: Tensor) -> Share:
    """(5): the share of c: x ⊙ Wᵀ(r / z), z = Wx + b (Bach et al. 2015)."""
    return share(contributions(op, x), z=y)


def epsilon(size: float) -> Rule:
    """x ⊙ Wᵀ(r / (z + ε sign z)), z = Wx + b: ε draws where z is small (Bach et al. 2015)."""
    _check_number("epsilon", size, least=0)
    return lambda op, x, y: share(contributions(op, x), z=y, epsilon=size)


def gamma(size: float) -> Rule:
    """The share of c + γc⁺: at x ≥ 0, x ⊙ (W + γW⁺)ᵀ(r / z), z = (W + γW⁺)x + b + γb⁺ (Montavon et al. 2019).

    At a negative input γ strengthens W⁻, whose contribution is the positive one.
    """
    _check_number("gamma", size, least=0)
    return lambda op, x, y: share(contributions(op, x, positive=1 + size, negative=1))


def z_plus(op: Linear, x: Tensor, y: Tensor) -> Share:
    """(3): the share of c⁺: x⁺ ⊙ W⁺ᵀ(r / z⁺) + x⁻ ⊙ W⁻ᵀ(r / z⁺), z⁺ = W⁺x⁺ + W⁻x⁻ + b⁺.

    After a ReLU x⁻ = 0.
    """
    return share(contributions(op, x, positive=1, negative=0))


def z_minus(op: Linear, x: Tensor, y: Tensor) -> Share:
    """The share of c⁻: x⁺ ⊙ W⁻ᵀ(r / z⁻) + x⁻ ⊙ W⁺ᵀ(r / z⁻), z⁻ = W⁻x⁺ + W⁺x⁻ + b⁻."""
    return share(contributions(op, x, positive=0, negative=1))


def alpha_beta(alpha: float, beta: float) -> Rule:
    """(6): α times the positive part's share minus β times the negative part's (Bach et al. 2015)."""
    _check_number("alpha", alpha)
    _check_number("beta", beta)
    if (alpha, beta) == (1, 0):
        return z_plus
    if beta == 0:
        return lambda op, x, y: alpha * z_plus(op, x, y)
    return lambda op, x, y: alpha * z_plus(op, x, y) - beta * z_minus(op, x, y)


def excite(op: Linear, x: Tensor, y: Tensor) -> Share:
    """x⁺ ⊙ W⁺ᵀ(r / W⁺x⁺): how likely each input excited the winner; no bias (Zhang et al. 2016, eq. 5)."""
    return share(Contributions(((op.positive, x.clamp(min=0)),)))


def contrast(op: Linear, x: Tensor, y: Tensor) -> Share:
    """Excitation by W minus excitation by -W, the unit's dual (Zhang et al. 2016, section 3.3)."""
    return excite(op, x, y) - excite(op.part(-1, -1), x, y)


def squares(op: Weighted, x: Tensor, y: Tensor) -> Share:
    """(W²)ᵀ(r / W²1): for an input without bounds (Montavon et al. 2017, the w² rule)."""
    return share(Contributions(((op.map(torch.square), torch.ones_like(x)),)))


@dataclass(frozen=True, eq=False)
class Bounded:
    """((x - l) ⊙ W⁺ᵀ + (x - h) ⊙ W⁻ᵀ)(r / z), z = W⁺(x - l) + W⁻(x - h): for an input in l ≤ x ≤ h (Montavon
    et al. 2017, z^B).

    low, high: numbers, or tensors that broadcast with the input of the layer (per channel: (C, 1, 1)).
    """

    low: float | Tensor
    high: float | Tensor

    def __call__(self, op: Linear, x: Tensor, y: Tensor) -> Share:
        l, h = self.bounds(x)
        return share(Contributions(((op.positive, x - l), (op.negative, x - h))))

    def bounds(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """l and h for the entries of x (B, *in_shape). ValueError: x is not within them."""
        l, h = _like(self.low, x), _like(self.high, x)
        _check_within(x, l, h)
        return l, h


# ---------------------------------------------------------------- arguments


def _check_within(x: Tensor, l: Tensor, h: Tensor) -> None:
    if bool((x < l).any() or (x > h).any()):
        refuse(
            "images",
            expected="values within the bounds of deep_taylor",
            got=f"values from {float(x.min()):.4g} to {float(x.max()):.4g}",
            do="give the smallest and largest value that any valid image has at the first layer",
        )


def _like(bound: float | Tensor, x: Tensor) -> Tensor:
    bound = torch.as_tensor(bound, dtype=x.dtype, device=x.device)
    try:
        return bound.expand_as(x)
    except RuntimeError:
        refuse(
            "bounds of deep_taylor",
            expected=f"numbers, or tensors that broadcast with the first layer's input {tuple(x.shape[1:])}",
            got=tuple(bound.shape),
            do="give one for each channel as (C, 1, 1), or one for each entry",
        )


USUAL = {"epsilon": 1e-6, "gamma": 0.25, "alpha": 2, "beta": 1}


def _check_number(name: str, value: float, least: float = float("-inf")) -> None:
    if not least <= value < float("inf"):
        refuse(
            name,
            expected=f"a finite number >= {least}" if least == 0 else "a finite number",
            got=value,
            do=f"{USUAL[name]} is usual",
        )
