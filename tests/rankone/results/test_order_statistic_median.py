"""The exact interval of a median: its coverage counted in whole numbers, and by simulation."""

from fractions import Fraction
from functools import cache
from math import comb

import numpy as np
import pytest

from rankone.results.median import order_statistic_median, paired

LEVELS = (0.5, 0.9, 0.95, 0.99, 0.999)


def interval(values, level=0.99):
    return order_statistic_median(values, level)[1:]


@cache
def coverage(n, k):
    """P(x_(k) ≤ median ≤ x_(n+1−k)) of n continuous draws: from k to n − k of them lie below it."""
    return Fraction(sum(comb(n, below) for below in range(k, n - k + 1)), 2**n)


@pytest.mark.parametrize("level", LEVELS)
def test_it_is_the_narrowest_symmetric_interval_that_covers_as_often_as_it_says(level):
    for n in range(1, 151):
        low, high = interval(np.arange(1, n + 1), level)
        enough = [k for k in range(1, n // 2 + 1) if coverage(n, k) >= level]
        if not enough:
            assert np.isnan([low, high]).all()
        else:
            assert (low, high) == (max(enough), n + 1 - max(enough))


def test_at_99_per_cent_eight_values_are_the_fewest():
    assert np.isnan(interval(np.arange(7.0))).all()
    assert interval(np.arange(8.0)) == (0, 7)
    assert coverage(7, 1) < Fraction(99, 100) < coverage(8, 1)


@pytest.mark.parametrize("n", [8, 20, 51])
@pytest.mark.parametrize("draw", ["standard_cauchy", "standard_exponential"])
def test_simulated_coverage_is_the_exact_one(n, draw):
    trials = 4000
    x = getattr(np.random.default_rng(n), draw)((trials, n))
    truth = {"standard_cauchy": 0, "standard_exponential": np.log(2)}[draw]
    covered = np.mean([low <= truth <= high for low, high in (interval(row, 0.9) for row in x)])
    k = max(k for k in range(1, n // 2 + 1) if coverage(n, k) >= 0.9)
    expected = float(coverage(n, k))
    assert abs(covered - expected) < 4 * np.sqrt(expected * (1 - expected) / trials)


def test_with_ties_it_covers_more_often():
    x = np.random.default_rng(0).integers(0, 3, (2000, 15))
    assert np.mean([low <= 1 <= high for low, high in (interval(row, 0.9) for row in x)]) > 0.95


def test_it_moves_with_every_increasing_function_and_with_reflection():
    x = np.random.default_rng(1).standard_normal(25)
    low, high = interval(x)
    assert low <= np.median(x) <= high
    assert interval(np.exp(x[::-1])) == (np.exp(low), np.exp(high))
    assert interval(-x) == (-high, -low)


def test_missing_values_are_left_out():
    x = np.arange(8.0)
    assert order_statistic_median([*x, np.nan, np.nan]) == order_statistic_median(x) == (3.5, 0, 7)
    assert np.isnan(order_statistic_median([np.nan])).all() and np.isnan(order_statistic_median([])).all()
    assert order_statistic_median([2.0]).median == 2


def test_paired_differences_are_of_the_images_that_both_have():
    rng = np.random.default_rng(2)
    image = 100 * rng.standard_normal(40)
    a, b = image + 1 + 0.1 * rng.standard_normal(40), image + 0.1 * rng.standard_normal(40)
    a[3], b[7] = np.nan, np.nan
    found = paired(a, b)
    assert found == order_statistic_median(np.delete(a - b, [3, 7]))
    assert 0.8 < found.low < found.median < found.high < 1.2, "though images differ by hundreds"
    assert paired(b, a) == (-found.median, -found.high, -found.low)


@pytest.mark.parametrize(
    ("call", "name"),
    [
        (lambda: order_statistic_median([[1.0]]), "values"),
        (lambda: order_statistic_median([1.0], 1), "level"),
        (lambda: order_statistic_median([1.0], 0), "level"),
        (lambda: paired([1.0, 2.0], [1.0]), "b"),
        (lambda: paired([[1.0]], [[1.0]]), "values"),
    ],
)
def test_bad_arguments_are_refused(call, name):
    with pytest.raises(ValueError, match=f"^{name}: expected"):
        call()
