"""What the words beside a cone claim: bounds rounded up, of what arrives, for the classes compared."""

import re

import numpy as np
import pytest
import torch
from torch import nn

from torch_backend import images, methods, models
from torch_backend.commands import cone as command
from torch_backend.proof.class_cone import ClassCone, cone_of_columns


def said(*cones: ClassCone) -> str:
    return " ".join(command.sentences(cones))


def test_bounds_are_rounded_up():
    """0.0012346 of the shares moves and a share grows by 0.2345678 %: neither is printed smaller."""
    p = np.array([0.5, 0.25, 0.25])
    moved = np.array([1, -0.5, -0.5]) * 0.0012346
    sentence = said(cone_of_columns("there", 0.5 * np.stack([p, p + moved], axis=1)))
    assert "at most 0.124 % lies elsewhere" in sentence
    growth = max((p + moved).max() / p.max(), 0.25 / (0.25 - 0.0006173)) - 1
    (printed,) = re.findall(r"no unit\'s share is larger by more than ([0-9.]+) %", sentence)
    assert growth <= float(printed) / 100 <= growth * 1.01


@pytest.mark.parametrize("seed", range(20))
def test_no_printed_bound_is_below_what_was_computed(seed):
    rng = np.random.default_rng(seed)
    spread = 10.0 ** rng.uniform(-8, 1)
    cones = [cone_of_columns("there", np.exp(spread * rng.random((5, 3)))) for _ in range(3)]
    sentence = said(*cones)
    moved = float(re.search(r"at most ([0-9.e+-]+) %", sentence)[1]) / 100
    assert moved >= max(cone.total_variation for cone in cones)
    change = re.search(r"by more than ([0-9.e+-]+) %", sentence)
    times = re.search(r"more than ([0-9.e+-]+) times as large", sentence)
    bound = float(change[1]) / 100 if change else float(times[1]) - 1
    assert bound >= max(cone.share_change for cone in cones)


def test_what_arrives_is_said_and_encloses_every_class():
    C = np.array([[0.2, 0.21], [0.14, 0.155]])
    assert "Of the relevance that arrives at there (34-37 % of what a class is given)" in said(
        cone_of_columns("there", C)
    )
    kept = np.array([[0.7, 0.6], [0.3, 0.4]]) * (1 - 1e-15)
    assert "(100 % of what a class is given)" in said(cone_of_columns("there", kept))


def test_classes_that_reach_different_units_are_said_so():
    sentence = said(cone_of_columns("there", np.array([[1.0, 0.5], [0.0, 0.5]])))
    assert "some unit has a share for one class and none for another" in sentence
    assert "inf" not in sentence


def test_a_large_change_is_a_factor():
    assert "no unit's share is more than 9 times as large" in said(
        cone_of_columns("there", np.array([[0.9, 0.1], [0.1, 0.9]]))
    )


def test_silent_classes_are_named():
    some = cone_of_columns("there", np.array([[1.0, 2, 0], [2, 1, 0]]))
    other = cone_of_columns("there", np.array([[1.0, 2, 1], [2, 1, 1]]))
    none = cone_of_columns("there", np.array([[0.0, 2, 0], [0, 1, 0]]))
    assert "Left out: class 2 sends nothing down to there." in said(some)
    assert "Left out" not in said(other)
    assert "Left out: class 2 sends nothing down to there for some image." in said(some, other)
    assert said(none) == (
        "At there some image has no two classes to compare. "
        "Left out: classes 0, 2 send nothing down to there."
    )


class Three(nn.Module):
    """Three classes; the last has no positive weight."""

    def __init__(self) -> None:
        super().__init__()
        self.first, self.second = nn.Linear(4, 5), nn.Linear(5, 3)
        with torch.no_grad():
            for layer in (self.first, self.second):
                layer.weight.copy_(torch.rand(layer.weight.shape, generator=torch.Generator().manual_seed(0)))
                layer.bias.zero_()
            self.second.weight[2] *= -1

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.second(torch.relu(self.first(x)))


def test_a_class_without_positive_weights_is_no_class_of_the_comparison():
    cones = command.measure("three", Three().eval(), torch.rand(2, 4), [methods.z_plus])
    shown = command.summary("three", cones)
    assert "between any two of 3 classes (without those that send nothing down)" in shown
    assert "Left out: class 2 sends nothing down to input." in shown
    assert "whatever the classes" not in shown


def test_the_words_of_a_trained_network():
    """digits-vgg on its first digit: of what arrives 9.11853e-06 moves, which is not at most 9.1e-06."""
    cones = command.measure("vgg", models.load("digits-vgg"), images.digits("test")[0][:1], [methods.z_plus])
    bottom = cones["z_plus"][0][-1]
    shown = command.summary("vgg", cones)
    assert "between any two of 10 classes and their non-negative mixtures," in shown
    words = " ".join(shown.split())
    assert "at most 0.000912 % lies elsewhere" in words and bottom.total_variation <= 0.00000912
    assert "by more than 0.00718 %" in words and bottom.share_change <= 0.0000718 < np.expm1(bottom.diameter)
    assert "(95-96 % of what a class is given)" in words
    assert "In float64, without an error bound; proved bounds: rankone certify." in words
