"""The range of shares from blocks is that of all columns at once, and bounds every mixture."""

from functools import reduce

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import array_shapes, arrays

from rankone import contraction
from torch_backend.proof.share_range import ShareRange, log_ratio

ORDER = 1e-14  # sums of seven numbers in two orders
COLUMNS = arrays(
    np.float64,
    array_shapes(min_dims=2, max_dims=2, max_side=7),
    elements=st.one_of(st.just(0.0), st.floats(1e-3, 1e3)),
)


def ranged(rows: np.ndarray, cut: int) -> ShareRange:
    blocks = [block for block in torch.from_numpy(rows).split([cut, len(rows) - cut]) if len(block)]
    return reduce(ShareRange.joined, blocks, ShareRange.nothing(rows.shape[1], torch.empty(0).double()))


@given(COLUMNS, st.integers(0, 7))
def test_blocks_give_what_all_columns_give(rows, cut):
    found, some = ranged(rows, min(cut, len(rows))), rows[rows.any(axis=1)]
    assert found.seen == len(rows)
    assert found.silent == tuple(np.flatnonzero(~rows.any(axis=1)))
    assert found.speaking == len(some)
    if len(some):
        shares = some / some.sum(axis=1, keepdims=True)
        masses = some.sum(axis=1)
        expected = (shares.min(axis=0), shares.max(axis=0), masses.min(), masses.max())
        for number, of_all in zip((found.low, found.high, found.least, found.most), expected, strict=True):
            np.testing.assert_allclose(number, of_all, rtol=ORDER)


@given(COLUMNS)
def test_r_lies_between_half_of_hilberts_diameter_and_the_whole(rows):
    some = rows[rows.any(axis=1)]
    if not len(some):
        return
    R, diameter = ranged(rows, 0).log_ratio, contraction.projective_diameter(some.T)
    assert diameter / 2 <= R * (1 + 1e-12) + 1e-15
    assert diameter * (1 + 1e-12) + 1e-15 >= R


@given(COLUMNS, st.integers(0, 2**32 - 1))
def test_no_mixture_has_a_share_outside(rows, seed):
    found = ranged(rows, 0)
    mixture = np.random.default_rng(seed).random(len(rows)) @ rows
    if mixture.any():
        share = mixture / mixture.sum()
        assert (share >= found.low.numpy() * (1 - 1e-12)).all()
        assert (share <= found.high.numpy() * (1 + 1e-12)).all()


def test_small_ratios_keep_their_digits():
    assert log_ratio(torch.tensor([1 + 1e-13], dtype=torch.float64), torch.ones(1).double()) == pytest.approx(
        1e-13, rel=1e-2
    )


def test_a_share_of_one_and_none_of_another_is_without_limit():
    assert ranged(np.array([[1.0, 0.0], [1.0, 1.0]]), 1).log_ratio == np.inf
    assert np.isnan(ranged(np.zeros((2, 3)), 1).log_ratio)
