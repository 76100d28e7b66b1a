"""Aligned columns and numbers in print."""

import math

import numpy as np
import pytest

from rankone.results.text import aligned, at_least, at_most, five_decimals, shortened, two_digits


def test_columns_are_as_wide_as_their_widest_cell():
    rows = [("name", "n"), ("a", "100"), ("longer", "2")]
    assert aligned(rows) == ["    name    n", "       a  100", "  longer    2"]
    assert aligned(rows, left=1, indent="") == ["name      n", "a       100", "longer    2"]


def test_rows_of_different_lengths_are_refused():
    with pytest.raises(ValueError, match="shorter"):
        aligned([("a", "b"), ("c",)])


@pytest.mark.parametrize(
    ("x", "printed"), [(0.7449, "0.74"), (1.44e-14, "1.4e-14"), (math.inf, "inf"), (math.nan, "nan")]
)
def test_two_digits(x, printed):
    assert two_digits(x) == printed


@pytest.mark.parametrize(
    ("x", "down", "up"),
    [
        (9.11853e-06, "9.1e-06", "9.2e-06"),
        (1.00011259, "1", "1.1"),
        (0.25, "0.25", "0.25"),
        (0.1, "0.1", "0.11"),  # the double is 0.1000000000000000055…
        (99.1, "99", "100"),
        (1234.0, "1200", "1300"),
        (1.5e7, "1.5e+07", "1.5e+07"),
        (0.0, "0", "0"),
        (math.inf, "inf", "inf"),
        (math.nan, "nan", "nan"),
    ],
)
def test_a_bound_is_rounded_to_its_side(x, down, up):
    assert (at_least(x), at_most(x)) == (down, up)


def test_rounded_numbers_enclose_what_they_stand_for():
    rng = np.random.default_rng(0)
    for x in rng.lognormal(0, 30, 1000):
        for digits in (2, 3):
            low, high = float(at_least(x, digits)), float(at_most(x, digits))
            assert low <= x <= high <= low * (1 + 1.001 * 10.0 ** (1 - digits))


@pytest.mark.parametrize(
    ("x", "printed"),
    [(1.0, "1"), (-1e-9, "0"), (0.99978, "0.99978"), (0.1234567, "0.12346"), (-7e-5, "-7e-05")],
)
def test_five_decimals(x, printed):
    assert five_decimals(x) == printed


def test_shortened():
    assert (shortened("words", 5), shortened("words", 4), shortened("words", -1)) == ("words", "wor…", "…")
