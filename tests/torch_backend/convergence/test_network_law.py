"""The moment law of a network holds where it must, and explains most of a trained one."""

from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest
import torch
from torch import nn

from rankone import laws
from torch_backend import csc, images, methods, models, network_law, trace
from torch_backend.convergence.network_law import with_iid_weights
from torch_backend.randomness import seeded

NETWORKS = 6
ALL = [methods.gradient, methods.z_plus, methods.alpha_beta(2, 1)]


def normal_network(layers, mean, std, seed=0):
    generator = torch.Generator().manual_seed(seed)
    network = nn.Sequential(*layers).eval().double()
    with torch.no_grad():
        for layer in network:
            if hasattr(layer, "weight"):
                layer.weight.copy_(mean + std * torch.randn(layer.weight.shape, generator=generator))
    return network


@pytest.mark.parametrize("ratio", [0.0, 0.3])
def test_a_dense_chain_without_dead_units_obeys_the_moment_state(ratio):
    """Units that never switch off make the gradient's factors the weights: rankone.laws must come out."""
    widths = [40, 60, 50, 40]
    layers = [m for n, k in pairwise(widths) for m in (nn.Linear(n, k), nn.ReLU())]
    network = normal_network(layers, ratio, 1.0)
    with torch.no_grad():
        for layer in network[::2]:
            layer.bias.fill_(1e9)
    x = torch.randn(60, widths[0], generator=torch.Generator().manual_seed(0)).double()
    measured = csc(network, x, methods.gradient, "fc3", vectors=4)
    predicted = network_law(network, x, methods.gradient, "fc3", vectors=4)
    shapes = [(40, 50), (50, 60), (60, 40)]
    state = laws.moment_state(ratio, 1.0, shapes, draws=20_000, rng=np.random.default_rng(0))
    law = np.median(state, axis=1)
    np.testing.assert_allclose([r.median for r in predicted.readings], law, atol=0.25)
    np.testing.assert_allclose([r.median for r in measured.readings], law, atol=0.35)


@pytest.mark.parametrize("method", ALL, ids=lambda method: method.name)
def test_a_convolutional_network_with_iid_weights_obeys_its_law_plateau_included(method):
    channels = [24] * 7
    layers = [m for n, k in pairwise(channels) for m in (nn.Conv2d(n, k, 3, padding=1), nn.ReLU())]
    x = torch.rand(2, 24, 10, 10, generator=torch.Generator().manual_seed(0)).double()
    curves = np.empty((2, NETWORKS, 7))
    for seed in range(NETWORKS):
        network = normal_network(layers, 0.0, (2 / 216) ** 0.5, seed)
        for k, measure in enumerate((csc, network_law)):
            curves[k, seed] = [r.median for r in measure(network, x, method, "conv1_6", 3, seed).readings]
    measured, predicted = curves.mean(1)
    error = np.sqrt(curves.var(1, ddof=1).sum(0) / NETWORKS)
    assert np.all(np.abs(predicted - measured) < 0.15 + 3 * error)


def test_two_numbers_a_layer_explain_most_of_a_trained_network():
    network, x = models.load("digits-vgg").double(), images.digits("test")[0][:3].double()
    for method in ALL:
        measured, predicted = (f(network, x, method, ["fc3", "conv4_3"]) for f in (csc, network_law))
        m, p = (np.array([r.median for r in result.readings]) for result in (measured, predicted))
        assert np.all(np.abs(p - m) < 0.5 + 0.2 * np.abs(m)), method.name


def test_drawn_weights_keep_mean_variance_and_bias_and_nothing_else():
    graph = trace(models.load("digits-vgg"), images.digits("test")[0][:1])
    op = next(n.op for n in graph.nodes if n.kind == "convolution")
    drawn = with_iid_weights(op, seeded("test"))
    assert drawn.bias is op.bias
    n = op.weight.numel()
    assert abs(drawn.weight.mean() - op.weight.mean()) < 5 * op.weight.std() / n**0.5
    assert abs(drawn.weight.var() / op.weight.var() - 1) < 5 * (2 / n) ** 0.5
    assert abs(torch.corrcoef(torch.stack([drawn.weight.flatten(), op.weight.flatten()]))[0, 1]) < 5 / n**0.5


def test_a_network_initialised_from_the_same_seed_does_not_get_its_own_weights_back():
    """PyTorch's generators give equal numbers for equal seeds: the law must not draw from the bare seed."""
    network = nn.Sequential(nn.Linear(50, 40), nn.ReLU(), nn.Linear(40, 30)).eval()
    with torch.no_grad():
        network[2].weight.copy_(torch.randn(30, 40, generator=torch.Generator().manual_seed(0)))
    seen = []

    def spy(op, x, y):
        seen.append(op.weight)
        return methods.gradient.dense(op, x, y)

    network_law(network, torch.randn(1, 50), replace(methods.gradient, dense=spy), "fc2", seed=0)
    both = torch.stack([seen[0].flatten(), network[2].weight.detach().flatten()])
    assert abs(torch.corrcoef(both)[0, 1]) < 5 / both.shape[1] ** 0.5


def test_draws_follow_the_seed_and_leave_the_model_alone():
    network, x = models.load("digits-vgg"), images.digits("test")[0][:2]
    before = {name: tensor.clone() for name, tensor in network.state_dict().items()}
    one, two, other = (network_law(network, x, methods.z_plus, "fc2", seed=s) for s in (0, 0, 1))
    np.testing.assert_array_equal(one.readings[-1].image_medians, two.readings[-1].image_medians)
    assert one.readings[-1].median != other.readings[-1].median
    for name, tensor in network.state_dict().items():
        assert torch.equal(before[name], tensor)
