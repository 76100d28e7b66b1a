"""Max-pooling of an image that is padded with what no maximum chooses."""

import pytest
import torch
import torch.nn.functional as F
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn

from torch_backend import methods, relevance, trace
from torch_backend.operators.max_pool import MaxPool, PaddingBelow, with_padding_below

SIDES = st.tuples(*[st.integers(0, 2)] * 4)


def pooling(*shape: int) -> MaxPool:
    """3×3 windows of an image of this shape, every other place."""
    out = shape[0], *((n - 3) // 2 + 1 for n in shape[1:])
    return MaxPool(shape, out, lambda x: F.max_pool2d(x, 3, 2, return_indices=True), 2)


def below(*pad: int, value: float = -torch.inf) -> PaddingBelow:
    return PaddingBelow(lambda x: F.pad(x, pad, value=value), pad)


@settings(max_examples=30, deadline=None)
@given(SIDES)
def test_padding_and_pooling_in_one_have_the_values_and_the_derivative_of_the_two(pad) -> None:
    padded = 2, 5 + pad[2] + pad[3], 4 + pad[0] + pad[1]
    pool = with_padding_below(pooling(*padded), (2, 5, 4), below(*pad))
    generator = torch.Generator().manual_seed(sum(pad))
    x = torch.randn(3, 2, 5, 4, generator=generator, dtype=torch.float64, requires_grad=True)
    y = F.max_pool2d(F.pad(x, pad, value=-torch.inf), 3, 2)
    r = torch.randn(1, *y.shape, generator=generator, dtype=torch.float64)
    (expected,) = torch.autograd.grad(y, x, r[0])
    assert torch.equal(pool.forward(x), y)
    assert torch.allclose(pool.pullback(x.detach(), y.detach())(r)[0], expected, rtol=0, atol=1e-15)


@pytest.mark.parametrize("pad", [(3, 0), (0, 0, 0, 4)])
def test_a_window_of_padding_alone_stays_apart(pad) -> None:
    width, height = sum(pad[:2]), sum(pad[2:])
    assert with_padding_below(pooling(2, 5 + height, 5 + width), (2, 5, 5), below(*pad)) is None


def test_padding_of_other_axes_stays_apart() -> None:
    assert with_padding_below(pooling(4, 5, 5), (2, 5, 5), below(0, 0, 0, 0, 1, 1)) is None


class Padded(nn.Module):
    def __init__(self, value: float) -> None:
        super().__init__()
        self.layers = nn.Sequential(
            nn.Conv2d(3, 4, 3), nn.ConstantPad2d((0, 1, 0, 1), value), nn.MaxPool2d(3, 2), nn.Flatten()
        )
        self.fc = nn.Linear(36, 4)

    def forward(self, x):
        return self.fc(self.layers(x))


def test_a_padding_that_a_maximum_may_choose_is_a_node_of_its_own() -> None:
    images = torch.randn(2, 3, 8, 8, generator=torch.Generator().manual_seed(0))
    kinds = [node.kind for node in trace(Padded(-torch.inf).eval(), images).nodes]
    assert kinds == ["input", "convolution", "max_pool", "route", "dense"]
    kinds = [node.kind for node in trace(Padded(-1e30).eval(), images).nodes]
    assert kinds == ["input", "convolution", "route", "affine", "max_pool", "route", "dense"]


def test_relevance_goes_through_padded_windows_whole() -> None:
    """z⁺ without biases hands down what arrives."""
    model = Padded(-torch.inf).double().eval()
    for layer in (model.layers[0], model.fc):
        layer.weight.data.abs_()
        layer.bias.data.zero_()
    images = torch.rand(2, 3, 8, 8, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    start = torch.ones(1, 2, 4, dtype=torch.float64)
    r = relevance(trace(model, images), methods.z_plus, "logits", start, "input")
    assert torch.allclose(r.flatten(2).sum(2), start.sum(2))
