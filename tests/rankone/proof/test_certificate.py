"""Certified bounds: sound against exact rational arithmetic, tight, invariant, and refused where due."""

import dataclasses
import json
import math
from functools import reduce
from itertools import combinations

import numpy as np
import pytest

from rankone.contraction import hilbert_distance, total_variation
from rankone.proof.certificate import certify, read_factors, signed_one_minus_cos
from rankone.proof.exact_chain import exact_extremes
from rankone.proof.rounding import chain_error
from rankone.proof.verify import STATEMENTS
from tests.helpers.exact_oracle import KINDS, chain, maxima, mp, number, signed

TIGHT = 1 + mp.mpf("1e-6")
NAMES = [name for name in STATEMENTS if name != "signed_one_minus_cos"]
ARITHMETICS = pytest.mark.parametrize("exact", [True, False], ids=["integers", "binary64"])


def assert_sound(certificate, truth):
    for name in NAMES:
        bound = certificate.bound(name)
        assert bound == math.inf or number(bound) >= truth[name], name
    claim = certificate.bounds[-1]
    least = signed(truth["angle"], claim.probability)
    assert number(claim.bound) >= least * (1 - mp.mpf("1e-100")), claim


def rounding_of(factors):
    """The ε of the docstring of `certify`: δ + n0 u + 16 u."""
    return float(chain_error([Z.shape[1] for Z in factors[:-1]])) + (len(factors[0]) + 16) * 2.0**-53


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("seed", range(10))
def test_exact_answer_never_exceeds_the_certified_bound(kind, seed):
    factors = chain(kind, seed)
    truth = maxima(factors)
    integers, binary64 = certify(factors, exact=True), certify(factors, exact=False)
    assert_sound(integers, truth)
    assert_sound(binary64, truth)
    for name in NAMES:
        if math.isfinite(integers.bound(name)):
            assert number(integers.bound(name)) <= truth[name] * TIGHT + mp.mpf("1e-290"), name
    if truth["angle"] >= 1.6e7 * rounding_of(factors):
        assert number(binary64.bound("one_minus_cos")) <= truth["one_minus_cos"] * TIGHT


@pytest.mark.parametrize("depth", range(1, 9))
def test_one_minus_cos_is_tight_by_default_at_every_depth_up_to_eight(depth):
    factors = chain(
        "uniform in [1, 2]", seed=depth, widths=[24 if depth == 8 else 12] * (depth + 1), depth=depth
    )
    truth = maxima(factors)["one_minus_cos"]
    assert truth <= number(certify(factors).bound("one_minus_cos")) <= truth * TIGHT


def test_binary64_levels_off_near_eighteen_epsilon_squared():
    factors = chain("uniform in [1, 2]", seed=0, widths=[12] * 15, depth=14)
    bound = certify(factors, exact=False).bound("one_minus_cos")
    assert maxima(factors)["one_minus_cos"] < 1e-32 < bound
    assert 12 < bound / rounding_of(factors) ** 2 < 18


@ARITHMETICS
def test_cone_lemma_every_non_negative_start_obeys_and_two_columns_attain(exact):
    rng = np.random.default_rng(0)
    factors = chain("half-normal", seed=3, widths=[12, 9, 7], depth=2)
    certificate = certify(factors, exact=exact)
    C = factors[0] @ factors[1]
    starts = np.hstack([np.eye(7), rng.exponential(size=(7, 30)) ** 4])
    maps = (C @ starts / np.linalg.norm(C @ starts, axis=0)).T
    below = np.abs(rng.standard_normal((5, 12))) @ C @ starts
    largest = {
        "one_minus_cos": max(np.sum((x - y) ** 2) / 2 for x, y in combinations(maps, 2)),
        "total_variation": max(total_variation(x, y) for x, y in combinations(maps, 2)),
        "hilbert_diameter": max(hilbert_distance(x, y) for x, y in combinations(maps, 2)),
    }
    for name, value in largest.items():
        np.testing.assert_allclose(value, certificate.bound(name), rtol=1e-8)
    shares = below / below.sum(axis=0)
    units = (below / np.linalg.norm(below, axis=0)).T
    assert (shares.max(axis=1) / shares.min(axis=1) - 1).max() <= certificate.bound("share_below")
    farthest = max(np.sum((x - y) ** 2) / 2 for x, y in combinations(units, 2))
    assert farthest <= certificate.bound("one_minus_cos_below")
    moved = max(np.abs(p - q).sum() / 2 for p, q in combinations(shares.T, 2))
    assert moved <= certificate.bound("total_variation_below")


@pytest.mark.parametrize("probability", [0.5, 0.9, 0.99])
def test_signed_starts_obey_at_least_as_often_as_stated(probability):
    rng = np.random.default_rng(1)
    factors = chain("uniform in [1, 2]", seed=1, widths=[8] * 6, depth=5)
    claim = certify(factors, probability=probability).bounds[-1]
    assert 0 < claim.bound < 1
    v, w = rng.standard_normal((2, 8, 20_000))
    x, y = (reduce(np.matmul, factors) @ v, reduce(np.matmul, factors) @ w)
    cosine = np.abs(np.sum(x * y, axis=0)) / np.linalg.norm(x, axis=0) / np.linalg.norm(y, axis=0)
    assert np.mean(1 - cosine <= claim.bound) >= probability
    assert np.any(1 - cosine > certify(factors).bound("one_minus_cos"))  # why signed starts need their own


def test_signed_bound_falls_with_the_angle_and_rises_with_the_probability():
    bounds = [signed_one_minus_cos(angle, 0.9) for angle in (1.0, 0.1, 1e-4, 1e-6, 0.0)]
    assert bounds[0] == bounds[1] == 1.0
    assert bounds[2] > bounds[3] > bounds[4] == 0.0
    assert signed_one_minus_cos(1e-5, 0.9) < signed_one_minus_cos(1e-5, 0.99)


def test_rank_one_is_certified_as_exactly_zero():
    certificate = certify([np.outer([1.0, 2, 3], [4.0, 5]), np.ones((2, 6)) * 2.0**-30])
    assert [claim.bound for claim in certificate.bounds] == [0.0] * 8


def test_a_single_column_leaves_nothing_to_differ():
    assert certify([np.array([[1.0], [0.0], [2.0]])]).bound("hilbert_diameter") == 0.0


@ARITHMETICS
def test_different_supports_are_at_infinite_distance_but_angle_and_variation_stay(exact):
    certificate = certify([np.array([[1.0, 0.0], [1.0, 1.0]])], exact=exact)
    assert certificate.bound("hilbert_diameter") == certificate.bound("share_below") == math.inf
    np.testing.assert_allclose(certificate.bound("angle"), math.pi / 4)
    np.testing.assert_allclose(certificate.bound("total_variation"), 0.5)
    assert certificate.bound("one_minus_cos_below") == 1.0


def test_diameter_of_huge_integers_is_the_logarithm_of_their_ratio():
    huge = 3**100_000  # its own logarithm is known to 1e-11 only
    C = np.array([[3 * huge, huge], [huge, huge]], object)
    np.testing.assert_allclose(exact_extremes(C).diameter, math.log(3), rtol=1e-15)


@ARITHMETICS
def test_zero_rows_do_not_matter(exact):
    Z1, Z2 = chain("half-normal", seed=5, widths=[6, 5, 4], depth=2)
    padded = np.insert(Z1, [0, 3, 6], 0.0, axis=0)
    assert bounds([padded, Z2], exact) == pytest.approx(bounds([Z1, Z2], exact), rel=1e-9)


@ARITHMETICS
def test_scaling_columns_and_factors_does_not_matter(exact):
    Z1, Z2 = chain("half-normal", seed=6, widths=[6, 5, 4], depth=2)
    scaled = [Z1 * 2.0**-1000, Z2 * np.array([1, 2.0**70, 2.0**-70, 3.0])]
    assert bounds(scaled, exact) == pytest.approx(bounds([Z1, Z2], exact), rel=1e-9)


@ARITHMETICS
def test_float32_factors_are_the_float64_matrices_that_they_are(exact):
    factors = chain("float32", seed=2, widths=[9, 8, 7], depth=2)
    assert factors[0].dtype == np.float32
    assert bounds(factors, exact) == bounds([Z.astype(np.float64) for Z in factors], exact)


def bounds(factors, exact):
    return [claim.bound for claim in certify(factors, exact=exact).bounds]


def test_small_chains_are_done_in_integers_and_large_ones_in_binary64():
    assert certify([np.ones((24, 24))] * 8).rounding.arithmetic == "exact integers"
    large = certify(chain("half-normal", 0, widths=[300, 200, 150], depth=2)).rounding
    assert large.arithmetic.startswith("binary64")
    assert large.unit_roundoff == 2.0**-53
    np.testing.assert_allclose([*large.gammas, large.delta], 200 * 2.0**-53)


ONES = np.ones((2, 2))


@pytest.mark.parametrize(
    ("factors", "options", "reason"),
    [
        ([], {}, "factors: expected at least one factor"),
        ([[[1.0]]], {}, "Z1: expected a float64 or float32 matrix with entries, got list"),
        ([np.ones((2, 2), int)], {}, "Z1: expected a float64 or float32 matrix with entries, got int64"),
        ([np.ones(2)], {}, r"Z1: expected a float64 or float32 matrix with entries, got float64 \(2,\)"),
        ([np.ones((0, 2))], {}, "Z1: expected a float64 or float32 matrix with entries"),
        ([ONES, ONES.astype(np.float16)], {}, "Z2: expected a float64 or float32 matrix"),
        ([ONES, ONES.astype(">f8")], {}, "Z2: expected a float64 or float32 matrix"),
        ([ONES, np.ones((3, 2))], {}, r"Z2: expected 2 rows, as Z1 has columns, got shape \(3, 2\)"),
        (
            [ONES, np.array([[1, 2], [3, -1.0]])],
            {},
            "Z2: expected finite entries ≥ 0, got -1.0 at row 1, column 1",
        ),
        ([np.array([[1, np.nan]])], {}, "Z1: expected finite entries ≥ 0, got nan at row 0, column 1"),
        ([np.array([[np.inf, 1]])], {}, "Z1: expected finite entries ≥ 0, got inf"),
        (
            [ONES, np.array([[1, 0], [1, 0.0]])],
            {},
            "product: expected no zero column, got 1 of 2, .* column 1",
        ),
        ([np.array([[1, 0], [1, 0.0]]), np.eye(2)], {"exact": False}, "product: expected no zero column"),
        ([np.zeros((2, 2)), ONES], {}, "product: expected no zero column"),
        ([np.zeros((2, 2)), ONES], {"exact": False}, "product: expected no zero column"),
        ([np.array([[5e-324, 1.0]])], {"exact": False}, "product: .* may be flushed to zero"),
        ([ONES], {"file": "folder/f.npz"}, "file: expected a file name without folders, got 'folder/f.npz'"),
        ([ONES], {"file": ""}, "file: expected a file name without folders"),
        ([ONES], {"probability": 1.0}, r"probability: expected a number in \(0, 1\), got 1.0"),
        ([ONES], {"probability": math.nan}, r"probability: expected a number in \(0, 1\), got nan"),
    ],
)
def test_what_cannot_be_certified_is_refused_with_the_reason(factors, options, reason):
    with pytest.raises(ValueError, match=f"^{reason}"):
        certify(factors, **options)


def test_json_is_strict_and_holds_every_number():
    certificate = certify([np.eye(2)], file="head.npz")
    record = json.loads(certificate.to_json(), parse_constant=lambda text: pytest.fail(text))
    assert record["factors"]["file"] == "head.npz"
    assert record["claims"]["hilbert_diameter"]["bound"] == "infinite"
    assert record["claims"]["one_minus_cos"] == {
        "statement": STATEMENTS["one_minus_cos"],
        "method": certificate.bounds[0].method,
        "bound": 1.0,
        "probability": 1.0,
    }
    with pytest.raises(dataclasses.FrozenInstanceError):
        certificate.file = "other.npz"


def test_sentences_put_the_number_in_place_rounded_up():
    certificate = certify([np.array([[3.0, 1.0], [1.0, 3.0]])])  # angle of (3, 1) and (1, 3): cos = 0.6
    assert 0.4 < certificate.bound("one_minus_cos") < 0.4 + 1e-8
    sentences = certificate.describe().splitlines()
    assert sentences[0] == "C = Z1, 2 × 2, exact integers"
    assert sentences[1].endswith("1 - cos of the angle between C u and C v is at most 0.400001")
    assert sentences[-1].endswith("is at most 1, with probability 0.9 or more")


def test_read_factors_gives_back_what_was_saved(tmp_path):
    np.savez(tmp_path / "f.npz", Z2=2 * ONES, Z1=ONES)
    first, second = read_factors(tmp_path / "f.npz")
    np.testing.assert_array_equal(first, ONES)
    np.testing.assert_array_equal(second, 2 * ONES)


@pytest.mark.parametrize(
    ("arrays", "reason"),
    [({}, "expected arrays Z1, Z2"), ({"A": ONES}, "got .*'A'"), ({"Z1": ONES, "Z3": ONES}, "got .*'Z3'")],
)
def test_read_factors_refuses_other_names(tmp_path, arrays, reason):
    np.savez(tmp_path / "f.npz", **arrays)
    with pytest.raises(ValueError, match=reason):
        read_factors(tmp_path / "f.npz")


def test_read_factors_refuses_damaged_and_pickled_files(tmp_path):
    np.savez(tmp_path / "f.npz", Z1=ONES)
    (tmp_path / "cut.npz").write_bytes((tmp_path / "f.npz").read_bytes()[:100])
    np.savez(tmp_path / "pickled.npz", Z1=np.array([{}], object), allow_pickle=True)
    np.save(tmp_path / "array.npy", ONES)
    for name in ("cut.npz", "pickled.npz", "array.npy"):
        with pytest.raises(ValueError, match=r"npz|pickle"):
            read_factors(tmp_path / name)
