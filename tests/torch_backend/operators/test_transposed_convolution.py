"""Transposed convolutions of every geometry against torch's, and against their dense matrices."""

import numpy as np
import pytest
import torch
from torch import nn

from tests.helpers.dense import matrix
from tests.helpers.nets import DTYPE
from tests.helpers.twins.compared import maps
from tests.helpers.twins.spelling import drawn
from tests.helpers.wrapped import Wrapped
from torch_backend import trace
from torch_backend.operators.convolution import TransposedConvolution
from torch_backend.operators.linear import Dense

CLOSE = {"rtol": 1e-11, "atol": 1e-11}  # sums of at most a few hundred float64 products
# (space, kernel, stride, padding, output_padding, dilation, groups)
GEOMETRIES = [
    ((5,), 3, 2, 1, 1, 1, 1),
    ((4,), 4, 3, 0, 0, 2, 2),
    ((3, 4), 3, 1, 0, 0, 1, 1),
    ((3, 4), 2, 2, 0, 0, 1, 4),
    ((3, 4), (3, 2), (2, 3), (1, 0), (1, 2), 1, 2),
    ((3, 4), 3, 2, 2, 0, (2, 1), 1),
    ((4, 3), 3, 1, 1, (2, 1), 3, 1),
    ((3, 2, 2), 2, 2, 0, 0, 1, 1),
    ((2, 3, 2), 3, (1, 2, 2), 1, (0, 1, 0), 1, 2),
]
LAYERS = {1: nn.ConvTranspose1d, 2: nn.ConvTranspose2d, 3: nn.ConvTranspose3d}


def layer(space, kernel, stride, padding, output_padding, dilation, groups) -> nn.Module:
    options = stride, padding, output_padding, groups, True, dilation
    made = LAYERS[len(space)](4, 8, kernel, *options)
    return drawn({"up": made}, 0)["up"]


def read(up: nn.Module, space) -> tuple[TransposedConvolution, torch.Tensor, torch.Tensor]:
    """The operator, its input and torch's output."""
    x = torch.randn(2, 4, *space, dtype=DTYPE, generator=torch.Generator().manual_seed(1))
    (node,) = trace(up, x).nodes[1:]
    assert isinstance(node.op, TransposedConvolution) and node.kind == "convolution"
    return node.op, x, up(x).detach()


@pytest.mark.parametrize("geometry", GEOMETRIES, ids=str)
def test_it_is_torchs_and_its_adjoint_autograds(geometry) -> None:
    up = layer(*geometry)
    op, x, y = read(up, geometry[0])
    np.testing.assert_allclose(op.forward(x), y, **CLOSE)
    r = torch.randn(3, *y.shape, dtype=DTYPE, generator=torch.Generator().manual_seed(2))
    leaf = x.clone().requires_grad_()
    rows = [torch.autograd.grad(up(leaf), leaf, vector)[0] for vector in r]
    np.testing.assert_allclose(op.adjoint(r), torch.stack(rows), **CLOSE)


@pytest.mark.parametrize("geometry", GEOMETRIES, ids=str)
def test_its_parts_are_those_of_its_matrix(geometry) -> None:
    op, _, _ = read(layer(*geometry), geometry[0])
    w = matrix(op)
    for a, b in ((1, 0), (0, 1), (2, -1)):
        np.testing.assert_allclose(matrix(op.part(a, b)), a * w.clip(min=0) + b * w.clip(max=0), **CLOSE)
    np.testing.assert_allclose(matrix(op.map(torch.square)), w**2, **CLOSE)


DENSE_DIFFERS = {"lrp_cmp"}  # which has another rule for dense layers


@pytest.mark.parametrize("geometry", GEOMETRIES[1::2], ids=str)
def test_relevance_is_that_of_the_dense_layer_with_its_matrix(geometry) -> None:
    """Under every method that treats convolutions and dense layers alike; nets end in a dense layer."""
    space = geometry[0]
    up = layer(*geometry)
    op, x, y = read(up, space)
    twin = nn.Linear(x[0].numel(), y[0].numel()).to(DTYPE)
    with torch.no_grad():
        twin.weight.copy_(torch.from_numpy(matrix(op)))
        twin.bias.copy_(op.bias.expand(op.out_shape).flatten())
    head = drawn({"fc": nn.Linear(y[0].numel(), 4)}, 1)
    body = lambda m, x: m.fc(torch.relu(m.up(x)).flatten(1))  # noqa: E731
    flat = lambda m, x: m.fc(torch.relu(m.up(x.flatten(1))))  # noqa: E731
    found, expected = (
        maps(Wrapped(piece, up=layer, **head).eval(), x) for piece, layer in ((body, up), (flat, twin))
    )
    for method in set(found) - DENSE_DIFFERS:
        assert not isinstance(expected[method], str), (method, expected[method])
        scale = float(expected[method].abs().max())
        np.testing.assert_allclose(found[method], expected[method], atol=1e-9 * scale, err_msg=method)


def test_of_one_pixel_it_is_dense_unless_an_output_shares_its_weights_or_has_none() -> None:
    x = torch.randn(2, 4, 1, 1, dtype=DTYPE)
    kinds = {
        (3, 1, 0, 0, 1, 1): Dense,
        (3, 2, 1, 0, 1, 1): Dense,
        (3, 2, 0, 1, 1, 1): TransposedConvolution,
        (3, 1, 0, 0, 1, 2): TransposedConvolution,
        (3, 1, 0, 0, 2, 1): TransposedConvolution,
    }
    for (kernel, stride, padding, output_padding, dilation, groups), kind in kinds.items():
        up = layer((1, 1), kernel, stride, padding, output_padding, dilation, groups)
        ops = {type(node.op) for node in trace(up, x).nodes}
        assert kind in ops and not (kind is Dense and TransposedConvolution in ops)
