"""The controls: scikit-image's edges, and an image's partner is never itself."""

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from skimage.color import rgb2gray
from skimage.filters import sobel

from torch_backend import images
from torch_backend.maps.controls import another, edges


def pixels(*shape):
    return torch.rand(shape, generator=torch.Generator().manual_seed(0))


@pytest.mark.parametrize("shape", [(2, 3, 17, 12), (1, 1, 9, 9), (1, 3, 1, 1), (2, 1, 2, 5)])
def test_edges_are_scikit_image_s(shape):
    x = pixels(*shape)
    found = edges(x)
    assert found.shape == (shape[0], *shape[2:]) and found.dtype == torch.float64
    for image, e in zip(x.double().permute(0, 2, 3, 1).numpy(), found, strict=True):
        grey = rgb2gray(image) if shape[1] == 3 else image[..., 0]
        np.testing.assert_allclose(e, sobel(grey), rtol=0, atol=1e-12)


def test_grey_in_three_channels_is_grey():
    x = pixels(2, 1, 8, 8)
    np.testing.assert_allclose(edges(x.expand(2, 3, 8, 8)), edges(x), atol=1e-12)


def test_edges_are_where_the_image_steps_and_at_most_one():
    x = torch.zeros(1, 1, 6, 8)
    x[..., 4:] = 1
    found = edges(x)[0]
    assert (found.amax(0) > 0).nonzero().flatten().tolist() == [3, 4]
    assert edges((pixels(4, 3, 9, 9) > 0.5).float()).amax() <= 1


def test_a_photograph_has_edges():
    photographs = images.read("sample", images.IMAGENET, limit=1)
    found = edges(images.IMAGENET.undone(photographs))
    assert found.shape == (1, 224, 224) and found.amax() > 0.1


@pytest.mark.parametrize(
    "wrong",
    [
        pixels(2, 4, 8, 8),
        pixels(3, 8, 8),
        2 * pixels(1, 3, 8, 8),
        -pixels(1, 3, 8, 8),
        pixels(1, 3, 0, 8),
        torch.full((1, 3, 4, 4), torch.nan),
        torch.zeros(1, 3, 4, 4, dtype=torch.uint8),
        [0.5],
    ],
)
def test_what_is_no_drawn_image_is_refused(wrong):
    with pytest.raises(ValueError, match=r"^pixels: expected red, green and blue"):
        edges(wrong)


@given(st.integers(2, 60))
def test_another_is_a_permutation_that_leaves_no_image_in_its_place(B):
    places = another(B).tolist()
    assert sorted(places) == list(range(B))
    assert all(min(abs(i - j), B - abs(i - j)) == B // 2 for i, j in enumerate(places))


def test_one_image_has_no_other():
    assert another(1) is None and another(0) is None
