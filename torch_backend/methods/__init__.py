"""Which methods? The list of all of them.

gradient, gradient_times_input                       the derivative
deconv, guided_backprop, rectgrad                    other rules in the rectifiers (gradients)
lrp_z, lrp_epsilon, lrp_gamma                        layer-wise relevance propagation (lrp)
z_plus, alpha_beta and its constants, lrp_cmp
deep_taylor
excitation_backprop, contrastive_excitation_backprop
deeplift_rescale                                     differences to a reference (deeplift)
deeplift_reveal_cancel, deeplift_without_cross_terms (reveal_cancel)
pattern_net, pattern_attribution                     along the signal in the data (patterns)
estimate_patterns, load_patterns, Patterns           (pattern_estimates, patterns)
Method, replace                                      a method of your own (method)
"""

from dataclasses import replace

from torch_backend import rules
from torch_backend.methods.deeplift import deeplift_rescale
from torch_backend.methods.gradients import (
    deconv,
    gradient,
    gradient_times_input,
    guided_backprop,
    rectgrad,
)
from torch_backend.methods.lrp import (
    alpha1_beta0,
    alpha2_beta1,
    alpha5_beta4,
    alpha_beta,
    contrastive_excitation_backprop,
    deep_taylor,
    excitation_backprop,
    lrp_cmp,
    lrp_epsilon,
    lrp_gamma,
    lrp_z,
    z_plus,
)
from torch_backend.methods.method import Method
from torch_backend.methods.pattern_estimates import estimate_patterns
from torch_backend.methods.patterns import Patterns, load_patterns, pattern_attribution, pattern_net
from torch_backend.methods.reveal_cancel import deeplift_reveal_cancel, deeplift_without_cross_terms

__all__ = [
    "Method",
    "Patterns",
    "alpha1_beta0",
    "alpha2_beta1",
    "alpha5_beta4",
    "alpha_beta",
    "contrastive_excitation_backprop",
    "deconv",
    "deep_taylor",
    "deeplift_rescale",
    "deeplift_reveal_cancel",
    "deeplift_without_cross_terms",
    "estimate_patterns",
    "excitation_backprop",
    "gradient",
    "gradient_times_input",
    "guided_backprop",
    "load_patterns",
    "lrp_cmp",
    "lrp_epsilon",
    "lrp_gamma",
    "lrp_z",
    "pattern_attribution",
    "pattern_net",
    "rectgrad",
    "replace",
    "rules",
    "z_plus",
]
