"""What is found out about a pooling by asking it is what it was made with."""

import pytest
import torch
import torch.nn.functional as F
from hypothesis import given, settings
from hypothesis import strategies as st

from torch_backend.proof.windows import Window, windows


def asked(function, shape: tuple[int, ...], axes: int = 2):
    out = function(torch.zeros(1, *shape, dtype=torch.float64)).shape[1:]
    return windows(function, shape, tuple(out), axes)


@given(
    n=st.integers(4, 17),
    kernel=st.integers(1, 4),
    stride=st.integers(1, 4),
    padding=st.integers(0, 2),
    dilation=st.integers(1, 2),
    ceil=st.booleans(),
)
@settings(max_examples=60, deadline=None)
def test_a_maximum_over_the_found_windows_is_the_pooling(n, kernel, stride, padding, dilation, ceil):
    if 2 * padding > kernel or dilation * (kernel - 1) + 1 > n:
        return

    def pool(x):
        return F.max_pool1d(x, kernel, stride, padding, dilation, ceil)

    found = asked(pool, (2, n), axes=1)
    assert found is not None
    (window,) = found
    x = torch.randn(1, 2, n, dtype=torch.float64)
    y = pool(x)
    reach = window.reach(n, y.shape[-1])
    expected = torch.where(reach, x[:, :, None], -torch.inf).amax(-1)
    assert torch.equal(y, expected)
    assert (
        n + window.before + window.after - window.dilation * (window.kernel - 1) - 1
    ) // window.stride + 1 == (y.shape[-1])


@pytest.mark.parametrize(
    "function,shape,expected",
    [
        (lambda x: F.avg_pool2d(x, 3, 1, 1), (2, 6, 7), [Window(3, 1, 1, 1, 1)] * 2),
        (lambda x: x.mean((2, 3), keepdim=True), (2, 6, 7), [Window(6, 6, 0, 0, 1), Window(7, 7, 0, 0, 1)]),
        (lambda x: F.adaptive_avg_pool2d(x, 3), (2, 6, 9), [Window(2, 2, 0, 0, 1), Window(3, 3, 0, 0, 1)]),
        (lambda x: F.max_pool2d(x, (1, 2)), (2, 6, 8), [Window(1, 1, 0, 0, 1), Window(2, 2, 0, 0, 1)]),
    ],
)
def test_averages_and_uneven_windows(function, shape, expected):
    assert asked(function, shape) == tuple(expected)


@pytest.mark.parametrize(
    "function,shape",
    [
        (lambda x: F.adaptive_avg_pool2d(x, 4), (2, 7, 6)),  # windows of two sizes
        (lambda x: x.mean(1, keepdim=True), (2, 6, 7)),  # over channels
        (lambda x: x.flip(2), (2, 6, 7)),  # no window moves on
    ],
)
def test_what_is_no_pooling_has_no_windows(function, shape):
    assert asked(function, shape) is None
