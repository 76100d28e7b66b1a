"""Relevance shared out in proportion to contributions: LRP, deep Taylor, excitation backpropagation."""

from __future__ import annotations

from dataclasses import replace

from torch import Tensor

from rankone.errors import refuse
from torch_backend import rules
from torch_backend.methods.method import Method
from torch_backend.rules import Held, Rule


def _sharing(name: str, rule: Rule, *, average: Rule | None = None) -> Method:
    """`rule` in every linear node, or another in averages; relevance passes what bends single numbers with
    f(0) = 0, follows routes and a pooling's winner. Normalisations and gates are held constant.
    """
    return Method(
        name,
        convolution=rule,
        dense=rule,
        affine=rule,
        average=average or rule,
        interpolation=rule,
        add=rule,
        route=rules.gradient,
        relu=rules.pass_through,
        activation=rules.pass_through,
        norm=Held(rule),
        gate=Held(rule),
        max_pool=rules.gradient,
        from_logit=True,
        contributes=True,
    )


lrp_z = _sharing("lrp_z", rules.z)


def lrp_epsilon(epsilon: float = 1e-6) -> Method:
    """LRP_ε (Bach et al. 2015)."""
    return _sharing(f"lrp_epsilon:{epsilon:g}", rules.epsilon(epsilon))


def lrp_gamma(gamma: float = 0.25) -> Method:
    """LRP_γ (Montavon et al. 2019)."""
    return _sharing(f"lrp_gamma:{gamma:g}", rules.gamma(gamma))


z_plus = _sharing("z_plus", rules.z_plus)


def alpha_beta(alpha: float, beta: float) -> Method:
    """LRP_αβ (6); averages, which have no negative weights, share by their positive contributions."""
    return _sharing(f"alpha_beta:{alpha:g}:{beta:g}", rules.alpha_beta(alpha, beta), average=rules.z_plus)


alpha1_beta0 = alpha_beta(1, 0)
alpha2_beta1 = alpha_beta(2, 1)
alpha5_beta4 = alpha_beta(5, 4)


def lrp_cmp(alpha: float = 1, beta: float = 0, epsilon: float = 0) -> Method:
    """LRP_CMP (Kohlbrenner et al. 2019): z, or ε, in dense layers, αβ everywhere else."""
    dense = rules.epsilon(epsilon) if epsilon else rules.z
    return replace(alpha_beta(alpha, beta), name=f"lrp_cmp:{alpha:g}:{beta:g}:{epsilon:g}", dense=dense)


def deep_taylor(low: float | Tensor | None = None, high: float | Tensor | None = None) -> Method:
    """Deep Taylor decomposition (Montavon et al. 2017): z⁺ inside, z^B or w² at the first layer.

    low, high: bounds of every valid input of the first layer (z^B), numbers or tensors like it;
    none for an input without bounds (w²). ValueError: one bound without the other.
    """
    if (low is None) != (high is None):
        refuse(
            "deep_taylor",
            expected="both bounds or none",
            got=f"low={low}, high={high}",
            do="give low and high",
        )
    first = rules.squares if low is None or high is None else rules.Bounded(low, high)
    return replace(z_plus, name="deep_taylor", first=first, activation=None)


# Activations are not negative: so Zhang et al. (2016, section 3.1) suppose, as deep Taylor's roots do.
excitation_backprop = replace(_sharing("excitation_backprop", rules.excite), activation=None)
contrastive_excitation_backprop = replace(
    excitation_backprop, name="contrastive_excitation_backprop", last=rules.contrast
)
