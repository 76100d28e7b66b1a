"""The ledger: every unit of relevance is somewhere."""

from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest
import torch

from tests.helpers import nets
from torch_backend import methods, relevance, trace
from torch_backend.propagation.ledger import ledger

BOOKED = (
    methods.lrp_z,
    methods.lrp_epsilon(0.1),
    methods.lrp_gamma(0.25),
    methods.z_plus,
    methods.alpha2_beta1,
    methods.excitation_backprop,
)
CLOSE = {"rtol": 1e-9, "atol": 1e-9}


def graph_and_start(kind: type[torch.nn.Module], *, bias: bool = True):
    model = nets.build(kind, bias=bias)
    graph = trace(model, nets.images_for(model))
    generator = torch.Generator().manual_seed(0)
    return graph, torch.randn(3, *graph.nodes[-1].value.shape, generator=generator, dtype=nets.DTYPE)


@pytest.mark.parametrize("method", (*BOOKED, methods.gradient), ids=lambda m: m.name)
@pytest.mark.parametrize("kind", nets.RECTIFIED, ids=lambda k: k.__name__)
def test_start_is_arrival_plus_what_was_booked(kind, method):
    graph, start = graph_and_start(kind)
    entries = ledger(graph, method, "logits", start)
    arrived = relevance(graph, method, "logits", start, "input")
    booked = sum(e.bias + e.epsilon + e.lost + e.rest for e in entries)
    np.testing.assert_allclose(arrived.flatten(2).sum(2) + booked, start.sum(2), **CLOSE)


@pytest.mark.parametrize("method", BOOKED, ids=lambda m: m.name)
@pytest.mark.parametrize("kind", nets.RECTIFIED, ids=lambda k: k.__name__)
def test_sharing_rules_leave_nothing_unbooked(kind, method):
    """rest = 0 at every node."""
    graph, start = graph_and_start(kind)
    for entry in ledger(graph, method, "logits", start):
        scale = float(entry.into.abs().max() + entry.down.abs().max())
        np.testing.assert_allclose(entry.rest, 0, atol=1e-9 * scale, err_msg=entry.node.name)


def test_a_chain_passes_on_what_came_in():
    graph, _ = graph_and_start(nets.Chain)
    entries = ledger(graph, methods.lrp_epsilon(0.1), "fc1", torch.ones(1, 2, 7))
    assert [entry.node.name for entry in entries][:3] == ["fc1", "fc1.pre", "view"]
    assert {e.into.shape for e in entries} == {(1, 2)}
    for above, below in pairwise(entries):
        np.testing.assert_allclose(below.into, above.down, **CLOSE)
    dense = entries[1]
    assert (dense.epsilon.abs() > 1e-3).all()
    assert (dense.bias.abs() > 1e-3).all()


def test_without_biases_nothing_goes_to_them():
    graph, start = graph_and_start(nets.Chain, bias=False)
    assert all((entry.bias == 0).all() for entry in ledger(graph, methods.z_plus, "logits", start))


def test_alpha_beta_grows_at_the_addition_of_non_negative_paths():
    """There is no negative part to take β from: what came in goes down α times, and the loss is negative."""

    class Paths(torch.nn.Module):
        def forward(self, x: torch.Tensor) -> torch.Tensor:
            return torch.relu(x) + torch.relu(2 * x)

    graph = trace(Paths().eval(), torch.ones(1, 3))
    addition = ledger(graph, methods.alpha2_beta1, "logits", torch.ones(1, 1, 3))[0]
    assert addition.node.kind == "add"
    np.testing.assert_allclose([addition.into, addition.down, addition.lost], [[[3]], [[6]], [[-3]]])


def test_rules_without_books_show_what_they_create():
    double = replace(methods.z_plus, name="double", dense=lambda op, x, y: lambda r: 2 * op.adjoint(r))
    graph, start = graph_and_start(nets.Chain)
    entry = ledger(graph, double, "logits", start)[0]
    np.testing.assert_allclose(entry.rest, entry.into - entry.down)
    assert (entry.rest.abs() > 1e-6).all()


@pytest.mark.parametrize(
    "arguments,reason",
    [
        ({"start": "conv9"}, "expected the name of a node"),
        ({"at": "conv9"}, "expected the name of a node"),
        ({"relevance": torch.ones(2, 4)}, r"expected shape \(V, 2, 4\)"),
        ({"method": replace(methods.z_plus, dense=None)}, "a network of nodes it has a rule for"),
    ],
)
def test_refusals(arguments, reason):
    graph, start = graph_and_start(nets.Chain)
    given = {"graph": graph, "method": methods.z_plus, "start": "logits", "relevance": start, **arguments}
    with pytest.raises(ValueError, match=reason):
        ledger(**given)
