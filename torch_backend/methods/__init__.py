"""Which methods? The list of all of them."""

from dataclasses import replace

from torch_backend import rules
from torch_backend.methods.method import (
    Method,
    alpha1_beta0,
    alpha2_beta1,
    alpha5_beta4,
    alpha_beta,
    contrastive_excitation_backprop,
    deconv,
    deep_taylor,
    excitation_backprop,
    gradient,
    gradient_times_input,
    guided_backprop,
    lrp_cmp,
    lrp_epsilon,
    lrp_gamma,
    lrp_z,
    rectgrad,
    z_plus,
)

__all__ = [
    "Method",
    "alpha1_beta0",
    "alpha2_beta1",
    "alpha5_beta4",
    "alpha_beta",
    "contrastive_excitation_backprop",
    "deconv",
    "deep_taylor",
    "excitation_backprop",
    "gradient",
    "gradient_times_input",
    "guided_backprop",
    "lrp_cmp",
    "lrp_epsilon",
    "lrp_gamma",
    "lrp_z",
    "rectgrad",
    "replace",
    "rules",
    "z_plus",
]
