"""What a relevance picture says of how much arrives."""

import numpy as np
import pytest

from paper_figs.relevance import accounts, percent

WENT = {"given": [2.0], "arrived": [0.5], "bias": [1.0], "epsilon": [0.0], "lost": [0.5], "explained": True}


def said(**changes: object) -> str:
    return accounts({name: np.array(value) for name, value in (WENT | changes).items()}, 0)


def test_shares_are_of_what_was_given():
    assert said() == "25 % arrives\n50 % to biases, 25 % lost (0/0)"


def test_what_grew_is_said_and_what_is_nothing_is_not():
    assert said(arrived=[2.0], lost=[-1.0]) == "100 % arrives\n50 % to biases, 50 % grown"
    assert said(arrived=[2.0], bias=[0.0], lost=[0.0]) == "100 % arrives\n"


def test_a_map_that_is_no_share_is_summed():
    assert said(explained=False) == "it sums to 0.5\n"


@pytest.mark.parametrize(
    "share,words", [(2.2e-5, "0.0022 %"), (0.874, "87 %"), (1.22, "122 %"), (-0.224, "-22 %")]
)
def test_percent(share, words):
    assert percent(share) == words
