"""The reference of a signed chain: the first right singular vector of its dense layers."""

from itertools import pairwise

import numpy as np
import torch
from torch import nn

from tests.helpers import nets
from torch_backend import csc, methods, predict, relevance, trace
from torch_backend.convergence.principal import principal


def dense(*widths):
    torch.manual_seed(0)
    layers = [layer for n, m in pairwise(widths) for layer in (nn.Linear(n, m), nn.ReLU())]
    return nn.Sequential(*layers[:-1]).double().eval()


def test_it_is_the_first_right_singular_vector_of_the_dense_chain() -> None:
    graph = trace(dense(6, 9, 8, 5), torch.rand(1, 6, dtype=nets.DTYPE))
    C = relevance(graph, methods.gradient, "logits", torch.eye(5, dtype=nets.DTYPE)[:, None], "input")[:, 0]
    expected = torch.linalg.svd(C).U[:, 0]
    found = principal(graph, methods.gradient, "logits")
    assert found.shape == (1, 1, 5)
    np.testing.assert_allclose(abs(float(found.flatten() @ expected)), 1, rtol=1e-6)


def test_a_non_negative_chain_starts_from_ones() -> None:
    graph = trace(dense(6, 9, 5), torch.rand(1, 6, dtype=nets.DTYPE))
    assert torch.equal(principal(graph, methods.z_plus, "logits"), torch.ones(1, 1, 5, dtype=nets.DTYPE))


def test_where_nothing_of_one_place_lies_below_it_is_ones() -> None:
    model = nets.build(nets.Chain)
    graph = trace(model, nets.images_for(model, 1))
    value = graph.node("conv1_2").value
    assert torch.equal(principal(graph, methods.gradient, "conv1_2"), torch.ones_like(value)[None])


def test_two_classes_of_opposite_gradients_are_predicted_to_agree() -> None:
    """The sum of their logits would be the one direction that is not passed on."""
    model = nn.Sequential(nn.Conv2d(3, 16, 3), nn.ReLU(), nn.Flatten(), nn.Linear(16 * 16, 40), nn.ReLU())
    torch.manual_seed(0)
    model.append(nn.Linear(40, 2)).double().eval()
    with torch.no_grad():
        last = model[-1].weight
        last[1] = -last[0] + 0.02 * torch.randn(40, dtype=nets.DTYPE)
    x = torch.rand(4, 3, 6, 6, generator=torch.Generator().manual_seed(0), dtype=nets.DTYPE)
    measured = csc(model, x, methods.gradient, "logits", vectors=8).at("fc2", "fc1").median
    predicted = predict(model, x, methods.gradient, "logits").at("fc2", "fc1").median
    assert measured < -2
    assert abs(predicted - measured) < 0.5
