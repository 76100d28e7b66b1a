"""Surrogates of maps: the same values, nearly as rough, elsewhere; and the level of scores on them."""

import numpy as np
import pytest
import torch
from scipy.ndimage import gaussian_filter

from torch_backend.maps.null import null, surrogates
from torch_backend.maps.scores import PLAIN, SCORES

H, W = 48, 41


def kinds():
    rng = np.random.default_rng(0)
    white, smooth = (
        rng.standard_normal((H, W)),
        gaussian_filter(rng.standard_normal((H, W)), 3, mode="reflect"),
    )
    across, down = np.meshgrid(np.arange(W), np.arange(H))
    return {
        "white": white,
        "heavy": rng.standard_t(2, (H, W)),
        "sparse": np.where(rng.random((H, W)) < 0.05, rng.random((H, W)), 0),
        "smooth": smooth,
        "magnitude": abs(smooth),
        "heavy and smooth": (smooth / smooth.std()) ** 3,
        "blob": np.exp(-((across - W / 2) ** 2 + (down - H / 2) ** 2) / 60),
        "halves": (smooth > 0).astype(float),
        "ramp": across + down,
    }


KINDS = {kind: torch.from_numpy(np.asarray(m, dtype=float)) for kind, m in kinds().items()}
MAPS = torch.stack(list(KINDS.values()))
DRAWN = surrogates(MAPS, seed=0, names=list(KINDS), count=40)
BY_KIND = [(kind, m, DRAWN[:, i]) for i, (kind, m) in enumerate(KINDS.items())]

# What surrogates reach. Those of a ramp, which no stationary map looks like, of halves, whose border has no
# wiggles, and of a few steep peaks are rougher; a shuffled map is tens of times rougher than a smooth one.
RATIO = {"halves": 3, "ramp": 3, "heavy and smooth": 3}
NEAR = 1.4


def steps(x, lag):
    """Mean square of differences over `lag` pixels, down and across: the power spectrum's mirror image."""
    return (x[..., lag:, :] - x[..., :-lag, :]).square().mean((-1, -2)) + (
        x[..., :, lag:] - x[..., :, :-lag]
    ).square().mean((-1, -2))


@pytest.mark.parametrize(("kind", "m", "drawn"), BY_KIND, ids=list(KINDS))
def test_every_value_is_kept(kind, m, drawn):
    assert torch.equal(drawn.flatten(1).sort(1).values, m.flatten().sort().values.expand(40, -1))


@pytest.mark.parametrize(("kind", "m", "drawn"), BY_KIND, ids=list(KINDS))
@pytest.mark.parametrize("lag", [1, 2, 4, 8])
def test_the_spectrum_is_nearly_kept(kind, m, drawn, lag):
    ratio = steps(drawn, lag).mean() / steps(m, lag)
    most = RATIO.get(kind, NEAR)
    assert 1 / most < ratio < most


def test_a_shuffled_map_would_be_noticed():
    m = KINDS["smooth"].flatten()
    shuffled = m[torch.randperm(H * W, generator=torch.Generator().manual_seed(0))].view(H, W)
    assert steps(shuffled, 1) / steps(KINDS["smooth"], 1) > 10


@pytest.mark.parametrize(("kind", "m", "drawn"), BY_KIND, ids=list(KINDS))
def test_surrogates_know_nothing_of_the_map(kind, m, drawn):
    """Mean correlation 0, to four standard errors of 40 draws; one blob may land where it was."""
    both = torch.cat([m[None], drawn]).flatten(1)
    r = torch.corrcoef(both)[0, 1:]
    assert r.mean().abs() < 4 * r.std() / 40**0.5


def test_they_depend_on_seed_and_name_and_not_on_the_batch():
    m = MAPS[:3]
    found = surrogates(m, seed=1, names=["a", "b", "c"], count=2)
    assert torch.equal(surrogates(m[1:2], seed=1, names=["b"], count=2)[:, 0], found[:, 1])
    assert not torch.equal(surrogates(m, seed=2, names=["a", "b", "c"], count=2), found)
    assert not torch.equal(surrogates(m[1:2], seed=1, names=["other"], count=2)[:, 0], found[:, 1])
    assert not torch.equal(found[0], found[1])


@pytest.mark.parametrize("score", SCORES, ids=lambda score: score.name)
def test_a_null_is_the_median_over_surrogates(score):
    a = MAPS.flip(1)
    some = DRAWN[:5]
    each = torch.stack([score(a, b) for b in some])
    np.testing.assert_array_equal(null(score, a, some), each.median(0).values)


def test_of_independent_maps_of_one_kind_the_null_is_the_score():
    """Twenty pairs of smooth noise, and of its cubes: median score and median null are the same, to 0.08."""
    rng = np.random.default_rng(3)
    smooth = gaussian_filter(rng.standard_normal((40, H, W)), (0, 3, 3), mode="reflect")
    for power in (1, 3):
        maps = torch.from_numpy((smooth / smooth.std()) ** power)
        a, b = maps[:20], maps[20:]
        drawn = surrogates(b, seed=0, names=[str(i) for i in range(20)], count=5)
        for score in PLAIN:
            assert abs(score(a, b).median() - null(score, a, drawn).median()) < 0.08, (power, score.name)


def test_maps_that_cannot_be_compared_have_no_null():
    maps = torch.stack([torch.zeros(9, 9), torch.full((9, 9), torch.nan), torch.ones(9, 9), torch.eye(9)])
    drawn = surrogates(maps, seed=0, names=list("abcd"), count=3)
    assert (drawn[:, 0] == 0).all() and drawn[:, 1].isnan().all() and (drawn[:, 2] == 1).all()
    for score in SCORES:
        assert null(score, torch.eye(9).expand(4, 9, 9), drawn)[:3].isnan().all()


@pytest.mark.parametrize("shape", [(0, 5, 5), (2, 1, 1), (2, 1, 7), (1, 2, 3)])
def test_small_maps_have_surrogates(shape):
    maps = torch.rand(shape, dtype=torch.float64, generator=torch.Generator().manual_seed(0))
    drawn = surrogates(maps, seed=0, names=["a"] * shape[0], count=2)
    assert drawn.shape == (2, *shape)
    assert torch.equal(drawn.flatten(2).sort(2).values, maps.flatten(1).sort(1).values.expand(2, -1, -1))


@pytest.mark.parametrize(
    ("change", "name"),
    [
        ({"names": ["a"]}, "names"),
        ({"count": 0}, "count"),
        ({"count": True}, "count"),
        ({"maps": MAPS[0]}, "maps"),
    ],
)
def test_bad_arguments_are_refused(change, name):
    arguments = {"maps": MAPS[:2], "seed": 0, "names": ["a", "b"], "count": 1} | change
    with pytest.raises(ValueError, match=f"^{name}: expected"):
        surrogates(**arguments)
