"""One normalisation by an image's own statistics has one map, however it is written."""

import pytest
import torch

from tests.helpers import held_pieces
from tests.helpers.held_pieces import NORMS, around, with_norm
from tests.helpers.methods_to_sweep import METHODS
from tests.helpers.twins.users import autograd, images, same, start_at
from torch_backend import methods, relevance, trace
from torch_backend.rules import Held

X = images(2, 3, 5, 5)
HOLDING = {name: method for name, method in METHODS.items() if isinstance(method.gate, Held)}


def maps(graph, method) -> torch.Tensor:
    return relevance(graph, method, "logits", start_at(graph.nodes[-1].value), "input")


def by_instance_norm(m, h):
    """As the ONNX exporter writes a group norm."""
    y = torch.nn.functional.instance_norm(h.reshape(h.shape[0], 2, -1), eps=m.norm.eps)
    return y.reshape(h.shape) * m.norm.weight.view(4, 1, 1) + m.norm.bias.view(4, 1, 1)


def by_layer_norm(m, h):
    y = torch.nn.functional.layer_norm(h.reshape(h.shape[0], 2, -1), (50,), eps=m.norm.eps)
    return y.reshape(h.shape) * m.norm.weight.view(4, 1, 1) + m.norm.bias.view(4, 1, 1)


def as_a_function(m, h):
    return torch.nn.functional.group_norm(h, 2, m.norm.weight, m.norm.bias, m.norm.eps)


@pytest.mark.parametrize("spelling", [by_instance_norm, by_layer_norm, as_a_function])
def test_a_normalisation_has_one_map_however_it_is_written(spelling) -> None:
    plain = trace(with_norm("group norm"), X)
    other = trace(around(spelling, norm=NORMS["group norm"]()), X)
    assert "affine" not in [node.kind for node in other.nodes]
    for method in (methods.gradient, *HOLDING.values()):
        same(maps(other, method), maps(plain, method))


def layer_norm_in_steps(m, h):
    """As exporters before opset 17 write a layer norm."""
    centred = h - h.mean((1, 2, 3), keepdim=True)
    y = centred / torch.sqrt(centred.pow(2).mean((1, 2, 3), keepdim=True) + m.norm.eps)
    return y * m.norm.weight + m.norm.bias


def layer_norm_by_rsqrt(m, h):
    centred = h.sub(h.mean((1, 2, 3), keepdim=True))
    y = torch.rsqrt((centred * centred).mean((1, 2, 3), keepdim=True) + m.norm.eps) * centred
    return y.mul_(m.norm.weight).add_(m.norm.bias)


def layer_norm_by_variance(m, h):
    mean, variance = h.mean((1, 2, 3), keepdim=True), h.var((1, 2, 3), correction=0, keepdim=True)
    return (h - mean) / (variance + m.norm.eps).sqrt() * m.norm.weight + m.norm.bias


def layer_norm_by_addcmul(m, h):
    y = torch.nn.functional.layer_norm(h, (4, 5, 5), eps=m.norm.eps)
    return torch.addcmul(m.norm.bias, y, m.norm.weight)


@pytest.mark.parametrize(
    "spelling", [layer_norm_in_steps, layer_norm_by_rsqrt, layer_norm_by_variance, layer_norm_by_addcmul]
)
def test_a_normalisation_written_out_has_the_map_of_the_module(spelling) -> None:
    plain = trace(with_norm("layer norm of everything"), X)
    model = around(spelling, norm=NORMS["layer norm of everything"]())
    other = trace(model, X)
    same(maps(other, methods.gradient), autograd(model, X))
    for method in HOLDING.values():
        same(maps(other, method), maps(plain, method))


def root_mean_square(h):
    return (h.square().mean(1, keepdim=True) + 1e-3).sqrt()


NOT_CENTRED = {
    "RMSNorm": (lambda m, h: m.norm(h.permute(0, 2, 3, 1)).permute(0, 3, 1, 2), root_mean_square),
    "fused": (
        lambda m, h: torch.ops.aten._fused_rms_norm(h.permute(0, 2, 3, 1), [4], m.norm.weight, 1e-3)[
            0
        ].permute(0, 3, 1, 2),
        root_mean_square,
    ),
    "local response": (
        lambda m, h: torch.nn.functional.local_response_norm(h, 3, alpha=0.5) * m.norm.weight.view(4, 1, 1),
        lambda h: (
            (1 + 0.5 / 3 * torch.nn.functional.pad(h**2, [0, 0, 0, 0, 1, 1]).unfold(1, 3, 1).sum(-1)) ** 0.75
        ),
    ),
    "global response": (
        lambda m, h: (
            h
            * ((g := h.norm(dim=(2, 3), keepdim=True)) / (g.mean(1, keepdim=True) + 1e-3))
            * m.norm.weight.view(4, 1, 1)
        ),
        lambda h: ((g := h.norm(dim=(2, 3), keepdim=True)).mean(1, keepdim=True) + 1e-3) / g,
    ),
    "unit vectors": (
        lambda m, h: torch.nn.functional.normalize(h, dim=1, eps=1e-3) * m.norm.weight.view(4, 1, 1),
        lambda h: h.norm(dim=1, keepdim=True).clamp(min=1e-3),
    ),
}


@pytest.mark.parametrize("name", NOT_CENTRED)
def test_a_normalisation_that_is_not_centred_divides_by_a_number_that_is_held(name: str) -> None:
    """At each image alone: the map of the network with w = γ / size(x) written down."""
    piece, size = NOT_CENTRED[name]
    for k in range(len(X)):
        x = X[k : k + 1]
        model = around(piece, norm=torch.nn.RMSNorm(4, eps=1e-3))
        h = torch.relu(model.conv(x)).detach()
        w = (model.norm.weight.detach().view(4, 1, 1) / size(h))[0]
        twin = around(lambda m, h, w=w: h * w, norm=torch.nn.RMSNorm(4, eps=1e-3))
        graph, explicit = trace(model, x), trace(twin, x)
        same(maps(graph, methods.gradient), autograd(model, x))
        for method in HOLDING.values():
            same(maps(graph, method), maps(explicit, method))


NO_NORMS = {
    "of another tensor": lambda m, h: h / (m.other(h).square().mean((1, 2, 3), keepdim=True) + 1).sqrt(),
    "by its mean": lambda m, h: h / (h.mean((1, 2, 3), keepdim=True) + 1),
    "by its exponentials": lambda m, h: h.exp() / h.exp().sum(1, keepdim=True),
    "of a mean and a square": lambda m, h: h / (h.square() + h.square().mean(1, keepdim=True) + 1),
    "of a number": lambda m, h: 1 / (h.square().mean((1, 2, 3), keepdim=True) + 1 + h),
}


@pytest.mark.parametrize("name", NO_NORMS)
def test_any_other_quotient_is_refused_by_name(name: str) -> None:
    model = around(NO_NORMS[name], **held_pieces.parts())
    graph = trace(model, X)
    same(maps(graph, methods.gradient), autograd(model, X))
    with pytest.raises(ValueError, match=r"without: .*\((product|smooth), "):
        maps(graph, methods.z_plus)
