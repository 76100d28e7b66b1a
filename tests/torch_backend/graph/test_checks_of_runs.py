"""A network that is not one function of each image alone is refused by name: when it is traced, or with the
first batch that shows it.
"""

import re

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from torch import nn

from tests.helpers import nets
from tests.helpers.twins.users import images, net
from torch_backend import trace
from torch_backend.graph import checks
from torch_backend.graph.reading import _check
from torch_backend.inputs import models

X = images(2, 5)


def dense(body) -> nn.Module:
    return net(body, a=nn.Linear(5, 6), g=nn.Linear(5, 6), b=nn.Linear(6, 4))


def refused(act) -> str:
    """The line with which it is refused, "" if it is not."""
    try:
        act()
    except ValueError as error:
        assert "\n" not in str(error)
        return str(error)
    return ""


# ---------------------------------------------------------------- two runs


def _alternating(m, x):
    m.calls[0] += 1
    h = m.a(x)
    return m.b(torch.relu(h) if m.calls[0] % 2 else torch.tanh(h))


def _growing(m, x):
    m.calls[0] += 1
    return m.b(torch.tanh(m.a(x)) * (1 + m.calls[0]))


def _uniform(m, x):
    return m.b(torch.relu(m.a(x)) + torch.empty(6, dtype=x.dtype).uniform_())


# what is random -> the line that refuses it
RANDOM = {
    "numbers from the generator": (lambda m, x: m.b(m.a(x) + torch.rand(6, dtype=x.dtype)), r"model \(add\)"),
    "numbers drawn in place": (_uniform, r"model \(add\)"),
    "dropout": (lambda m, x: m.b(F.dropout(m.a(x), 0.5, training=True)), r"model \(mul\)"),
    "a mask by its numbers": (lambda m, x: m.b(m.a(x) * torch.bernoulli(m.g(x).sigmoid())), "bernoulli"),
    "an order by chance": (lambda m, x: m.b(m.a(x)[:, torch.randperm(6)]), r"model \((index|b|linear)\)"),
}


@pytest.mark.parametrize("count", [1, 2])
@pytest.mark.parametrize("case", RANDOM)
def test_what_is_not_the_same_when_it_runs_again_is_named(case: str, count: int) -> None:
    """The first call that gives, or does, something else the second time."""
    body, words = RANDOM[case]
    model = dense(body)
    model.calls = [0]
    torch.manual_seed(0)
    said = refused(lambda: trace(model, images(count, 5)))
    assert re.match(rf"{words}: expected the same (output whenever it runs|numbers at each run)", said), said


@pytest.mark.parametrize("body", [_alternating, _growing])
def test_what_counts_its_calls_is_read_as_it_came(body) -> None:
    """The model is as it was before each run: what it does next, it does in every one."""
    model = dense(body)
    model.calls = [0]
    first = model(X).detach()
    model.calls = [0]
    graph = trace(model, X)
    np.testing.assert_allclose(graph.nodes[-1].value, first, rtol=1e-12)
    np.testing.assert_allclose(graph.record(X).nodes[-1].value, first, rtol=1e-12)
    assert model.calls == [0]


# ---------------------------------------------------------------- an image alone


def _pairs(m, x):
    return m.b(m.a(x)[(torch.arange(len(x)) ^ 1).clamp(max=len(x) - 1)])


# what mixes the images -> the call that does
MIXED = {
    "softmax": (lambda m, x: m.b(m.a(x).softmax(0)), "softmax"),
    "softmax beside the rest": (lambda m, x: m.b((h := m.a(x)) + h.softmax(0)), "softmax"),
    "cumsum": (lambda m, x: m.b(m.a(x).cumsum(0)), "cumsum"),
    "flip": (lambda m, x: m.b(m.a(x).flip(0)), "flip"),
    "roll": (lambda m, x: m.b(m.a(x).roll(1, 0)), "roll"),
    "sort": (lambda m, x: m.b(m.a(x).sort(0)[0]), "sort"),
    "pairs exchanged": (_pairs, "index"),
    "the batch's norm": (lambda m, x: m.b((h := m.a(x)) / h.norm()), "linalg_vector_norm"),
    "the batch's norm, detached": (lambda m, x: m.b((h := m.a(x)) / h.detach().norm()), "div"),
    "the batch's largest, as a number": (lambda m, x: m.b((h := m.a(x)) / float(h.detach().max())), "div"),
    "the first image": (lambda m, x: m.b((h := m.a(x)) + h[:1]), "slice"),
    "the mean": (lambda m, x: m.b((h := m.a(x)) - h.mean(0)), "mean"),
    "statistics": (lambda m, x: m.b(F.layer_norm(m.a(x).T, (len(x),)).T), "layer_norm|t"),
    "products of images": (lambda m, x: m.b((h := m.a(x)) @ (h.T @ h)), "t|linear|mm"),
    "a branch on how many": (lambda m, x: m.b(h if len(h := m.a(x)) == 1 else torch.tanh(h)), "tanh"),
    "a factor of how many": (lambda m, x: m.b(m.a(x) * len(x)), "mul"),
}
# With one image it is a constant of the images, which is another one for the next batch.
AS_A_NUMBER = {"the batch's largest, as a number"}
WORDS = "expected (a result|an output) for each image that depends on no other"


@pytest.mark.parametrize("count", [2, 3, 4])
@pytest.mark.parametrize("case", MIXED)
def test_what_mixes_the_images_is_named(case: str, count: int) -> None:
    """Traced with several images: the first call whose numbers an image alone does not have."""
    body, name = MIXED[case]
    said = refused(lambda: trace(dense(body), images(count, 5)))
    assert re.match(rf"(model \(({name})\)|node '({name})'): {WORDS}", said), said


@pytest.mark.parametrize("case", MIXED)
def test_what_mixes_the_images_is_refused_though_traced_with_one(case: str) -> None:
    """By `trace`, which runs it with the image twice over, or by the first batch that shows it."""
    model = dense(MIXED[case][0])
    assert refused(lambda: trace(model, X[:1]).record(images(3, 5, seed=4)))


@pytest.mark.parametrize("case", [case for case in MIXED if case not in AS_A_NUMBER])
def test_what_mixes_the_images_is_named_though_traced_with_one(case: str) -> None:
    """The call is named then, too."""
    body, name = MIXED[case]
    said = refused(lambda: trace(dense(body), X[:1]).record(images(3, 5, seed=4)))
    assert re.match(rf"(model \(({name})\)|node '({name})'): {WORDS}", said), said


def test_images_that_are_all_the_same_do_not_hide_that_they_are_mixed() -> None:
    """Traced with one image twice over, then recorded with others."""
    assert refused(lambda: trace(dense(MIXED["flip"][0]), X[:1].expand(2, -1)).record(X))
    assert refused(lambda: trace(dense(MIXED["a factor of how many"][0]), X[:1].expand(2, -1)).record(X))


def test_images_in_the_middle_are_not_exchanged_in_silence() -> None:
    """A model that exchanges the second image and the third of four."""
    model = dense(lambda m, x: m.b(m.a(x)[[0, 2, 1, 3][: len(x)] if len(x) > 2 else slice(None)]))
    assert refused(lambda: trace(model, images(4, 5)))


@pytest.mark.parametrize("case", ["the batch's norm, detached", "a factor of how many"])
def test_it_is_the_comparison_of_runs_that_finds_what_mixes_the_images(monkeypatch, case: str) -> None:
    """Where all numbers are said to agree, they are read."""
    monkeypatch.setattr(checks, "agree", lambda *_: True)
    assert refused(lambda: trace(dense(MIXED[case][0]), X)) == ""


@pytest.mark.parametrize("case", ["numbers from the generator"])
def test_it_is_the_comparison_of_runs_that_finds_what_is_random(monkeypatch, case: str) -> None:
    """Where all numbers are said to agree, they are read."""
    monkeypatch.setattr(checks, "agree", lambda *_: True)
    model = dense(RANDOM[case][0])
    model.calls = [0]
    assert "same output" not in refused(lambda: trace(model, X))


def test_what_keeps_the_images_apart_is_read() -> None:
    """The same operations along another axis, and a batch that is cut up and put together again."""
    for body in (
        lambda m, x: m.b(m.a(x).softmax(1)),
        lambda m, x: m.b(m.a(x).cumsum(1).flip(1).roll(1, 1)),
        lambda m, x: m.b((h := m.a(x)) / h.norm(dim=1, keepdim=True)),
        lambda m, x: m.b(m.a(x).T.T),
    ):
        for count in (1, 2, 3):
            assert not refused(lambda n=count, f=body: trace(dense(f), images(n, 5)).record(images(4, 5)))


# ---------------------------------------------------------------- later batches


def _otherwise(other):
    """A network that does the other thing for dark images."""

    def body(m, x):
        h = m.a(x)
        return m.b(torch.tanh(h) if bool(x.detach().mean() > 0) else other(h))

    return dense(body)


OTHERWISE = {
    "another function": (torch.sin, "sin"),
    "another kind": (torch.relu, "fc1.pre"),
    "one more": (lambda h: torch.tanh(torch.relu(h)), "fc1.pre"),
    "another number": (lambda h: torch.tanh(h.clamp(max=0.5)), "clamp"),
    "nothing": (lambda h: h, "fc2"),
}


@pytest.mark.parametrize("case", OTHERWISE)
def test_images_for_which_the_model_does_something_else_are_refused(case: str) -> None:
    """By name: the first node that is another; the traced ones are read as before."""
    other, name = OTHERWISE[case]
    bright = images(2, 5).abs()
    graph = trace(_otherwise(other), bright)
    said = refused(lambda: graph.record(-bright))
    assert re.match(rf"images: expected images for which the model does.* first at '{name}'", said), said
    assert refused(lambda: graph.record(2 * bright)) == ""


def test_a_branch_is_not_blamed_on_the_weights() -> None:
    """A factor that depends on the images is folded into a layer, whose weights nobody has changed."""
    bright = images(2, 5).abs()
    graph = trace(_otherwise(lambda h: 2 * torch.tanh(h)), bright)
    said = refused(lambda: graph.record(-bright))
    assert said
    assert not said.startswith("model: expected the weights that were traced"), said


def _exchanged(w: torch.Tensor) -> torch.Tensor:
    """Two entries exchanged."""
    flat = w.clone().flatten()
    flat[:2] = flat[:2].flip(0)
    return flat.view(w.shape)


def _at(i: int, change):
    def changed(w):
        flat = w.clone().flatten()
        flat[i] = change(flat[i])
        return flat.view(w.shape)

    return changed


NUMBERS = {
    "all doubled": lambda w: 2 * w,
    "one entry, by its last bit": _at(1, lambda v: torch.nextafter(v, v + 1)),
    "two entries exchanged": _exchanged,
    "two rows exchanged": lambda w: w[[1, 0, *range(2, len(w))]],
    "one sign": _at(0, torch.neg),
    "all signs": torch.neg,
    "one more, one less": lambda w: _at(1, lambda v: v - 1)(_at(0, lambda v: v + 1)(w)),
}
WAYS = {
    "through .data": lambda p, new: p.data.copy_(new),
    "as another .data": lambda p, new: setattr(p, "data", new.clone()),
    "under no_grad": lambda p, new: torch.no_grad()(p.copy_)(new),
    "through NumPy": lambda p, new: p.detach().numpy().__setitem__(..., new.numpy()),
}
PLACES = (
    "conv1.weight",
    "bn1.running_mean",
    "layer1.0.conv1.weight",
    "layer2.downsample.1.weight",
    "fc.bias",
)


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("change", NUMBERS)
def test_weights_that_changed_are_refused_and_accepted_when_set_back(change: str, way: str) -> None:
    """In layers, folded batch norms and biases; whatever changes and however it is written."""
    model = nets.build(nets.Residual)
    x = nets.images_for(model)
    graph = trace(model, x)
    for place in PLACES:
        weights = {**dict(model.named_parameters()), **dict(model.named_buffers())}[place]
        right = weights.detach().clone()
        WAYS[way](weights, NUMBERS[change](right))
        assert "others at '" in refused(lambda: graph.record(x)), place
        WAYS[way](weights, right)
        assert refused(lambda: graph.record(x)) == "", place


def test_an_image_of_one_colour_is_read_though_its_maxima_tie():
    """Which of equal numbers is the largest is rounding's choice, not an error of the reading."""
    network = models.load("digits-vgg")
    image = torch.full((1, 3, 32, 32), -0.205, dtype=torch.float64)
    reading = trace(network, image).network._read(image)
    with pytest.raises(ValueError, match="the derivative of what it computes"):
        _check(reading)


class Doubled(torch.autograd.Function):
    @staticmethod
    def forward(ctx, x):
        return x.clone()

    @staticmethod
    def backward(ctx, r):
        return 2 * r


def test_another_derivative_is_refused_on_an_image_of_one_colour_too():
    class Doubling(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.network = models.load("digits-vgg")

        def forward(self, x):
            return self.network(Doubled.apply(x))

    with pytest.raises(ValueError, match="the derivative of what it computes"):
        trace(Doubling().eval(), torch.full((1, 3, 32, 32), 0.23))
