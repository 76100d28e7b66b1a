"""Methods: a rule for every kind of node, and no default.

A kind without a rule is refused before anything is computed. A method of your own takes a few lines:

    from dataclasses import replace
    from torch_backend import methods, rules

    def halve(op, x, y):
        return lambda r: 0.5 * op.adjoint(r)

    mine = replace(methods.z_plus, name="mine", dense=halve)
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from torch import Tensor

from rankone.errors import refuse
from torch_backend import rules
from torch_backend.graph.node import Node
from torch_backend.rules import Rule

if TYPE_CHECKING:
    from torch_backend.graph.graph import Graph


@dataclass(frozen=True)
class Method:
    """A rule for each kind of node; None where the method has no meaning.

    convolution, dense, affine (a batch norm that nothing absorbs, a constant factor), average (average
    pooling, mean), add and route (concatenation, reshape, slice) are linear; relu, max_pool, smooth (any
    other function of one node) and product (of two nodes) are not. first: the rule of the convolution or
    dense layer that reads the image, if it differs from the others; last: that of the dense layer or
    convolution that makes the logits.
    """

    name: str
    convolution: Rule | None
    dense: Rule | None
    affine: Rule | None
    average: Rule | None
    add: Rule | None
    route: Rule | None
    relu: Rule | None
    max_pool: Rule | None
    smooth: Rule | None
    product: Rule | None
    first: Rule | None = None
    last: Rule | None = None

    def bind(self, graph: Graph) -> Method:
        """The method for the images of this graph, where it depends on more than a node's own x and y."""
        return self

    def start(self, r: Tensor) -> Tensor:
        """What is carried down from the start relevance r (V, B, *shape)."""
        return r

    def read(self, node: Node, r: Tensor) -> Tensor:
        """What is read at a node that the carried r (V, B, *shape) has reached."""
        return r

    def rule(self, node: Node) -> Rule | None:
        """The rule of a node of the graph."""
        if node.is_first and self.first:
            return self.first
        if node.is_last and self.last:
            return self.last
        return getattr(self, node.kind)


def _backpropagation(name: str, relu: Rule) -> Method:
    """The gradient, but for the rectifiers."""
    rule = rules.gradient
    return Method(name, rule, rule, rule, rule, rule, rule, relu, rule, smooth=None, product=None)


def _sharing(name: str, rule: Rule, **others: Rule) -> Method:
    """`rule` in every linear node; relevance passes rectifiers, follows routes and a pooling's winner."""
    return Method(
        name,
        convolution=rule,
        dense=rule,
        affine=rule,
        average=others.pop("average", rule),
        add=others.pop("add", rule),
        route=rules.gradient,
        relu=rules.pass_through,
        max_pool=rules.gradient,
        smooth=None,
        product=None,
        **others,
    )


gradient = Method("gradient", *[rules.gradient] * 10)


class _TimesActivation(Method):
    def read(self, node: Node, r: Tensor) -> Tensor:
        return node.value * r


gradient_times_input = _TimesActivation("gradient_times_input", *[rules.gradient] * 10)
deconv = _backpropagation("deconv", rules.deconvolve)
guided_backprop = _backpropagation("guided_backprop", rules.guide)


def rectgrad(quantile: float = 0.98) -> Method:
    """RectGrad (Kim et al. 2019): the gradient of units whose y ⊙ r is above the layer's quantile."""
    return _backpropagation(f"rectgrad:{quantile:g}", rules.rectify_gradient(quantile))


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
    first = rules.squares if low is None or high is None else rules.bounded(low, high)
    return replace(z_plus, name="deep_taylor", first=first)


excitation_backprop = _sharing("excitation_backprop", rules.excite)
contrastive_excitation_backprop = replace(
    excitation_backprop, name="contrastive_excitation_backprop", last=rules.contrast
)
