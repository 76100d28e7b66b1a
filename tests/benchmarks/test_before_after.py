"""The engine of two checkouts side by side: the protocol with the workers, and what counts as agreement."""

import numpy as np
import pytest
import torch

from benchmarks import before_after
from benchmarks.before_after import HERE, Worker, chosen, compare, largest_difference

ROW = {"network": "resnet50", "method": "lrp_epsilon:0.1", "starts": ["dense", "block5_1"], "vectors": 1}


def test_a_checkout_agrees_with_itself(monkeypatch) -> None:
    monkeypatch.setattr(before_after, "UNTIMED", 0)
    with Worker(HERE.parent) as before, Worker(HERE.parent) as after:
        network, method, starts, seconds_before, seconds_after, ratio, difference = compare(
            before, after, ROW, repeats=1
        )
        with pytest.raises(ValueError, match="worker: expected an answer, got exit status 1"):
            after.ask("no row")
    assert (network, method, starts, difference) == ("resnet50", "lrp_epsilon:0.1", "2 × 1", "0")
    assert all(float(x) > 0 for x in (seconds_before, seconds_after, ratio))


def test_difference_is_relative_to_the_largest_entry_of_a_start_layer() -> None:
    r = {"fc3": torch.tensor([4.0, -8.0]), "fc1": torch.tensor([1e-20, torch.nan])}
    assert largest_difference(r, {start: x.clone() for start, x in r.items()}) == 0
    assert largest_difference(r, r | {"fc3": torch.tensor([4.5, -8.0])}) == 0.5 / 8
    assert np.isnan(largest_difference(r, r | {"fc3": torch.tensor([torch.nan, -8.0])}))


def test_disagreement_is_refused(monkeypatch) -> None:
    """Also where one side alone has NaN."""
    monkeypatch.setattr(before_after, "largest_difference", lambda before, after: np.nan)
    monkeypatch.setattr(torch, "load", lambda file: {})
    answers = iter(["ready", "ready", "1.5", "1.5"])

    class Side:
        def ask(self, line: str = "") -> str:
            return next(answers)

    with pytest.raises(ValueError, match=r"resnet50 .* agrees within 0\.1, got nan between the checkouts"):
        compare(Side(), Side(), ROW, repeats=1)


def test_bad_arguments_are_refused(tmp_path) -> None:
    with pytest.raises(ValueError, match=r"checkout: expected a folder with torch_backend in it"):
        Worker(tmp_path)
    with pytest.raises(ValueError, match=r"--models: expected some of vgg16,resnet50, got vgg; copy one"):
        chosen("--models", "resnet50,vgg", ["vgg16", "resnet50"])
