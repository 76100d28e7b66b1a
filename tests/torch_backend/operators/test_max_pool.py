"""Max-pooling by a mask of tiles is the same as looking the winners up one by one."""

import numpy as np
import pytest
import torch

from torch_backend.graph.node import Node
from torch_backend.graph.routes import max_pooling
from torch_backend.operators.operator import Image


@pytest.mark.parametrize("window", [(2, 2), (3, 1), (2, 3)], ids=str)
@pytest.mark.parametrize("size", [(6, 6), (7, 8)], ids=str)
@pytest.mark.parametrize("decimals", [16, 0], ids=["apart", "ties"])
def test_a_mask_of_tiles_is_the_same_as_scattering(window, size, decimals: int) -> None:
    """Of images that the windows do not tile, too, and with equal maxima."""
    generator = torch.Generator().manual_seed(0)
    x = torch.randn(2, 3, *size, dtype=torch.float64, generator=generator).round(decimals=decimals)
    op = max_pooling(2)(Node(0, "input", (), "x", Image(), x), window).op
    y = op.forward(x)
    r = torch.randn(4, *y.shape, dtype=torch.float64, generator=generator)
    assert op.tile == window and op.transposable().tile is None
    np.testing.assert_array_equal(op.pullback(x, y)(r), op.transposable().pullback(x, y)(r))
