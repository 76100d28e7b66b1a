"""Every drawer refuses another's results in the house form, and says which command writes its own."""

import warnings
from unittest import mock

import matplotlib.pyplot as plt
import numpy as np
import pytest

from paper_figs import chains, cone, csc, heatmaps, phase_diagram, relevance, scores
from rankone.results.table import SIX_DIGITS
from rankone.results.tables import CONVERGENCE, FAILED

DRAWERS = {
    "simulations/fig4.py": lambda file, out: chains.draw(file),
    "simulations/phase_diagram.py": lambda file, out: phase_diagram.draw(file),
    "rankone csc": csc.draw,
    "rankone cone": cone.draw,
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
    legend = figure.axes[-1].get_legend()
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
