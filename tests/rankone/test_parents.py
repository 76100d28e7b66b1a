"""The reversed chain: going down averages the ratio of two relevances; its rows bound and predict that."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rankone import contraction, strategies
from rankone.ensembles import non_negative
from rankone.laws import decades_per_multiplication
from rankone.parents import decades_by_parents, dispersion, reversed_factor

ROUNDING = 1e-12  # of float64 in sums of a few positive numbers


@st.composite
def chains(draw):
    """Factors without zero rows, a reference p > 0 and another relevance r >= 0 above them."""
    factors = draw(strategies.chains(strategies.allowable_patterns))
    n = factors[-1].shape[1]
    p = draw(strategies.matrices(strategies.positive_patterns((1, n))))[0]
    r = draw(strategies.matrices(strategies.sparse_patterns((1, n))))[0]
    return factors, p, r


def passed(factors, p):
    """W and what stands above it, factor by factor, from the top."""
    for Z in reversed(factors):
        yield Z, p, reversed_factor(Z, p)
        p = Z @ p


@settings(max_examples=100, deadline=None)
@given(chains())
def test_the_ratio_below_is_w_times_the_ratio_above_exactly(case) -> None:
    factors, p, r = case
    for Z, above, W in passed(factors, p):
        np.testing.assert_allclose(Z @ r / (Z @ above), W @ (r / above), rtol=ROUNDING, atol=0)
        np.testing.assert_allclose(W.sum(axis=1), 1, rtol=ROUNDING)
        r = Z @ r


@settings(max_examples=100, deadline=None)
@given(chains())
def test_dobrushins_coefficient_bounds_the_oscillation_of_the_ratio(case) -> None:
    factors, p, r = case
    bound = np.ptp(r / p)
    for Z, above, W in passed(factors, p):
        bound *= contraction.dobrushin_coefficient(W)
        r = Z @ r
        assert np.ptp(r / (Z @ above)) <= bound + ROUNDING * np.max(r / (Z @ above))


@settings(max_examples=100, deadline=None)
@given(chains())
def test_and_the_dispersion(case) -> None:
    factors, p, _ = case
    for Z, above, W in passed(factors, p):
        q = (Z @ above) ** 2 / np.sum((Z @ above) ** 2)
        bound = (1 - np.sum(q**2)) * contraction.dobrushin_coefficient(W) ** 2
        assert dispersion(Z, above) <= bound + ROUNDING


@pytest.mark.parametrize("units", [2, 1000])
def test_the_bound_on_the_dispersion_is_sharp_for_units_without_a_common_parent(units) -> None:
    """τ = 1 and q = 1 / units: each row lies off the mean by as much as it can."""
    assert dispersion(np.eye(units), np.ones(units)) == pytest.approx(1 - 1 / units)


@pytest.mark.parametrize("width", [64, 256, 1024])
def test_for_iid_entries_it_is_the_rate_law(width) -> None:
    """E Σ‖Z_i − p'_i n‖² / E|p'|² = (1 − 1/m) / (1 + n μ²/σ²), for a reference of equal entries."""
    rng = np.random.default_rng(0)
    μ, σ2 = non_negative.mean((width, width)), non_negative.variance((width, width))
    found = np.mean([dispersion(non_negative.draw(rng, (width, width)), np.ones(width)) for _ in range(8)])
    expected = (1 - 1 / width) / (1 + width * μ**2 / σ2)
    assert found == pytest.approx(expected, rel=4 / width**0.5 / 8**0.5)
    assert -np.log10(found) == pytest.approx(decades_per_multiplication(μ, σ2, width), abs=0.05)


def test_it_predicts_the_fall_of_the_cosine_of_white_starts() -> None:
    """On a factor that is not iid: starts p (1 + ε ξ), against their sampled angle."""
    rng = np.random.default_rng(1)
    n = 400
    Z, p = rng.exponential(size=(n, n)) ** 2 * rng.exponential(size=n), rng.exponential(size=n)
    starts = p * (1 + 1e-4 * rng.standard_normal((200, n)))
    sine2 = [float(np.median(_sine2(R))) for R in (starts, starts @ Z.T)]
    assert decades_by_parents(Z, p) == pytest.approx(-np.log10(sine2[1] / sine2[0]), abs=0.02)


def _sine2(R):
    u = R / np.linalg.norm(R, axis=1, keepdims=True)
    return np.square(u[::2] - u[1::2]).sum(axis=1)


def test_rank_one_leaves_nothing() -> None:
    assert decades_by_parents(np.ones((3, 4)), [1, 2, 3, 4]) == np.inf


@pytest.mark.parametrize(
    ("Z", "p", "said"),
    [
        (np.ones((2, 3)), np.ones(2), r"Z, p: expected shapes \(m, n\), \(n,\)"),
        ([[1, 1], [0, 0]], [1, 1], "1 rows of Z that p gives nothing"),
        ([[1, -1]], [1, 1], "Z: expected finite entries ≥ 0"),
        ([[1, 1]], [0, 0], "p: expected no zero column"),
    ],
)
def test_bad_input_is_refused_in_one_line(Z, p, said) -> None:
    for law in (reversed_factor, dispersion, decades_by_parents):
        with pytest.raises(ValueError, match=said):
            law(Z, p)
