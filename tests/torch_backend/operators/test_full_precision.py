"""float32 means float32, whichever library convolves."""

import numpy as np
import pytest
import torch
import torch.nn.functional as F

from torch_backend.operators.convolution import Convolution
from torch_backend.operators.layout import full_precision

UNITS = 64 * 9  # terms of each sum, which may round once each


def non_negative() -> tuple[torch.Tensor, torch.Tensor]:
    """Images, half dark, and weights, as z⁺ has them: in sums of non-negative terms nothing cancels."""
    generator = torch.Generator().manual_seed(0)
    x, w = (torch.rand(shape, generator=generator) ** 8 for shape in ((16, 64, 32, 32), (64, 64, 3, 3)))
    x[..., :16] *= 1e-8
    return x, w


@pytest.mark.filterwarnings("ignore:TF32 acceleration")
@pytest.mark.parametrize("onednn", [True, False])
def test_a_sum_of_non_negative_terms_is_right_to_rounding(onednn) -> None:
    """Each output, relative to itself, within as many roundings as it has terms; NNPACK's are not."""
    x, w = non_negative()
    truth = F.conv2d(x.double(), w.double(), padding=1)
    op = Convolution((64, 32, 32), (64, 32, 32), None, (1, 1), (1, 1), (1, 1), weight=w)
    with torch.backends.mkldnn.flags(enabled=onednn):
        np.testing.assert_allclose(op.apply(x).double(), truth, rtol=UNITS * 2**-24)
        r = torch.rand(1, 64, 32, 32)
        expected = F.conv_transpose2d(r.double(), w.double(), padding=1)
        np.testing.assert_allclose(op.adjoint(r).double(), expected, rtol=UNITS * 2**-24)


@pytest.mark.filterwarnings("ignore:TF32 acceleration")
def test_nnpack_is_as_it_was_outside() -> None:
    x = torch.zeros(1)
    for enabled in (True, False):
        with torch.backends.nnpack.flags(enabled=enabled):
            with full_precision(x):
                assert not torch.backends.nnpack.is_available() or not torch._C._get_nnpack_enabled()
            assert torch._C._get_nnpack_enabled() == enabled
