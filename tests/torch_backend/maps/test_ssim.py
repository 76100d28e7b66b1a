"""SSIM against scikit-image's, over shapes, ranges and windows."""

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from skimage.metrics import structural_similarity

from torch_backend.maps.ssim import ssim

CLOSE = 1e-10  # scikit-image sums its windows as running sums: rounding alone


def pair(B, H, W, seed):
    rng = np.random.default_rng(seed)
    a = rng.random((B, H, W))
    return torch.from_numpy(a), torch.from_numpy((a + rng.random((B, H, W))) / 2)


def oracle(a, b, window, data_range):
    return [
        structural_similarity(x, y, win_size=window, data_range=data_range)
        for x, y in zip(a.double().numpy(), b.double().numpy(), strict=True)
    ]


@settings(max_examples=60, deadline=None)
@given(
    B=st.integers(1, 3),
    H=st.integers(5, 40),
    W=st.integers(5, 40),
    window=st.sampled_from([3, 5]),
    data_range=st.sampled_from([1, 2, 0.5]),
    seed=st.integers(0, 1000),
)
def test_it_is_scikit_image_s(B, H, W, window, data_range, seed):
    a, b = pair(B, H, W, seed)
    found = ssim(a, b, window=window, data_range=data_range)
    np.testing.assert_allclose(found, oracle(a, b, window, data_range), rtol=0, atol=CLOSE)


@pytest.mark.parametrize("window", [7, 11, 21])
def test_larger_windows_up_to_the_whole_image(window):
    a, b = pair(2, 21, 34, window)
    np.testing.assert_allclose(
        ssim(a, b, window=window, data_range=1), oracle(a, b, window, 1), rtol=0, atol=CLOSE
    )


@pytest.mark.parametrize("values", [(0, 0), (1, 1), (0, 1), (0.3, 0.7)])
def test_constant_images(values):
    a, b = (torch.full((2, 9, 12), float(v), dtype=torch.float64) for v in values)
    for other in (b, torch.rand(2, 9, 12, dtype=torch.float64, generator=torch.Generator().manual_seed(0))):
        np.testing.assert_allclose(ssim(a, other, data_range=1), oracle(a, other, 5, 1), rtol=0, atol=CLOSE)


def test_it_is_its_definition_window_by_window():
    """Means and unbiased covariances of every 5 × 5 window, written out."""
    (a,), (b,) = pair(1, 8, 9, 3)
    c1, c2 = 0.01**2, 0.03**2
    local = []
    for i in range(4):
        for j in range(5):
            x, y = a[i : i + 5, j : j + 5].flatten(), b[i : i + 5, j : j + 5].flatten()
            (vx, v), (_, vy) = torch.cov(torch.stack([x, y]))
            mx, my = x.mean(), y.mean()
            local.append((2 * mx * my + c1) * (2 * v + c2) / ((mx**2 + my**2 + c1) * (vx + vy + c2)))
    np.testing.assert_allclose(ssim(a[None], b[None], data_range=1)[0], np.mean(local), rtol=0, atol=CLOSE)


def test_equal_images_score_one_and_the_order_does_not_matter():
    a, b = pair(3, 17, 13, 0)
    np.testing.assert_allclose(ssim(a, a, data_range=1), 1, atol=1e-12)
    assert torch.equal(ssim(a, b, data_range=1), ssim(b, a, data_range=1))
    assert (ssim(a, b, data_range=1) < 0.99).all()


def test_float32_images_are_computed_in_float64():
    a, b = (x.float() for x in pair(2, 11, 11, 1))
    found = ssim(a, b, data_range=1)
    assert found.dtype == torch.float64
    np.testing.assert_allclose(found, oracle(a, b, 5, 1), rtol=0, atol=CLOSE)


@pytest.mark.parametrize(
    ("change", "name"),
    [
        ({"window": 4}, "window"),
        ({"window": 1}, "window"),
        ({"window": 9}, "window"),
        ({"window": 5.0}, "window"),
        ({"data_range": 0}, "data_range"),
        ({"data_range": float("nan")}, "data_range"),
        ({"b": torch.zeros(2, 8, 7)}, "b"),
        ({"a": torch.zeros(8, 8)}, "a"),
    ],
)
def test_bad_arguments_are_refused(change, name):
    arguments = {"a": torch.zeros(2, 8, 8), "b": torch.zeros(2, 8, 8), "data_range": 1} | change
    with pytest.raises(ValueError, match=f"^{name}: expected"):
        ssim(**arguments)
