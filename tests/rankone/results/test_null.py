"""The null of 1 − |cos| against its law, scipy's Beta distribution and draws, for one width and for many."""

import math

import numpy as np
import pytest
from scipy import stats

from rankone.results.null import null_mean, null_median, null_of_widths, null_quantile
from rankone.similarity import one_minus_abs_cosine


@pytest.mark.parametrize("width", [2, 3, 10, 1000])
def test_null_is_the_law_of_independent_directions(width):
    rng = np.random.default_rng(0)
    d = np.concatenate([one_minus_abs_cosine(rng.standard_normal((2, width))) for _ in range(2000)])
    assert stats.kstest(d, lambda x: probability(x, width)).pvalue > 1e-3
    np.testing.assert_allclose(d.mean(), null_mean(width), atol=5 * d.std() / math.sqrt(len(d)))


def probability(distance, width):
    """The probability of at most this distance, from scipy's Beta law of cos² (the oracle)."""
    return stats.beta.sf((1 - distance) ** 2, 0.5, (width - 1) / 2)


@pytest.mark.parametrize("width", [2, 3, 64, 4096])
def test_null_quantiles_against_scipy(width):
    q = np.linspace(0.01, 0.99, 9)
    np.testing.assert_allclose([probability(d, width) for d in null_quantile(q, width)], q, rtol=1e-9)
    np.testing.assert_array_equal(null_quantile([0, 1], width), [0, 1])


def test_null_of_reproduction_md():
    assert null_median(3) == pytest.approx(0.5, rel=1e-12)  # uniform on the sphere: |cos| is uniform
    assert null_mean(3) == pytest.approx(0.5, rel=1e-12)
    assert 1 - null_mean(1000) == pytest.approx(math.sqrt(2 / (math.pi * 1000)), rel=1e-3)
    assert (null_median(1), null_mean(1)) == (0, 0)


def test_tiny_null_quantiles_do_not_cancel():
    # in the plane the angle is uniform: 1 − cos(πq/2) ≈ (πq/2)²/2
    np.testing.assert_allclose(null_quantile(1e-9, 2), (math.pi * 1e-9 / 2) ** 2 / 2, rtol=1e-9)


def test_the_null_is_that_of_the_channels_in_use():
    for width in (2, 3, 64, 4096):
        only = np.zeros(width + 1, dtype=int)
        only[width] = 5
        for q in (0.05, 0.5, 0.95):
            np.testing.assert_allclose(10 ** null_of_widths(only, q), null_quantile(q, width), rtol=1e-6)
    assert null_of_widths(np.array([4, 3, 2]), 0.5) == -np.inf
    assert np.isnan(null_of_widths(np.array([9, 0, 0]), 0.5))

    rng = np.random.default_rng(0)
    widths = np.array([0, 10, 30, 0, 60])
    draws = []
    for width, count in enumerate(widths):
        if count:
            u, v = rng.standard_normal((2, 200 * count, width))
            draws.append(1 - abs((u * v).sum(1)) / np.linalg.norm(u, axis=1) / np.linalg.norm(v, axis=1))
    for q in (0.3, 0.5, 0.8):
        np.testing.assert_allclose(
            10 ** null_of_widths(widths, q), np.quantile(np.concatenate(draws), q), atol=0.01
        )


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: null_quantile(0.5, 0), "width: expected an integer >= 1"),
        (lambda: null_mean(-1), "width: expected an integer >= 1"),
        (lambda: null_quantile(1.5, 3), r"q: expected probabilities in \[0, 1\]"),
        (lambda: null_quantile(math.nan, 3), "q: expected probabilities"),
    ],
)
def test_bad_arguments_are_refused(call, message):
    with pytest.raises(ValueError, match=message):
        call()
