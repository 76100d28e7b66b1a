"""Which weights are destroyed, and what stands in their place."""

import pytest
import torch

from rankone.results.protocol import corrected, paper
from tests.helpers import nets
from torch_backend import trace
from torch_backend.audit.randomized import drawn, glorot_uniform, he_normal
from torch_backend.audit.stages import bottom_up, destroyed, single, stages, top_down
from torch_backend.graph.paths import LAYERS
from torch_backend.graph.rebuilt import Rebuilt


def graph_of(kind):
    model = nets.build(kind)
    return trace(model, nets.images_for(model))


def names(graph, indices):
    return {graph.nodes[i].name.removesuffix(".pre") for i in indices}


def test_stages_of_a_chain_are_its_layers_output_first():
    found = stages(graph_of(nets.Chain))
    assert [stage.name for stage in found] == ["fc2", "fc1", "conv2_1", "conv1_2", "conv1_1"]
    assert all(len(stage.layers) == 1 for stage in found)


def test_stages_of_a_residual_network_are_its_blocks():
    graph = graph_of(nets.Residual)
    found = stages(graph)
    assert [(s.name, len(s.layers)) for s in found] == [
        ("dense", 1),
        ("block3_1", 3),
        ("block2_2", 2),
        ("block2_1", 2),
        ("conv1", 1),
    ]


@pytest.mark.parametrize("kind", [nets.Chain, nets.Residual, nets.Branches, nets.Decoder, nets.Held])
def test_every_layer_with_weights_is_in_one_stage(kind):
    graph = graph_of(kind)
    layers = [i for stage in stages(graph) for i in stage.layers]
    assert sorted(layers) == [n.index for n in graph.nodes if isinstance(n.op, LAYERS)]


def test_orders_of_destruction():
    graph = graph_of(nets.Chain)
    found = stages(graph)

    def at(order, name):
        return names(graph, destroyed(found, order, name))

    assert at(top_down, "fc1") == {"fc2", "fc1"}
    assert at(bottom_up, "conv1_2") == {"conv1_1", "conv1_2"}
    assert at(single, "conv2_1") == {"conv2_1"}
    assert at(top_down, "conv1_1") == at(bottom_up, "fc2")
    assert top_down.in_turn(["fc2", "fc1"]) == ("fc2", "fc1")
    assert bottom_up.in_turn(("fc2", "fc1")) == ("fc1", "fc2")
    with pytest.raises(
        ValueError, match="stage: expected one of fc2, fc1, conv2_1, conv1_2, conv1_1, got 'x'"
    ):
        destroyed(found, top_down, "x")


def test_a_draw_depends_on_its_key_and_the_layer_only():
    network = Rebuilt.of(graph_of(nets.Residual))
    layers = [n.index for n in network.nodes if isinstance(n.op, LAYERS)]
    ops, fewer = drawn(network, layers, (0, 0)), drawn(network, layers[:2], (0, 0))
    assert all(torch.equal(ops[i].weight, fewer[i].weight) for i in fewer)
    assert not torch.equal(ops[layers[0]].weight, drawn(network, layers, (0, 1))[layers[0]].weight)


def test_layers_of_equal_shape_get_different_weights_and_no_bias():
    network = Rebuilt.of(graph_of(nets.Residual))
    layers = [n.index for n in network.nodes if isinstance(n.op, LAYERS)]
    ops = list(drawn(network, layers, (0,)).values())
    equal = [(a, b) for a in ops for b in ops if a is not b and a.weight.shape == b.weight.shape]
    assert equal and not any(torch.equal(a.weight, b.weight) for a, b in equal)
    assert all(op.bias is None or not op.bias.any() for op in ops)
    assert any(op.bias is not None for op in ops)


@pytest.mark.parametrize("shape", [(300, 200), (60, 40, 3, 3)])
def test_the_distributions_have_the_variances_of_he_and_glorot(shape):
    draw = torch.Generator().manual_seed(0)
    inputs, outputs = torch.tensor(shape[1:]).prod().item(), shape[0] * torch.tensor(shape[2:]).prod().item()
    he, glorot = he_normal(shape, draw), glorot_uniform(shape, draw)
    assert he.var() * inputs / 2 == pytest.approx(1, rel=0.03)
    assert glorot.var() * (inputs + outputs) / 2 == pytest.approx(1, rel=0.03)
    bound = (6 / (inputs + outputs)) ** 0.5
    assert 0.99 * bound < glorot.abs().max() <= bound


def test_each_protocol_has_its_distribution():
    network = Rebuilt.of(graph_of(nets.Chain))
    (layer,) = [n.index for n in network.nodes if n.name == "fc2"]
    n = network.nodes[layer].op.weight.shape
    bound = (6 / sum(n)) ** 0.5
    weights = [drawn(network, [layer], (k,), paper)[layer].weight.abs().max() for k in range(20)]
    assert (
        max(weights)
        <= bound
        < max(drawn(network, [layer], (k,), corrected)[layer].weight.abs().max() for k in range(20))
    )
