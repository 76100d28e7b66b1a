"""What SSIM says of independent maps, under both protocols and after each single correction.

Pairs of maps of 224² pixels that have nothing to do with each other. The range of 2 raises every level.
Turning maps upside down raises that of maps ≥ 0 with a long tail, whose empty background it makes bright, and
no other. Both together take smooth ones from 0.50 to 0.92 or, with a longer tail, from 0.76 to 0.95;
independent pixels, however heavy their tail, do not look alike under the paper's protocol: 0.17 becomes 0.38.
"""

from dataclasses import replace
from functools import cache

import numpy as np
import pytest
import torch
from scipy.ndimage import gaussian_filter

from rankone.results.protocol import corrected, paper
from torch_backend.maps.scores import SCORES

(SSIM,) = (score for score in SCORES if score.name == "ssim")
PAIRS = 16
NEAR = 0.02  # the draws are fixed: the rounding of the numbers below, and some for libraries to come


def smooth(rng, sigma):
    """Gaussian noise, smoothed over `sigma` pixels, of variance 1: (2, PAIRS, 224, 224)."""
    x = gaussian_filter(rng.standard_normal((2, PAIRS, 224, 224)), (0, 0, sigma, sigma))
    return x / x.std()


DRAW = {
    "Cauchy pixels": lambda rng: rng.standard_cauchy((2, PAIRS, 224, 224)),
    "smooth": lambda rng: smooth(rng, 16),
    "smooth, long tail": lambda rng: np.exp(2 * smooth(rng, 16)),
    "smooth, longer tail": lambda rng: np.exp(4 * smooth(rng, 24)),
}
LEVELS = {  # corrected, upside down alone, range 2 alone, paper
    "Cauchy pixels": (0.17, 0.17, 0.38, 0.38),
    "smooth": (0.51, 0.51, 0.72, 0.71),
    "smooth, long tail": (0.50, 0.86, 0.58, 0.92),
    "smooth, longer tail": (0.76, 0.92, 0.82, 0.95),
}


@cache
def levels(kind):
    """Median SSIM of the pairs, for each of the four."""
    a, b = torch.from_numpy(DRAW[kind](np.random.default_rng(0)))
    four = (corrected, replace(corrected, upside_down=True), replace(corrected, ssim_data_range=2.0), paper)
    return tuple(float(SSIM(a, b, protocol).median()) for protocol in four)


@pytest.mark.parametrize("kind", DRAW)
def test_levels_of_independent_maps(kind):
    assert levels(kind) == pytest.approx(LEVELS[kind], abs=NEAR)


@pytest.mark.parametrize("kind", DRAW)
def test_the_range_raises_every_level(kind):
    upright, upside_down, wide, both = levels(kind)
    assert wide > upright + 0.05 and both > upside_down + 0.02


def test_orientation_matters_to_maps_of_one_sign():
    for kind in DRAW:
        upright, upside_down, *_ = levels(kind)
        if kind in ("Cauchy pixels", "smooth"):
            assert upside_down == pytest.approx(upright, abs=NEAR), "the two ends are alike"
        else:
            assert upside_down > upright + 0.1
