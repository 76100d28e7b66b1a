"""Medians with intervals: the exact bootstrap against resampling, the clustered one by its coverage."""

import numpy as np
import pytest
from scipy import stats

from rankone.results.median import bootstrapped_median, clustered_median


def interval(values, level=0.99):
    _, low, high = bootstrapped_median(values, level)
    return low, high


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
    low, high = interval(x, level)
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
        np.testing.assert_allclose(interval(x, level), expected)


def test_interval_moves_with_shift_scale_reflection_and_order():
    x = np.random.default_rng(1).standard_normal(12)
    low, high = interval(x)
    np.testing.assert_allclose(interval(3 * x[::-1] + 7), (3 * low + 7, 3 * high + 7))
    np.testing.assert_allclose(interval(-x), (-high, -low))
    assert low <= np.median(x) <= high


def test_missing_units_are_left_out_and_one_unit_has_no_interval():
    x = [3.0, np.nan, 1.0, 2.0]
    assert interval(x) == interval([1.0, 2.0, 3.0])
    assert np.isnan(interval([1.0])).all() and np.isnan(interval([np.nan, 1.0])).all()
    assert interval([2.0, 2.0, 2.0]) == (2.0, 2.0)
    assert [bootstrapped_median(v).median for v in (x, [1.0], [4.0, 1.0])] == [2, 1, 2.5]
    assert np.isnan(bootstrapped_median([np.nan])).all()


def test_clustered_median_covers_the_median_as_often_as_it_says():
    rng = np.random.default_rng(0)
    covered = [
        low <= 0 <= high
        for _ in range(400)
        for _, low, high in [clustered_median(rng.standard_normal((15, 1)) + rng.standard_normal((15, 30)))]
    ]
    assert 0.91 < np.mean(covered) < 0.985


def test_clustered_median_of_independent_pairs_is_tighter_than_of_clusters():
    rng = np.random.default_rng(0)
    noise, common = rng.standard_normal((20, 50)), rng.standard_normal((20, 1))
    width = {}
    for name, values in (("independent", noise), ("clustered", common + 0.01 * noise)):
        median, low, high = clustered_median(values)
        assert low <= median <= high
        assert median == np.sort(values, axis=None)[values.size // 2 - 1]
        width[name] = high - low
    assert width["clustered"] > 3 * width["independent"]


def test_clustered_median_leaves_missing_pairs_out():
    values = np.array([[1, np.nan, 3], [2, 2, np.nan], [np.nan] * 3])
    assert clustered_median(values)[0] == 2
    assert np.isnan(clustered_median(np.full((2, 3), np.nan))).all()


def test_clustered_median_of_parallel_pairs_is_minus_infinity():
    assert clustered_median(np.full((3, 4), -np.inf)) == (-np.inf,) * 3


def test_clustered_median_of_one_sample_knows_no_error():
    assert clustered_median([[3, 1, 2]]) == (2, 1, 3)


@pytest.mark.parametrize(
    ("values", "level", "name"),
    [([[1.0, 2.0]], 0.9, "values"), (3.0, 0.9, "values"), ([1.0, 2.0], 0, "level"), ([1.0, 2.0], 1, "level")],
)
def test_bad_arguments_are_refused(values, level, name):
    with pytest.raises(ValueError, match=f"^{name}: expected"):
        bootstrapped_median(values, level)


@pytest.mark.parametrize(
    ("values", "level", "name"),
    [([1, 2], 0.9, "values"), (np.empty((0, 3)), 0.9, "values"), ([[1, 2]], 1.5, "level")],
)
def test_bad_clusters_are_refused(values, level, name):
    with pytest.raises(ValueError, match=f"^{name}: expected"):
        clustered_median(values, level)
