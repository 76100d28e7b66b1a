"""The farthest pair and the least overlap against all pairs, for seminorms with a faster way and without."""

import numpy as np
import pytest

from rankone.diameter import farthest_pair, half_l1, least_overlap, oscillation

SEMINORMS = {
    "oscillation": oscillation,
    "half_l1": half_l1,
    "half_l1 by another name": lambda difference: half_l1(difference),
    "largest entry": lambda difference: np.abs(difference).max(axis=1),
    "length": lambda difference: np.linalg.norm(difference, axis=1),
}
SHAPES = [(1, 4), (2, 1), (7, 5), (60, 9), (300, 3)]


@pytest.mark.parametrize("shape", SHAPES, ids=str)
@pytest.mark.parametrize("name", SEMINORMS)
def test_the_farthest_pair_is_the_farthest_of_all(name: str, shape: tuple[int, int]) -> None:
    points = np.random.default_rng(0).standard_normal(shape)
    differences = (points[:, None] - points).reshape(-1, shape[1])
    expected = SEMINORMS[name](differences.copy()).max()
    distance, i, j = farthest_pair(points, SEMINORMS[name])
    np.testing.assert_allclose(distance, expected, rtol=1e-12)
    np.testing.assert_allclose(SEMINORMS[name](points[[i]] - points[[j]])[0], expected, rtol=1e-12)


@pytest.mark.parametrize("shape", SHAPES, ids=str)
def test_the_least_overlap_is_the_least_of_all_pairs(shape: tuple[int, int]) -> None:
    """Also one of 1e-20, beside which a subtraction would leave nothing."""
    points = np.random.default_rng(1).random(shape)
    if min(shape) > 1:
        points[0] = [1.0, *[1e-20] * (shape[1] - 1)]
        points[1] = [1e-20, *[1.0] * (shape[1] - 1)]
    overlaps = np.minimum(points[:, None], points).sum(axis=2)
    others = overlaps[~np.eye(len(points), dtype=bool)] if len(points) > 1 else overlaps
    np.testing.assert_allclose(least_overlap(points).distance, others.min(), rtol=1e-12)
