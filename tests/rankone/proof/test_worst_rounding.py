"""Rounding of the full size that is claimed, in the worst direction: bounds stay true, honest ones confirmed.

`sound`: no bound of producer or verifier falls below the truth. `complete`: a certificate whose producer saw
the columns as near as rounding allows is confirmed by a verifier that sees them as far.
"""

from fractions import Fraction

import numpy as np
import pytest

from rankone.proof import certificate, column_pairs, verify
from rankone.proof.column_pairs import floating_extremes
from rankone.proof.rounding import chain_error
from tests.helpers.exact_oracle import maxima, mp, number
from tests.helpers.worst_rounding import (
    LIBM,
    U,
    Worst,
    gamma,
    log_that_hides,
    math_that_is_too_low,
    norm_off_by,
    numpy_with,
)

WIDTH = 300  # of rows or of inner products: γ stands out above single roundings
NAMES = ("angle", "total_variation", "hilbert_diameter")


def assert_upper(found, truth):
    """The three maxima, of producer or of verifier, are at least the true ones."""
    found = (found.angle, found.total_variation, found.diameter) if hasattr(found, "angle") else found
    for name, bound in zip(NAMES, found, strict=True):
        assert number(bound) >= truth[name], name


# ---------------------------------------------------------------- products wrong by δ

# So near that no relative margin hides δ, and of so few bits that FACTORS multiply exactly.
NEAR = 1 - 2.0**-10
HALF = np.repeat([[1.0, NEAR], [NEAR, 1.0]], WIDTH // 2, axis=1)
FACTORS = [HALF, np.ascontiguousarray(HALF.T)]  # their product: a on the diagonal, b < a beside it, exactly
DELTA = float(chain_error([WIDTH]))


def product_off_by(error):
    """The product of FACTORS with its columns nearer to each other by `error`, entry by entry."""
    return (FACTORS[0] @ FACTORS[1]) * (1 + error * np.array([[-1, 1], [1, -1]]))


def test_sound_verifier_of_a_product_that_is_wrong_by_delta(monkeypatch):
    monkeypatch.setattr(verify, "_product", lambda *_: product_off_by(DELTA))
    assert_upper(verify._floating_maxima(FACTORS), maxima(FACTORS))


def test_sound_producer_of_a_product_that_is_wrong_by_delta():
    assert_upper(floating_extremes(product_off_by(DELTA), Fraction(DELTA)), maxima(FACTORS))


def test_delta_is_attained():
    """The product above is nearer by 2 δ in the angle and 4 δ in Hilbert's distance: none of it is spare."""
    truth, moved = maxima(FACTORS), maxima([product_off_by(DELTA)])
    distance = [float(truth[name] - moved[name]) / DELTA for name in NAMES]
    np.testing.assert_allclose(distance, [2, 1, 4], rtol=0.05)


def save(folder, factors):
    np.savez(folder / "factors.npz", **{f"Z{l}": Z for l, Z in enumerate(factors, start=1)})
    certificate.certify(factors, exact=False).write(folder / "c.json")


def test_complete_between_products_that_are_wrong_by_delta_either_way(tmp_path, monkeypatch):
    monkeypatch.setattr(certificate, "chain_product", lambda _: product_off_by(DELTA))
    save(tmp_path, FACTORS)
    monkeypatch.setattr(verify, "SMALL", -1)
    monkeypatch.setattr(verify, "_product", lambda *_: product_off_by(-DELTA))
    assert "binary64" in verify.verify(tmp_path / "c.json")


def test_that_verifier_would_refuse_a_producer_that_allows_two_delta(tmp_path, monkeypatch):
    """What was published before: it was confirmed because no processor errs by δ."""
    monkeypatch.setattr(certificate, "chain_product", lambda _: product_off_by(DELTA))
    monkeypatch.setattr(
        certificate, "allowed_error", lambda _, inner: 2 * chain_error(inner) + 16 * Fraction(U)
    )
    save(tmp_path, FACTORS)
    monkeypatch.setattr(verify, "SMALL", -1)
    monkeypatch.setattr(verify, "_product", lambda *_: product_off_by(-DELTA))
    with pytest.raises(verify.NotConfirmed, match="is claimed at most"):
        verify.verify(tmp_path / "c.json")


# ---------------------------------------------------------------- sums and norms wrong by γ


@pytest.mark.parametrize("norms", [(1, -1), (-1, 1)], ids=["first", "second"])
def test_complete_where_norms_part_parallel_columns(tmp_path, monkeypatch, norms):
    Z = 1 + np.outer(np.random.default_rng(0).random(WIDTH), [1, 1])
    save(tmp_path, [Z])
    monkeypatch.setattr(verify, "SMALL", -1)
    error = gamma(WIDTH) / 2 * np.array(norms)
    monkeypatch.setattr(verify, "np", numpy_with(norm=norm_off_by(*error)))
    assert "binary64" in verify.verify(tmp_path / "c.json")


APART = np.full((WIDTH, 2), 1e-5)  # two columns that share little: half the rows each
APART[: WIDTH // 2, 0] = APART[WIDTH // 2 :, 1] = np.random.default_rng(2).random(WIDTH // 2) + 1


def test_sound_verifier_of_sums_that_are_wrong_by_gamma(monkeypatch):
    """Those that normalise, and those of differences."""
    largest = verify._largest
    monkeypatch.setattr(verify, "_largest", lambda *a: largest(*a) * (1 - gamma(WIDTH) * (a[2] is np.add)))
    assert_upper(verify._floating_maxima([APART.view(Worst)]), maxima([APART]))


def test_sound_producer_of_sums_that_are_wrong_by_gamma(monkeypatch):
    farthest = column_pairs.farthest_pair

    def shortened(points, seminorm):
        pair = farthest(np.asarray(points), seminorm)
        return pair._replace(distance=pair.distance * (1 - gamma(WIDTH)))

    monkeypatch.setattr(column_pairs, "farthest_pair", shortened)
    found = floating_extremes(APART.view(Worst), Fraction(-8 * U))  # no room but for the sums
    assert number(found.total_variation) >= maxima([APART])["total_variation"]


# ---------------------------------------------------------------- the Gram matrix wrong by γ |e_j| |e_k|

CORNERS = {  # columns: two are opposite as seen from their mean, three form a triangle
    "two": 1 + np.random.default_rng(3).random((WIDTH, 2)),
    "two that nearly agree": 1 + np.random.default_rng(4).random((WIDTH, 1)) * (1 + 1e-9 * np.arange(2)),
    "three": 1 + 0.1 * np.kron(np.eye(3), np.ones((WIDTH // 3, 1))),
    "twelve": np.exp(np.random.default_rng(5).standard_normal((WIDTH, 12))),
}


@pytest.mark.parametrize("kind", CORNERS)
@pytest.mark.parametrize("who", ["producer", "verifier"])
def test_sound_where_the_gram_matrix_and_the_norms_are_wrong_by_gamma(monkeypatch, kind, who):
    """Both make the columns nearer; of other errors, the unit vectors' own 8 u alone are allowed for."""
    Z = CORNERS[kind]
    X = np.ascontiguousarray(Z.T).view(Worst)
    module = {"producer": column_pairs, "verifier": verify}[who]
    monkeypatch.setattr(module, "np", numpy_with(norm=norm_off_by(*[gamma(WIDTH) / 2] * len(X))))
    if who == "producer":
        found = column_pairs.Farthest(WIDTH, *column_pairs._chord(X), 0.0, 0.0, 0.0)
        bound = column_pairs._angle(found, 4 * U)
    else:
        bound = verify._largest_angle(X, verify.up(verify.gamma(WIDTH + 16))) + 8 * U
    assert number(bound) >= maxima([Z])["angle"]


# ---------------------------------------------------------------- functions wrong by 2^-50

LOGS = np.array([[0, 0, 0], [-20, -40, -1], [-40, -20, -1]])  # columns 0 and 1 are the farthest, at 40, and
DISTANT = np.exp(LOGS.astype(float))  # far from the mean, which is that of column 2, in the same direction


@pytest.mark.parametrize("who", ["producer", "verifier"])
def test_sound_where_every_logarithm_is_wrong(monkeypatch, who):
    truth = maxima([DISTANT])
    module = {"producer": column_pairs, "verifier": verify}[who]
    monkeypatch.setattr(module, "np", numpy_with(log=log_that_hides(0, 1)))
    if who == "producer":
        found = floating_extremes(DISTANT, Fraction(0))
    else:
        found = verify._floating_maxima([DISTANT])
    assert_upper(found, truth)


@pytest.mark.parametrize("seed", range(8))
@pytest.mark.parametrize("spread", [1e-9, 0.3, 30.0])
def test_sound_in_integers_where_every_function_is_wrong(monkeypatch, spread, seed):
    C = np.exp(spread * np.random.default_rng(seed).random((3, 2)))
    truth = maxima([C])
    monkeypatch.setattr(verify, "math", math_that_is_too_low())
    assert_upper(verify.exact_maxima(verify._integers(C)), truth)


@pytest.mark.parametrize("diameter", [1e-8, 0.5, 20.0, 600.0])
@pytest.mark.parametrize("theta", [1e-9, 1e-5, 0.7])
def test_sound_last_lines_where_every_function_is_wrong(monkeypatch, theta, diameter):
    """1 - cos, its bound below the chain, and the share, from an angle and a diameter."""
    monkeypatch.setattr(verify, "math", math_that_is_too_low())
    bounds = verify._bounds(theta, 0.1, diameter, 0.9)
    Δ = mp.mpf(diameter)
    assert number(bounds["one_minus_cos"]) >= 2 * mp.sin(mp.mpf(theta) / 2) ** 2
    assert number(bounds["one_minus_cos_below"]) >= min(2 * mp.sinh(Δ / 4) ** 2 / mp.cosh(Δ / 2), 1)
    assert number(bounds["share_below"]) >= mp.expm1(Δ)
    assert number(bounds["total_variation_below"]) >= mp.tanh(Δ / 4)


def test_the_errors_above_are_of_the_size_that_is_claimed():
    assert (U, LIBM) == (float(verify.U), verify.LIBM) == (column_pairs.U, column_pairs.LIBM)
    assert gamma(WIDTH) == pytest.approx(float(verify.gamma(WIDTH)), rel=1e-15)
    rows = np.random.default_rng(1).standard_normal((4, WIDTH))
    gram, worst = rows @ rows.T, rows.view(Worst) @ rows.view(Worst).T
    np.testing.assert_allclose(
        (np.asarray(worst) - gram)[~np.eye(4, dtype=bool)],
        gamma(WIDTH) * (abs(rows) @ abs(rows).T)[~np.eye(4, dtype=bool)],
        rtol=0.2,
    )
