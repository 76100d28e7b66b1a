"""Cosine similarity convergence: draws csc.csv (`rankone csc`, `make demo`); computes nothing.

draw("out/demo/csc.csv", "out/demo/csc.png")
draw("out/demo/csc.csv", "out/demo/csc_theory.png", theory="out/demo/csc_theory.csv")
"""

import math
from collections.abc import Sequence
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.axes import Axes
from matplotlib.lines import Line2D

from paper_figs.failed import not_shown
from paper_figs.style import REFERENCE, house_style, in_lines, save, shades
from rankone.errors import refuse
from rankone.results import tables
from rankone.results.table import Row

NULL = {"color": REFERENCE, "ls": ":", "lw": 2}
THEORY = {"ls": "--", "lw": 1.4}
SOME_MISSING = 0.01  # fraction of pairs without a direction from which a marker is drawn hollow
LOWEST = 1e-33  # exact zeros are drawn here, outside the axes
NAMED = 16  # start layers that the legend names; of more, as many spread evenly
TICKS = 22  # layers that an axis names


def draw(
    table: str | Path,
    out: str | Path,
    *,
    theory: str | Path | None = None,
    starts: Sequence[str] | None = None,
    failed: str | Path | None = None,
) -> Path:
    """Draw csc.csv: a row of panels per model, a panel per method, a curve per start layer.

    theory: csc_theory.csv, drawn dashed beside the curves. starts: the start layers to draw; None draws all.
    failed: csc_failed.csv, whose methods are named below.
    Returns `out`; its suffix chooses the format. ValueError for other tables and unknown start layers.
    """
    rows = tables.CONVERGENCE.read(table)
    lines = tables.CONVERGENCE_THEORY.read(theory) if theory else []
    models, methods = unique(rows, "model"), unique(rows, "method")
    kept = [row for row in rows if starts is None or row["start"] in starts]
    if not kept:
        there = ", ".join(unique(rows, "start"))
        refuse("starts", expected=f"start layers of {table}", got=starts, do=f"name some of {there}")
    with house_style():
        figure, panels = plt.subplots(
            len(models),
            len(methods),
            figsize=(1.8 + 4.6 * len(methods), 1.1 + 4.4 * len(models)),
            squeeze=False,
            sharey="row",
        )
        for model, line in zip(models, panels, strict=True):
            mine = [row for row in rows if row["model"] == model]
            layers = unique(mine, "layer")
            colour = start_colours([row for row in kept if row["model"] == model])
            for method, axes in zip(methods, line, strict=True):
                of_method = [row for row in mine if row["method"] == method]
                panel(axes, of_method, layers, colour)
                curves(
                    axes,
                    [row for row in lines if (row["model"], row["method"]) == (model, method)],
                    layers,
                    colour,
                )
                digits = ", float64" if any(row["precision"] == "float64" for row in of_method) else ""
                axes.set_title(f"{method}{digits}\n{in_lines(model)}")
            drawn = [on_axis(row["median"]) for row in kept if row["model"] == model]
            line[0].set_ylim(min([0.05, *(0.3 * y for y in drawn if y > LOWEST)]), 2)
            line[0].set_ylabel("1 − |cos| over channels, at a location\n← same direction      unrelated →")
            legend(line[-1], colour, theory is not None)
        figure.suptitle(
            "Do random relevance vectors become parallel,"
            + (" " if len(methods) > 1 else "\n")
            + "location by location, on their way to the input?"
        )
        not_shown(figure, failed)
        return save(figure, out)


def panel(axes: Axes, rows: list[Row], layers: list[str], colour: dict[str, tuple]) -> None:
    """One method on one model: medians with their intervals, the null, missing directions."""
    place = {layer: x for x, layer in enumerate(layers)}
    null = {row["layer"]: on_axis(row["null_median"]) for row in reversed(rows)}  # the topmost start's
    axes.plot([place[layer] for layer in null], list(null.values()), **NULL, zorder=1)
    for start, shade in colour.items():
        mine = [row for row in rows if row["start"] == start]
        x = np.array([place[row["layer"]] for row in mine])
        median, low, high, missing = (
            np.array([on_axis(row[name]) for row in mine]) for name in ("median", "low", "high", "missing")
        )
        axes.fill_between(x, low, high, color=shade, alpha=0.25, lw=0, zorder=2)
        axes.plot(x, median, color=shade, lw=1.6, zorder=3)
        for hollow in (False, True):
            some = (missing >= SOME_MISSING) == hollow
            axes.plot(
                x[some], median[some], "o", ms=4.5, color=shade, mfc="white" if hollow else shade, zorder=4
            )
        gone = x[missing == 1]
        axes.plot(gone, np.ones(len(gone)), "x", ms=6, color=shade, zorder=4)
    axes.set(yscale="log", xlim=(-0.5, len(layers) - 0.5), xlabel="layer, from the output to the input")
    step = -(-len(layers) // TICKS)
    named = range(len(layers))[::-step]  # the input always
    axes.set_xticks(named, [layers[x] for x in named], rotation=90, fontsize=9)


def curves(axes: Axes, rows: list[Row], layers: list[str], colour: dict[str, tuple]) -> None:
    """The theory's curves, dashed, in the colour of their start."""
    for start, shade in colour.items():
        mine = [row for row in rows if row["start"] == start]
        x = [layers.index(row["layer"]) for row in mine]
        axes.plot(x, [on_axis(row["theory"]) for row in mine], color=shade, zorder=5, **THEORY)


def legend(axes: Axes, colour: dict[str, tuple], theory: bool) -> None:  # noqa: FBT001 (private to this file)
    starts = list(colour)
    named = sorted({round(k) for k in np.linspace(0, len(starts) - 1, min(NAMED, len(starts)))})
    handles = [
        Line2D([], [], color=colour[s], marker="o", ms=4.5, label=f"from {s}")
        for s in (starts[k] for k in named)
    ]
    if len(named) < len(starts):
        handles.append(Line2D([], [], ls="", label=f"and the {len(starts) - len(named)} starts between"))
    handles.append(Line2D([], [], **NULL, label="unrelated directions"))
    if theory:
        handles.append(
            Line2D(
                [],
                [],
                color="0.2",
                **THEORY,
                label="theory: only the mean and\nvariance of each layer's weights",
            )
        )
    handles.append(
        Line2D([], [], color="0.2", ls="", marker="o", mfc="white", label="no relevance at some locations")
    )
    handles.append(Line2D([], [], color="0.2", ls="", marker="x", label="no relevance at all"))
    axes.legend(handles=handles, loc="center left", bbox_to_anchor=(1.02, 0.5), fontsize=10)


def start_colours(rows: list[Row]) -> dict[str, tuple]:
    starts = unique(rows, "start")
    return dict(zip(starts, shades(len(starts)), strict=True))


def unique(rows: list[Row], column: str) -> list[str]:
    """The column's values in the order of their first appearance."""
    return list(dict.fromkeys(row[column] for row in rows))


def on_axis(value: float) -> float:
    """The value, exact zeros as LOWEST: a logarithmic axis has no zero."""
    return value if math.isnan(value) else max(value, LOWEST)
