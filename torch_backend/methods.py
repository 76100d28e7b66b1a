"""Methods: a rule for every kind of node, and no default. A kind without a rule is refused before
anything is computed.

A method of your own takes a few lines:

    from dataclasses import replace
    from torch_backend import methods, rules

    def halve(op, x, y):
        return lambda r: 0.5 * op.adjoint(r)

    mine = replace(methods.z_plus, name="mine", dense=halve)
"""

from __future__ import annotations

from dataclasses import dataclass

from torch import Tensor

from torch_backend import rules
from torch_backend.rules import Rule


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

    def read(self, x: Tensor, r: Tensor) -> Tensor:  # noqa: ARG002
        """What is read at a layer with the activation x (B, *shape) and the relevance r (V, B, *shape)."""
        return r

    def rule(self, node) -> Rule | None:
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
    """`rule` in every linear node; relevance passes rectifiers, follows routes, and the winner of a
    max-pooling takes it all.
    """
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
deconv = _backpropagation("deconv", rules.deconvolve)
guided_backprop = _backpropagation("guided_backprop", rules.guide)
lrp_z = _sharing("lrp_z", rules.z)
z_plus = _sharing("z_plus", rules.z_plus)


def alpha_beta(alpha: float, beta: float) -> Method:
    """LRP_αβ (6) in every linear node; averages, which have no negative weight, share by their positive
    parts.
    """
    return _sharing(f"alpha_beta:{alpha:g}:{beta:g}", rules.alpha_beta(alpha, beta), average=rules.z_plus)
