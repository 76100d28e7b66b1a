"""Dobrushin's coefficient of a network's reversed chain is that of its dense rows."""

import numpy as np
import pytest
import torch

from rankone.contraction import dobrushin_coefficient
from tests.helpers import nets
from tests.helpers.factors import factor
from torch_backend import methods, relevance, trace
from torch_backend.convergence.dobrushin import dobrushin
from torch_backend.convergence.reversed_chain import reversed_chain
from torch_backend.propagation.units import units


def chain_of(method):
    model = nets.build(nets.Chain)
    graph = trace(model, nets.images_for(model, 1))
    ones = torch.ones_like(graph.nodes[-1].value)[None]
    return graph, reversed_chain(graph, method, "logits", ones)


def rows(graph, chain, reader, places):
    """w_i of the units of some places below the only input of `reader`."""
    (below,) = reader.inputs
    Z = factor(graph, methods.z_plus, reader, 0) * chain.above[reader.index].p.flatten().numpy()
    Z = Z.reshape(units(graph, graph.nodes[below]).channels, -1, Z.shape[1])[:, places].reshape(
        -1, Z.shape[1]
    )
    Z = Z[Z.any(1)]
    return Z / Z.sum(1, keepdims=True)


def test_in_dense_layers_it_is_over_all_units() -> None:
    graph, chain = chain_of(methods.z_plus)
    reader = next(node for node in graph.nodes if node.kind == "dense")
    worst = dobrushin(graph, methods.z_plus, chain, reader.inputs[0])
    assert worst.places == 0
    expected = dobrushin_coefficient(rows(graph, chain, reader, slice(None)))
    assert worst.tau == pytest.approx(expected)


def test_in_convolutions_it_is_the_largest_of_some_places() -> None:
    graph, chain = chain_of(methods.z_plus)
    reader = graph.node("conv1_2.pre")
    worst = dobrushin(graph, methods.z_plus, chain, reader.inputs[0])
    live = [w for x in range(64) if len(w := rows(graph, chain, reader, [x]))]
    each = [dobrushin_coefficient(w) for w in live]
    assert worst.places == 3
    assert min(abs(worst.tau - tau) for tau in each) < 1e-12
    assert worst.tau <= max(each) + 1e-12


def test_it_bounds_what_is_left_of_the_range_of_the_ratio() -> None:
    graph, chain = chain_of(methods.z_plus)
    r = torch.rand(
        1, *graph.nodes[-1].value.shape, generator=torch.Generator().manual_seed(3), dtype=nets.DTYPE
    )
    tops = [node for node in graph.nodes if node.kind == "dense"]
    for reader in tops:
        below = graph.nodes[reader.inputs[0]]
        ratios = []
        for node in (reader, below):
            mine = units(graph, node).of(relevance(graph, methods.z_plus, "logits", r, node.name)[0, 0])
            p = chain.above[node.index].p
            ratios.append((mine / p)[p > 0].numpy())
        tau = dobrushin(graph, methods.z_plus, chain, below.index).tau
        assert np.ptp(ratios[1]) <= tau * np.ptp(ratios[0]) + 1e-12


def test_a_signed_chain_is_refused() -> None:
    graph, chain = chain_of(methods.gradient)
    with pytest.raises(ValueError, match="method gradient: expected a non-negative chain"):
        dobrushin(graph, methods.gradient, chain, graph.node("conv1_1").index)
