import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rankone.ensembles import Ensemble, alpha_beta, non_negative, positive, stochastic, vanilla

KINDS = {
    "vanilla": vanilla,
    "non_negative": non_negative,
    "positive": positive,
    "stochastic": stochastic,
    "shares of two halves": Ensemble(2, -0.5, normalised="columns"),
    "alpha 2 beta 1": alpha_beta(2, 1),
    "alpha 1 beta -3": alpha_beta(1, -3),
    "alpha 0 beta 1": alpha_beta(0, 1),
    "alpha -2 beta 5": alpha_beta(-2, 5),
}
finite = st.floats(-1e6, 1e6)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("n", [2, 9])
def test_mean_and_variance_are_those_of_the_entries(kind, n):
    ensemble, shape = KINDS[kind], (n, 40_000)
    A = ensemble.draw(np.random.default_rng(1), shape)
    deviations = A - ensemble.mean(shape)
    # columns are independent: five standard errors of a mean over them
    for values, expected in ((deviations, 0.0), (deviations**2, ensemble.variance(shape))):
        per_column = values.mean(axis=0)
        error = per_column.std() / math.sqrt(shape[1])
        np.testing.assert_allclose(per_column.mean(), expected, atol=5 * error + 1e-15)


@settings(max_examples=50, deadline=None)
@given(finite, finite)
def test_alpha_beta_is_alpha_positive_part_plus_beta_negative_part(alpha, beta):
    N = np.random.default_rng(0).standard_normal((4, 5))
    expected = alpha * np.maximum(N, 0) + beta * np.minimum(N, 0)
    tiny = 1e-300 * max(abs(alpha), abs(beta), 1)  # β/α may be subnormal
    np.testing.assert_allclose(alpha_beta(alpha, beta).of(N), expected, rtol=1e-13, atol=tiny)


@settings(max_examples=50, deadline=None)
@given(st.floats(-1e100, 1e100), st.floats(-1e100, 1e100))
def test_rescaling_changes_the_scale_alone(alpha, beta):
    ensemble = alpha_beta(alpha, beta)
    rescaled = ensemble.rescaled()
    scale = max(abs(alpha), abs(beta))
    assert max(abs(rescaled.alpha), abs(rescaled.beta)) == (1 if scale else 0)
    restored = [rescaled.alpha * scale, rescaled.beta * scale]
    np.testing.assert_allclose(restored, [alpha, beta], rtol=1e-14, atol=1e-300 * max(scale, 1))


def test_the_named_ensembles_are_what_they_are_called():
    N = np.random.default_rng(0).standard_normal((30, 20))
    np.testing.assert_array_equal(vanilla.of(N), N)
    np.testing.assert_array_equal(non_negative.of(N), np.maximum(N, 0))
    np.testing.assert_array_equal(positive.of(N), np.abs(N))
    np.testing.assert_allclose(stochastic.of(N), np.abs(N) / np.abs(N).sum(axis=0), rtol=1e-15)


def test_stochastic_columns_sum_to_one_and_rows_do_not():
    A = stochastic.draw(np.random.default_rng(0), (30, 20))
    np.testing.assert_allclose(A.sum(axis=0), 1, rtol=1e-14)
    assert np.ptp(A.sum(axis=1)) > 0.1


@pytest.mark.parametrize(
    ("n", "mean_square_share"),
    [
        (1, 1.0),
        (2, 4 / math.pi / 4),
    ],  # (n = 2: E[cos²φ/(cos φ + sin φ)²], φ uniform on a quarter turn, is 1/π)
)
def test_variance_of_a_share_in_closed_form(n, mean_square_share):
    np.testing.assert_allclose(stochastic.variance((n, 3)), mean_square_share - 1 / n**2, atol=1e-12)


@pytest.mark.parametrize("n", [100, 10_000])
def test_variance_of_a_share_tends_to_that_of_an_entry_over_its_mean_sum(n):
    limit = positive.variance((n, 1)) / (n * positive.mean((n, 1))) ** 2
    np.testing.assert_allclose(stochastic.variance((n, 1)), limit, rtol=1 / n)


def test_a_draw_is_its_seed():
    draws = [positive.draw(np.random.default_rng(seed), (3, 4), np.float32) for seed in (5, 5, 6)]
    np.testing.assert_array_equal(draws[0], draws[1])
    assert draws[0].dtype == np.float32
    assert (draws[0] != draws[2]).all()


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ((math.nan, 1), "alpha: expected a finite number"),
        ((1, math.inf), "beta: expected a finite number"),
        ((1e101, 1), "alpha: expected a finite number up to 1e100"),
        ((1, -1, "rows"), 'normalised: expected "columns" or None'),
        ((1, 1, "columns"), "normalised: expected positive entries"),
        ((0, -1, "columns"), "normalised: expected positive entries"),
        ((1, -1e-8, "columns"), "normalised: expected positive entries of like sizes"),
    ],
)
def test_bad_arguments_are_refused(arguments, message):
    with pytest.raises(ValueError, match=message):
        Ensemble(*arguments)


@pytest.mark.parametrize("shape", [(0, 3), (3,), (3, -1)])
@pytest.mark.parametrize("method", ["mean", "variance"])
def test_bad_shapes_are_refused(method, shape):
    with pytest.raises(ValueError, match=r"shapes\[0\]"):
        getattr(stochastic, method)(shape)
