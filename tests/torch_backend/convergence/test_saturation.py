"""The median of 1 − |cos| of two vectors with a slow and a fast part: sampled, and at its ends exact."""

import math

import numpy as np
import pytest
import torch

from rankone.results.null import null_median
from torch_backend.convergence.saturation import median_log10
from torch_backend.convergence.two_modes import Local


def law(slow, rest, dimension):
    return Local(*(torch.tensor([float(number)]) for number in (slow, rest, dimension)))


@pytest.mark.parametrize("dimension", [1, 5, 60])
@pytest.mark.parametrize("rest", [1e-3, 0.3, 5.0])
def test_it_is_that_of_vectors(dimension, rest) -> None:
    generator = torch.Generator().manual_seed(0)
    a = torch.randn(2, 40_000, 1, generator=generator, dtype=torch.float64)
    e = torch.randn(2, 40_000, dimension, generator=generator, dtype=torch.float64)
    v = torch.cat([a, e * (rest / dimension) ** 0.5], 2)
    cosine = torch.nn.functional.cosine_similarity(*v, dim=1).abs()
    expected = float((1 - cosine).median().log10())
    assert median_log10(law(1.0, rest, dimension)) == pytest.approx(expected, abs=0.06)


@pytest.mark.parametrize(("dimension", "factor"), [(1, 2.0), (1000, 4.395)])
def test_for_a_small_rest_it_is_a_known_multiple(dimension, factor) -> None:
    """8.79 / 2, of a sum of two Lévy variables, in many dimensions; 4 / 2, of a Cauchy variable, in one."""
    assert median_log10(law(2.0, 2e-9, dimension)) == pytest.approx(math.log10(factor) - 9, abs=0.06)


@pytest.mark.parametrize("dimension", [2, 30])
def test_without_a_slow_mode_it_is_the_null(dimension) -> None:
    found = median_log10(law(0.0, 1.0, dimension))
    assert found == pytest.approx(np.log10(null_median(dimension)), abs=0.04)


def test_nothing_arrives_or_all_is_parallel() -> None:
    assert math.isnan(median_log10(law(0, 0, 1)))
    assert median_log10(law(1, 0, 4)) == -math.inf
