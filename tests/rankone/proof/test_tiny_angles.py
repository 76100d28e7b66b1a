"""Chains whose 1 - cos leaves the floats, 1e-300 to 1e-900; the angle is one while that is above 1e-616."""

import json

import numpy as np
import pytest

from rankone.proof import verify
from rankone.proof.certificate import certify
from rankone.proof.exact_chain import exact_extremes
from rankone.proof.rounding import root_up
from tests.helpers.exact_oracle import maxima, mp, number, signed

A = np.array([[1.0, 1.0], [1.0, 1 + 2.0**-52]])  # its product with itself loses 33 decades of 1 - cos
LENGTHS = (9, 12, 18, 19, 20, 27)  # 1 - cos = 1e-292, 1e-390, 1e-585, 1e-618, 1e-650, 1e-878
RELATIVE = mp.mpf("1e-8")  # as certify says
LEAST = mp.mpf("1e-290")  # a positive bound that is smaller is published as 1e-301 or so

each_length = pytest.mark.parametrize("length", LENGTHS)


@pytest.fixture(autouse=True)
def _digits():
    """1 - cos of 1e-878 beside 1: the oracle needs more digits than for other chains."""
    with mp.workdps(1200):
        yield


def save(folder, factors):
    certificate = certify(factors)
    assert certificate.rounding.arithmetic == "exact integers"
    np.savez(folder / "factors.npz", **{f"Z{l}": Z for l, Z in enumerate(factors, start=1)})
    certificate.write(folder / "certificate.json")
    return certificate


def test_the_chains_are_as_small_as_that():
    exponents = [float(mp.log10(maxima([A] * length)["one_minus_cos"])) for length in LENGTHS]
    assert exponents[0] > -300 > -850 > exponents[-1] > -900


@each_length
def test_no_bound_is_below_the_truth_and_each_is_tight_above_1e_290(length):
    certificate, truth = certify([A] * length), maxima([A] * length)
    for claim in certificate.bounds:
        least = signed(truth["angle"], 0.9) if claim.name == "signed_one_minus_cos" else truth[claim.name]
        assert least <= number(claim.bound) <= least * (1 + RELATIVE) + LEAST, claim.name


@each_length
def test_an_honest_certificate_is_confirmed(tmp_path, length):
    save(tmp_path, [A] * length)
    for exact in (False, True):
        assert "integers" in verify.verify(tmp_path / "certificate.json", exact=exact)


@each_length
@pytest.mark.parametrize("name", verify.STATEMENTS)
def test_zero_is_refused_however_small_the_truth(tmp_path, length, name):
    """Also where the truth lies below the least positive float: what was flushed is in the floor."""
    save(tmp_path, [A] * length)
    record = json.loads((tmp_path / "certificate.json").read_text())
    record["claims"][name]["bound"] = 0.0
    (tmp_path / "certificate.json").write_text(json.dumps(record))
    with pytest.raises(verify.NotConfirmed, match=f"^{name} is claimed at most 0.0"):
        verify.verify(tmp_path / "certificate.json")


def test_the_angle_between_nearly_orthogonal_columns_keeps_its_digits():
    C = np.array([[1, 1], [1, 2**40 + 1], [2**40, 0]], object)
    columns = [tuple(map(int, C[:, k])) for k in range(2)]
    x, y = (mp.matrix(column) for column in columns)
    angle = mp.acos((x.T * y)[0] / (mp.norm(x) * mp.norm(y)))
    assert abs(number(exact_extremes(C).angle) / angle - 1) < 1e-15


RATIOS = {
    "0": (0, 7),
    "1": (1, 1),
    "4/9": (4, 9),
    "2/3": (2, 3),
    "about 1/10": (10**400, 10**401 + 1),
    "1e-500": (1, 10**500),
    "1e-566": (3**700, 10**900),
    "1e29": (10**30, 7),
}


@pytest.mark.parametrize(("numerator", "denominator"), RATIOS.values(), ids=RATIOS)
def test_root_up_is_the_root_of_any_ratio_rounded_up(numerator, denominator):
    exact, up = mp.sqrt(mp.mpf(numerator) / denominator), number(root_up(numerator, denominator))
    assert exact * (1 - mp.mpf("1e-1000")) <= up <= exact * (1 + mp.mpf(2) ** -52)


def test_root_up_below_the_floats_is_the_least_of_them():
    assert root_up(1, 10**2000) == 5e-324
