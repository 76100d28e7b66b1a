"""αβ as the paper's code has it: the whole bias in both denominators, relevance of additions clipped."""

from dataclasses import replace

import pytest
import torch
from torch import nn

from rankone.results.protocol import corrected, paper
from tests.helpers import nets
from torch_backend import methods, relevance, trace

BIAS, CLIP = replace(corrected, whole_bias=True), replace(corrected, clips_additions=True)


def test_the_whole_bias_stands_in_both_denominators():
    """α c⁺ / (Σ c⁺ + b) − β c⁻ / (Σ c⁻ + b)."""
    torch.manual_seed(0)
    layer = nn.Linear(5, 3).double().eval()
    x = torch.rand(2, 5, dtype=torch.float64)
    r = torch.randn(1, 2, 3, dtype=torch.float64)
    found = relevance(trace(layer, x), methods.as_published(methods.alpha2_beta1, BIAS), "logits", r, "input")
    c = layer.weight.detach() * x[:, None]  # (B, 3, 5)
    b = layer.bias.detach()[:, None]
    plus, minus = c.clamp(min=0), c.clamp(max=0)
    shares = 2 * plus / (plus.sum(2, keepdim=True) + b) - minus / (minus.sum(2, keepdim=True) + b)
    torch.testing.assert_close(found, torch.einsum("vbj,bji->vbi", r, shares))


class Added(nn.Module):
    """x + x after one dense layer."""

    def __init__(self) -> None:
        super().__init__()
        self.fc = nn.Linear(4, 4, bias=False)

    def forward(self, x):
        return torch.relu(self.fc(x)) + x


@pytest.mark.parametrize("method", [methods.alpha2_beta1, methods.lrp_cmp(1, 0)], ids=lambda m: m.name)
def test_relevance_of_an_addition_is_clipped(method):
    torch.manual_seed(1)
    model = Added().double().eval()
    graph = trace(model, torch.rand(1, 4, dtype=torch.float64))
    r = torch.tensor([[[-3.0, 5e5, 2.0, 0.5]]], dtype=torch.float64)
    free = relevance(graph, method, "logits", r, "input")
    clipped = relevance(graph, methods.as_published(method, CLIP), "logits", r, "input")
    assert (free < 0).any() and free.max() > 1000
    assert not torch.allclose(free, clipped)
    only = relevance(graph, methods.as_published(method, CLIP), "logits", r.clamp(0, 0), "input")
    assert not only.any()


@pytest.mark.parametrize("protocol", [BIAS, CLIP, paper], ids=["bias", "clip", "paper"])
def test_other_methods_are_as_they_were(protocol):
    for method in (methods.gradient, methods.lrp_z, methods.excitation_backprop, methods.guided_backprop):
        assert methods.as_published(method, protocol) is method


def test_the_corrected_protocol_changes_nothing():
    for method in (methods.z_plus, methods.alpha2_beta1, methods.lrp_cmp(), methods.deep_taylor()):
        assert methods.as_published(method, corrected) is method


def test_a_network_without_biases_or_additions_is_as_it_was():
    model = nets.build(nets.Chain, bias=False)
    x = nets.images_for(model)
    graph = trace(model, x)
    r = torch.randn(3, *graph.nodes[-1].value.shape, dtype=torch.float64)
    for method in (methods.z_plus, methods.alpha5_beta4, methods.lrp_cmp(2, 1), methods.deep_taylor()):
        a = relevance(graph, method, "logits", r, "input")
        b = relevance(graph, methods.as_published(method, paper), "logits", r, "input")
        torch.testing.assert_close(a, b)
