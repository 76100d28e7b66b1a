"""Aligned columns and numbers in print."""

import math

import pytest

from rankone.results.text import aligned, five_decimals, shortened, two_digits


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
    ("x", "printed"),
    [(1.0, "1"), (-1e-9, "0"), (0.99978, "0.99978"), (0.1234567, "0.12346"), (-7e-5, "-7e-05")],
)
def test_five_decimals(x, printed):
    assert five_decimals(x) == printed


def test_shortened():
    assert (shortened("words", 5), shortened("words", 4), shortened("words", -1)) == ("words", "wor…", "…")
