"""Functions of single numbers: which are activations, with f(0) = 0, and what is made of them."""

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from torch import nn

from tests.helpers.nets import DTYPE
from tests.helpers.twins.users import autograd, images, net, same, start_at
from torch_backend import ledger, methods, relevance, trace
from torch_backend.operators.entrywise import Activation, Entrywise
from torch_backend.operators.rectifier import Rectifier

ACTIVATIONS = {
    "leaky": lambda h: F.leaky_relu(h, 0.1),
    "leaky in place": lambda h: F.leaky_relu_(h.clone(), 0.2),
    "PReLU": nn.PReLU(4),
    "PReLU of one slope": nn.PReLU(),
    "RReLU": nn.RReLU(),
    "RReLU in place": lambda h: F.rrelu(h.clone(), inplace=True),
    "ELU": F.elu,
    "SELU": F.selu,
    "CELU": lambda h: F.celu(h, 0.5),
    "SiLU": F.silu,
    "SiLU in place": lambda h: F.silu(h.clone(), inplace=True),
    "GELU": F.gelu,
    "GELU by tanh": lambda h: F.gelu(h, approximate="tanh"),
    "Hardswish": F.hardswish,
    "Mish": F.mish,
    "tanh": torch.tanh,
    "hardtanh": F.hardtanh,
    "clamped": lambda h: h.clamp(-0.5, 0.25),
    "swish": lambda h: h * torch.sigmoid(h),
    "swish, turned round": lambda h: torch.sigmoid(h) * h,
    "quick GELU": lambda h: h * torch.sigmoid(1.702 * h),
    "hard swish by ReLU6": lambda h: h * F.relu6(h + 3) / 6,
    "hard swish by its parts": lambda h: h * F.hardsigmoid(h),
    "GELU by erf": lambda h: 0.5 * h * (1 + torch.erf(h / 2**0.5)),
    "Mish by its parts": lambda h: h * torch.tanh(F.softplus(h)),
}
# f(0) is not 0.
OTHERS = {
    "sigmoid": torch.sigmoid,
    "softplus": F.softplus,
    "clamped above 0": lambda h: h.clamp(0.1, 1),
    "hard sigmoid": F.hardsigmoid,
    "hardtanh above 0": lambda h: F.hardtanh(h, 0.5, 2.0),
    "cosine-like": lambda h: torch.sigmoid(h) * torch.sigmoid(-h),
}
LRP = (
    methods.lrp_z,
    methods.lrp_epsilon(0.1),
    methods.lrp_gamma(),
    methods.z_plus,
    methods.alpha2_beta1,
    methods.lrp_cmp(),
)
REFUSE = (
    methods.deconv,
    methods.guided_backprop,
    methods.rectgrad(),
    methods.deep_taylor(),
    methods.excitation_backprop,
    methods.contrastive_excitation_backprop,
)
X = images(2, 3, 5, 5)


def around(act) -> nn.Module:
    body = lambda m, x: m.fc(m.act(m.conv(x)).mean((2, 3)))  # noqa: E731
    module = act if isinstance(act, nn.Module) else Function(act)
    return net(body, conv=nn.Conv2d(3, 4, 3), fc=nn.Linear(4, 4), act=module)


class Function(nn.Module):
    def __init__(self, f) -> None:
        super().__init__()
        self.f = f

    def forward(self, x):
        return self.f(x)


def kinds(graph) -> list[str]:
    return [node.kind for node in graph.nodes[1:]]


@pytest.mark.parametrize("name", ACTIVATIONS)
def test_an_activation_is_read_as_one_however_it_is_written(name: str) -> None:
    """Its derivative is autograd's."""
    model = around(ACTIVATIONS[name])
    graph = trace(model, X)
    assert [kind for kind in kinds(graph) if kind != "affine"] == [
        "convolution",
        "activation",
        "average",
        "dense",
    ]
    assert isinstance(graph.nodes[2].op, Activation)
    same(
        relevance(graph, methods.gradient, "logits", start_at(graph.nodes[-1].value), "input"),
        autograd(model, X),
    )


GELU_BY_SIGMOID = 2 * (2 / np.pi) ** 0.5
# Functions of single numbers, and the same by way of moves, additions and products of them.
SPELLINGS = {
    "swish of rows": (F.silu, lambda h: (h.flatten(1) * torch.sigmoid(h).flatten(1)).view_as(h)),
    "gate from rows": (F.silu, lambda h: h * torch.sigmoid(h.flatten(1)).view_as(h)),
    "channels last": (
        F.silu,
        lambda h: (h.permute(0, 2, 3, 1) * torch.sigmoid(h).permute(0, 2, 3, 1)).permute(0, 3, 1, 2),
    ),
    "by halves": (
        F.silu,
        lambda h: torch.cat([a * torch.sigmoid(b) for a, b in zip(h.chunk(2, 1), h.chunk(2, 1))], 1),  # noqa: B905
    ),
    "quotient": (F.silu, lambda h: h / (1 + torch.exp(-h))),
    "of a sum": (lambda h: h * torch.sigmoid(2 * h), lambda h: h * torch.sigmoid(h + h)),
    "of a cube": (
        lambda h: h * torch.sigmoid(GELU_BY_SIGMOID * (h + 0.044715 * h**3)),
        lambda h: h * torch.sigmoid(GELU_BY_SIGMOID * (h + 0.044715 * h * h * h)),
    ),
    "GELU by sigmoid": (
        lambda h: F.gelu(h, approximate="tanh"),
        lambda h: h * torch.sigmoid(GELU_BY_SIGMOID * (h + 0.044715 * h * h * h)),
    ),
    "quotient by a square": (lambda h: h / (h * h + 1), lambda h: h * (1 / (h.pow(2) + 1))),
    "cube": (lambda h: h * h * h, lambda h: h * h.pow(2)),
}


@pytest.mark.parametrize("name", SPELLINGS)
def test_a_function_of_single_numbers_has_one_map_however_it_is_written(name: str) -> None:
    one, other = (trace(around(act), X) for act in SPELLINGS[name])
    r = start_at(one.nodes[-1].value)
    assert not {"gate", "norm", "product"} & {*kinds(one), *kinds(other)}
    same(relevance(other, methods.gradient, "logits", r, "input"), autograd(around(SPELLINGS[name][1]), X))
    for method in LRP:
        same(relevance(other, method, "logits", r, "input"), relevance(one, method, "logits", r, "input"))


def test_a_layer_that_is_called_twice_gives_the_same_numbers_twice() -> None:
    layer = nn.Conv2d(4, 4, 1, dtype=DTYPE)
    twice = trace(around(lambda h: layer(h) * torch.sigmoid(layer(h))), X)
    once = trace(around(lambda h: F.silu(layer(h))), X)
    r = start_at(once.nodes[-1].value)
    for method in LRP:
        same(relevance(twice, method, "logits", r, "input"), relevance(once, method, "logits", r, "input"))


@pytest.mark.parametrize(
    "act",
    [lambda h: (h + 1) * torch.sigmoid(h), lambda h: h * torch.sigmoid(h[:, :1]), lambda h: h**3],
    ids=["not 0 at 0", "of its first channel", "by its derivative alone"],
)
def test_what_bends_its_own_number_is_no_gate(act) -> None:
    graph = trace(around(act), X)
    assert "gate" not in kinds(graph)
    with pytest.raises(ValueError, match=r"without: .*(smooth|product)"):
        relevance(graph, methods.z_plus, "logits", start_at(graph.nodes[-1].value), "input")


@pytest.mark.parametrize("method", LRP, ids=lambda m: m.name)
@pytest.mark.parametrize("name", ["PReLU", "SiLU", "swish", "tanh"])
def test_lrp_passes_relevance_of_an_activation_unchanged(name: str, method) -> None:
    """A unit with one input and no bias shares out to it alone; the books close."""
    graph = trace(around(ACTIVATIONS[name]), X)
    entries = ledger(graph, method, "logits", start_at(graph.nodes[-1].value))
    (entry,) = [entry for entry in entries if entry.node.kind == "activation"]
    np.testing.assert_array_equal(entry.down, entry.into)
    for entry in entries:
        np.testing.assert_allclose(entry.rest, 0, atol=1e-9 * float(entry.into.abs().max()))


def test_what_passes_is_what_the_share_of_one_contribution_passes() -> None:
    """R_x = (w x / w x) R_y for a unit y = w(x) x with one input."""
    x = torch.randn(2, 3, dtype=DTYPE, generator=torch.Generator().manual_seed(0))
    y = F.silu(x)
    c = (y / x) * x
    r = torch.ones(1, 2, 3, dtype=DTYPE)
    np.testing.assert_allclose(methods.z_plus.activation(None, x, y)(r), c * r / y, rtol=1e-12)


@pytest.mark.parametrize("name", ["leaky", "PReLU", "SiLU", "GELU", "tanh", "sigmoid", "softplus"])
@pytest.mark.parametrize("method", [methods.deeplift_rescale, methods.deeplift_reveal_cancel])
def test_deeplift_is_complete_through_any_function_of_single_numbers(name: str, method) -> None:
    """The contributions add up to the difference of the logits."""
    model = around({**ACTIVATIONS, **OTHERS}[name])
    graph, reference = trace(model, X), images(1, 3, 5, 5, seed=9)
    r = start_at(graph.nodes[-1].value)
    found = relevance(graph, method(reference), "logits", r, "input").flatten(2).sum(2)
    same(found, ((model(X) - model(reference)).detach() * r).sum(2))


@pytest.mark.parametrize("method", REFUSE, ids=lambda m: m.name)
def test_methods_that_need_a_rectifier_refuse_an_activation_by_name(method) -> None:
    graph = trace(around(ACTIVATIONS["leaky"]), X)
    with pytest.raises(ValueError, match=r"1 without: act \(activation, act\)"):
        relevance(graph, method, "logits", start_at(graph.nodes[-1].value), "input")


@pytest.mark.parametrize("name", OTHERS)
def test_what_is_not_0_at_0_is_refused_by_lrp_and_has_its_derivative(name: str) -> None:
    model = around(OTHERS[name])
    graph = trace(model, X)
    r = start_at(graph.nodes[-1].value)
    same(relevance(graph, methods.gradient, "logits", r, "input"), autograd(model, X))
    with pytest.raises(ValueError, match=r"without: .*(smooth|product)"):
        relevance(graph, methods.z_plus, "logits", r, "input")


def test_a_leaky_rectifier_without_a_slope_is_a_rectifier() -> None:
    graph = trace(around(lambda h: F.leaky_relu(h, 0.0)), X)
    assert isinstance(graph.nodes[2].op, Rectifier)


def test_random_slopes_in_training_are_refused() -> None:
    model = around(lambda h: F.rrelu(h, training=True))
    with pytest.raises(ValueError, match=r"random|same output"):
        trace(model, X)


def test_the_square_of_a_tensor_is_no_activation() -> None:
    graph = trace(around(lambda h: h * h), X)
    assert "activation" not in kinds(graph)


def test_entrywise_functions_have_autograds_derivative() -> None:
    x = torch.randn(2, 3, dtype=DTYPE, generator=torch.Generator().manual_seed(0))
    op = Entrywise(torch.sigmoid)
    s = torch.sigmoid(x)
    np.testing.assert_allclose(op.derivative(x), s * (1 - s), rtol=1e-12)
