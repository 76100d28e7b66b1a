"""1 - |cos| per location and of whole maps against slow loops, at every scale, and against known angles."""

import math

import numpy as np
import pytest
import torch

from torch_backend.convergence import cosine


def loops(relevance):
    """Pair by pair, location by location, in float64."""
    V, B, C = relevance.shape[:3]
    r = relevance.double().reshape(V, B, C, -1).numpy()
    deviations, signs = [], []
    for i in range(V):
        for j in range(i + 1, V):
            for b in range(B):
                for p in range(r.shape[3]):
                    u, v = r[i, b, :, p], r[j, b, :, p]
                    c = u @ v / (np.linalg.norm(u) * np.linalg.norm(v)) if u.any() and v.any() else math.nan
                    deviations.append(1 - abs(c))
                    signs.append(np.sign(c))
    shape = (V * (V - 1) // 2, B, r.shape[3])
    return np.reshape(deviations, shape), np.reshape(signs, shape)


@pytest.mark.parametrize("shape", [(3, 2, 7), (5, 3, 4, 6, 5), (3, 2, 8, 3, 2, 2), (4, 2, 1, 5)])
@pytest.mark.parametrize("block", [1, 64, 1 << 19])
def test_pairs_and_locations_agree_with_loops(shape, block, monkeypatch):
    monkeypatch.setattr(cosine, "BLOCK", block)
    relevance = torch.randn(shape, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    relevance.view(*shape[:3], -1)[1, 0, :, 0] = 0
    deviations, signs, width, whole = cosine.pairwise(relevance)
    expected, expected_signs = loops(relevance)
    np.testing.assert_allclose(deviations, expected, atol=1e-12)
    np.testing.assert_array_equal(signs, np.nan_to_num(expected_signs))
    assert deviations.isnan().any()
    assert (width == shape[2]).all()
    as_one_location, _ = loops(relevance.reshape(*shape[:2], -1))
    np.testing.assert_allclose(whole, as_one_location[..., 0], atol=1e-12)


def test_width_counts_the_channels_that_any_vector_uses():
    relevance = torch.zeros(3, 1, 4, 2)
    relevance[0, 0, 1, 0] = relevance[2, 0, 3, 0] = 1
    assert cosine.pairwise(relevance)[2].tolist() == [[2, 0]]


def test_channels_last_relevance_gives_the_same_numbers():
    relevance = torch.randn(3, 2, 5, 4, 6, generator=torch.Generator().manual_seed(1))
    last = relevance.permute(0, 1, 3, 4, 2).contiguous().permute(0, 1, 4, 2, 3)
    for found, expected in zip(cosine.pairwise(last), cosine.pairwise(relevance), strict=True):
        torch.testing.assert_close(found, expected)


@pytest.mark.parametrize(("dtype", "smallest"), [(torch.float32, 1e-5), (torch.float64, 1e-14)])
def test_tiny_angles_keep_their_relative_accuracy(dtype, smallest):
    """Two vectors at angle t: 1 - cos t = 2 sin(t/2)^2, far below what a subtraction can see."""
    for angle in np.geomspace(smallest, 1, 12):
        pair = torch.tensor([[[1.0, 0.0]], [[-math.cos(angle), -math.sin(angle)]]], dtype=dtype)
        deviation, sign, _, _ = cosine.pairwise(pair)
        np.testing.assert_allclose(deviation.item(), 2 * math.sin(angle / 2) ** 2, rtol=0.02)
        assert sign.item() == -1


@pytest.mark.parametrize("scale", [1e-36, 1e-20, 1e20, 1e36])
def test_scale_does_not_matter(scale):
    relevance = torch.randn(3, 1, 6, 4, generator=torch.Generator().manual_seed(2))
    for found, expected in zip(cosine.pairwise(relevance * scale), cosine.pairwise(relevance), strict=True):
        torch.testing.assert_close(found, expected)


@pytest.mark.parametrize(("dtype", "smallest"), [(torch.float32, 1e-5), (torch.float64, 1e-14)])
@pytest.mark.parametrize("place", ["channels", "locations", "both"])
def test_tiny_angles_of_whole_maps_keep_their_relative_accuracy(dtype, smallest, place):
    """The second map is turned by t in a plane of channels, of locations or of both; anti-parallel, too."""
    generator = torch.Generator().manual_seed(3)
    u, v = torch.randn(2, 4, 9, generator=generator, dtype=torch.float64)
    if place == "channels":  # the same norm at each location, orthogonal there
        v = v - u * (u * v).sum(0) / u.square().sum(0)
        v = v * u.norm(dim=0) / v.norm(dim=0)
    elif place == "locations":  # the same direction at each location, another factor
        v = u * (torch.randn(9, generator=generator, dtype=torch.float64))
    u = u / u.norm()
    v = v - u * (u * v).sum()
    v = v / v.norm()
    for angle in np.geomspace(smallest, 1, 12):
        turned = math.cos(angle) * u + math.sin(angle) * v
        pair = torch.stack([u, -3 * turned])[:, None].to(dtype)
        expected = 2 * math.sin(angle / 2) ** 2
        np.testing.assert_allclose(cosine.pairwise(pair).whole.item(), expected, rtol=0.05)


def test_equal_directions_everywhere_are_not_equal_maps():
    """Local cosines see nothing of how relevance is spread over locations: here all of it moves."""
    direction = torch.tensor([1.0, 2, 3])[:, None]
    spread = torch.tensor([[1.0, 1e-3], [1e-3, 1.0]])
    found = cosine.pairwise((direction * spread[:, None])[:, None])
    assert found.deviations.max() < 1e-12
    assert found.whole.item() == pytest.approx(1 - 2e-3 / (1 + 1e-6))


def test_zero_locations_count_as_zero_and_zero_maps_have_no_direction():
    relevance = torch.zeros(3, 1, 2, 2)
    relevance[0, 0, :, 0] = relevance[1, 0, :, 1] = 1
    found = cosine.pairwise(relevance)
    assert found.deviations.isnan().all()  # no location where two of them carry relevance
    assert found.whole[0].item() == 1 and found.whole[1:].isnan().all()
