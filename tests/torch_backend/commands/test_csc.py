"""What the words beside a CSC claim: nothing where even independent directions would be parallel."""

import numpy as np
import pytest

from torch_backend.commands import csc as command
from torch_backend.convergence.csc import CSC
from torch_backend.convergence.statistics import Reading


def reading(layer: str, median: float, channels: int) -> Reading:
    """log10(1 - |cos|) at a layer where so many channels are alive everywhere."""
    widths = np.zeros(9, dtype=np.int64)
    widths[channels] = 10
    return Reading("top", layer, np.array([median]), np.zeros(10, dtype=np.int64), widths, 0.0, 0.0)


def result(*readings: tuple[str, float, int]) -> CSC:
    layers = tuple(layer for layer, _, _ in readings)
    return CSC("mine", 2, 1, ("top",), layers, tuple(reading(*r) for r in readings))


@pytest.mark.parametrize(
    ("below", "words"),
    [
        ([("a", -5, 8), ("b", -7, 8)], "from a down, relevance from top has one direction"),
        ([("a", -1, 8), ("b", -7, 8)], "from b down, relevance from top has one direction"),
        ([("a", -5, 8), ("b", -1, 8)], "still depends on its start at b"),
        ([("a", -1, 8), ("b", -34, 1)], "still depends on its start at a"),
        ([("a", -5, 8), ("b", -34, 1)], "from a down, relevance from top has one direction"),
        ([("a", -34, 1), ("b", -34, 1)], "only one channel carries relevance"),
    ],
)
def test_one_live_channel_says_nothing(below, words):
    top = ("top", 0, 1 if "only one" in words else 8)
    assert words in command.verdict(result(top, *below, ("input", -34, 3)))


def test_the_table_marks_what_says_nothing():
    starred = command.summary("net", [result(("top", 0, 8), ("a", -34, 1), ("input", -1, 3))])
    plain = command.summary("net", [result(("top", 0, 8), ("a", -5, 8), ("input", -1, 3))])
    assert "1e-34*" in starred and "* at most locations" in starred
    assert "*" not in plain
