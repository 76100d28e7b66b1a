"""The closure against its dense form, and its limits: one place, iid factors, no slow mode."""

import numpy as np
import pytest
import torch
from torch import nn

from rankone.ensembles import positive
from rankone.laws import decades_per_multiplication
from tests.helpers import nets
from torch_backend import methods, relevance, trace
from torch_backend.convergence.reversed_chain import RHO, reversed_chain
from torch_backend.convergence.two_modes import local, two_modes, without_slow_mode

FIELDS = 4096  # their covariance is within a few per cent of the true one
SAMPLED = 0.12


def chain_of(model, x, method=methods.z_plus, start="logits"):
    graph = trace(model, x)
    value = graph.node(start).value
    return graph, reversed_chain(graph, method, start, torch.ones_like(value)[None])


def convolutional(*layers, seed=0):
    """float64 layers with random weights, ready to be traced."""
    model = nn.Sequential(*layers).double().eval()
    generator = torch.Generator().manual_seed(seed)
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.copy_(torch.randn(parameter.shape, generator=generator))
    return model


def dense_closure(chain, start):
    """K (L, L) and φ (L,) at every node below one with space: covariances of locations as they are."""
    there = chain.above[start]
    modes = {start: (np.diag(there.weights.square().sum(0)), np.ones(there.p.shape[1]), 1)}
    for mixing in chain.mixings:
        if mixing.index >= start:
            continue
        if mixing.same_as is not None:
            modes[mixing.index] = modes[mixing.same_as]
            continue
        here = chain.above[mixing.index]
        (meeting,) = mixing.meetings
        K, phi, variance = modes[meeting.reader]
        low, up, slot = (t.numpy() for t in (meeting.low, meeting.up, meeting.slot))
        kappa = np.zeros((here.p.shape[1], len(K)))
        kappa[low, up] = meeting.kappa
        K = K + np.diag(phi * meeting.shared[variance].numpy())
        below = kappa @ K @ kappa.T
        size, own = np.zeros((2, here.p.shape[1]))
        np.add.at(size, low, meeting.scatter[variance].numpy() * phi[up])
        np.add.at(own, low, meeting.own[variance].numpy() * phi[up])
        if mixing.contrast is not None:
            M = mixing.contrast.numpy()
            for x in range(len(below)):
                mine = low == x
                difference = np.eye(len(K))[up[mine]] - kappa[x]
                here_M = M[np.ix_(slot[mine], slot[mine], [x])][..., 0]
                size[x] += np.trace(here_M @ difference @ K @ difference.T)
        off = ((1 - (here.weights * here.p)) * here.rho).sum(0).numpy()
        phi = np.divide(size, off, out=np.zeros_like(size), where=off > 0)
        modes[mixing.index] = (below + np.diag(own), phi, RHO)
    return modes


@pytest.mark.parametrize("method", [methods.z_plus, methods.alpha2_beta1], ids=lambda method: method.name)
def test_fields_have_the_covariances_that_the_dense_closure_has(method) -> None:
    layers = [nn.Conv2d(3, 5, 3, padding=1), nn.ReLU(), nn.Conv2d(5, 6, 3, padding=1), nn.ReLU()]
    model = convolutional(*layers, nn.MaxPool2d(2), nn.Conv2d(6, 4, 3, padding=1))
    x = torch.rand(1, 3, 6, 6, generator=torch.Generator().manual_seed(1), dtype=nets.DTYPE)
    graph, chain = chain_of(model, x, method)
    start = graph.nodes[-1].index
    found, expected = two_modes(chain, start, fields=FIELDS), dense_closure(chain, start)
    assert len(found) == len(graph.nodes)
    for index, (K, phi, _) in expected.items():
        a = found[index].slow.numpy()
        np.testing.assert_allclose(a.T @ a / FIELDS, K, atol=SAMPLED * np.abs(K).max())
        live = phi > 0
        np.testing.assert_allclose(found[index].fast.numpy()[live], phi[live], rtol=3 * SAMPLED)


@pytest.mark.parametrize("method", [methods.z_plus, methods.gradient], ids=lambda method: method.name)
def test_where_each_place_has_one_parent_place_there_is_no_slow_mode(method) -> None:
    model = convolutional(nn.Conv2d(3, 8, 1), nn.ReLU(), nn.Conv2d(8, 8, 1), nn.ReLU(), nn.Conv2d(8, 4, 1))
    x = torch.rand(1, 3, 4, 4, generator=torch.Generator().manual_seed(1), dtype=nets.DTYPE)
    graph, chain = chain_of(model, x, method)
    both = (two_modes(c, graph.nodes[-1].index) for c in (chain, without_slow_mode(chain)))
    for whole, parents in zip(*(modes.values() for modes in both), strict=True):
        torch.testing.assert_close(whole.fast, parents.fast)


def test_for_iid_factors_it_is_the_rate_law() -> None:
    """theory.md 2.1: |N| in 1×1 convolutions whose units never switch off."""
    n, depth = 128, 6
    model = convolutional(*[layer for _ in range(depth) for layer in (nn.Conv2d(n, n, 1), nn.ReLU())])
    with torch.no_grad():
        for layer in model[::2]:
            layer.weight.abs_()
            layer.bias.fill_(1.0)
    x = torch.rand(1, n, 3, 3, generator=torch.Generator().manual_seed(1), dtype=nets.DTYPE)
    graph, chain = chain_of(model, x, methods.gradient)
    modes = two_modes(chain, graph.nodes[-1].index)
    sizes = []
    for node in graph.nodes[::-1]:
        if node.kind == "convolution" or node.index == 0:
            law = local(chain.above[node.index], modes[node.index])
            sizes.append(float((law.rest / law.slow).median().log10()))
    rate = decades_per_multiplication(positive.mean((n, n)), positive.variance((n, n)), n)
    np.testing.assert_allclose(-np.diff(sizes)[2:], rate, atol=0.05)


def test_in_dense_layers_second_moments_are_those_of_the_chain() -> None:
    """a and the rest of R = C v, v ~ N(0, I), from C itself."""
    model = convolutional(nn.Linear(7, 9), nn.ReLU(), nn.Linear(9, 8), nn.ReLU(), nn.Linear(8, 5))
    x = torch.rand(1, 7, generator=torch.Generator().manual_seed(1), dtype=nets.DTYPE)
    graph, chain = chain_of(model, x)
    C = relevance(graph, methods.z_plus, "logits", torch.eye(5, dtype=nets.DTYPE)[:, None], "input")[:, 0]
    here = chain.above[0]
    a = (here.weights[:, 0] * C).sum(1)
    rest = (C - a[:, None] * here.p[:, 0]).square().sum() / here.squared[0]
    law = local(here, two_modes(chain, graph.nodes[-1].index, fields=FIELDS)[0])
    np.testing.assert_allclose([law.slow[0], law.rest[0]], [a.square().sum(), rest], rtol=SAMPLED)


def test_without_the_slow_mode_convolutions_would_collapse_without_end() -> None:
    """The guard: the plateau is the second term's."""
    layers = [layer for _ in range(6) for layer in (nn.Conv2d(12, 12, 3, padding=1), nn.ReLU())]
    model = convolutional(*layers)
    with torch.no_grad():
        for layer in model[::2]:
            layer.weight.mul_(0.1)
            layer.bias.zero_()
    x = torch.rand(1, 12, 12, 12, generator=torch.Generator().manual_seed(1), dtype=nets.DTYPE)
    graph, chain = chain_of(model, x)
    lowest = graph.node("conv1_1").index
    ends = []
    for c in (chain, without_slow_mode(chain)):
        law = local(chain.above[lowest], two_modes(c, graph.nodes[-1].index)[lowest])
        ends.append(float((law.rest / law.slow).median().log10()))
    assert ends[1] < ends[0] - 1
