"""The closed-form laws against exact moments, high precision and a slow simulation of the same chains."""

import math
from itertools import pairwise

import mpmath
import numpy as np
import pytest
from scipy import stats

from rankone import laws

SIGMAS = 4.5  # every statistical test has a fixed seed; a correct law misses one such bound in 10⁵
DRIFT = 0.15  # decades by which non-Gaussian entries may drift from their two moments at inner width >= 16

HALF = 1 / math.sqrt(2 * math.pi)


def alpha_beta_moments(alpha, beta):
    """Mean and variance of αN⁺ + βN⁻, N ~ N(0, 1)."""
    mean = (alpha - beta) * HALF
    return mean, (alpha**2 + beta**2) / 2 - mean**2


ENTRIES = {
    "vanilla": (lambda N: N, (0, 1)),
    "non_negative": (lambda N: np.maximum(N, 0), alpha_beta_moments(1, 0)),
    "positive": (np.abs, alpha_beta_moments(1, -1)),
    "alpha2_beta1": (lambda N: 2 * np.maximum(N, 0) + np.minimum(N, 0), alpha_beta_moments(2, 1)),
    "alpha10_beta9": (lambda N: 10 * np.maximum(N, 0) + 9 * np.minimum(N, 0), alpha_beta_moments(10, 9)),
}


def simulate(entries, shapes, samples, rng):
    """log10(1 − |cos|), (depth + 1, samples), by drawing every matrix, anew for every sample.

    The pair is Q R; the triangular factors are multiplied up, relative to their entry [0, 0].
    """
    pair = rng.standard_normal((samples, shapes[0][0], 2))
    slant, height, curve = np.zeros(samples), np.ones(samples), []
    for shape in [None, *shapes]:
        if shape is not None:
            pair = np.swapaxes(entries(rng.standard_normal((samples, *shape))), 1, 2) @ pair
        pair, R = np.linalg.qr(pair)
        slant += height * R[:, 0, 1] / R[:, 0, 0]
        height *= R[:, 1, 1] / R[:, 0, 0]
        tan2 = (height / slant) ** 2
        curve.append(np.log10(-np.expm1(-np.log1p(tan2) / 2)))
    return np.array(curve)


def median_and_error(samples):
    """Median over the last axis and its standard error from the order statistics around it."""
    half = 0.5 / math.sqrt(samples.shape[-1])
    low, median, high = np.quantile(samples, [0.5 - half, 0.5, 0.5 + half], axis=-1)
    return median, (high - low) / 2


def log_sin2(log10_one_minus_cos):
    return log10_one_minus_cos * math.log(10) + np.log(2 - 10**log10_one_minus_cos)


def settled_slope(mean, variance, width, *, draws=400, start=150, stop=450, seed=0):
    """Decades a multiplication and standard error, from the moment state of a long uniform chain."""
    law = laws.moment_state(
        mean, variance, [(width, width)] * stop, draws=draws, rng=np.random.default_rng(seed)
    )
    decades = (log_sin2(law[start]) - log_sin2(law[stop])) / (stop - start) / math.log(10)
    return decades.mean(), decades.std() / math.sqrt(draws)


# --- moment state ---------------------------------------------------------------------------------


@pytest.mark.parametrize("degrees", [0, 1, 2, 7, 100])
def test_bartlett_scatter_has_the_exact_wishart_moments(degrees):
    b11, b21, b22 = laws._bartlett(degrees, 100_000, np.random.default_rng(degrees))
    S11, S12, S22 = b11**2, b11 * b21, b21**2 + b22**2
    for statistic, expected in [
        (S11, degrees),
        (S12, 0),
        (S22, degrees),
        ((S11 - degrees) ** 2, 2 * degrees),
        (S12**2, degrees),
        ((S22 - degrees) ** 2, 2 * degrees),
        (S11 * S22 - S12**2, degrees * (degrees - 1)),
    ]:
        error = statistic.std() / math.sqrt(statistic.size)
        np.testing.assert_allclose(statistic.mean(), expected, rtol=1e-12, atol=SIGMAS * error + 1e-12)


@pytest.mark.parametrize("widths", [(5, 3, 4), (2, 2, 2), (7, 16, 3), (40, 8, 40, 8)])
@pytest.mark.parametrize("mean", [0.0, 0.4, -3.0])
def test_moment_state_is_exact_for_gaussian_entries_at_any_width(widths, mean):
    shapes = list(pairwise(widths))
    rng = np.random.default_rng(7)
    law = laws.moment_state(mean, 1, shapes, draws=4000, rng=rng)
    simulated = simulate(lambda N: mean + N, shapes, 4000, rng)
    for k, width in enumerate(widths):
        assert stats.ks_2samp(law[k], simulated[k]).pvalue > 1e-4, f"after {k} factors, width {width}"


@pytest.mark.parametrize("mean", [0, 2])
def test_pairs_are_exactly_parallel_from_a_width_of_one_on(mean):
    law = laws.moment_state(mean, 1, [(3, 5), (5, 1), (1, 4), (4, 2)], draws=50, rng=np.random.default_rng(0))
    assert np.all(np.isfinite(law[:2]))
    np.testing.assert_array_equal(law[2:], -np.inf)
    law = laws.moment_state(mean, 1, [(1, 5), (5, 4)], draws=50, rng=np.random.default_rng(0))
    np.testing.assert_array_equal(law, -np.inf)


@pytest.mark.parametrize("name", ENTRIES)
@pytest.mark.parametrize("widths", [(32, 64, 64, 64, 32, 16, 24), (16,) * 13, (100, 48, 96)])
def test_moment_state_predicts_the_simulated_median_from_width_16_on(name, widths):
    entries, (mean, variance) = ENTRIES[name]
    shapes = list(pairwise(widths))
    rng = np.random.default_rng(11)
    predicted, law_error = median_and_error(laws.moment_state(mean, variance, shapes, rng=rng))
    simulated, error = median_and_error(simulate(entries, shapes, 400, rng))
    np.testing.assert_array_less(np.abs(predicted - simulated), DRIFT + SIGMAS * np.hypot(error, law_error))


def test_moment_state_takes_the_moments_of_every_factor():
    shapes = [(30, 40), (40, 20), (20, 30)]
    means, deviations = [1.0, 0.0, -0.5], [0.5, 2.0, 1.0]
    rng = np.random.default_rng(3)
    moments = iter(zip(means, deviations, strict=True))

    def entries(N):
        mean, deviation = next(moments)
        return mean + deviation * N

    law = laws.moment_state(means, np.square(deviations), shapes, draws=3000, rng=rng)
    simulated = simulate(entries, shapes, 3000, rng)
    assert min(stats.ks_2samp(a, b).pvalue for a, b in zip(law, simulated, strict=True)) > 1e-4


@pytest.mark.parametrize("mean", [0, 1, 1e-170, 1e170])
def test_moment_state_neither_floors_nor_overflows_at_depth_10000(mean):
    law = laws.moment_state(mean, 1, [(8, 8)] * 10_000, draws=8, rng=np.random.default_rng(0))
    assert np.all(np.isfinite(law))
    slope = (law[100] - law[-1]).mean() / 9900
    if mean in (0, 1e-170):
        np.testing.assert_allclose(slope, laws.decades_per_multiplication(0, 1, 8), rtol=0.1)
    else:
        assert slope > 0.9 * laws.decades_per_multiplication(mean, 1, 8)


def test_moment_state_depends_on_the_ratio_of_mean_to_deviation_only():
    small, large = (
        laws.moment_state(c * 0.7, c**2 * 2.0, [(9, 5), (5, 12)], draws=50, rng=np.random.default_rng(5))
        for c in (2.0**-400, 2.0**400)
    )
    np.testing.assert_array_equal(small, large)


def test_factors_without_variance_are_rank_one():
    law = laws.moment_state(
        [1, 1, 1], [1, 0, 1], [(6, 5), (5, 4), (4, 3)], draws=20, rng=np.random.default_rng(1)
    )
    assert np.all(np.isfinite(law[:2]))
    np.testing.assert_array_equal(law[2:], -np.inf)


def test_quantile_curves_are_order_statistics_and_allow_minus_infinity():
    law = np.array([[3.0, 1.0, 2.0, 5.0, 4.0], [-np.inf, 0.0, -np.inf, -np.inf, -1.0]])
    np.testing.assert_array_equal(laws.quantile_curves(law, [0.5, 1]), [[3, -np.inf], [5, 0]])
    assert laws.quantile_curves(law).shape == (3, 2)


# --- rate law and critical beta -------------------------------------------------------------------


@pytest.mark.parametrize("width", [32, 128, 1024])
@pytest.mark.parametrize("signal", [2, 4, 20, 400])
def test_rate_law_is_the_settled_slope_of_the_moment_state(width, signal):
    predicted = laws.decades_per_multiplication(math.sqrt(signal / width), 1, width)
    slope, error = settled_slope(math.sqrt(signal / width), 1, width)
    np.testing.assert_allclose(slope, predicted, atol=2.5 / width / math.log(10) + SIGMAS * error)
    np.testing.assert_allclose(predicted, math.log10(signal), rtol=1e-12)


def test_one_plus_the_signal_is_not_the_rate():
    """theory.md 2.1 had log10(1 + nμ²/σ²): the gain of an all-ones row, which no chain keeps."""
    slope, error = settled_slope(math.sqrt(2 / 1024), 1, 1024)
    assert abs(slope - math.log10(2)) < 0.005 + SIGMAS * error < math.log10(1 + 2) - math.log10(2)


@pytest.mark.parametrize("width", [64, 512])
def test_below_the_signal_of_one_only_the_vanilla_rate_is_left(width):
    mean = math.sqrt(0.3 / width)
    slope, error = settled_slope(mean, 1, width, draws=4000)
    predicted = laws.decades_per_multiplication(mean, 1, width)
    np.testing.assert_array_equal(predicted, laws.decades_per_multiplication(0, 1, width))
    np.testing.assert_allclose(slope, predicted, atol=0.3 * predicted + SIGMAS * error)


def test_rate_law_broadcasts_and_has_its_limits():
    assert laws.decades_per_multiplication([[0.0], [1.0]], 1.0, [8, 16, 32]).shape == (2, 3)
    np.testing.assert_array_equal(laws.decades_per_multiplication(1, 0, 8), np.inf)
    np.testing.assert_array_equal(laws.decades_per_multiplication(0, 1, 1), np.inf)
    np.testing.assert_allclose(laws.decades_per_multiplication(1e-200, 1e-300, 10), -99, atol=100)
    np.testing.assert_allclose(laws.decades_per_multiplication(1e200, 1e-300, 10), 701)


@pytest.mark.parametrize("width", [3, 16, 64, 128, 256, 512, 1024, 10**6])
def test_at_the_critical_beta_the_mean_just_balances_the_noise(width):
    beta = float(laws.critical_beta(width))
    mean, variance = alpha_beta_moments(beta + 1, beta)
    np.testing.assert_allclose(width * mean**2, variance, rtol=1e-12)
    np.testing.assert_allclose(beta**2 + beta + 1 / 2, (width + 1) / (2 * math.pi), rtol=1e-12)


def test_critical_beta_has_the_published_values():
    np.testing.assert_allclose(
        laws.critical_beta([16, 64, 128, 256, 512, 1024]), [1.07, 2.68, 4.00, 5.88, 8.52, 12.26], atol=0.005
    )


@pytest.mark.parametrize("width", [64, 512])
def test_decades_leave_the_vanilla_rate_at_the_critical_beta(width):
    vanilla = laws.decades_per_multiplication(0, 1, width)
    below, above = (
        alpha_beta_moments(b + 1, b) for b in laws.critical_beta(width) * np.array([0.999, 1.001])
    )
    assert laws.decades_per_multiplication(*alpha_beta_moments(1, 0), width) > 10 * vanilla
    assert laws.decades_per_multiplication(*above, width) == vanilla
    assert laws.decades_per_multiplication(*below, width) >= vanilla

    far_below, far_above = (
        settled_slope(*alpha_beta_moments(b + 1, b), width)[0]
        for b in laws.critical_beta(width) * np.array([0.7, 1.5])
    )
    assert far_above < 3 * vanilla < 0.2 < far_below


# --- vanilla --------------------------------------------------------------------------------------


@pytest.mark.parametrize("widths", [(3, 2, 5), (10, 4, 4, 4, 30), (64, 32, 16, 8)])
def test_vanilla_law_is_the_exact_mean_of_ln_sin2(widths):
    shapes = list(pairwise(widths))
    rng = np.random.default_rng(2)
    for samples in (
        log_sin2(laws.moment_state(0, 1, shapes, draws=40_000, rng=rng)),
        log_sin2(simulate(lambda N: N, shapes, 4000, rng)),
    ):
        error = samples.std(axis=1) / math.sqrt(samples.shape[1])
        np.testing.assert_array_less(np.abs(samples.mean(axis=1) - laws.vanilla_law(shapes)), SIGMAS * error)


def test_vanilla_law_falls_by_one_over_the_width_and_ends_at_width_one():
    law = laws.vanilla_law([(500, 1000), (1000, 1), (1, 3)])
    np.testing.assert_allclose(law[:2], [-1 / 500, -1 / 500 - 1 / 1000], rtol=0.01)
    np.testing.assert_array_equal(law[2:], -np.inf)


# --- ReLU -----------------------------------------------------------------------------------------


def test_relu_law_against_the_kernel_in_50_digits():
    with mpmath.workdps(50):
        rho, expected = mpmath.mpf("0.25"), []
        for _ in range(301):
            expected.append(float(1 - rho))
            rho = (mpmath.sqrt(1 - rho**2) + rho * (mpmath.pi - mpmath.acos(rho))) / mpmath.pi
    np.testing.assert_allclose(laws.relu_law(0.25, 300), expected, rtol=1e-12)


def test_relu_chains_converge_like_nine_pi_squared_over_two_k_squared():
    law = laws.relu_law(np.array([-0.5, 0.0, 0.9]), 20_000)
    np.testing.assert_allclose(law[-1] * 20_000**2, 9 * math.pi**2 / 2, rtol=0.005)
    np.testing.assert_allclose(law[2000, 1] * 2000**2, 43.7, atol=0.05)


def test_relu_law_at_the_ends():
    law = laws.relu_law([1.0, -1.0, 0.0], 1)
    np.testing.assert_allclose(law, [[0, 2, 1], [0, 1, 1 - 1 / math.pi]], atol=1e-15)


def test_relu_law_is_the_mean_cosine_of_one_wide_rectified_factor():
    rng = np.random.default_rng(4)
    for cosine in (-0.6, 0.0, 0.3, 0.95):
        x, y = rng.standard_normal((2, 2_000_000))  # the coordinates of r A are iid such pairs
        y = cosine * x + math.sqrt(1 - cosine**2) * y
        x, y = np.maximum(x, 0), np.maximum(y, 0)
        cos = x @ y / math.sqrt((x @ x) * (y @ y))
        np.testing.assert_allclose(1 - cos, laws.relu_law(cosine, 1)[1], rtol=0.005)


# --- a given factor -------------------------------------------------------------------------------


def test_decades_of_factor_is_what_independent_relative_noise_shows():
    rng = np.random.default_rng(6)
    Z, p = np.maximum(rng.standard_normal((30, 20)), 0), rng.exponential(size=20)
    noise = p[:, None] * (1 + 1e-4 * rng.standard_normal((20, 20_000)))

    def transverse(x, axis):
        axis = axis / np.linalg.norm(axis)
        return (np.linalg.norm(x - np.outer(axis, axis @ x)) / np.linalg.norm(x)) ** 2

    np.testing.assert_allclose(
        laws.decades_of_factor(Z, p),
        math.log10(transverse(noise, p) / transverse(Z @ noise, Z @ p)),
        atol=0.01,
    )


@pytest.mark.parametrize("width", [100, 400])
def test_decades_of_factor_is_the_rate_law_for_iid_factors(width):
    rng = np.random.default_rng(8)
    first, Z = np.abs(rng.standard_normal((2, width, width)))
    rate = laws.decades_per_multiplication(*ENTRIES["positive"][1], width)
    np.testing.assert_allclose(laws.decades_of_factor(Z, first.sum(axis=1)), rate, atol=2 / math.sqrt(width))


def test_decades_of_factor_of_isometries_and_rank_one():
    rng = np.random.default_rng(9)
    p = rng.exponential(size=7)
    np.testing.assert_allclose(laws.decades_of_factor(3 * np.eye(7)[rng.permutation(7)], p), 0, atol=1e-12)
    assert laws.decades_of_factor(np.outer(rng.exponential(size=5), rng.exponential(size=7)), p) > 28
    assert laws.decades_of_factor(np.ones((4, 8)), np.ones(8)) == math.inf
    Z = rng.exponential(size=(5, 7))
    outside = np.insert(Z, 3, 1e6, axis=1)
    np.testing.assert_allclose(
        laws.decades_of_factor(outside, np.insert(p, 3, 0)), laws.decades_of_factor(Z, p)
    )


# --- bad arguments --------------------------------------------------------------------------------

RNG = np.random.default_rng(0)
BAD = {
    "rate: mean not finite": (lambda: laws.decades_per_multiplication(np.nan, 1, 8), "mean: expected finite"),
    "rate: variance negative": (
        lambda: laws.decades_per_multiplication(1, -1, 8),
        "variance: expected .* got -1",
    ),
    "rate: variance infinite": (
        lambda: laws.decades_per_multiplication(1, np.inf, 8),
        "variance: expected finite",
    ),
    "rate: zero width": (lambda: laws.decades_per_multiplication(1, 1, [8, 0]), "width: expected .* got 0"),
    "rate: zero factor": (
        lambda: laws.decades_per_multiplication(0, 0, 8),
        "mean, variance: expected not both",
    ),
    "critical: too narrow": (lambda: laws.critical_beta([16, 2]), "width: expected .* got 2"),
    "critical: not finite": (lambda: laws.critical_beta(np.nan), "width: expected finite"),
    "state: empty chain": (lambda: laws.moment_state(0, 1, [], rng=RNG), "shapes: expected at least one"),
    "state: do not meet": (
        lambda: laws.moment_state(0, 1, [(3, 4), (5, 6)], rng=RNG),
        r"shapes\[1\].* got 5",
    ),
    "state: zero width": (lambda: laws.moment_state(0, 1, [(3, 0)], rng=RNG), r"shapes\[0\].* >= 1, got 0"),
    "state: zero start": (lambda: laws.moment_state(0, 1, [(0, 3)], rng=RNG), r"shapes\[0\].* >= 1, got 0"),
    "state: fractional": (lambda: laws.moment_state(0, 1, [(3, 4.5)], rng=RNG), r"an integer >= 1, got 4\.5"),
    "state: no draws": (
        lambda: laws.moment_state(0, 1, [(3, 4)], draws=0, rng=RNG),
        "draws: expected .* got 0",
    ),
    "state: half a draw": (
        lambda: laws.moment_state(0, 1, [(3, 4)], draws=0.5, rng=RNG),
        "draws: .* got 0.5",
    ),
    "state: bool draws": (
        lambda: laws.moment_state(0, 1, [(3, 4)], draws=True, rng=RNG),
        "draws: .* got True",
    ),
    "state: NaN mean": (lambda: laws.moment_state(np.nan, 1, [(3, 4)], rng=RNG), "mean: expected finite"),
    "state: negative variance": (lambda: laws.moment_state(0, -1, [(3, 4)], rng=RNG), "variance: .* got -1"),
    "state: zero factor": (lambda: laws.moment_state([1, 0], 0, [(3, 4), (4, 3)], rng=RNG), "not both zero"),
    "state: wrong count": (lambda: laws.moment_state([1, 2], 1, [(3, 4)], rng=RNG), "means: expected 1 or 1"),
    "vanilla: empty": (lambda: laws.vanilla_law([]), "shapes: expected at least one"),
    "vanilla: do not meet": (lambda: laws.vanilla_law([(3, 4), (3, 4)]), r"shapes\[1\]: expected 4 rows"),
    "relu: not a cosine": (lambda: laws.relu_law(1.1, 3), r"rho0: expected cosines in \[-1, 1\], got 1.1"),
    "relu: NaN": (lambda: laws.relu_law(np.nan, 3), "rho0: expected cosines"),
    "relu: negative depth": (lambda: laws.relu_law(0.5, -1), "depth: expected an integer >= 0, got -1"),
    "factor: do not meet": (
        lambda: laws.decades_of_factor(np.ones((3, 4)), np.ones(3)),
        "Z, p: expected shapes",
    ),
    "factor: NaN": (
        lambda: laws.decades_of_factor(np.full((2, 2), np.nan), np.ones(2)),
        "Z: expected finite",
    ),
    "factor: one entry": (
        lambda: laws.decades_of_factor(np.ones((3, 2)), [0, 1]),
        "p: expected >= 2 non-zeros",
    ),
    "factor: dies": (lambda: laws.decades_of_factor(np.zeros((3, 2)), [1, 1]), "Z @ p: expected a direction"),
}


@pytest.mark.parametrize("case", BAD)
def test_bad_arguments_are_refused_in_the_house_form(case):
    call, message = BAD[case]
    with pytest.raises(ValueError, match=message):
        call()
