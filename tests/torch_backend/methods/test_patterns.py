"""Patterns against their definition and a toy with a known signal; PatternNet and PatternAttribution."""

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from torch import nn

from tests.helpers import nets
from torch_backend import methods, relevance, trace
from torch_backend.methods import (
    Patterns,
    estimate_patterns,
    load_patterns,
    pattern_attribution,
    pattern_net,
)

LAYERS = ("convolution", "dense")


def traced(kind, images=12):
    model = nets.build(kind)
    return trace(model, nets.images_for(model, images))


def layers(graph):
    return [node for node in graph.nodes if node.kind in LAYERS]


def patches(node, x):
    """What each output unit of the node reads, column by column: (groups, weights of a unit, locations)."""
    if node.kind == "dense":
        return x.flatten(0, -2).T[None]
    op = node.op
    columns = F.unfold(x, op.weight.shape[2:], op.dilation, op.padding, op.stride)
    return columns.unflatten(1, (op.groups, -1)).permute(1, 2, 0, 3).flatten(2)


def pattern_unit_by_unit(node, x, y, *, positive):
    """Kindermans et al. 2018, straight from the definition."""
    columns = patches(node, x).numpy()
    units = y.movedim(-1 if node.kind == "dense" else 1, 0).flatten(1).numpy()
    weight = node.op.weight.flatten(1).numpy()
    found = np.zeros_like(weight)
    for j, (w, unit) in enumerate(zip(weight, units, strict=True)):
        mine = columns[j * len(columns) // len(weight)]
        chosen = unit > 0 if positive else unit == unit
        if not chosen.any():
            continue
        c = (mine * unit)[:, chosen].mean(1) - mine[:, chosen].mean(1) * unit.mean()
        found[j] = c / (w @ c)
    return found.reshape(node.op.weight.shape)


@pytest.mark.parametrize("kind", [nets.Chain, nets.Residual, nets.Branches])
@pytest.mark.parametrize("regime", ["linear", "relu"])
def test_patterns_equal_the_definition_over_patches(kind, regime):
    """Strided, grouped, dilated and depthwise convolutions included."""
    graph = traced(kind)
    found = estimate_patterns(graph, graph.nodes[0].value.split(5), regime)
    rectified = read_by_rectifiers(graph)
    for node in layers(graph):
        positive = regime == "relu" and node.index in rectified
        expected = pattern_unit_by_unit(
            node, graph.nodes[node.inputs[0]].value, node.value, positive=positive
        )
        got = found.by_node[node.name]
        np.testing.assert_allclose(got, expected, rtol=1e-6, atol=1e-8, err_msg=node.name)


def read_by_rectifiers(graph):
    """Indices of the nodes that a rectifier reads, through affine nodes, routes and max-poolings."""
    found = {i for node in graph.nodes if node.kind == "relu" for i in node.inputs}
    for node in reversed(graph.nodes):
        if node.index in found and node.kind in ("affine", "route", "max_pool"):
            found.update(node.inputs)
    return found


@pytest.mark.parametrize("kind", nets.RECTIFIED)
@pytest.mark.parametrize("regime", ["linear", "relu"])
def test_weights_times_patterns_are_one(kind, regime):
    graph = traced(kind)
    found = estimate_patterns(graph, [graph.nodes[0].value], regime)
    assert found.by_node.keys() == {node.name for node in layers(graph)}
    for node in layers(graph):
        wa = (node.op.weight * found.by_node[node.name]).flatten(1).sum(1).numpy()
        np.testing.assert_allclose(wa[wa != 0], 1, rtol=1e-9)
        assert (wa != 0).any()


def test_the_pattern_is_the_signal_that_the_weights_hide():
    """x = s a + ε d: the weights turn away from the distractor d, the pattern finds the direction a."""
    generator = torch.Generator().manual_seed(0)
    signal, distractor = torch.tensor([1.0, 0.0]), torch.tensor([1.0, 1.0])
    s, epsilon = torch.randn(2, 4000, 1, generator=generator)
    model = nn.Linear(2, 1)
    model.weight.data = torch.tensor([[1.0, -1.0]])  # wᵀd = 0, wᵀa = 1
    x = s * signal + epsilon * distractor
    graph = trace(model.eval(), x)
    (a,) = estimate_patterns(graph, x.split(100), "linear").by_node.values()
    np.testing.assert_allclose(a, signal[None], atol=0.05)
    method = pattern_net(Patterns("linear", {"fc1": a}))
    estimated = relevance(graph, method, "logits", graph.nodes[-1].value[None], "input")
    np.testing.assert_allclose(estimated[0], (s + model.bias.detach()) * a, rtol=1e-4, atol=1e-4)


def test_batches_images_and_their_order_only_round_differently():
    graph = traced(nets.Branches)
    images = graph.nodes[0].value
    one, many = (estimate_patterns(graph, images.split(n)) for n in (len(images), 1))
    turned = estimate_patterns(graph, images.flip(0).split(7))
    for name, a in one.by_node.items():
        torch.testing.assert_close(many.by_node[name], a, rtol=1e-7, atol=1e-9)
        torch.testing.assert_close(turned.by_node[name], a, rtol=1e-7, atol=1e-9)


def test_float32_survives_a_large_mean():
    """Centred sums: without them the products of means 100 would swamp the covariance."""
    model = nets.build(nets.Chain)
    images = nets.images_for(model, 40) + 100
    exact = estimate_patterns(trace(model, images), images.split(8), "linear")
    single = estimate_patterns(trace(model.float(), images.float()), images.float().split(8), "linear")
    node = "conv1_1.pre"
    np.testing.assert_allclose(single.by_node[node], exact.by_node[node], rtol=0.02, atol=2e-3)


def test_a_unit_that_never_varies_has_no_pattern():
    model = nets.build(nets.Chain)
    with torch.no_grad():
        model.conv1.weight[2] = 0
        model.fc1.bias.fill_(-1e6)  # never in the positive half-space
    graph = trace(model, nets.images_for(model, 6))
    found = estimate_patterns(graph, [graph.nodes[0].value]).by_node
    assert not found["conv1_1.pre"][2].any() and found["conv1_1.pre"][1].any()
    assert not found["fc1.pre"].any()


# ---------------------------------------------------------------- methods


def test_a_layer_goes_back_along_its_patterns():
    graph = traced(nets.Chain, images=2)
    patterns = estimate_patterns(graph, [nets.images_for(nets.build(nets.Chain), 9, seed=4)])
    for name in ("conv1_2.pre", "fc2"):
        node = graph.node(name)
        below = graph.nodes[node.inputs[0]]
        a, w = patterns.by_node[node.name], node.op.weight
        r = torch.randn(3, *node.value.shape, dtype=node.value.dtype)
        for method, weight in ((pattern_net, a), (pattern_attribution, w * a)):
            got = relevance(graph, method(patterns), name, r, below.name)
            flat = r.flatten(0, 1)
            expected = flat @ weight if node.kind == "dense" else F.conv_transpose2d(flat, weight, padding=1)
            torch.testing.assert_close(got.flatten(0, 1), expected)


@pytest.mark.parametrize("kind", nets.RECTIFIED)
def test_with_the_weights_as_patterns_pattern_net_is_the_gradient(kind):
    """Affine nodes aside: their own pattern is the inverse factor."""
    graph = traced(kind, images=2)
    patterns = Patterns("linear", {node.name: node.op.weight for node in layers(graph)})
    start = torch.randn(2, *graph.nodes[-1].value.shape, dtype=torch.float64)
    if any(node.kind == "affine" for node in graph.nodes):
        assert relevance(graph, pattern_net(patterns), "logits", start, "input").isfinite().all()
        return
    got, expected = (
        relevance(graph, method, "logits", start, "input")
        for method in (pattern_net(patterns), methods.gradient)
    )
    torch.testing.assert_close(got, expected)


def test_an_affine_node_has_the_pattern_of_its_one_input():
    """y = wx + b has a = cov(x, y) / var(y) = 1 / w, and wa = 1."""

    class Affine(nn.Module):
        def forward(self, x):
            return x * torch.tensor([2.0, -4.0, 0.0]) + 1

    graph = trace(Affine().eval(), torch.randn(5, 3))
    none, start = Patterns("linear", {}), torch.ones(1, 5, 3)
    np.testing.assert_array_equal(
        relevance(graph, pattern_net(none), "logits", start, "input")[0, 0], [0.5, -0.25, 0]
    )
    np.testing.assert_array_equal(
        relevance(graph, pattern_attribution(none), "logits", start, "input"), start
    )


def test_pattern_attribution_sees_the_weights_of_the_network_that_is_swept():
    """A pattern frozen from one network and random weights from another: W ⊙ A takes the random W."""
    patterns = estimate_patterns(traced(nets.Chain), [nets.images_for(nets.build(nets.Chain), 9)])
    other = nets.build(nets.Chain, seed=9)
    graph = trace(other, nets.images_for(other))
    r = torch.ones(1, *graph.nodes[-1].value.shape, dtype=torch.float64)
    got = relevance(graph, pattern_attribution(patterns), "logits", r, "fc1")
    torch.testing.assert_close(got[0, 0], (other.fc2.weight * patterns.by_node["fc2"]).sum(0).detach())


# ---------------------------------------------------------------- files, bad input


def test_patterns_survive_a_file(tmp_path):
    graph = traced(nets.Branches)
    patterns = estimate_patterns(graph, [graph.nodes[0].value])
    patterns.save(tmp_path / "patterns.safetensors")
    loaded = load_patterns(tmp_path / "patterns.safetensors")
    assert loaded.regime == patterns.regime and loaded.by_node.keys() == patterns.by_node.keys()
    for name, a in patterns.by_node.items():
        torch.testing.assert_close(loaded.by_node[name], a, rtol=0, atol=0)


def test_other_files_are_refused(tmp_path):
    from safetensors.torch import save_file

    (tmp_path / "garbage.safetensors").write_bytes(b"not patterns")
    save_file({"fc1": torch.zeros(2)}, tmp_path / "weights.safetensors")
    for name in ("garbage", "weights"):
        with pytest.raises(ValueError, match=r"patterns: expected .* written by Patterns.save") as caught:
            load_patterns(tmp_path / f"{name}.safetensors")
        assert "\n" not in str(caught.value)
    with pytest.raises(FileNotFoundError, match="patterns: no file"):
        load_patterns(tmp_path / "absent.safetensors")


def test_patterns_of_another_network_are_refused_before_anything_is_computed():
    patterns = estimate_patterns(traced(nets.Chain), [nets.images_for(nets.build(nets.Chain), 3)])
    graph = traced(nets.Residual, images=1)
    start = torch.ones(1, *graph.nodes[-1].value.shape, dtype=torch.float64)
    for method in (pattern_net, pattern_attribution):
        with pytest.raises(ValueError, match=r"patterns: expected a pattern .* 9 missing .*dense \(4, 6\)"):
            relevance(graph, method(patterns), "logits", start, "input")


@pytest.mark.parametrize(
    ("batches", "regime", "message"),
    [
        ([], "relu", "batches: expected at least one batch"),
        ([torch.zeros(2, 3, 8, 8).double()], "positive", "regime: expected relu or linear, got 'positive'"),
        ([torch.zeros(2, 3, 9, 8).double()], "relu", r"images: expected .*\(B, 3, 8, 8\)"),
    ],
)
def test_bad_arguments_are_refused(batches, regime, message):
    with pytest.raises(ValueError, match=message):
        estimate_patterns(traced(nets.Chain, images=1), batches, regime)
