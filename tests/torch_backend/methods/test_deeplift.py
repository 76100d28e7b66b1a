"""DeepLIFT: complete on every rectified network, equal to captum and to a unit-by-unit calculation."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from captum.attr import DeepLift as CaptumDeepLift
from torch import nn

from tests.helpers import nets
from torch_backend import methods, relevance, sweep, trace
from torch_backend.methods.deeplift import deeplift_rescale
from torch_backend.methods.reveal_cancel import deeplift_reveal_cancel, deeplift_without_cross_terms

COMPLETE = (deeplift_rescale, deeplift_reveal_cancel)
EVERY = (*COMPLETE, deeplift_without_cross_terms)
ROUNDING = 1e-10  # float64, relative to the largest sum; networks of at most 10 layers


def traced(kind, *, images=3):
    model = nets.build(kind)
    return trace(model, nets.images_for(model, images)), nets.images_for(model, 1, seed=7)


def vectors(value, count=2, seed=3):
    return torch.randn(count, *value.shape, generator=torch.Generator().manual_seed(seed), dtype=value.dtype)


@pytest.mark.parametrize("kind", nets.RECTIFIED)
@pytest.mark.parametrize("method", COMPLETE)
def test_contributions_of_all_pixels_sum_to_the_difference_of_the_output(kind, method):
    graph, reference = traced(kind)
    logits = graph.nodes[-1].value
    start = vectors(logits)
    contributions = relevance(graph, method(reference), "logits", start, "input")
    difference = (start * (logits - graph.record(reference).nodes[-1].value)).sum(2)
    torch.testing.assert_close(
        contributions.flatten(2).sum(2),
        difference,
        rtol=0,
        atol=ROUNDING * float(start.abs().max() * logits.abs().max()),
    )


@pytest.mark.parametrize("kind", nets.RECTIFIED)
@pytest.mark.parametrize("method", EVERY)
def test_an_image_equal_to_the_reference_has_no_contributions(kind, method):
    graph, reference = traced(kind)
    graph = graph.record(reference)
    read = relevance(graph, method(reference), "logits", vectors(graph.nodes[-1].value), "input")
    np.testing.assert_array_equal(read, 0)


@pytest.mark.parametrize("kind", nets.RECTIFIED)
def test_rescale_multipliers_become_the_gradient_as_the_reference_comes_near(kind):
    graph, direction = traced(kind, images=1)
    near = graph.nodes[0].value + 1e-9 * direction
    start = vectors(graph.nodes[-1].value)
    gradient = relevance(graph, methods.gradient, "logits", start, "input")
    multipliers = relevance(graph, deeplift_rescale(near).multipliers, "logits", start, "input")
    torch.testing.assert_close(multipliers, gradient, rtol=1e-4, atol=1e-6)


@pytest.mark.parametrize("method", EVERY)
def test_multipliers_times_the_difference_are_the_contributions(method):
    graph, reference = traced(nets.Branches)
    chosen, start = method(reference), vectors(graph.nodes[-1].value)
    contributions = relevance(graph, chosen, "logits", start, "input")
    multipliers = relevance(graph, chosen.multipliers, "logits", start, "input")
    torch.testing.assert_close(multipliers * (graph.nodes[0].value - reference), contributions)


@pytest.mark.parametrize("method", EVERY)
def test_what_is_set_is_what_is_read_at_the_start(method):
    graph, reference = traced(nets.Residual)
    for name in ("logits", *graph.layers):
        start = vectors(graph.node(name).value)
        read = relevance(graph, method(reference).multipliers, name, start, name)
        torch.testing.assert_close(read, start, rtol=0, atol=0)


@pytest.mark.parametrize("method", EVERY)
def test_one_image_at_a_time_and_one_start_at_a_time_change_nothing(method):
    graph, reference = traced(nets.Residual)
    starts = {name: vectors(graph.node(name).value) for name in ("dense", graph.layers[3])}
    together = {
        name: {start: r.clone() for start, r in read.items()}
        for name, read in sweep(graph, method(reference), lambda name: starts.get(name), ["input"])
    }["input"]
    for name, start in starts.items():
        alone = relevance(graph, method(reference), name, start, "input")
        torch.testing.assert_close(together[name], alone, rtol=1e-10, atol=1e-10)
        single = graph.record(graph.nodes[0].value[1:2])
        torch.testing.assert_close(
            relevance(single, method(reference), name, start[:, 1:2], "input"),
            alone[:, 1:2],
            rtol=1e-10,
            atol=1e-10,
        )


def test_rescale_equals_captum_pooling_included():
    """Captum 0.9.0 needs a module for each activation, and is not complete where a rectifier and a
    max-pooling are neighbours: here a convolution always stands between them.
    """
    torch.manual_seed(0)
    layers = [nn.Conv2d(2, 5, 3, padding=1), nn.MaxPool2d(2), nn.Conv2d(5, 4, 3, 2, 1), nn.ReLU()]
    layers += [nn.Conv2d(4, 4, 3, padding=1), nn.MaxPool2d(2), nn.Flatten(), nn.Linear(16, 6), nn.ReLU()]
    model = nn.Sequential(*layers, nn.Linear(6, 3)).double().eval()
    images, reference = torch.randn(3, 2, 16, 16).double(), torch.randn(1, 2, 16, 16).double()
    targets = torch.tensor([0, 2, 1])
    start = torch.eye(3).double()[targets][None]
    ours = relevance(trace(model, images), deeplift_rescale(reference), "logits", start, "input")[0]
    with pytest.warns(UserWarning, match="hooks"):
        theirs = CaptumDeepLift(model).attribute(images.requires_grad_(), reference, target=targets)
    torch.testing.assert_close(ours, theirs.detach(), rtol=1e-9, atol=1e-12)


# ---------------------------------------------------------------- a second implementation, unit by unit


class Skips(nn.Module):
    """Two dense layers with a skip, so that a rectifier reads an addition and a unit has two readers."""

    image = (4,)

    def __init__(self):
        super().__init__()
        self.first, self.second, self.last = nn.Linear(4, 5), nn.Linear(5, 5), nn.Linear(5, 3)

    def forward(self, x):
        h = torch.relu(self.first(x))
        return self.last(torch.relu(self.second(h) + h))


def linear_rule(w, dx, m_up, m_down, *, cross=True):
    """Section 3.5.1, one connection after the other: multipliers of Δx⁺ and of Δx⁻."""
    up, down = np.zeros(len(dx)), np.zeros(len(dx))
    for i in range(len(dx)):
        for j in range(len(w)):
            makes = w[j, i] * dx[i]  # its sign says which part of Δy it adds to
            if cross:
                part = m_up[j] if makes > 0 else m_down[j] if makes < 0 else (m_up[j] + m_down[j]) / 2
                up[i] += w[j, i] * part
                down[i] += w[j, i] * part
            elif makes > 0 and dx[i] > 0:
                up[i] += w[j, i] * m_up[j]
            elif makes < 0 and dx[i] < 0:
                down[i] += w[j, i] * m_down[j]
    return up, down


def parts(w, dx):
    """Section 3.5.1: Δy⁺ and Δy⁻, the sums of positive and of negative w Δx."""
    terms = w * dx
    return np.where(terms > 0, terms, 0).sum(1), np.where(terms < 0, terms, 0).sum(1)


def reveal_rule(x0, up, down):
    """Section 3.5.3: Δy⁺/Δx⁺ and Δy⁻/Δx⁻ of a rectifier, straight from the definition."""
    f = lambda x: max(x, 0.0)  # noqa: E731
    out = []
    for a, p, n in zip(x0, up, down, strict=True):
        y_up = (f(a + p) - f(a)) / 2 + (f(a + n + p) - f(a + n)) / 2
        y_down = (f(a + n) - f(a)) / 2 + (f(a + p + n) - f(a + p)) / 2
        out.append((y_up / p if p else np.nan, y_down / n if n else np.nan))
    return np.array(out).T


@pytest.mark.parametrize("cross", [True, False])
def test_reveal_cancel_equals_the_definitions_unit_by_unit(cross):
    model = nets.build(Skips, seed=2)
    w1, b1, w2, b2, w3, _ = (p.detach().numpy() for p in model.parameters())
    image, reference = nets.images_for(model, 1, seed=5), nets.images_for(model, 1, seed=6)
    x, x0 = image[0].numpy(), reference[0].numpy()
    h, h0 = np.maximum(w1 @ x + b1, 0), np.maximum(w1 @ x0 + b1, 0)
    s, s0 = w2 @ h + b2 + h, w2 @ h0 + b2 + h0
    top = np.array([0.3, -1.2, 0.7])

    g_up, g_down = linear_rule(w3, np.maximum(s, 0) - np.maximum(s0, 0), top, top, cross=cross)
    addition = np.stack([w2 @ h - w2 @ h0, h - h0])  # the two differences that the addition reads
    q_up, q_down = reveal_rule(s0, np.maximum(addition, 0).sum(0), np.minimum(addition, 0).sum(0))
    m_up, m_down = np.nan_to_num(q_up) * g_up, np.nan_to_num(q_down) * g_down
    both = np.zeros((2, 2, 5))  # addend, sign, unit
    for k, d in enumerate(addition):
        for i in range(5):
            same = m_up[i] if d[i] > 0 else m_down[i]
            both[k, :, i] = (same, same) if cross else (same * (d[i] > 0), same * (d[i] < 0))
    below = np.stack(linear_rule(w2, h - h0, *both[0], cross=cross)) + both[1]
    p_up, p_down = np.array(parts(w1, x - x0))
    q_up, q_down = reveal_rule(w1 @ x0 + b1, p_up, p_down)
    pre = np.nan_to_num(q_up) * below[0], np.nan_to_num(q_down) * below[1]
    m_up, m_down = linear_rule(w1, x - x0, *pre, cross=cross)
    expected = m_up * np.maximum(x - x0, 0) + m_down * np.minimum(x - x0, 0)

    method = (deeplift_reveal_cancel if cross else deeplift_without_cross_terms)(reference)
    got = relevance(trace(model, image), method, "logits", torch.from_numpy(top)[None, None], "input")
    np.testing.assert_allclose(got[0, 0], expected, rtol=1e-10, atol=1e-12)


def test_reveal_cancel_sees_what_rescale_misses():
    """min(a, b) = a - relu(a - b): Rescale gives all to one input, RevealCancel half to each."""

    class Minimum(nn.Module):
        def __init__(self):
            super().__init__()
            self.difference, self.first, self.last = (
                nn.Linear(*n, bias=False) for n in ((2, 1), (2, 1), (1, 1))
            )
            self.difference.weight.data = torch.tensor([[1.0, -1.0]])
            self.first.weight.data = torch.tensor([[1.0, 0.0]])
            self.last.weight.data = torch.tensor([[-1.0]])

        def forward(self, x):
            return self.first(x) + self.last(torch.relu(self.difference(x)))

    model, image, reference = (
        Minimum().double().eval(),
        torch.tensor([[3.0, 2.0]]).double(),
        torch.zeros(1, 2).double(),
    )
    graph, one = trace(model, image), torch.ones(1, 1, 1).double()
    by = {m: relevance(graph, m(reference), "logits", one, "input")[0, 0].tolist() for m in COMPLETE}
    assert by[deeplift_rescale] == pytest.approx([0, 2])
    assert by[deeplift_reveal_cancel] == pytest.approx([1, 1])


@pytest.mark.parametrize("kind", nets.RECTIFIED)
def test_without_cross_terms_is_two_non_negative_chains_that_never_meet(kind):
    graph, reference = traced(kind)
    if any(node.is_last for node in graph.nodes):  # below the logits every factor is non-negative
        start = vectors(graph.nodes[-1].value).abs()
        multipliers = deeplift_without_cross_terms(reference).multipliers
        assert (relevance(graph, multipliers, "logits", start, "input") >= 0).all()
    bound = deeplift_without_cross_terms(reference).bind(graph)
    for node in graph.nodes[1:]:
        rule = bound.rule(node)
        value = vectors(node.value).abs()
        pair = torch.stack((value, torch.zeros_like(value)), 1).flatten(0, 1)  # m⁻ = 0
        x = bound.difference.x(node)
        for r in node.op.split(rule(node.op, x, node.value)(pair)):
            assert not r[1::2].any()


@pytest.mark.parametrize("method", EVERY)
def test_nodes_whose_inputs_cannot_be_told_apart_are_refused_by_name(method):
    graph, reference = traced(nets.Smooth)
    with pytest.raises(ValueError, match=r"method deeplift_.*without: .*gate.*norm"):
        relevance(graph, method(reference), "logits", vectors(graph.nodes[-1].value), "input")


@pytest.mark.parametrize(
    ("reference", "message"),
    [
        ([0.0], "reference: expected one image .*got list"),
        (torch.zeros(2, 3, 8, 8), r"one image .*got \(2, 3, 8, 8\)"),
        (torch.zeros(3), r"one image .*got \(3,\)"),
        (torch.zeros(1, 3, 9, 8), r"shape \(1, 3, 8, 8\), as the images, got \(1, 3, 9, 8\)"),
        (torch.full((1, 3, 8, 8), float("nan")), "finite"),
    ],
)
@pytest.mark.parametrize("method", EVERY)
def test_a_reference_that_is_no_image_is_refused(method, reference, message):
    graph, _ = traced(nets.Chain)
    with pytest.raises(ValueError, match=message):
        relevance(graph, method(reference), "logits", vectors(graph.nodes[-1].value), "input")


@pytest.mark.parametrize("method", EVERY)
def test_without_a_reference_it_is_zero(method):
    graph, _ = traced(nets.Chain)
    image, start = graph.nodes[0].value, vectors(graph.nodes[-1].value)
    at_zero = relevance(graph, method(torch.zeros_like(image[:1])), "logits", start, "input")
    torch.testing.assert_close(relevance(graph, method(), "logits", start, "input"), at_zero, rtol=0, atol=0)


def test_the_method_is_a_value_that_no_sweep_changes():
    graph, reference = traced(nets.Chain)
    method = deeplift_rescale(reference)
    relevance(graph, method, "logits", vectors(graph.nodes[-1].value), "input")
    assert method.difference is None
    assert replace(method, name="mine").name == "mine"
