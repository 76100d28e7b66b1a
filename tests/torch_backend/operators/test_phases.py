"""The transpose by phases is the transposed convolution, whatever its geometry."""

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from hypothesis import assume, given
from hypothesis import strategies as st

from torch_backend.operators.convolution import Convolution
from torch_backend.operators.phases import transpose_by_phases

sides = st.tuples(st.integers(1, 14), st.integers(1, 14))


def convolution(kernel: tuple[int, int], stride: int, padding: tuple[int, int], space: tuple[int, int]):
    """Three channels to five, or None where the image is too small."""
    out = tuple((n + 2 * p - k) // stride + 1 for n, p, k in zip(space, padding, kernel, strict=True))
    weight = torch.randn(5, 3, *kernel, dtype=torch.float64, generator=torch.Generator().manual_seed(1))
    return Convolution(
        (3, *space), (5, *out), weight=weight, stride=(stride, stride), padding=padding, dilation=(1, 1)
    )


@given(
    kernel=st.tuples(st.integers(1, 7), st.integers(1, 7)),
    stride=st.integers(1, 4),
    times=st.integers(1, 3),
    padding=st.tuples(st.integers(0, 3), st.integers(0, 3)),
    space=sides,
)
def test_the_transpose_by_phases_is_the_transposed_convolution(kernel, stride, times, padding, space) -> None:
    """In blocks of any multiple of the stride; also of images that they do not tile."""
    assume(stride * times > 1)
    assume(all(n + 2 * p >= k for n, p, k in zip(space, padding, kernel, strict=True)))
    op = convolution(kernel, stride, padding, space)
    r = torch.randn(2, *op.out_shape, dtype=torch.float64, generator=torch.Generator().manual_seed(2))
    with torch.enable_grad():
        x = torch.zeros(2, *op.in_shape, dtype=torch.float64, requires_grad=True)
        (expected,) = torch.autograd.grad(F.conv2d(x, op.weight, None, stride, padding), x, r)
    transpose = transpose_by_phases(
        op.weight, stride, padding, space, op.out_shape[1:], blocks=[stride * times]
    )
    np.testing.assert_allclose(transpose(r), expected, rtol=1e-12, atol=1e-12)
    np.testing.assert_allclose(op.adjoint(r), expected, rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize(
    "kernel,stride,block", [((7, 7), 2, 2), ((3, 3), 1, 2), ((1, 1), 1, None), ((11, 11), 4, 4)], ids=str
)
def test_the_cheapest_block(kernel, stride, block) -> None:
    """The stems of ResNet and VGG; a convolution of one pixel stays as it is; AlexNet's."""
    transpose = convolution(kernel, stride, (kernel[0] // 2,) * 2, (24, 24))._by_phases
    assert (transpose and transpose.axes[0].block) == block


def test_many_channels_do_not_go_by_phases() -> None:
    weight = torch.zeros(5, 16, 3, 3)
    op = Convolution((16, 8, 8), (5, 8, 8), weight=weight, stride=(1, 1), padding=(1, 1), dilation=(1, 1))
    assert op._by_phases is None
