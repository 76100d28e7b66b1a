"""What picks numbers, pads or clamps, against dense matrices and torch itself."""

from math import prod

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn

from tests.helpers.dense import matrix
from tests.helpers.nets import DTYPE
from torch_backend import trace
from torch_backend.graph.simplifying import as_padding, padding
from torch_backend.operators.rectifier import Clamp, Rectifier
from torch_backend.operators.unweighted import Gather

SOME = settings(max_examples=150, deadline=None, derandomize=True)
shapes = st.lists(st.integers(1, 3), min_size=1, max_size=3).map(tuple)


def random(*shape: int, seed: int = 0) -> torch.Tensor:
    return torch.randn(*shape, dtype=DTYPE, generator=torch.Generator().manual_seed(seed))


@st.composite
def gathers(draw) -> Gather:
    """Numbers of one to three inputs, some of them several times, some zeros."""
    parts = tuple(draw(st.lists(shapes, min_size=1, max_size=3)))
    out, size = draw(shapes), sum(map(prod, parts))
    index = draw(st.lists(st.integers(-1, size - 1), min_size=prod(out), max_size=prod(out)))
    return Gather((size,), out, index=torch.tensor(index), shapes=parts)


def picking(op: Gather) -> np.ndarray:
    """The matrix of the operator: one 1 in each row, none for a zero."""
    w = np.zeros((len(op.index), op.in_shape[0]))
    for k, i in enumerate(op.index.tolist()):
        if i >= 0:
            w[k, i] = 1
    return w


@SOME
@given(gathers())
def test_numbers_are_picked_as_a_matrix_picks_them(op: Gather) -> None:
    """W x, column by column and for images; 0 where nothing is picked."""
    np.testing.assert_array_equal(matrix(op), picking(op))
    x = random(3, *op.in_shape)
    np.testing.assert_array_equal(op.apply(x).flatten(1), x.numpy() @ picking(op).T)
    np.testing.assert_array_equal(op.forward(x), op.apply(x))


@SOME
@given(gathers())
def test_relevance_goes_back_where_numbers_came_from(op: Gather) -> None:
    """⟨Wx, r⟩ = ⟨x, Wᵀr⟩, for vectors and images; Wᵀ is the transposed matrix."""
    x, r = random(3, *op.in_shape), random(2, 3, *op.out_shape, seed=1)
    back = op.adjoint(r)
    assert back.shape == (2, 3, *op.in_shape)
    left = (op.apply(x) * r).flatten(2).sum(2)
    np.testing.assert_allclose(left, (x * back).sum(2), rtol=1e-12, atol=1e-12)
    np.testing.assert_allclose(back, r.flatten(2).numpy() @ picking(op), rtol=1e-12, atol=1e-12)


@SOME
@given(gathers())
def test_inputs_are_joined_and_relevance_is_split(op: Gather) -> None:
    """Each number of each input has its own place, the same both ways."""
    inputs = tuple(random(3, *shape, seed=k) for k, shape in enumerate(op.shapes))
    x = op.join(inputs)
    assert x.shape == (3, *op.in_shape)
    apart = op.split(x[None])
    assert len(apart) == len(inputs)
    for part, value in zip(apart, inputs, strict=True):
        assert torch.equal(part[0], value)


@SOME
@given(gathers(), st.sampled_from([(1, 0), (0, 1), (2, -1), (-1, 3)]))
def test_parts_have_weights_of_one_sign(op: Gather, ab: tuple[int, int]) -> None:
    """aW⁺ + bW⁻ is aW."""
    np.testing.assert_array_equal(matrix(op.part(*ab)), ab[0] * picking(op))


@st.composite
def padded(draw) -> tuple[tuple[int, ...], list[int]]:
    """The shape of an image (C, *space), and how many zeros go before and after it, from the last axis on."""
    shape = tuple(draw(st.lists(st.integers(1, 4), min_size=2, max_size=4)))
    axes = draw(st.integers(1, len(shape)))
    return shape, draw(st.lists(st.integers(0, 3), min_size=2 * axes, max_size=2 * axes))


@SOME
@given(padded())
def test_zeros_around_an_image_are_torchs(case) -> None:
    """Values and derivative of F.pad; the transpose cuts them off."""
    shape, pad = case
    x = random(2, *shape).requires_grad_()
    y = F.pad(x, pad)
    op = padding(shape, tuple(y.shape[1:]), pad)
    np.testing.assert_array_equal(op.forward(x.detach()), y.detach())
    r = random(3, *y.shape, seed=1)
    expected = torch.stack([torch.autograd.grad(y, x, v, retain_graph=True)[0] for v in r])
    np.testing.assert_array_equal(op.adjoint(r), expected)


@SOME
@given(padded())
def test_numbers_that_are_picked_into_zeros_are_padding(case) -> None:
    """An image with zeros around it is known as such, however it was made; nothing else is."""
    shape, pad = case
    size = prod(shape)
    index = F.pad(torch.arange(size).view(shape), pad, value=-1)
    op = Gather((size,), tuple(index.shape), index=index.flatten(), shapes=(shape,))
    found = as_padding(op)
    assert found is not None
    assert found.pad == padding(shape, op.out_shape, pad).pad
    x = random(2, *shape)
    np.testing.assert_array_equal(found.forward(x), op.forward(op.join((x,))))
    if size > 1:
        turned = torch.where(op.index >= 0, size - 1 - op.index, -1)
        assert as_padding(Gather((size,), op.out_shape, index=turned, shapes=(shape,))) is None


CLAMPS = {
    "relu": (Rectifier(), torch.relu),
    "clamp(min=0)": (Clamp(), lambda x: x.clamp(min=0)),
    "clamp(0, 1)": (Clamp(1.0), lambda x: x.clamp(0, 1)),
    "hardtanh(0, 1)": (Clamp(1.0), lambda x: F.hardtanh(x, 0, 1)),
    "relu6": (Clamp(6.0), F.relu6),
}
ENDS = torch.tensor([-0.0, 0.0, 1.0, 6.0], dtype=DTYPE)
BESIDE = torch.cat([torch.nextafter(ENDS, ENDS - 1), torch.nextafter(ENDS, ENDS + 1), ENDS + 0.5, ENDS - 0.5])


def slopes_agree(name: str, x: torch.Tensor) -> None:
    """Values and derivative of the operator are torch's and autograd's."""
    op, function = CLAMPS[name]
    x = x[None].clone().requires_grad_()
    y = function(x)
    np.testing.assert_array_equal(op.forward(x.detach()), y.detach())
    r = random(3, *y.shape)
    expected = torch.stack([torch.autograd.grad(y, x, v, retain_graph=True)[0] for v in r])
    np.testing.assert_array_equal(op.pullback(x.detach(), y.detach())(r), expected)


@pytest.mark.parametrize("name", CLAMPS)
def test_a_rectifiers_derivative_is_autograds_beside_its_ends(name: str) -> None:
    """By as little as one unit in the last place."""
    slopes_agree(name, BESIDE)


@pytest.mark.parametrize("name", CLAMPS)
def test_a_rectifiers_derivative_is_autograds_at_its_ends(name: str) -> None:
    """At 0, at -0, and where its ceiling is."""
    slopes_agree(name, ENDS)


def test_a_network_with_dead_units_before_a_ceiling_is_not_refused() -> None:
    """ReLU6 of exact zeros, as behind a layer without a bias for a black image."""
    torch.manual_seed(0)
    model = nn.Sequential(nn.Linear(5, 6, bias=False), nn.ReLU6(), nn.Linear(6, 3)).double().eval()
    images = random(2, 5)
    images[0] = 0
    trace(model, images)
