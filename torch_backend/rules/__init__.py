"""What is a rule? How one node hands the relevance of its output down to its inputs.

equations  the rules, each a function that reads like the paper's formula
sharing    relevance in proportion to contributions, and its books
held       normalisations and gates, held constant
backward   the protocol of what a rule returns

gradient, pass_through, deconvolve, guide, rectify_gradient    the gradient family
z, epsilon, gamma, z_plus, z_minus, alpha_beta                 relevance shared out: LRP
excite, contrast                                               excitation backpropagation
squares, Bounded                                               deep Taylor's first layer
Held                                                           normalisations and gates, held constant
contributions, Contributions, share, Share                     what rules of your own are made of
Rule, Backward, Books                                          what a rule is, and what it returns
"""

from torch_backend.rules.backward import Backward, Books, Rule
from torch_backend.rules.equations import (
    Bounded,
    alpha_beta,
    contrast,
    deconvolve,
    epsilon,
    excite,
    gamma,
    gradient,
    guide,
    pass_through,
    rectify_gradient,
    squares,
    z,
    z_minus,
    z_plus,
)
from torch_backend.rules.held import Held
from torch_backend.rules.sharing import Contributions, Share, contributions, share

__all__ = [
    "Backward",
    "Books",
    "Bounded",
    "Contributions",
    "Held",
    "Rule",
    "Share",
    "alpha_beta",
    "contrast",
    "contributions",
    "deconvolve",
    "epsilon",
    "excite",
    "gamma",
    "gradient",
    "guide",
    "pass_through",
    "rectify_gradient",
    "share",
    "squares",
    "z",
    "z_minus",
    "z_plus",
]
