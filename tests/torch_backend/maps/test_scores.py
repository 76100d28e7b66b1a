"""Scores of maps against scipy, scikit-image and sets of pixels; none for maps that cannot be compared."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats
from skimage.metrics import structural_similarity

from rankone.results.protocol import corrected, paper
from torch_backend.maps.condition import Condition, condition
from torch_backend.maps.normalising import normalised
from torch_backend.maps.scores import PLAIN, SCORES, flipped, highest, ranks

SSIM, SPEARMAN, COSINE, OVERLAP = PLAIN
EXACT = 1e-12  # float64 sums over some thousand pixels


def name(score):
    return score.name


def noise(*shape, seed=0):
    return torch.randn(shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


def related(B=3, H=21, W=18):
    a = noise(B, H, W) ** 3
    return a, 0.6 * a + noise(B, H, W, seed=1)


def tied(seed):
    """(2, 9, 11) with few different values."""
    return torch.from_numpy(np.random.default_rng(seed).integers(-3, 4, (2, 9, 11)).astype(float))


@pytest.mark.parametrize("protocol", [corrected, paper, replace(paper, ssim_data_range=1)])
def test_ssim_is_scikit_image_s_of_normalised_maps(protocol):
    a, b = related()
    expected = [
        structural_similarity(x, y, win_size=5, data_range=protocol.ssim_data_range)
        for x, y in zip(normalised(a, protocol).numpy(), normalised(b, protocol).numpy(), strict=True)
    ]
    np.testing.assert_allclose(SSIM(a, b, protocol), expected, rtol=0, atol=1e-10)


@settings(max_examples=40, deadline=None)
@given(seed=st.integers(0, 10_000))
def test_ranks_are_scipy_s_with_ties(seed):
    x = tied(seed).flatten(1)
    np.testing.assert_array_equal(ranks(x), stats.rankdata(x.numpy(), axis=1))


@pytest.mark.parametrize("maps", [related(), (tied(0), tied(1)), (tied(2), noise(2, 9, 11))])
def test_spearman_is_scipy_s(maps):
    a, b = maps
    expected = [stats.spearmanr(x, y).statistic for x, y in zip(a.flatten(1), b.flatten(1), strict=True)]
    np.testing.assert_allclose(SPEARMAN(a, b), expected, rtol=0, atol=EXACT)


@pytest.mark.parametrize("scale", [1e-200, 1.0, 1e200])
def test_cosine_is_the_angle_s_whatever_the_scale(scale):
    a, b = related()
    expected = [
        np.vdot(x, y) / np.linalg.norm(x) / np.linalg.norm(y)
        for x, y in zip(a.numpy(), b.numpy(), strict=True)
    ]
    np.testing.assert_allclose(COSINE(scale * a, scale * b), expected, rtol=0, atol=EXACT)


@pytest.mark.parametrize("shape", [(2, 1, 3), (2, 4, 5), (3, 21, 18), (2, 20, 21)])
def test_overlap_counts_the_highest_five_per_cent(shape):
    a, b = noise(*shape), noise(*shape, seed=1)
    n = a[0].numel()
    k = -(-n // 20)
    for x, y, found in zip(a.flatten(1), b.flatten(1), OVERLAP(a, b), strict=True):
        both = set(x.argsort()[-k:].tolist()) & set(y.argsort()[-k:].tolist())
        assert found == len(both) / k


@settings(max_examples=40, deadline=None)
@given(seed=st.integers(0, 10_000))
def test_tied_pixels_are_in_together_or_not_at_all(seed):
    """The largest set of at most k highest pixels that is closed under ties."""
    x = tied(seed).flatten(1)
    k = -(-x.shape[1] // 20)
    for row, found in zip(x, highest(x), strict=True):
        sets = [row >= value for value in row.unique()]
        expected = max((s for s in sets if s.sum() <= k), key=lambda s: s.sum(), default=row > row.max())
        assert torch.equal(found, expected)


def test_overlap_with_ties_is_one_for_equal_maps_and_none_where_the_largest_value_is_common():
    sparse = torch.zeros(2, 20, 20, dtype=torch.float64)
    sparse[0, 0, :6] = sparse[1, 5, :6] = torch.arange(1.0, 7).double()
    assert OVERLAP(sparse, sparse).tolist() == [1, 1]
    assert OVERLAP(sparse[:1], sparse[1:]).tolist() == [0]
    other = noise(2, 20, 20) + 9 * (sparse > 3)
    shared = (sparse > 0) & highest(other.flatten(1)).view_as(other)
    assert OVERLAP(sparse, other).tolist() == OVERLAP(other, sparse).tolist()
    assert OVERLAP(sparse, other).tolist() == (shared.sum((1, 2)).double() / 20).tolist()
    half = (noise(1, 20, 20) > 0).double()
    assert OVERLAP(half, noise(1, 20, 20)).isnan().all()


@pytest.mark.parametrize("score", SCORES, ids=name)
@pytest.mark.parametrize("protocol", [corrected, paper], ids=name)
def test_a_map_is_like_itself_and_scores_do_not_depend_on_order_batch_or_scale(score, protocol):
    a, b = related()
    np.testing.assert_allclose(score(a, a, protocol), 1, atol=EXACT)
    found = score(a, b, protocol)
    assert found.dtype == torch.float64 and (found < 0.99).all()
    np.testing.assert_allclose(score(b, a, protocol), found, rtol=0, atol=EXACT)
    np.testing.assert_allclose(score(a[1:], b[1:], protocol), found[1:], rtol=0, atol=EXACT)
    np.testing.assert_allclose(score(3 * a, 0.5 * b, protocol), found, rtol=0, atol=EXACT)


@pytest.mark.parametrize("score", PLAIN, ids=name)
@pytest.mark.parametrize("protocol", [corrected, paper], ids=name)
def test_a_flip_takes_the_negative_map_if_that_is_more_like(score, protocol):
    a, b = related()
    both = torch.stack([score(a, b, protocol), score(a, -b, protocol)])
    assert torch.equal(flipped(score)(a, b, protocol), both.amax(0))
    np.testing.assert_allclose(flipped(score)(a, -a, protocol), 1, atol=EXACT)
    assert (score(a, -a, protocol) < 0.9).all()


def test_a_flip_is_the_score_that_is_defined():
    """The negative of a map ≥ 0 with many zeros has no highest pixels."""
    a = noise(1, 20, 20).clamp(min=0)
    assert OVERLAP(a, -a).isnan().all()
    assert flipped(OVERLAP)(a, a).tolist() == [1]


@pytest.mark.parametrize("score", SCORES, ids=name)
def test_a_map_that_cannot_be_compared_has_no_score_and_leaves_the_others_alone(score):
    a, b = related(7)
    worse = b.clone()
    worse[1], worse[2], worse[3, 0, 0], worse[4, 1, 1] = 0, 0.1, torch.nan, torch.inf
    worse[5] = 0
    worse[5, 3, 3] = 1
    fine = torch.tensor([kind == Condition.FINE for kind in condition(worse)])
    for found in (score(a, worse), score(worse, a)):
        assert torch.equal(found.isnan(), ~fine)
    assert torch.equal(score(a, worse)[fine], score(a, b)[fine])


@pytest.mark.parametrize("score", SCORES, ids=name)
def test_maps_of_one_pixel_have_no_score(score):
    assert score(torch.ones(2, 1, 1), torch.ones(2, 1, 1)).isnan().all()


def test_a_sparse_map_has_every_score_but_ssim():
    a = torch.zeros(1, 30, 30, dtype=torch.float64)
    a[0, 3, 3], a[0, 8, 9] = 1, 2
    assert {score.name: score(a, a).item() for score in PLAIN if score != SSIM} == pytest.approx(
        {"spearman": 1, "cosine": 1, "overlap": 1}
    )
    assert SSIM(a, a).isnan().all()


@pytest.mark.parametrize("score", SCORES, ids=name)
def test_pairs_of_unlike_shape_are_refused(score):
    with pytest.raises(ValueError, match=r"^b: expected the shape of a, \(2, 8, 8\), got \(1, 8, 8\)"):
        score(torch.rand(2, 8, 8), torch.rand(1, 8, 8))


def test_names_are_unique():
    assert len({score.name for score in SCORES}) == len(SCORES) == 8
