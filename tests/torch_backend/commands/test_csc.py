"""What the words beside a CSC claim: of sampled pairs, at a location, over channels; of whole maps."""

import math

import numpy as np
import pytest

from rankone.results.null import LOWEST
from torch_backend import images, methods, models
from torch_backend.commands import csc as command
from torch_backend.convergence.csc import CSC, csc
from torch_backend.convergence.statistics import BIN, Deviations, Reading

PAIRS = 10


def deviations(*logs: float) -> Deviations:
    """Of one image, PAIRS pairs with log10(1 - |cos|) as given, shared out evenly; nan: none is known."""
    counts = np.zeros(round(-LOWEST / BIN) + 1, dtype=np.int64)
    known = [log for log in logs if not math.isnan(log)]
    for log in known:
        counts[int((log - LOWEST) / BIN - 1e-6)] += PAIRS // len(logs)
    return Deviations(np.array([np.median(known) if known else np.nan]), counts)


def reading(layer: str, logs: float | tuple[float, ...], channels: int, whole: float = -1.0) -> Reading:
    """log10(1 - |cos|) at a layer where so many channels are alive everywhere."""
    widths = np.zeros(9, dtype=np.int64)
    widths[channels] = 10
    return Reading(
        **vars(deviations(*np.atleast_1d(logs))),
        start="top",
        layer=layer,
        widths=widths,
        missing=0.0,
        negative=0.0,
        whole=deviations(whole),
        units=np.array([90]),
    )


def result(*readings: tuple) -> CSC:
    layers = tuple(layer for layer, *_ in readings)
    return CSC("mine", 5, 1, "float32", ("top",), layers, tuple(reading(*r) for r in readings))


HALF = (
    "half of the pairs of random starts at top have, at a location with relevance, directions over channels"
)


@pytest.mark.parametrize(
    ("below", "words"),
    [
        ([("a", -5, 8), ("b", -7, 8)], f"mine: from a down to layer b, {HALF} within 1 - |cos| = 0.001"),
        ([("a", -1, 8), ("b", -7, 8)], f"mine: at layer b, {HALF}"),
        ([("a", -5, 8), ("b", -1, 8)], "still depends on its start at b (1 - |cos| = 0.1 in the median)"),
        ([("a", -1, 8), ("b", -34, 1)], "still depends on its start at a"),
        ([("a", -5, 8), ("b", -34, 1)], f"from a down to layer b, {HALF}"),
        ([("a", -34, 1), ("b", -34, 1)], "only one channel carries relevance"),
        ([("a", -5, 8), ("b", math.nan, 8)], "no pair of random starts at top has relevance left at b"),
    ],
)
def test_one_live_channel_says_nothing(below, words):
    top = ("top", 0, 1 if "only one" in words else 8)
    assert words in command.verdict(result(top, *below, ("input", -34, 3)))


def test_the_words_are_of_the_pairs_that_were_sampled():
    """Four of ten pairs are far from parallel at one layer: half are within the threshold, 90 % are not."""
    some_differ = (-5, -5, -5, -0.3, -0.3)
    said = command.verdict(
        result(("top", 0, 8), ("a", some_differ, 8), ("b", -7, 8), ("input", -9, 3, math.log10(0.17)))
    )
    assert "(90 % within 0.51)" in said
    assert "How relevance is spread over locations is not compared by this" in said
    assert "of whole maps at input, half are within 0.18 (90 % within 0.18)" in said
    assert "whatever" not in said and "one direction" not in said
    most_differ = (-5, -5, -0.3, -0.3, -0.3)
    assert "at layer b, half" in command.verdict(
        result(("top", 0, 8), ("a", most_differ, 8), ("b", -7, 8), ("input", -9, 3))
    )


def test_the_table_marks_what_says_nothing():
    starred = command.summary("net", [result(("top", 0, 8), ("a", -34, 1), ("input", -1, 3))])
    plain = command.summary("net", [result(("top", 0, 8), ("a", -5, 8), ("input", -1, 3))])
    assert "1e-34*" in starred and "* at most locations" in starred
    assert "*" not in plain
    assert max(map(len, plain.splitlines())) <= 100


def test_both_tables_show_their_numbers_and_their_nulls():
    said = command.summary("net", [result(("top", 0, 8), ("a", -5, 8), ("input", -1, 3, math.log10(0.17)))])
    local, whole = (line.split() for line in said.splitlines() if "  top" in line)
    assert local == ["top", "1e-05", "0.74"]
    assert whole == ["top", "0.17", "0.93"]
    assert "(0: the same direction over channels there)" in said
    assert "(0: the same map up to a factor)" in said
    assert "no longer depends" not in said


def test_a_start_that_does_not_reach_the_lowest_layer_is_no_row():
    side = Reading(**{**vars(reading("input", -1, 8)), "start": "side"})
    both = result(("top", 0, 8), ("a", -5, 8), ("input", -1, 3))
    both = CSC("mine", 5, 1, "float32", ("top", "side"), both.layers, (*both.readings, side))
    assert "side" not in command.summary("net", [both])


def test_a_trained_network_keeps_the_place_of_a_start_and_the_words_say_so():
    """digits-vgg, z⁺ from conv4_3: parallel at locations, far from parallel as whole maps."""
    network, x = models.load("digits-vgg"), images.digits("test")[0][:3]
    measured = csc(network, x, methods.z_plus, ["conv4_3"])
    said = command.verdict(measured)
    bottom = measured.at("conv4_3", "input")
    assert 0.05 < bottom.whole.within(0.5) < 0.4 and bottom.whole.within(0.9) > 0.4
    assert "down to layer conv1_1, half of the pairs of random starts at conv4_3" in said
    assert f"of whole maps at input, half are within {command.at_most(bottom.whole.within(0.5))}" in said
    deeper = measured.at("conv4_3", "conv3_3")
    assert deeper.within(0.9) > 1e-3  # at many locations pairs are not parallel, too
