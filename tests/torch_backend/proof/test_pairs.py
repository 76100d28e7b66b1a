"""The extremes over pairs, as they are found on a GPU, are those of the other way, here both on a CPU."""

from dataclasses import asdict
from fractions import Fraction

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import array_shapes, arrays

from rankone.proof import column_pairs
from torch_backend.proof import pairs

COLUMNS = arrays(
    np.float64,
    array_shapes(min_dims=2, max_dims=2, max_side=7),
    elements=st.one_of(st.just(0.0), st.floats(1e-3, 1e3)),
).filter(lambda rows: rows.any(axis=1).all())
ROUNDING = 1e-13  # both go in float64, in other orders


def assert_alike(rows: np.ndarray) -> None:
    found, expected = pairs.farthest(torch.from_numpy(rows)), column_pairs.farthest(rows.T)
    for (name, number), other in zip(asdict(found).items(), asdict(expected).values(), strict=True):
        assert number == pytest.approx(other, rel=ROUNDING, abs=ROUNDING), name


@given(COLUMNS)
def test_both_ways_find_the_same_extremes(rows):
    assert_alike(rows)


@pytest.mark.parametrize("way", [column_pairs, pairs])
def test_many_units_are_looked_at_some_at_a_time(way, monkeypatch):
    monkeypatch.setattr(way, "UNITS", 4)
    assert_alike(np.random.default_rng(0).random((5, 23)) + 1e-3)


@given(COLUMNS)
def test_on_a_cpu_they_are_those_of_the_theory(rows):
    expected = column_pairs.floating_extremes(rows.T, Fraction(0))
    assert pairs.extremes(torch.from_numpy(rows)) == expected
