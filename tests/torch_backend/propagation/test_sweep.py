"""Laws of the sweep: it is autograd for the gradient, one pass serves every start layer, and nothing
leaks between
vectors, images or calls."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from tests.helpers import nets
from tests.helpers.methods_to_sweep import METHODS
from torch_backend import methods, relevance, rules, sweep, trace
from torch_backend.methods.method import KINDS
from torch_backend.propagation.carried import Carried

# A few hundred float64 operations, relative to the largest entry.
RELATIVE = 1e-12


def agree(actual, expected, relative: float = RELATIVE) -> None:
    np.testing.assert_allclose(
        actual, expected, rtol=0, atol=relative * max(1e-30, float(abs(expected).max()))
    )


@pytest.fixture(scope="module", params=nets.EVERY, ids=lambda kind: kind.__name__)
def network(request):
    model = nets.build(request.param)
    images = nets.images_for(model)
    return model, images, trace(model, images)


@pytest.fixture(scope="module", params=nets.RECTIFIED, ids=lambda kind: kind.__name__)
def rectified(request):
    model = nets.build(request.param)
    images = nets.images_for(model)
    return model, images, trace(model, images)


def vectors(shape, count: int = 3, seed: int = 5) -> torch.Tensor:
    return torch.randn(count, *shape, dtype=nets.DTYPE, generator=torch.Generator().manual_seed(seed))


def autograd(model, images, r: torch.Tensor) -> torch.Tensor:
    x = images.clone().requires_grad_()
    y = model(x)
    return torch.stack([torch.autograd.grad(y, x, vector, retain_graph=True)[0] for vector in r])


def test_gradient_is_autograd(network) -> None:
    """With skips, branches, every pooling, cat, biases, folded batch norms, attention, products."""
    model, images, graph = network
    r = vectors(graph.nodes[-1].value.shape)
    agree(relevance(graph, methods.gradient, "logits", r, "input"), autograd(model, images, r))


def test_gradient_from_every_node_is_the_chain_rule(rectified) -> None:
    """Down to a node, then from there: the same as all the way."""
    _, _, graph = rectified
    r = vectors(graph.nodes[-1].value.shape)
    whole = relevance(graph, methods.gradient, "logits", r, "input")
    cuts = [name for name in graph.layers if _separates(graph, name)]
    assert cuts
    for name in cuts:
        half = relevance(graph, methods.gradient, "logits", r, name)
        agree(relevance(graph, methods.gradient, name, half, "input"), whole)


def _separates(graph, name: str) -> bool:
    """Whether all ways to the input lead through that node."""
    cut = graph.node(name).index
    return all(i >= cut for node in graph.nodes[cut + 1 :] for i in node.inputs)


def test_lrp_z_is_gradient_times_input(rectified) -> None:
    """Holds with biases (which absorb), for ReLU and max-pooling; not for a ReLU that saturates."""
    model, images, graph = rectified
    y = graph.nodes[-1].value
    if any(
        getattr(node.op, "ceiling", float("inf")) < float("inf") and (node.value == 6).any()
        for node in graph.nodes
    ):
        pytest.fail("the images must not saturate the network's ReLU6")
    agree(
        relevance(graph, methods.lrp_z, "logits", y[None], "input"),
        images * autograd(model, images, 1 + 0 * y[None]),
        1e-9,
    )


@pytest.mark.parametrize("name", METHODS)
def test_one_sweep_is_a_sweep_for_each_start(rectified, name: str) -> None:
    """All layers start at once, with different numbers of vectors, in one group or in many."""
    _, _, graph = rectified
    layers = ("input", *graph.layers)
    starts = {
        layer: vectors(graph.node(layer).value.shape, 1 + i % 3, i)
        for i, layer in enumerate((*graph.layers, graph.nodes[-1].name))
    }
    alone = {
        (start, at): r
        for start, own in starts.items()
        for at, found in sweep(graph, METHODS[name], {start: own}.get, layers)
        for _, r in found.items()
    }
    for memory in (1 << 30, 1, 20_000):
        together = {
            (start, at): r
            for at, found in sweep(graph, METHODS[name], starts.get, layers, memory=memory)
            for start, r in found.items()
        }
        assert together.keys() == alone.keys()
        for key, expected in alone.items():
            agree(together[key], expected, 1e-9)


@pytest.mark.parametrize("name", METHODS)
def test_factors_kept_apart_are_multiplied_in_the_end(rectified, name: str) -> None:
    """What a backward function leaves apart (`factored`) changes nothing: the same rules without it."""
    _, _, graph = rectified

    class Whole(methods.Method):
        def rule(self, node):
            def rule(op, x, y):
                backward = METHODS[name].rule(node)(op, x, y)
                return lambda r: backward(r)

            return rule

        def read(self, node, r):
            return METHODS[name].read(node, r)

    whole = Whole("whole", **dict.fromkeys(KINDS, rules.gradient))
    starts = {layer: vectors(graph.node(layer).value.shape, 2, i) for i, layer in enumerate(graph.layers)}
    for at in ("input", graph.layers[0], graph.layers[1]):  # at a layer that is read, they are multiplied
        (_, expected), (_, found) = (
            next(sweep(graph, method, starts.get, [at])) for method in (whole, METHODS[name])
        )
        assert found.keys() == expected.keys()
        for start, r in found.items():
            agree(r, expected[start], 1e-9)


@pytest.mark.parametrize("kept", [("a",), ("b", "c"), ("a", "c"), ("c", "a", "b"), ("d",)], ids=str)
def test_some_start_layers_of_a_bundle(kept) -> None:
    """With the factor that all have in common; not next to each other, too."""
    r, factor = vectors((2, 3, 4, 5), 4), vectors((2, 3, 4, 5), 1)[0]
    bundle = Carried(("a", "b", "c"), (1, 2, 1), r, owned=False, factor=factor)
    found = bundle.only(kept)
    if found is None:
        assert kept == ("d",)
        return
    assert set(found.starts) == set(kept)
    whole = bundle.product().by_start()
    for start, part in found.product().by_start().items():
        np.testing.assert_array_equal(part, whole[start])


@pytest.mark.parametrize("name", METHODS)
def test_images_and_vectors_do_not_mix(rectified, name: str) -> None:
    """A batch gives what each image and each vector gives alone; equal calls give equal answers."""
    _, images, graph = rectified
    r = vectors(graph.nodes[-1].value.shape)
    whole = relevance(graph, METHODS[name], "logits", r, "input")
    np.testing.assert_array_equal(whole, relevance(graph, METHODS[name], "logits", r, "input"))
    single = graph.record(images[1:])
    agree(relevance(single, METHODS[name], "logits", r[2:, 1:], "input"), whole[2:, 1:], 1e-9)


def test_what_was_yielded_and_what_was_given_stays(rectified) -> None:
    """The sweep overwrites only memory of its own."""
    _, _, graph = rectified
    for method in METHODS.values():
        starts = {layer: vectors(graph.node(layer).value.shape) for layer in graph.layers}
        given = {layer: r.clone() for layer, r in starts.items()}
        names = [node.name for node in graph.nodes[::2]]
        found = [
            (r, r.clone()) for _, found in sweep(graph, method, starts.get, names) for r in found.values()
        ]
        for r, then in (*found, *((starts[layer], given[layer]) for layer in starts)):
            np.testing.assert_array_equal(r, then)


def test_gradients_are_as_the_caller_set_them_between_two_layers(rectified) -> None:
    _, _, graph = rectified
    top = graph.nodes[-1]
    for _ in sweep(graph, methods.z_plus, {top.name: top.value[None]}.get, graph.layers):
        assert torch.is_grad_enabled()
    with torch.no_grad():
        list(sweep(graph, methods.z_plus, lambda _: None, ["input"]))
        assert not torch.is_grad_enabled()


@pytest.mark.parametrize("name", ["z_plus", "lrp_z", "alpha_beta:2:1", "gradient", "lrp_gamma:0.25"])
def test_linear_methods_are_linear_in_the_start(rectified, name: str) -> None:
    _, _, graph = rectified
    r = vectors(graph.nodes[-1].value.shape, 2)
    a, b, both = relevance(graph, METHODS[name], "logits", torch.cat([r, r[:1] - 2 * r[1:]]), "input")
    agree(both, a - 2 * b, 1e-9)


def test_z_plus_chains_are_non_negative(rectified) -> None:
    _, _, graph = rectified
    r = vectors(graph.nodes[-1].value.shape).abs()
    for down in relevance(graph, methods.z_plus, "logits", r, ["input", *graph.layers]).values():
        assert (down >= 0).all()


@pytest.mark.parametrize("kind", [nets.Chain, nets.Residual, nets.Volume])
@pytest.mark.parametrize("name", ["z_plus", "excitation_backprop", "deep_taylor"])
def test_relevance_is_conserved_without_biases(kind, name: str) -> None:
    """On every way down, additions and averages included: the sum over the image is that at the start."""
    model = nets.build(kind, bias=False)
    graph = trace(model, nets.images_for(model).abs())
    (layer,) = [layer for layer in graph.layers if layer in ("fc1", "block2_2")]
    start = graph.node(layer).value.sign()[None]  # no relevance on units without input
    down = relevance(graph, METHODS[name], layer, start, "input")
    np.testing.assert_allclose(down.flatten(2).sum(2), start.flatten(2).sum(2), rtol=1e-9)


def test_reading_at_the_start_gives_the_start() -> None:
    model = nets.build(nets.Residual)
    graph = trace(model, nets.images_for(model))
    r = vectors(graph.node("block2_1").value.shape)
    np.testing.assert_array_equal(relevance(graph, methods.z_plus, "block2_1", r, "block2_1"), r)


def test_the_output_answers_to_logits_and_to_its_name() -> None:
    model = nets.build(nets.Chain)
    graph = trace(model, nets.images_for(model))
    r = vectors((2, 4))
    found = relevance(graph, methods.z_plus, "fc2", r, ["logits", "fc2", "input"])
    np.testing.assert_array_equal(found["logits"], found["fc2"])
    np.testing.assert_array_equal(found["input"], relevance(graph, methods.z_plus, "logits", r, "input"))


def test_a_start_is_asked_for_once_from_the_output_down() -> None:
    model = nets.build(nets.Residual)
    graph = trace(model, nets.images_for(model))
    asked: list[str] = []

    def starts(name: str):
        asked.append(name)
        return vectors(graph.node(name).value.shape, 2) if name in graph.layers else None

    assert {layer for layer, _ in sweep(graph, methods.z_plus, starts, ["input"], memory=1)} == {"input"}
    assert asked == [node.name for node in reversed(graph.nodes)]


def test_a_method_without_a_rule_is_refused_before_computing() -> None:
    """All nodes concerned are named; a start below them is served."""
    model = nets.build(nets.Smooth)
    graph = trace(model, nets.images_for(model))

    def explode(op, x, y):
        raise AssertionError("computed")

    method = replace(methods.z_plus, dense=explode)
    with pytest.raises(ValueError, match=r"3 without: attention.*product.*smooth"):
        relevance(graph, method, "logits", vectors((2, 4)), "input")
    relevance(graph, methods.z_plus, "embed", vectors((2, 4, 8)), "input")


def test_a_rule_of_ones_own_takes_a_few_lines() -> None:
    def halve(op, x, y):
        return lambda r: 0.5 * op.adjoint(r)

    model = nets.build(nets.Chain)
    graph = trace(model, nets.images_for(model))
    r = vectors((2, 4))
    mine = replace(methods.gradient, name="mine", dense=halve)
    agree(
        relevance(graph, mine, "logits", r, "input"),
        0.25 * relevance(graph, methods.gradient, "logits", r, "input"),
    )


BAD = {
    "unknown start": ("conv9_9", vectors((2, 4)), "input", "layer: expected the name of a node"),
    "unknown at": ("logits", vectors((2, 4)), "conv9_9", "layer: expected the name of a node"),
    "not below": (
        "conv1_1",
        vectors((2, 6, 8, 8)),
        "fc1",
        "at: expected layers that relevance from 'conv1_1' reaches",
    ),
    "shape": ("logits", vectors((2, 5)), "input", r"start relevance at fc2: expected shape \(V, 2, 4\)"),
    "no vector axis": ("logits", vectors((2, 4))[0], "input", "start relevance at fc2: expected shape"),
    "no vectors": ("logits", vectors((2, 4))[:0], "input", "start relevance at fc2: expected shape"),
    "NaN": ("logits", vectors((2, 4)) * torch.nan, "input", "start relevance at fc2: expected finite"),
    "no tensor": ("logits", [[[1.0]]], "input", "start relevance at fc2: expected a tensor"),
}


@pytest.mark.parametrize("case", BAD)
def test_bad_arguments_are_refused(case: str) -> None:
    start, r, at, words = BAD[case]
    model = nets.build(nets.Chain)
    graph = trace(model, nets.images_for(model))
    with pytest.raises(ValueError, match=words):
        relevance(graph, methods.z_plus, start, r, at)
