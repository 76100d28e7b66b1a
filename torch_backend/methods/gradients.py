"""The gradient and what differs from it in the rectifiers only."""

from torch import Tensor

from torch_backend import rules
from torch_backend.graph.node import Node
from torch_backend.methods.method import KINDS, Method
from torch_backend.rules import Rule

DERIVATIVE = dict.fromkeys(KINDS, rules.gradient)  # whatever kinds there are: each has one
# The derivative where nothing else is meant by the network: not in functions known only through it.
DEFINITE = dict.fromkeys(
    ("convolution", "dense", "affine", "average", "interpolation", "add", "route", "relu", "max_pool"),
    rules.gradient,
)


class _TimesActivation(Method):
    def read(self, node: Node, r: Tensor) -> Tensor:
        return node.value * r


def _backpropagation(name: str, relu: Rule) -> Method:
    """The gradient, but for the rectifiers."""
    return Method(name, **DEFINITE | {"relu": relu}, from_logit=False, contributes=False)


gradient = Method("gradient", **DERIVATIVE, from_logit=False, contributes=False)
gradient_times_input = _TimesActivation(
    "gradient_times_input", **DERIVATIVE, from_logit=False, contributes=True
)
deconv = _backpropagation("deconv", rules.deconvolve)
guided_backprop = _backpropagation("guided_backprop", rules.guide)


def rectgrad(quantile: float = 0.98) -> Method:
    """RectGrad (Kim et al. 2019): the gradient of units whose y ⊙ r is above the layer's quantile."""
    return _backpropagation(f"rectgrad:{quantile:g}", rules.rectify_gradient(quantile))
