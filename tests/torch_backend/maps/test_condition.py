"""Which maps can be compared."""

import pytest
import torch

from torch_backend.maps.condition import Condition, comparable, condition
from torch_backend.maps.normalising import normalised


def sample(dtype=torch.float64):
    """A map of every kind, (B, 20, 20), and what each is."""
    noise = torch.randn(20, 20, dtype=dtype, generator=torch.Generator().manual_seed(0))
    one = torch.zeros(20, 20, dtype=dtype)
    one[3, 4] = -2.0
    two = one.clone()
    two[8, 8] = 1.0
    maps = {
        Condition.FINE: noise,
        Condition.ZERO: 0 * noise,
        Condition.CONSTANT: 0 * noise + 0.1,
        Condition.NOT_FINITE: noise.where(noise < 2, torch.inf),
        Condition.ONE_PIXEL: one,
        Condition.SPARSE: two,
    }
    return torch.stack(list(maps.values())), tuple(maps)


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_every_kind_is_known(dtype):
    maps, kinds = sample(dtype)
    assert set(kinds) == set(Condition)
    assert condition(maps) == condition(-maps) == kinds
    assert comparable(maps).tolist() == [kind in ("fine", "sparse") for kind in kinds]


def test_a_hole_is_one_pixel_too_and_so_is_the_only_one():
    hole = torch.ones(1, 6, 6)
    hole[0, 2, 2] = 0
    for maps in (hole, torch.ones(1, 1, 1), torch.zeros(1, 1, 1), torch.tensor([[[1.0, 2.0]]])):
        assert condition(maps) == (Condition.ONE_PIXEL,)


@pytest.mark.parametrize("bad", [torch.nan, torch.inf, -torch.inf])
def test_one_number_that_is_not_finite_is_enough(bad):
    maps = torch.arange(2 * 36.0).reshape(2, 6, 6)
    maps[1, 5, 5] = bad
    assert condition(maps) == (Condition.FINE, Condition.NOT_FINITE)


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_rounding_is_no_contrast_and_little_contrast_is_one(dtype):
    """In the map's own precision: 0.1 + rounding is constant, 0.1 + 100 roundings is not."""
    noise = torch.rand(1, 9, 9, dtype=dtype, generator=torch.Generator().manual_seed(1))
    eps = torch.finfo(dtype).eps
    assert condition(0.1 * (1 + eps * noise)) == (Condition.CONSTANT,)
    assert condition(0.1 * (1 + 100 * eps * noise)) == (Condition.FINE,)
    assert condition(1e-30 * noise) == (Condition.FINE,)


def test_a_sparse_map_is_the_one_without_a_normalised_form():
    maps, kinds = sample()
    lacking = normalised(maps).flatten(1).isnan().any(1)
    assert [k for k, lacks in zip(kinds, lacking, strict=True) if not lacks] == ["fine"]


def test_no_maps_have_no_conditions():
    assert condition(torch.zeros(0, 4, 4)) == ()
