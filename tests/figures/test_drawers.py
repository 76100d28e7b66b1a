"""Every drawer refuses another's results in the house form, and says which command writes its own."""

import warnings
from itertools import pairwise
from unittest import mock

import matplotlib.pyplot as plt
import numpy as np
import pytest

from paper_figs import (
    certificate,
    chains,
    cone,
    csc,
    csc_caption,
    heatmaps,
    phase_diagram,
    relevance,
    scores,
)
from rankone.results.table import SIX_DIGITS
from rankone.results.tables import CONVERGENCE, CONVERGENCE_POOLED, FAILED, SKIPS

DRAWERS = {
    "simulations/fig4.py": lambda file, out: chains.draw(file),
    "simulations/phase_diagram.py": lambda file, out: phase_diagram.draw(file),
    "rankone csc": csc.draw,
    "rankone cone": cone.draw,
    "rankone certify --model": certificate.draw,
    "rankone relevance": relevance.draw,
    "rankone sanity": scores.draw,
    "simulations/fig1.py or simulations/fig6.py": heatmaps.draw,
}
ARRAYS = ("rankone relevance", "simulations/fig1.py or simulations/fig6.py")


@pytest.mark.parametrize("command", DRAWERS)
def test_other_results_are_refused(command, tmp_path):
    file, out = tmp_path / "other", tmp_path / "x.png"
    if command in ARRAYS:
        with open(file, "wb") as stream:
            np.savez(stream, Z1=np.eye(2))
    else:
        file.write_text("a,b\n1,2\n")
    with pytest.raises(
        ValueError, match=f"other: expected .*, got .*; write the (table|file) anew with {command}"
    ):
        DRAWERS[command](file, out)
    assert not out.exists()


def drawn(table, out, **options):
    """The figure that paper_figs.csc draws, still open; every warning is an error."""
    with warnings.catch_warnings(), mock.patch.object(plt, "close"):
        warnings.simplefilter("error")
        csc.draw(table, out, **options)
        return plt.gcf()


@pytest.mark.parametrize("methods", [1, 3])
@pytest.mark.parametrize("depth", [3, 42])
def test_convergence_of_a_deep_network_keeps_its_layout(depth, methods, tmp_path):
    """A legend of every start layer was higher than the picture and left the panels without height."""
    layers = [f"block{k // 9}_{k}.conv1" for k in range(depth)]
    numbers = {column.name: 0.5 for column in CONVERGENCE.columns if column.format is SIX_DIGITS}
    rows = (
        {"model": "m", "method": f"m{k}", "start": start, "layer": layer, "precision": "float32", **numbers}
        for k in range(methods)
        for place, start in enumerate(layers)
        for layer in [*layers[place:], "input"]
    )
    figure = drawn(CONVERGENCE.write(tmp_path / "csc.csv", rows), tmp_path / "csc.png")
    figure.canvas.draw()
    width, height = figure.get_size_inches() * figure.dpi
    for axes in figure.axes:
        assert axes.get_window_extent().height > 0.35 * height
    (legend,) = figure.subfigs[0].legends
    box = legend.get_window_extent()
    assert box.ymin >= 0 and box.ymax <= height and box.xmax <= width
    words = [text.get_text() for text in legend.get_texts()]
    assert words[0] == f"from {layers[0]}" and f"from {layers[-1]}" in words
    assert (f"and the {depth - csc.NAMED} starts between" in words) == (depth > csc.NAMED)
    assert figure.axes[0].get_xticklabels()[0].get_text() == "input"
    title = figure._suptitle.get_window_extent()
    assert title.xmin >= 0 and title.xmax <= width
    plt.close(figure)


def test_what_failed_is_named_below_and_what_was_computed_in_float64_above(tmp_path):
    numbers = {column.name: 0.5 for column in CONVERGENCE.columns if column.format is SIX_DIGITS}
    rows = [
        {
            "model": "m",
            "method": f"in {precision}",
            "start": "a",
            "layer": layer,
            "precision": precision,
            **numbers,
        }
        for precision in ("float32", "float64")
        for layer in ("a", "input")
    ]
    reasons = {"lrp_z": "it is not finite", "mine": "a reason of very many words, " * 20}
    failed = FAILED.write(
        tmp_path / "failed.csv", [{"method": name, "reason": why} for name, why in reasons.items()]
    )
    figure = drawn(CONVERGENCE.write(tmp_path / "csc.csv", rows), tmp_path / "csc.png", failed=failed)
    figure.canvas.draw()
    titles = [axes.get_title().splitlines()[0] for axes in figure.axes]
    assert titles == ["in float32", "in float64, float64"]
    below = figure._supxlabel.get_text()
    assert below.startswith("not shown: lrp_z (it is not finite)\nnot shown: mine (a reason of")
    box, (width, height) = figure._supxlabel.get_window_extent(), figure.get_size_inches() * figure.dpi
    assert box.xmin >= 0 and box.xmax <= width and box.ymin >= 0 and box.ymax < 0.2 * height
    plt.close(figure)
    figure = drawn(tmp_path / "csc.csv", tmp_path / "csc.png")
    assert figure._supxlabel is None
    plt.close(figure)


# ---------------------------------------------------------------- figures 3 and 5


def table_of(table, path, methods, starts, layers, **given):
    """A table with a row for each method, start and layer below it; every number 0.5 unless given."""
    numbers = {column.name: 0.5 for column in table.columns if column.format is SIX_DIGITS}
    return table.write(
        path,
        (
            {"model": "net (weights of someone)", "method": method, "start": start, "layer": layer, **numbers}
            | {"precision": "float32", "block": layer, "below": layer, **given}
            for method in methods
            for start in starts
            for layer in layers[layers.index(start) :]
        ),
    )


LAYERS = [
    "dense",
    *(f"stage{k}/a_long_name_of_a_module/BiasAdd" for k in range(40)),
    "block2_1",
    "conv1",
    "input",
]
MANY = [f"method:{k}" for k in range(10)]


@pytest.mark.parametrize("kind", ["corrected", "paper", "skips"])
def test_many_methods_wrap_and_stay_as_wide_as_a_page(kind, tmp_path):
    starts = ["dense", "block2_1"]
    table, out = tmp_path / "x.csv", tmp_path / "x.png"
    if kind == "paper":
        table_of(CONVERGENCE_POOLED, table, MANY, starts, LAYERS)
        draw, more = csc.draw_pooled, {}
    else:
        table_of(CONVERGENCE, table, MANY, starts, LAYERS)
        blocks = table_of(SKIPS, tmp_path / "s.csv", MANY, starts[:1], LAYERS[:5])
        draw, more = csc.draw, {"dropped": blocks} if kind == "skips" else {}
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        draw(table, out, about="2 pictures", **more)
    height, width = plt.imread(out).shape[:2]
    assert width <= 2400 and height <= 3600
    said = out.with_suffix(".txt").read_text()
    assert said.count(". ") + said.count(".\n") == 3


def test_starts_are_told_apart_without_colour():
    looks = csc.start_looks([{"start": str(k)} for k in range(6)])
    assert len({(str(look["ls"]), look["marker"]) for look in looks.values()}) == 6


def test_an_axis_names_the_papers_layers_and_none_touches_another():
    layers = ["dense", "block5_3", *(f"x{k}" for k in range(60)), "block2_1", "input"]
    assert [layers[k] for k in csc.ticks(layers)] == ["input", "block5_3"]
    plain = [f"x{k}" for k in range(100)]
    places = csc.ticks(plain)
    assert places[0] == 99 and all(a - b >= 100 / csc.TICKS for a, b in pairwise(places))
    assert csc.ticks(["a", "b"]) == [1, 0]


def test_the_caption_of_figure_5_says_how_far_the_law_is_off(tmp_path):
    rows = CONVERGENCE.read(table_of(CONVERGENCE, tmp_path / "a.csv", MANY, ["dense"], LAYERS))
    for predicted, off in ((0.5, "0.00"), (0.05, "1.00")):
        blocks = table_of(
            SKIPS, tmp_path / "s.csv", ["m"], ["dense"], LAYERS[:3], predicted=predicted, branch=0.005
        )
        said = csc_caption.of_deviations(rows, SKIPS.read(blocks))
        assert "is 2.00 (median; at most 2.00) decades above" in said
        assert f"off by {off} (median; at most {off}) decades (m, dense)" in said


@pytest.mark.parametrize("median", [0.0, 1e-9, 0.5, float("nan")])
@pytest.mark.parametrize("missing", [0.0, 0.25, 1.0])
def test_captions_stand_any_outcome(median, missing, tmp_path):
    layers, given = ["dense", "conv1", "input"], {"median": median, "missing": missing}
    for kind, caption in ((CONVERGENCE, of_curves), (CONVERGENCE_POOLED, csc_caption.of_cosines)):
        said = caption(kind.read(table_of(kind, tmp_path / "x.csv", ["m"], ["dense"], layers, **given)))
        assert ("no relevance reaches conv1" in said) == np.isnan(median)
        assert (f"at most {missing:.0%} of the pairs" in said) == bool(missing)


def of_curves(rows):
    return csc_caption.of_deviations(rows, [])


@pytest.mark.parametrize("number", [0.0, float("nan")])
def test_pictures_stand_what_has_no_logarithm(number, tmp_path):
    layers, given = ["dense", "conv1", "input"], {"median": number, "missing": 1.0}
    table, out = tmp_path / "x.csv", tmp_path / "x.png"
    blocks = table_of(SKIPS, tmp_path / "s.csv", ["m"], ["dense"], layers, branch=number, magnitude=number)
    table_of(CONVERGENCE, table, ["m"], ["dense"], layers, **given)
    csc.draw(table, out, about="a picture", dropped=blocks)
    table_of(CONVERGENCE_POOLED, table, ["m"], ["dense"], layers, **given)
    csc.draw_pooled(table, out, about="a picture")
