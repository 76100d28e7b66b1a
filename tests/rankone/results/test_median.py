"""The exact bootstrap of a median against resampling, its symmetries and its refusals."""

import numpy as np
import pytest
from scipy import stats

from rankone.results.median import median_interval


@pytest.mark.parametrize("n", [2, 3, 4, 5, 8, 15, 30])
@pytest.mark.parametrize("level", [0.9, 0.99])
def test_interval_is_the_limit_of_resampling(n, level):
    x = np.random.default_rng(n).standard_normal(n)
    resampled = stats.bootstrap(
        (x,),
        np.median,
        confidence_level=level,
        method="percentile",
        n_resamples=20_000,
        rng=np.random.default_rng(0),
    ).bootstrap_distribution
    low, high = median_interval(x, level)
    slack = 5 * np.sqrt((1 - level) / 2 / 20_000)  # five standard errors of a tail's frequency
    tail = (1 - level) / 2
    assert np.mean(resampled < low) <= tail + slack and np.mean(resampled <= low) >= tail - slack
    assert np.mean(resampled <= high) >= 1 - tail - slack and np.mean(resampled < high) <= 1 - tail + slack


@pytest.mark.parametrize("n", [2, 3, 6, 9])
def test_interval_is_exact_for_every_possible_resample(n):
    """All n^n resamples of a small sample, counted."""
    n = min(n, 6) if n % 2 == 0 else min(n, 5)
    x = np.sort(np.random.default_rng(n).standard_normal(n))
    medians = np.median(x[np.stack(np.unravel_index(np.arange(n**n), (n,) * n), axis=1)], axis=1)
    for level in (0.47, 0.83, 0.95):
        expected = np.quantile(medians, [(1 - level) / 2, (1 + level) / 2], method="inverted_cdf")
        np.testing.assert_allclose(median_interval(x, level), expected)


def test_interval_moves_with_shift_scale_reflection_and_order():
    x = np.random.default_rng(1).standard_normal(12)
    low, high = median_interval(x)
    np.testing.assert_allclose(median_interval(3 * x[::-1] + 7), (3 * low + 7, 3 * high + 7))
    np.testing.assert_allclose(median_interval(-x), (-high, -low))
    assert low <= np.median(x) <= high


def test_missing_units_are_left_out_and_one_unit_has_no_interval():
    x = [3.0, np.nan, 1.0, 2.0]
    assert median_interval(x) == median_interval([1.0, 2.0, 3.0])
    assert np.isnan(median_interval([1.0])).all() and np.isnan(median_interval([np.nan, 1.0])).all()
    assert median_interval([2.0, 2.0, 2.0]) == (2.0, 2.0)


@pytest.mark.parametrize(
    ("values", "level", "name"),
    [([[1.0, 2.0]], 0.9, "values"), (3.0, 0.9, "values"), ([1.0, 2.0], 0, "level"), ([1.0, 2.0], 1, "level")],
)
def test_bad_arguments_are_refused(values, level, name):
    with pytest.raises(ValueError, match=f"^{name}: expected"):
        median_interval(values, level)
