"""Which methods? All that are chains, relevance handed from layer to layer; other maps are in maps/.

gradients          gradient, gradient_times_input; other rules in the rectifiers: deconv, guided_backprop,
                   rectgrad
lrp                layer-wise relevance propagation: lrp_z, lrp_epsilon, lrp_gamma, z_plus, alpha_beta,
                   alpha1_beta0, alpha2_beta1, alpha5_beta4, lrp_cmp; deep_taylor; excitation_backprop,
                   contrastive_excitation_backprop
deeplift           differences to a reference: deeplift_rescale
reveal_cancel      either sign by itself: deeplift_reveal_cancel, deeplift_without_cross_terms
patterns           along the signal in the data: pattern_net, pattern_attribution, Patterns, load_patterns
pattern_estimates  estimate_patterns
published          as_published: as the paper's code has them
wrapping           a method that changes the rules of another
method             Method: what a method is, and how to make one of your own; without_held
"""

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
from torch_backend.methods.method import Method, without_held
from torch_backend.methods.pattern_estimates import estimate_patterns
from torch_backend.methods.patterns import Patterns, load_patterns, pattern_attribution, pattern_net
from torch_backend.methods.published import as_published
from torch_backend.methods.reveal_cancel import deeplift_reveal_cancel, deeplift_without_cross_terms

__all__ = [
    "Method",
    "Patterns",
    "alpha1_beta0",
    "alpha2_beta1",
    "alpha5_beta4",
    "alpha_beta",
    "as_published",
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
    "without_held",
    "z_plus",
]
