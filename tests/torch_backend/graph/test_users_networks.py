"""Networks of real users, each with its right value: what is recorded is what the model computes, its
derivative is autograd's, and the rules of a method apply where they should, or are refused.
"""

import pytest
import torch
import torch.nn.functional as F
from torch import nn
from torch.nn.utils.fusion import fuse_conv_bn_eval

from tests.helpers.twins.spelling import DTYPE
from tests.helpers.twins.users import autograd, images, net, same, start_at
from tests.helpers.wrapped import Wrapped
from torch_backend import methods, relevance, trace


def gradient_is_autograds(model: nn.Module, x: torch.Tensor, *others: torch.Tensor, relative=1e-9) -> None:
    """Of the traced images and, by `record`, of others."""
    graph = trace(model, x)
    for batch in (x, *others):
        recorded = graph if batch is x else graph.record(batch)
        same(recorded.nodes[-1].value, model(batch), relative)
        r = start_at(recorded.nodes[-1].value)
        same(relevance(recorded, methods.gradient, "logits", r, "input"), autograd(model, batch), relative)


# ---------------------------------------------------------------- values that depend on the images


class Recurrent(nn.Module):
    """The last state of an LSTM beside the mean of its outputs."""

    def __init__(self) -> None:
        super().__init__()
        self.lstm = nn.LSTM(3, 4, batch_first=True)
        self.a, self.b = nn.Linear(4, 4), nn.Linear(4, 4)

    def forward(self, x):
        o, (h, _) = self.lstm(x)
        return self.a(o.mean(1)) + self.b(h[-1])


class TwoLayers(Recurrent):
    """Both states of two layers."""

    def __init__(self) -> None:
        super().__init__()
        self.lstm = nn.LSTM(3, 4, num_layers=2, bidirectional=True, batch_first=True)
        self.a = nn.Linear(8, 4)

    def forward(self, x):
        o, (h, c) = self.lstm(x)
        return self.a(o.mean(1)) + self.b(h[-1]) + self.b(c[0])


class FromCells(Recurrent):
    """An LSTM step by step."""

    def __init__(self) -> None:
        super().__init__()
        self.lstm = nn.LSTMCell(3, 4)

    def forward(self, x):
        h = c = torch.zeros(x.shape[0], 4, dtype=x.dtype)
        for step in x.unbind(1):
            h, c = self.lstm(step, (h, c))
        return self.a(h) + self.b(c)


@pytest.mark.parametrize("kind", [Recurrent, TwoLayers, FromCells])
def test_the_state_of_a_recurrent_layer_depends_on_the_images(kind) -> None:
    """The gradient goes through the state, and `record` of seven other images has their own states."""
    torch.manual_seed(0)
    gradient_is_autograds(kind().double().eval(), images(2, 5, 3), images(7, 5, 3, seed=3))


class Embedded(nn.Module):
    """An index of the largest entry chooses a row of a table."""

    def __init__(self) -> None:
        super().__init__()
        self.a, self.e, self.b = nn.Linear(5, 6), nn.Embedding(6, 6), nn.Linear(6, 4)

    def forward(self, x):
        h = self.a(x)
        _, i = h.max(1, keepdim=True)
        return self.b(F.relu(h + self.e(i[:, 0])))


class Chosen(Embedded):
    """argmax, a sort and a comparison instead."""

    def forward(self, x):
        h = self.a(x)
        order = h.argsort(1)
        h = h + self.e(h.argmax(1)) + self.e(order[:, 0])
        return self.b(torch.where(h > h.median(1, keepdim=True).values, h, 0.5 * h))


@pytest.mark.parametrize("kind", [Embedded, Chosen])
def test_indices_are_those_of_the_recorded_images(kind) -> None:
    """What an index picks for one batch is not kept for another."""
    torch.manual_seed(0)
    gradient_is_autograds(kind().double().eval(), images(2, 5), images(7, 5, seed=3), images(3, 5, seed=4))


# ---------------------------------------------------------------- what autograd does not do


class Gated(nn.Module):
    """A gate under no_grad: a constant to autograd."""

    def __init__(self) -> None:
        super().__init__()
        self.a, self.g, self.b = nn.Linear(5, 6), nn.Linear(5, 6), nn.Linear(6, 4)

    def forward(self, x):
        with torch.no_grad():
            gate = torch.sigmoid(self.g(x))
        return self.b(torch.relu(self.a(x)) * gate)


class Detached(Gated):
    def forward(self, x):
        return self.b(torch.relu(self.a(x)) * torch.sigmoid(self.g(x)).detach())


class ByData(Gated):
    def forward(self, x):
        return self.b(torch.relu(self.a(x)) + torch.tanh(self.g(x.data)))


class StraightThrough(torch.autograd.Function):
    """A step whose derivative is said to be one."""

    @staticmethod
    def forward(ctx, x):
        return torch.sign(x)

    @staticmethod
    def backward(ctx, r):
        return r


class Binarised(Gated):
    def forward(self, x):
        return self.b(StraightThrough.apply(self.a(x)))


class Reversed(torch.autograd.Function):
    """Gradient reversal: the identity with a derivative of its own."""

    @staticmethod
    def forward(ctx, x):
        return x.view_as(x)

    @staticmethod
    def backward(ctx, r):
        return -2 * r


class Adversarial(Gated):
    def forward(self, x):
        return self.b(Reversed.apply(torch.relu(self.a(x))))


class Hooked(Gated):
    """A hook on a tensor changes the derivative only."""

    def forward(self, x):
        h = torch.relu(self.a(x))
        if h.requires_grad:
            h.register_hook(lambda r: 3 * r)
        return self.b(h)


class ByRounding(Gated):
    """A straight-through estimate spelled with detach."""

    def forward(self, x):
        h = self.a(x)
        return self.b(h + (h.round() - h).detach())


UNUSUAL = [Gated, Detached, ByData, Binarised, Adversarial, Hooked, ByRounding]


@pytest.mark.parametrize("kind", UNUSUAL)
def test_the_gradient_is_autograds_or_refused(kind) -> None:
    """no_grad, detach, functions with a derivative of their own: silence is never an answer."""
    torch.manual_seed(0)
    model, x = kind().double().eval(), images(2, 5)
    try:
        graph = trace(model, x)
        found = relevance(graph, methods.gradient, "logits", start_at(model(x)), "input")
    except ValueError as refusal:
        assert "\n" not in str(refusal)
        assert any(word in str(refusal) for word in ("derivative", "gradient", "autograd", "no_grad", "node"))
        return
    same(found, autograd(model, x))


# ---------------------------------------------------------------- rules that apply


def test_a_mean_added_to_every_pixel_under_z_plus() -> None:
    """By hand: each addition, average and dense layer shares by what is positive."""
    model = net(
        lambda m, x: m.fc(((h := torch.relu(m.conv(x))).mean((2, 3), keepdim=True) + h).flatten(1)),
        conv=nn.Conv2d(3, 4, 3),
        fc=nn.Linear(64, 4),
    )
    x = images(2, 3, 6, 6)
    h = torch.relu(model.conv(x))
    mean = h.mean((2, 3), keepdim=True)
    y = (h + mean).flatten(1)
    w, b = model.fc.weight.clamp(min=0), model.fc.bias.clamp(min=0)
    graph = trace(model, x)
    r = start_at(model(x))
    there = y * ((r / (F.linear(y, w) + b)) @ w)
    there = there.view(3, *h.shape) / (h + mean)
    expected = h * there + h / mean / 16 * (mean * there).sum((3, 4), keepdim=True)
    same(relevance(graph, methods.z_plus, "logits", r, graph.layers[0]), expected.nan_to_num())


@pytest.mark.parametrize("name", ["z_plus", "alpha2_beta1", "excitation_backprop", "deep_taylor"])
def test_a_functional_batch_norm_is_merged_like_a_module(name: str) -> None:
    """Into the convolution before it, whose padding does not matter there."""
    parts = {"conv": nn.Conv2d(3, 4, 3, padding=1), "norm": nn.BatchNorm2d(4), "fc": nn.Linear(4, 4)}

    def body(m, x):
        n = m.norm
        h = F.batch_norm(m.conv(x), n.running_mean, n.running_var, n.weight, n.bias, eps=n.eps)
        return m.fc(torch.relu(h).mean((2, 3)))

    model, x = net(body, **parts), images(2, 3, 6, 6)
    merged = Wrapped(
        lambda m, x: m.fc(torch.relu(m.conv(x)).mean((2, 3))),
        conv=fuse_conv_bn_eval(model.conv, model.norm),
        fc=model.fc,
    ).eval()
    method = getattr(methods, name)
    method = method if isinstance(method, methods.Method) else method()
    a, b = (relevance(trace(m, x), method, "logits", start_at(m(x)), "input") for m in (model, merged))
    same(a, b)


def test_deep_taylor_begins_at_the_first_layer_behind_an_average() -> None:
    """w² in the convolution that reads averages of the image, or a refusal that says so."""
    model = net(lambda m, x: m.conv(F.avg_pool2d(x, 2)).flatten(1), conv=nn.Conv2d(3, 4, 3))
    x = images(2, 3, 6, 6)
    graph = trace(model, x)
    below = graph.nodes[1]
    assert below.kind == "average"
    r = start_at(model(x))
    try:
        found = relevance(graph, methods.deep_taylor(), "logits", r, below.name)
    except ValueError as refusal:
        assert "\n" not in str(refusal)
        assert "deep_taylor" in str(refusal)
        return
    squares = model.conv.weight.square()
    each = r.view(3, 2, 4) / squares.sum((1, 2, 3))
    same(found, torch.einsum("vbo,ochw->vbchw", each, squares))


def test_contrastive_excitation_contrasts_at_both_layers_that_make_the_logits() -> None:
    """fc1(h) + fc2(h): each is excited minus its dual, or there is a refusal that says so."""
    model = net(
        lambda m, x: m.fc1(h := torch.relu(m.fc0(x))) + m.fc2(h),
        fc0=nn.Linear(5, 6),
        fc1=nn.Linear(6, 4),
        fc2=nn.Linear(6, 4),
    )
    x = images(2, 5)
    h = torch.relu(model.fc0(x))
    graph = trace(model, x)
    r = start_at(model(x)).abs()
    try:
        found = relevance(graph, methods.contrastive_excitation_backprop, "logits", r, graph.layers[0])
    except ValueError as refusal:
        assert "\n" not in str(refusal)
        assert "contrastive_excitation_backprop" in str(refusal)
        return
    parts = [model.fc1(h).clamp(min=0), model.fc2(h).clamp(min=0)]
    expected = torch.zeros(3, *h.shape, dtype=DTYPE)
    for part, layer in zip(parts, (model.fc1, model.fc2), strict=True):
        share = (r * part / sum(parts)).nan_to_num()
        for sign in (1, -1):
            w = (sign * layer.weight).clamp(min=0)
            expected += sign * h * ((share / (h @ w.T)).nan_to_num() @ w)
    same(found, expected)


def test_outputs_far_from_zero_do_not_hide_a_wrong_map() -> None:
    """float32, logits near 300: a ReLU in place on a slice is small beside them, and the map is right."""

    def body(m, x):
        h = m.a(x)
        h[:, :4].relu_()
        return m.b(h) + 300.0

    model = net(body, a=nn.Linear(5, 8), b=nn.Linear(8, 4)).float()
    with torch.no_grad():
        model.b.weight.mul_(0.05)
    gradient_is_autograds(model, images(2, 5).float(), relative=1e-5)


def test_a_hook_far_from_zero_is_part_of_the_model_or_refused() -> None:
    """It changes the outputs by a thousandth of the largest, but by as much as they vary."""
    model = net(lambda m, x: m.b(torch.relu(m.a(x))) + 300.0, a=nn.Linear(5, 8), b=nn.Linear(8, 4)).float()
    with torch.no_grad():
        model.b.weight.mul_(0.05)
    model.a.register_forward_hook(lambda module, x, y: y - 2 * y.clamp(max=0))
    try:
        gradient_is_autograds(model, images(2, 5).float(), relative=1e-5)
    except ValueError as refusal:
        assert "hook" in str(refusal)


# ---------------------------------------------------------------- what belongs to the caller


def test_the_recorded_images_are_our_own() -> None:
    """Writing over the caller's tensor afterwards changes nothing, for `trace` and for `record`."""
    model = net(lambda m, x: m.b(torch.relu(m.a(x))), a=nn.Linear(5, 6), b=nn.Linear(6, 4))
    x, other = images(2, 5), images(2, 5, seed=3)
    expected = [
        relevance(trace(model, v), methods.z_plus, "logits", start_at(model(v)), "input") for v in (x, other)
    ]
    first, second = x.clone(), other.clone()
    graph = trace(model, first)
    again = graph.record(second)
    first.zero_()
    second.zero_()
    for recorded, images_, wanted in ((graph, x, expected[0]), (again, other, expected[1])):
        same(recorded.nodes[0].value, images_)
        same(relevance(recorded, methods.z_plus, "logits", start_at(model(images_)), "input"), wanted)


CHANGES = {
    "weight.data": lambda m: m.conv.weight.data.mul_(2),
    "weight under no_grad": lambda m: torch.no_grad()(m.conv.weight.mul_)(2),
    "weight replaced": lambda m: setattr(m.conv, "weight", nn.Parameter(2 * m.conv.weight.detach())),
    "weight.data replaced": lambda m: setattr(m.conv.weight, "data", 2 * m.conv.weight.detach()),
    "running mean": lambda m: m.norm.running_mean.data.add_(1),
    "running variance": lambda m: m.norm.running_var.data.mul_(4),
    "bias of the last layer": lambda m: m.fc.bias.data.add_(1),
    "through NumPy": lambda m: m.conv.weight.detach().numpy().__imul__(2),
    "one entry": lambda m: m.conv.weight.data[0, 0, 0].add_(1e-3),
    "loaded": lambda m: m.load_state_dict({k: 2 * v for k, v in m.state_dict().items()}),
}


@pytest.mark.parametrize("change", CHANGES)
def test_weights_changed_behind_the_graphs_back(change: str) -> None:
    """`record` computes with the new weights, in values and in relevance, or refuses."""
    model = net(
        lambda m, x: m.fc(torch.relu(m.norm(m.conv(x))).mean((2, 3))),
        conv=nn.Conv2d(3, 4, 3),
        norm=nn.BatchNorm2d(4),
        fc=nn.Linear(4, 4),
    )
    x = images(2, 3, 5, 5)
    graph = trace(model, x)
    r = start_at(model(x))
    relevance(graph, methods.z_plus, "logits", r, "input")
    CHANGES[change](model)
    try:
        recorded = graph.record(x)
    except ValueError as refusal:
        assert "changed" in str(refusal)
        return
    fresh = trace(model, x)
    same(recorded.nodes[-1].value, model(x))
    for method in (methods.gradient, methods.z_plus, methods.alpha2_beta1):
        found, wanted = (relevance(graph, method, "logits", r, "input") for graph in (recorded, fresh))
        same(found, wanted)
