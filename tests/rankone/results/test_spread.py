"""A spread is the smallest, median and largest number at each place, in the order of the rows."""

import numpy as np

from rankone.results.spread import spread


def test_the_spread_over_rows_of_one_place():
    numbers = {"low layer": [3.0, 1.0, 2.0], "a layer": [5.0], "last": [1.0, np.inf]}
    rows = [{"layer": layer, "x": x, "y": 0} for layer, all_x in numbers.items() for x in all_x]
    found = spread(rows, "x", at="layer")
    assert found.places == tuple(numbers)
    np.testing.assert_array_equal(found.low, [1, 5, 1])
    np.testing.assert_array_equal(found.median, [2, 5, np.inf])
    np.testing.assert_array_equal(found.high, [3, 5, np.inf])


def test_no_rows_are_an_empty_spread():
    assert spread([], "x", at="layer").places == ()
