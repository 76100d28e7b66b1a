"""A derivative other than the function's own is refused; what autograd holds constant is constant."""

import re

import pytest
import torch
from torch import nn

from tests.helpers.twins.users import autograd, images, net, refusal, same, start_at
from torch_backend import methods, relevance, trace
from torch_backend.graph import checks


class Rounded(torch.autograd.Function):
    """The straight-through estimator."""

    @staticmethod
    def forward(ctx, x):
        return x.round()

    @staticmethod
    def backward(ctx, r):
        return r


class Exponential(torch.autograd.Function):
    """A function of one's own with its own derivative."""

    @staticmethod
    def forward(ctx, x):
        ctx.save_for_backward(x.exp())
        return x.exp()

    @staticmethod
    def backward(ctx, r):
        return r * ctx.saved_tensors[0]


class Longer(torch.autograd.Function):
    """The identity, with a derivative that is a thousandth too long."""

    @staticmethod
    def forward(ctx, x):
        return x.clone()

    @staticmethod
    def backward(ctx, r):
        return 1.001 * r


def _closed_gate(m, x):
    with torch.no_grad():
        gate = torch.sigmoid(m.g(x))
    return m.b(m.a(x) * gate)


def dense(body) -> nn.Module:
    return net(body, a=nn.Linear(5, 6), g=nn.Linear(5, 6), r=nn.ReLU(), b=nn.Linear(6, 4))


def hooked(where: str, factor: float) -> nn.Module:
    """A backward hook that makes the gradient at a module longer."""
    model = dense(lambda m, x: m.b(m.r(m.a(x))))
    hook = lambda module, grad_in, grad_out: (factor * grad_in[0],)  # noqa: E731
    model.get_submodule(where).register_full_backward_hook(hook)
    return model


ANOTHER = {
    "straight through": (dense(lambda m, x: m.b(Rounded.apply(m.a(x)))), r"'round' \(Rounded\)"),
    "a thousandth too long": (dense(lambda m, x: m.b(Longer.apply(m.a(x)))), "'fc2'"),
    "a hook at a rectifier": (hooked("r", 2.0), "'fc1'"),
    "a hook at the last layer": (hooked("b", 1.001), "'fc2'"),
}


@pytest.mark.parametrize("case", ANOTHER)
def test_another_derivative_than_the_functions_own_is_named(monkeypatch, case: str) -> None:
    """autograd.Functions and backward hooks of the user's; it is this check that finds them."""
    model, words = ANOTHER[case]
    assert re.match(rf"model: expected the derivative.* first at {words};", refusal(model, images(2, 5)))
    monkeypatch.setattr(checks, "_same_direction", lambda *_: True)
    assert refusal(model, images(2, 5)) == ""


def test_no_derivative_at_all_is_refused() -> None:
    """An output that is detached, or computed under no_grad."""
    for body in (lambda m, x: m.b(m.a(x)).detach(), torch.no_grad()(lambda m, x: m.b(m.a(x)))):
        assert "that autograd connects with the images" in refusal(dense(body), images(2, 5))


OWN = {
    "a function of one's own": dense(lambda m, x: m.b(Exponential.apply(m.a(x)))),
    "a gate without a derivative": dense(_closed_gate),
    "a detached gate": dense(lambda m, x: m.b(m.a(x) * m.g(x).detach())),
    "a detached part": dense(lambda m, x: m.b(m.a(x) + m.g(x).detach())),
    "a part's data": dense(lambda m, x: m.b(m.a(x) * m.g(x).data)),
    "straight through by detach": dense(lambda m, x: m.b((h := m.a(x)) + (h.round() - h).detach())),
    "a hook that changes nothing": hooked("r", 1.0),
}


@pytest.mark.parametrize("case", OWN)
def test_the_models_own_derivative_is_kept(case: str) -> None:
    """What autograd holds constant is constant: the gradient is autograd's, for these images and others."""
    model = OWN[case]
    graph = trace(model, images(2, 5))
    for x, read in ((images(2, 5), graph), (images(3, 5, seed=4), graph.record(images(3, 5, seed=4)))):
        found = relevance(read, methods.gradient, "logits", start_at(read.nodes[-1].value), "input")
        same(found, autograd(model, x))


def _cubed_wrongly(limit: float):
    """x³, whose derivative is said to be 0 below the limit."""

    class Cube(torch.autograd.Function):
        @staticmethod
        def forward(ctx, x):
            ctx.save_for_backward(x)
            return x**3

        @staticmethod
        def backward(ctx, r):
            (x,) = ctx.saved_tensors
            return torch.where(x.abs() < limit, 0, 3 * x**2 * r)

    return dense(lambda m, x: m.b(Cube.apply(m.a(x))))


def test_an_image_with_a_small_gradient_is_compared_as_well() -> None:
    """float32, two images: the derivative of the second is wrong; that of the first is 1e4 times as large."""
    model = _cubed_wrongly(10.0).float()
    x = images(2, 5).float()
    with torch.no_grad():
        model.a.bias.zero_()
    assert refusal(model, x)
    x[0] *= 1000
    assert refusal(model, x)
