"""Sanity checks in one picture: draws sanity.csv (`rankone sanity`, simulations/fig2.py, fig7.py); computes
nothing.

a: another class is asked for, a line per method. b, c, …: weights are destroyed, a small panel per method.

draw("out/fig2/fig2.corrected.csv", "out/fig2/fig2.corrected.png")
"""

import math
from pathlib import Path
from typing import Any

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import SubFigure
from matplotlib.lines import Line2D

from paper_figs import sanity_caption as captions
from paper_figs.caption import under
from paper_figs.method_words import word
from paper_figs.style import FEW, NON_NEGATIVE, RECTIFIED, REFERENCE, SIGNED, house_style, in_lines, save
from rankone.errors import refuse
from rankone.results.table import Row
from rankone.results.tables import SANITY

SHOWN = {"paper": ("ssim_flip",), "corrected": ("ssim_flip", "spearman_flip")}
ACROSS = 5  # small panels side by side
WIDTH = 15.6  # inches; 2,340 pixels
TICKS = 9  # stages that an axis names
TITLES = {
    "top_down": "Weights destroyed from the output down to a layer",
    "bottom_up": "Weights destroyed from the image up to a layer",
    "single": "Weights of one layer destroyed",
}
SCORE = {"color": SIGNED, "marker": "o", "ms": 5.5, "lw": 1.8}
NULL = {"color": REFERENCE, "ls": ":", "lw": 2.2}
FORWARD = {"color": NON_NEGATIVE, "ls": "--", "lw": 1.6}
EDGES = {"color": RECTIFIED, "marker": "^", "mfc": "white", "lw": 0.9, "ls": "-"}
ANOTHER = {"color": "0.1", "marker": "s", "mfc": "white", "lw": 0.9, "ls": (0, (6, 2, 1, 2))}
MARKS = [
    Line2D([], [], label="map after the change, and the original:\nmedian and its 99 % interval", **SCORE),
    Line2D([], [], label="null: independent maps, as smooth", **NULL),
    Line2D([], [], marker="|", ls="", ms=14, mew=2.6, color=REFERENCE, label="(in a: the null)"),
    Line2D([], [], label="control: edges of the image", ms=6.5, **EDGES),
    Line2D([], [], label="control: map of another image", ms=5.5, **ANOTHER),
]
KEPT = Line2D(
    [], [], label="forward pass alone (only the weights of the\nbackward pass are others)", **FORWARD
)
GONE = Line2D([], [], color=REFERENCE, marker="x", ls="", label="no map could be compared (zero, constant …)")

FEWER = Line2D([], [], ls="", label="(5/8): images whose maps can be compared,\nat the layer with fewest")


def draw(table: str | Path, out: str | Path, *, failed: str | Path | None = None) -> Path:
    """Draw the table into `out`, its caption under it and into a .txt beside it; returns `out`, whose suffix
    chooses the format.

    failed: the table of the methods that failed, which are named below. ValueError for another table, and for
    one of several networks or protocols.
    """
    rows = SANITY.read(table)
    model, protocol = (_only(rows, name) for name in ("model", "protocol"))
    methods = list(dict.fromkeys(row["method"] for row in rows))
    scores = SHOWN.get(protocol, SHOWN["corrected"])
    rows = [row for row in rows if row["score"] in scores]
    orders = [test for test in dict.fromkeys(row["test"] for row in rows) if test in TITLES]
    grids = [(order, score) for order in orders for score in scores]
    lines = math.ceil(len(methods) / ACROSS)
    heights = [max(3.2, 1.5 + 0.31 * len(methods)), *(1.5 + 2.15 * lines for _ in grids)]
    with house_style():
        figure = plt.figure(figsize=(WIDTH, 2.8 + sum(heights)))
        parts = figure.subfigures(len(heights), 1, height_ratios=heights, squeeze=False)[:, 0]
        asked = [row for row in rows if row["test"] == "random_logit"]
        another_class(parts[0], asked, methods, scores, marks_of(rows))
        for letter, part, (order, score) in zip("bcdefgh", parts[1:], grids, strict=False):
            mine = [row for row in rows if (row["test"], row["score"]) == (order, score)]
            destroyed(part, mine, methods)
            part.suptitle(f"{letter}   {TITLES[order]}: {captions.SCORES[score]}", x=0.01, ha="left")
        question = "Does a map depend on the class, and on the weights?"
        figure.suptitle(
            f"{question}\n{in_lines(model, 130)}\nProtocol: {captions.PROTOCOLS.get(protocol, protocol)}"
        )
        under(figure, out, captions.of_scores(rows, scores[0]), failed)
        return save(figure, out, colours=FEW)


def another_class(
    part: SubFigure, rows: list[Row], methods: list[str], scores: tuple[str, ...], marks: list[Line2D]
) -> None:
    """Panel a: for each score a line per method; the legend of the whole picture."""
    panels = part.subplots(1, len(scores) + 1, width_ratios=[*[1] * len(scores), 0.55])
    part.suptitle(f"a   Another class is asked for ({captions.FLIP})", x=0.01, ha="left")
    places = np.arange(len(methods))
    for axes, score in zip(panels, scores, strict=False):
        by = {row["method"]: row for row in rows if row["score"] == score}
        columns = ("median", "low", "high", "null", "edges", "another")
        nothing = dict.fromkeys(columns, np.nan)
        of_method = [by.get(method, nothing) for method in methods]
        median, low, high, null, edges, another = (np.array([r[c] for r in of_method]) for c in columns)
        axes.plot(edges, places, **{**EDGES, "ls": "", "ms": 6.5}, zorder=2)
        axes.plot(another, places, **{**ANOTHER, "ls": "", "ms": 5.5}, zorder=2)
        axes.plot(null, places, ls="", marker="|", ms=15, mew=2.6, color=REFERENCE, zorder=3)
        interval = {"xerr": np.array([median - low, high - median]), "elinewidth": 2.4}
        axes.errorbar(median, places, **{**SCORE, "ls": "", "ms": 7, "mec": "white"}, **interval, zorder=4)
        gone = places[np.isnan(median)]
        axes.plot(np.zeros(len(gone)), gone, "x", color=REFERENCE, ms=7)
        axes.set(xlabel=captions.SCORES[score], ylim=(len(methods) - 0.4, -0.6), xlim=_limits(of_method))
        axes.set_yticks(places, [with_images(method, rows) for method in methods])
    panels[-1].set_axis_off()
    panels[-1].legend(handles=marks, loc="center left", fontsize=11)


def with_images(method: str, rows: list[Row]) -> str:
    """The method, and of how many of all images its maps could be compared, at least, if not of all."""
    fewest = min((row["images"] for row in rows if row["method"] == method), default=0)
    most = max((row["images"] for row in rows), default=0)
    return word(method) if fewest == most else f"{word(method)} ({fewest}/{most})"


def marks_of(rows: list[Row]) -> list[Line2D]:
    """The legend: what is in the table."""
    kept = any(not math.isnan(row["forward_alone"]) for row in rows)
    gone = any(math.isnan(row["median"]) for row in rows)
    some = len({row["images"] for row in rows}) > 1
    return [*MARKS, *([KEPT] if kept else []), *([GONE] if gone else []), *([FEWER] if some else [])]


def destroyed(part: SubFigure, rows: list[Row], methods: list[str]) -> None:
    """A small panel per method: its score against the layer."""
    down = math.ceil(len(methods) / ACROSS)
    across = math.ceil(len(methods) / down)
    panels = part.subplots(down, across, squeeze=False, sharey=True)
    stages = list(dict.fromkeys(row["stage"] for row in sorted(rows, key=lambda row: row["depth"])))
    limits = _limits(rows)
    for k, axes in enumerate(panels.flat):
        if k >= len(methods):
            axes.set_axis_off()
            continue
        mine = [row for row in rows if row["method"] == methods[k]]
        cascade(axes, mine, stages)
        axes.set_title(with_images(methods[k], rows), fontsize=12, pad=3)
        axes.set(xlim=(-0.4, len(stages) - 0.6), ylim=limits)
        step = math.ceil(len(stages) / TICKS)
        named = range(len(stages))[::-step][::-1]  # the deepest always
        lowest = k + across >= len(methods)
        axes.set_xticks(named, [stages[x] for x in named] if lowest else [], rotation=90, fontsize=10)


def cascade(axes: Axes, rows: list[Row], stages: list[str]) -> None:
    """One method: score with its interval, null, forward pass alone, controls."""
    x = np.array([stages.index(row["stage"]) for row in rows], int)

    def y(column: str) -> np.ndarray:
        return np.array([row[column] for row in rows], float)

    def line(column: str, look: dict[str, Any], size: float = 0) -> None:
        ends = [0, len(x) - 1] if size else []
        axes.plot(x, y(column), **look, **({"ms": size, "markevery": ends} if size else {}))

    line("edges", {**EDGES, "zorder": 1}, 5)
    line("another", {**ANOTHER, "zorder": 1}, 4.5)
    line("null", {**NULL, "zorder": 2})
    line("forward_alone", {**FORWARD, "zorder": 3})
    axes.fill_between(x, y("low"), y("high"), color=SCORE["color"], alpha=0.25, lw=0, zorder=3)
    axes.plot(x, y("median"), **SCORE, zorder=4)
    gone = x[np.isnan(y("median"))]
    axes.plot(gone, np.zeros(len(gone)), "x", color=REFERENCE, ms=7, zorder=4)


def _limits(rows: list[Any]) -> tuple[float, float]:
    """From 0, or the lowest number, to 1."""
    columns = ("median", "low", "null", "forward_alone", "edges", "another")
    numbers = [row[column] for row in rows for column in columns if column in row]
    return min([0.0, *(x for x in numbers if not math.isnan(x))]) - 0.03, 1.03


def _only(rows: list[Row], column: str) -> str:
    values = list(dict.fromkeys(row[column] for row in rows))
    if len(values) > 1:
        refuse(column, expected="one in a picture", got=", ".join(values), do="draw one table for each")
    return str(values[0])
