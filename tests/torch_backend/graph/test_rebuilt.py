"""A rebuilt network computes what the model does, whatever its layers; with other weights, what the model
with those weights does; and it refuses what holds numbers of its images."""

import copy

import pytest
import torch
from torch import nn

from tests.helpers import nets
from torch_backend import methods, relevance, trace
from torch_backend.graph.rebuilt import Rebuilt
from torch_backend.operators.linear import Weighted

KINDS = (
    nets.Chain,
    nets.Residual,
    nets.Branches,
    nets.Sequence,
    nets.Volume,
    nets.Decoder,
    nets.Held,
)


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.__name__)
def test_it_computes_what_the_model_does_for_other_images(kind):
    model = nets.build(kind)
    graph = trace(model, nets.images_for(model))
    others = nets.images_for(model, 3, seed=7)
    again = Rebuilt.of(graph).graph({}, others)
    for a, b in zip(again.nodes, graph.record(others).nodes, strict=True):
        assert a.name == b.name
        torch.testing.assert_close(a.value, b.value, rtol=1e-9, atol=1e-11)
    torch.testing.assert_close(again.outputs(others), graph.outputs(others), rtol=1e-9, atol=1e-11)


@pytest.mark.parametrize("kind", [nets.Chain, nets.Residual], ids=lambda kind: kind.__name__)
def test_with_another_s_operators_it_is_the_other_network(kind):
    model, other = nets.build(kind), nets.build(kind, seed=5)
    x = nets.images_for(model)
    graph, expected = trace(model, x), trace(other, x)
    again = Rebuilt.of(graph).graph({node.index: node.op for node in expected.nodes}, x)
    start = torch.randn(2, *expected.nodes[-1].value.shape, dtype=torch.float64)
    for method in (methods.z_plus, methods.deeplift_rescale(), methods.gradient):
        found = relevance(again, method, "logits", start, "input")
        torch.testing.assert_close(found, relevance(expected, method, "logits", start, "input"))


def test_the_graph_it_was_made_of_and_the_model_stay_as_they_are():
    model = nets.build(nets.Residual)
    before = copy.deepcopy(model.state_dict())
    x = nets.images_for(model)
    graph = trace(model, x)
    values = [node.value.clone() for node in graph.nodes]
    weighted = [node for node in graph.nodes if isinstance(node.op, Weighted)]
    changed = {node.index: node.op.map(torch.zeros_like) for node in weighted}
    assert not Rebuilt.of(graph).graph(changed, x).nodes[-1].value.any()
    assert all(torch.equal(a, node.value) for a, node in zip(values, graph.nodes, strict=True))
    assert all(torch.equal(a, b) for a, b in zip(before.values(), model.state_dict().values(), strict=True))
    assert before.keys() == model.state_dict().keys()


class Masked(nn.Module):
    """Holds the mask of its image: a comparison has no derivative."""

    def __init__(self) -> None:
        super().__init__()
        self.fc1, self.fc2 = nn.Linear(6, 5), nn.Linear(5, 3)

    def forward(self, x):
        h = self.fc1(x)
        return self.fc2(h * (h > 0))


def test_what_holds_numbers_of_an_image_is_refused_by_name():
    torch.manual_seed(0)
    model = Masked().double().eval()
    with pytest.raises(ValueError, match=r"node .*: expected an operation that is the same for all images"):
        Rebuilt.of(trace(model, torch.randn(2, 6, dtype=torch.float64)))


def test_what_knows_how_many_images_there_are_is_refused_by_name():
    model = nets.build(nets.Smooth)
    with pytest.raises(ValueError, match=r"got one that holds numbers of those it was traced with, or their"):
        Rebuilt.of(trace(model, nets.images_for(model)))


def test_numbers_that_are_not_finite_are_refused():
    model = nets.build(nets.Chain)
    x = nets.images_for(model)
    graph = trace(model, x)
    huge = {n.index: n.op.map(lambda w: 1e200 * w) for n in graph.nodes if n.kind in ("dense", "convolution")}
    with pytest.raises(ValueError, match="network with other weights: expected finite numbers"):
        Rebuilt.of(graph).graph(huge, x)
