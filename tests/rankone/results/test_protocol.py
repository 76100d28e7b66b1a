"""The two protocols differ in what reproduction needs, and no other name is taken for one."""

import dataclasses

import numpy as np
import pytest

from rankone.results import protocol


def test_protocols_are_found_by_name_and_stay_as_they_are():
    assert [protocol.named(p.name) for p in protocol.PROTOCOLS] == [protocol.corrected, protocol.paper]
    with pytest.raises(dataclasses.FrozenInstanceError):
        protocol.paper.chain_precision = np.float32


def test_every_decision_differs():
    one, other = (dataclasses.asdict(p) for p in protocol.PROTOCOLS)
    assert all(one[field] != other[field] for field in one)


def test_an_unknown_name_is_refused():
    with pytest.raises(ValueError, match="protocol: expected corrected or paper, got 'both'; take corrected"):
        protocol.named("both")
