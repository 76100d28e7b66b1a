"""Maps in [0, 1]: NumPy's percentiles, both ways up, and no form where there is none."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from rankone.results.protocol import corrected, paper
from torch_backend.maps.normalising import normalised, percentiles

SHAPES = [(3, 1, 2), (2, 5, 7), (4, 33, 20), (1, 224, 224)]


def maps_of(shape, seed=0, dtype=torch.float64):
    return torch.randn(shape, generator=torch.Generator().manual_seed(seed), dtype=dtype) ** 3


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_it_is_the_formula_with_numpy_s_percentiles(shape, dtype):
    maps = maps_of(shape, dtype=dtype)
    for m, found, upside_down in zip(maps, normalised(maps), normalised(maps, paper), strict=True):
        x = m.double().numpy()
        low, high = np.percentile(x, [0.5, 99.5])
        np.testing.assert_allclose(found, np.clip((x - low) / (high - low), 0, 1), atol=1e-14)
        np.testing.assert_allclose(upside_down, np.clip((x - high) / (low - high), 0, 1), atol=1e-14)
    np.testing.assert_allclose(
        torch.stack(percentiles(maps)), np.percentile(maps.double(), [0.5, 99.5], (1, 2))
    )


def test_orientation_alone_can_be_corrected():
    maps = maps_of((2, 8, 9))
    assert torch.equal(normalised(maps, replace(paper, upside_down=False)), normalised(maps))
    assert torch.equal(normalised(maps, replace(corrected, upside_down=True)), normalised(maps, paper))


def test_the_negative_map_is_the_map_upside_down():
    maps = maps_of((3, 12, 11))
    np.testing.assert_allclose(normalised(-maps), normalised(maps, paper), atol=1e-14)


@pytest.mark.parametrize("scale", [1e-300, 1e-30, 7.0, 5e307])
def test_scale_and_shift_do_not_matter(scale):
    maps = maps_of((2, 9, 9)).clamp(-3, 3)
    np.testing.assert_allclose(normalised(scale * maps), normalised(maps), atol=1e-12)
    np.testing.assert_allclose(normalised(maps + 5), normalised(maps), atol=1e-12)


def test_a_map_without_a_span_has_no_form_and_leaves_the_others_alone():
    maps = maps_of((4, 20, 20))
    maps[1], maps[2] = 0, 3
    maps[3] = 0
    maps[3, 4, 4] = 1
    found = normalised(maps)
    assert found[1:].isnan().all() and torch.equal(found[:1], normalised(maps[:1]))


@pytest.mark.parametrize(
    ("maps", "expected"),
    [
        (torch.zeros(3, 4), r"maps \(B, H, W\) with at least one pixel, got \(3, 4\)"),
        (torch.zeros(2, 3, 4, 4), "maps"),
        (torch.zeros(2, 0, 4), "maps"),
        (torch.zeros(2, 4, 4, dtype=torch.long), "float32 or float64"),
        (torch.zeros(2, 4, 4, dtype=torch.float16), "float32 or float64"),
        ([[[1.0]]], "a tensor"),
    ],
)
def test_what_is_no_maps_is_refused(maps, expected):
    with pytest.raises(ValueError, match=f"^maps: expected {expected}"):
        normalised(maps)
