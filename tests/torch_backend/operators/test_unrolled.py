"""The transpose as one product is the transposed convolution; here on a CPU, where it is not used."""

import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from torch_backend.operators import unrolled
from torch_backend.operators.unrolled import transpose_unrolled
from torch_backend.randomness import seeded

pair = st.tuples(st.integers(1, 3), st.integers(1, 3))


@settings(deadline=None)
@given(pair, pair, st.tuples(st.integers(0, 4), st.integers(0, 4)), st.integers(1, 5))
def test_the_product_is_the_transposed_convolution(kernel, dilation, padding, images):
    """Unless padding goes beyond the kernel."""
    channels, out, space = 3, 2, (8, 9)
    weight = torch.randn(out, channels, *kernel, generator=seeded("weight"), dtype=torch.float64)
    x = torch.randn(images, channels, *space, generator=seeded("x"), dtype=torch.float64).requires_grad_()
    transpose = transpose_unrolled(weight, padding, dilation, space)
    beyond = any(p > d * (k - 1) for p, d, k in zip(padding, dilation, kernel, strict=True))
    assert (transpose is None) == beyond
    if transpose is None:
        return
    y = torch.nn.functional.conv2d(x, weight, None, 1, padding, dilation)
    r = torch.randn(y.shape, generator=seeded("r"), dtype=torch.float64)
    (expected,) = torch.autograd.grad(y, x, r)
    torch.testing.assert_close(transpose(r), expected)


def test_some_images_at_a_time_give_what_all_give(monkeypatch):
    weight = torch.randn(2, 3, 3, 3, generator=seeded("weight"), dtype=torch.float64)
    transpose = transpose_unrolled(weight, (1, 1), (1, 1), (7, 6))
    r = torch.randn(5, 2, 7, 6, generator=seeded("r"), dtype=torch.float64)
    whole = transpose(r)
    monkeypatch.setattr(unrolled, "UNROLLED", 1)
    torch.testing.assert_close(transpose(r), whole)
