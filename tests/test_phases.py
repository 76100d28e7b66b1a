"""The transpose by phases is the transposed convolution, whatever its geometry."""

import numpy as np
import torch
import torch.nn.functional as F
from hypothesis import assume, given
from hypothesis import strategies as st

from torch_backend.linear import Convolution
from torch_backend.phases import kernel_of_phases, transposed_by_phases

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
    stride=st.integers(2, 5),
    padding=st.tuples(st.integers(0, 3), st.integers(0, 3)),
    space=sides,
)
def test_transposed_by_phases_is_the_transposed_convolution(kernel, stride, padding, space) -> None:
    assume(all(n + 2 * p >= k for n, p, k in zip(space, padding, kernel, strict=True)))
    op = convolution(kernel, stride, padding, space)
    r = torch.randn(2, *op.out_shape, dtype=torch.float64, generator=torch.Generator().manual_seed(2))
    with torch.enable_grad():
        x = torch.zeros(2, *op.in_shape, dtype=torch.float64, requires_grad=True)
        (expected,) = torch.autograd.grad(F.conv2d(x, op.weight, None, stride, padding), x, r)
    by_phases = transposed_by_phases(r, kernel_of_phases(op.weight, stride), stride, padding, space)
    np.testing.assert_allclose(by_phases, expected, rtol=1e-12, atol=1e-12)
    np.testing.assert_allclose(op.adjoint(r), expected, rtol=1e-12, atol=1e-12)


def test_only_few_channels_and_a_stride_go_by_phases() -> None:
    assert convolution((7, 7), 2, (3, 3), (14, 14))._phases is not None
    assert convolution((3, 3), 1, (1, 1), (14, 14))._phases is None
