"""Linear operators against their dense matrices: every kind that the small networks contain."""

import numpy as np
import pytest
import torch
import torch.nn.functional as F

from tests.helpers import nets
from tests.helpers.dense import linear_nodes, matrix, size
from torch_backend.operators import convolution
from torch_backend.operators.convolution import Convolution
from torch_backend.operators.linear import Linear
from torch_backend.operators.unweighted import Function, Sum

# Rounding of sums of at most a few hundred float64 products.
CLOSE = {"rtol": 1e-11, "atol": 1e-11}
OPERATORS = [pytest.param(p.values[0].op, id=p.id) for p in linear_nodes()]


def random_input(op: Linear, count: int) -> torch.Tensor:
    lead = (op.count, 1) if isinstance(op, Sum) else ()
    generator = torch.Generator().manual_seed(7)
    return torch.randn(*lead, count, *op.in_shape, dtype=nets.DTYPE, generator=generator)


def test_the_table_of_operators_is_complete() -> None:
    classes = {type(p.values[0]).__name__ for p in OPERATORS}
    assert classes == {
        "Convolution",
        "TransposedConvolution",
        "Interpolation",
        "Dense",
        "Diagonal",
        "Sum",
        "Reshape",
        "Gather",
        "Concatenation",
        "Average",
        "Rearrangement",
        "Padding",
    }


@pytest.mark.parametrize("op", OPERATORS)
def test_adjoint_dot_test(op: Linear) -> None:
    """⟨Wx, r⟩ = ⟨x, Wᵀr⟩."""
    x = random_input(op, 3)
    r = torch.randn(1, 3, *op.out_shape, dtype=nets.DTYPE, generator=torch.Generator().manual_seed(8))
    np.testing.assert_allclose((op.apply(x) * r).sum(), (x * op.adjoint(r).reshape(x.shape)).sum(), **CLOSE)


@pytest.mark.parametrize("op", OPERATORS)
def test_adjoint_is_the_transposed_matrix(op: Linear) -> None:
    m = size(op.out_shape)
    rows = op.adjoint(torch.eye(m, dtype=nets.DTYPE).reshape(m, 1, *op.out_shape))  # (m, 1, *in_shape)
    if isinstance(op, Sum):
        rows = rows.movedim(0, 1)  # (k, m, 1, *in_shape) -> (m, k, 1, *in_shape)
    np.testing.assert_allclose(rows.reshape(m, -1), matrix(op), **CLOSE)


@pytest.mark.parametrize("a,b", [(1, 0), (0, 1), (2, -1), (-1, -1), (0, -1), (0, 0), (1.25, 1)])
@pytest.mark.parametrize("op", OPERATORS)
def test_part_is_a_positive_and_b_negative_weights(op: Linear, a: float, b: float) -> None:
    """aW⁺ + bW⁻ and ab⁺ + bb⁻, also of an operator that is a part already."""
    w, part = matrix(op), op.part(a, b)
    blend = a * w.clip(min=0) + b * w.clip(max=0)
    np.testing.assert_allclose(matrix(part), blend, **CLOSE)
    np.testing.assert_allclose(matrix(part.part(1, 0)), blend.clip(min=0), **CLOSE)
    if part.is_zero:
        np.testing.assert_array_equal(blend, 0)
    if op.bias is not None:
        bias = op.bias.numpy()
        np.testing.assert_allclose(part.bias, a * bias.clip(min=0) + b * bias.clip(max=0), **CLOSE)


@pytest.mark.parametrize("op", OPERATORS)
def test_leading_axes_are_free(op: Linear) -> None:
    """Vectors and images may be folded into one axis or kept apart."""
    r = torch.randn(2, 3, *op.out_shape, dtype=nets.DTYPE, generator=torch.Generator().manual_seed(9))
    apart = torch.stack([op.adjoint(vector) for vector in r], dim=1 if isinstance(op, Sum) else 0)
    np.testing.assert_allclose(op.adjoint(r), apart, **CLOSE)


@pytest.mark.parametrize("few", [0, 1 << 30], ids=["convolution", "product"])
@pytest.mark.parametrize("stride", [(1, 1), (2, 2), (3, 1)], ids=str)
@pytest.mark.parametrize("padding,groups", [((0, 0), 1), ((1, 0), 1), ((0, 0), 2)], ids=str)
def test_a_convolution_of_one_pixel_is_torchs(monkeypatch, few, stride, padding, groups) -> None:
    """Carried out as a matrix product or as a convolution; pixels between strides get nothing."""
    monkeypatch.setattr(convolution, "FEW_PIXELS", few)
    generator = torch.Generator().manual_seed(3)
    x = torch.randn(2, 4, 5, 6, dtype=nets.DTYPE, generator=generator, requires_grad=True)
    weight = torch.randn(6, 4 // groups, 1, 1, dtype=nets.DTYPE, generator=generator)
    bias = torch.randn(6, dtype=nets.DTYPE, generator=generator)
    y = F.conv2d(x, weight, bias, stride, padding, 1, groups)
    r = torch.randn(*y.shape, dtype=nets.DTYPE, generator=generator)
    op = Convolution(
        (4, 5, 6), tuple(y.shape[1:]), bias.reshape(-1, 1, 1), stride, padding, (1, 1), groups, weight=weight
    )
    assert op._is_product(y) == (few > 0 and groups == 1 and padding == (0, 0))
    np.testing.assert_allclose(op.forward(x).detach(), y.detach(), **CLOSE)
    np.testing.assert_allclose(op.adjoint(r), torch.autograd.grad(y, x, r)[0], **CLOSE)


def test_scaled_keeps_signs_apart() -> None:
    op = next(p.values[0] for p in OPERATORS if isinstance(p.values[0], Function))
    twice = op.part(-2, 0)
    np.testing.assert_allclose(matrix(twice.positive), 0 * matrix(op))
    np.testing.assert_allclose(matrix(twice.negative), -2 * matrix(op))
