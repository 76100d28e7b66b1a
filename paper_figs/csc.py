"""Cosine similarity convergence: draws csc.csv (`rankone csc`, `make demo`) and figures 3 and 5; computes
nothing.

draw("out/demo/csc.csv", "out/demo/csc.png")
draw("out/demo/csc.csv", "out/demo/csc_theory.png", theory="out/demo/csc_theory.csv")
draw_pooled("out/fig3/fig3.paper.csv", "out/fig3/fig3.paper.png", about="slices of the MNI template")
"""

import math
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure, FigureBase
from matplotlib.lines import Line2D

from paper_figs import csc_caption, skips
from paper_figs.caption import under
from paper_figs.failed import not_shown
from paper_figs.method_words import word
from paper_figs.style import MEMBERS, REFERENCE, house_style, in_lines, save, shades
from rankone.errors import refuse
from rankone.results import tables
from rankone.results.table import Row

NULL = {"color": REFERENCE, "ls": ":", "lw": 2}
THEORY = {"ls": "--", "lw": 1.4}
SOME_MISSING = 0.01  # fraction of pairs without a direction from which a marker is drawn hollow
LOWEST = 1e-33  # exact zeros are drawn here, outside the axes
NAMED = 16  # start layers that the legend names; of more, as many spread evenly
TICKS = 22  # layers that an axis names
PAPER_NAME = re.compile(
    r"(block|conv|fc)\d+(_\d+)?|dense|input"
)  # where a network has them, an axis names these
COLUMNS = 4  # panels in a row
WIDEST = 4.6  # inches of a panel
ROOM = 13.2  # inches of a row of panels
LEGEND = 2.5  # inches beside them
LETTERS = 9  # of a title that an inch has room for

QUESTION = "Do random relevance vectors become parallel, location by location, on their way to the input?"
PAPER_QUESTION = "|cos| of random relevance vectors, as the paper measures it: 1 where they are parallel"


@dataclass(frozen=True)
class Scale:
    """What an axis shows: the columns of a table and how a number is drawn. band: the ends of an interval."""

    median: str
    null: str
    band: tuple[str, ...]
    label: str
    yscale: str
    place: Callable[[float], float] = field(repr=False)


def on_axis(value: float) -> float:
    """The value, exact zeros as LOWEST: a logarithmic axis has no zero."""
    return value if math.isnan(value) else max(value, LOWEST)


DEVIATION = Scale(
    "median",
    "null_median",
    ("low", "high"),
    "1 − |cos| over channels\n← parallel    unrelated →",
    "log",
    on_axis,
)
COSINE = Scale("median", "null_mean", (), "|cos| over channels\n← unrelated    parallel →", "linear", float)


def draw(
    table: str | Path,
    out: str | Path,
    *,
    theory: str | Path | None = None,
    starts: Sequence[str] | None = None,
    failed: str | Path | None = None,
    about: str | None = None,
    dropped: str | Path | None = None,
) -> Path:
    """Draw csc.csv: rows of panels for each model, a panel for each method, a curve for each start layer.

    theory: csc_theory.csv, drawn dashed beside the curves. starts: the start layers to draw; None draws all.
    failed: csc_failed.csv, whose methods are named below. about: what the images are; then a caption is
    written below and into a .txt beside `out`. dropped: a table of residual blocks (SKIPS), drawn below.
    Returns `out`; its suffix chooses the format. ValueError for other tables and unknown start layers.
    """
    rows = tables.CONVERGENCE.read(table)
    lines = tables.CONVERGENCE_THEORY.read(theory) if theory else []
    blocks = tables.SKIPS.read(dropped) if dropped else []
    kept = _from(rows, starts, table)
    with house_style():
        figure, parts = _canvas(rows, blocks)
        for model, part in parts.items():
            mine = [row for row in kept if row["model"] == model]
            curves = [row for row in lines if row["model"] == model]
            _panels(
                part,
                model,
                mine,
                [r for r in rows if r["model"] == model],
                DEVIATION,
                curves,
                theory=theory is not None,
            )
        if blocks:
            skips.panels(figure.subfigs[-1], blocks, COLUMNS)
        figure.suptitle(_title(QUESTION, list(parts), about, figure.get_figwidth()))
        if about is None:
            not_shown(figure, failed)
        else:
            said = csc_caption.of_deviations(kept, blocks)
            under(figure, out, said, failed)
        return save(figure, out)


def draw_pooled(table: str | Path, out: str | Path, *, about: str, failed: str | Path | None = None) -> Path:
    """Draw CONVERGENCE_POOLED: as `draw`, but the medians of |cos| as the paper pools it."""
    rows = tables.CONVERGENCE_POOLED.read(table)
    with house_style():
        figure, parts = _canvas(rows, [])
        for model, part in parts.items():
            mine = [row for row in rows if row["model"] == model]
            _panels(part, model, mine, mine, COSINE, [], theory=False)
        figure.suptitle(_title(PAPER_QUESTION, list(parts), about, figure.get_figwidth()))
        under(figure, out, csc_caption.of_cosines(rows), failed)
        return save(figure, out)


def _from(rows: list[Row], starts: Sequence[str] | None, table: str | Path) -> list[Row]:
    kept = [row for row in rows if starts is None or row["start"] in starts]
    if not kept:
        there = ", ".join(unique(rows, "start"))
        refuse("starts", expected=f"start layers of {table}", got=starts, do=f"name some of {there}")
    return kept


def _title(question: str, models: list[str], about: str | None, inches: float) -> str:
    """What is asked, of which network and weights, on which images."""
    of = "; ".join([*(models if len(models) == 1 else []), *([f"images: {about}"] if about else [])])
    return "\n".join(in_lines(line, int(LETTERS * inches)) for line in (question, of) if line)


def _canvas(rows: list[Row], blocks: list[Row]) -> tuple[Figure, dict[str, FigureBase]]:
    """A figure with a part for each model, as high as its panels need, and one for residual blocks."""
    models, methods = unique(rows, "model"), unique(rows, "method")
    across = min(COLUMNS, len(methods))
    tall = [
        1.2 + _height(across) * -(-len({r["method"] for r in rows if r["model"] == m}) // COLUMNS)
        for m in models
    ]
    tall += [0.8 + skips.HEIGHT * -(-len(unique(blocks, "method")) // COLUMNS)] if blocks else []
    figure = plt.figure(figsize=(across * _width(across) + LEGEND, 1.2 + sum(tall)))
    parts = figure.subfigures(len(tall), 1, squeeze=False, height_ratios=tall)[:, 0]
    return figure, dict(zip(models, parts, strict=False))


def _width(across: int) -> float:
    return min(WIDEST, ROOM / across)


def _height(across: int) -> float:
    return 0.6 + 0.75 * _width(across)


def _panels(
    part: FigureBase,
    model: str,
    kept: list[Row],
    rows: list[Row],
    scale: Scale,
    lines: list[Row],
    *,
    theory: bool,
) -> None:
    """One model's panels, wrapped, and their legend. rows: all of the model's, kept: those that are drawn."""
    methods, layers, looks = unique(rows, "method"), unique(rows, "layer"), start_looks(kept)
    across = min(COLUMNS, len(methods))
    grid = part.subplots(-(-len(methods) // across), across, squeeze=False, sharey=True)
    for axes in grid.flat[len(methods) :]:
        axes.set_visible(False)
    for method, axes in zip(methods, grid.flat, strict=False):
        of_method = [row for row in rows if row["method"] == method]
        panel(axes, of_method, layers, looks, scale, theory=theory)
        curves(axes, [row for row in lines if row["method"] == method], layers, looks)
        digits = ", float64" if any(row["precision"] == "float64" for row in of_method) else ""
        axes.set_title(f"{word(method)}{digits}")
    drawn = [scale.place(row[scale.median]) for row in kept]
    low = min([0.05, *(0.3 * y for y in drawn if y > LOWEST)])
    grid[0, 0].set_ylim(*((low, 2) if scale is DEVIATION else (-0.02, 1.02)))
    for axes in grid[:, 0]:
        axes.set_ylabel(scale.label)
    if len(part.figure.subfigs) > 1 and part.figure.subfigs[0] is not part:
        part.suptitle(in_lines(model, 120))
    legend(part, looks, theory=theory)


def panel(
    axes: Axes, rows: list[Row], layers: list[str], looks: dict[str, dict], scale: Scale, *, theory: bool
) -> None:
    """One method on one model: medians with their intervals, the null, missing directions."""
    place = {layer: x for x, layer in enumerate(layers)}
    null = {row["layer"]: scale.place(row[scale.null]) for row in reversed(rows)}  # the topmost start's
    axes.plot([place[layer] for layer in null], list(null.values()), **NULL, zorder=1)
    for start, look in looks.items():
        mine = [row for row in rows if row["start"] == start]
        x = np.array([place[row["layer"]] for row in mine])
        median, *band = (
            np.array([scale.place(row[name]) for row in mine]) for name in (scale.median, *scale.band)
        )
        missing = np.array([row["missing"] for row in mine])
        if band:
            axes.fill_between(x, *band, color=look["color"], alpha=0.2, lw=0, zorder=2)
        axes.plot(x, median, color=look["color"], lw=1.5, ls="-" if theory else look["ls"], zorder=3)
        for hollow in (False, True):
            some = (missing >= SOME_MISSING) == hollow
            axes.plot(x[some], median[some], **marker(look, hollow=hollow), zorder=4)
        gone = x[missing == 1]
        axes.plot(gone, np.full(len(gone), 1.0), "x", ms=6, color=look["color"], zorder=4)
    axes.set(yscale=scale.yscale, xlim=(-0.5, len(layers) - 0.5))
    named = ticks(layers)
    axes.set_xticks(named, [layers[x] for x in named], rotation=90, fontsize=8.5)


def curves(axes: Axes, rows: list[Row], layers: list[str], looks: dict[str, dict]) -> None:
    """The theory's curves, dashed, in the colour of their start."""
    for start, look in looks.items():
        mine = [row for row in rows if row["start"] == start]
        x = [layers.index(row["layer"]) for row in mine]
        axes.plot(x, [on_axis(row["theory"]) for row in mine], color=look["color"], zorder=5, **THEORY)


def ticks(layers: list[str]) -> list[int]:
    """The places of the layers that an axis names: those with a name of the paper's, if there are some; the
    lowest one, and of the others as many as do not touch.
    """
    named = [x for x, layer in enumerate(layers) if PAPER_NAME.fullmatch(layer)]
    apart = len(layers) / TICKS
    found: list[int] = []
    for x in reversed(named if len(named) > 2 else range(len(layers))):
        if not found or found[-1] - x >= apart:
            found.append(x)
    return found


def legend(part: FigureBase, looks: dict[str, dict], *, theory: bool) -> None:
    starts = list(looks)
    named = sorted({round(k) for k in np.linspace(0, len(starts) - 1, min(NAMED, len(starts)))})
    handles = [
        Line2D([], [], lw=1.5, ls="-" if theory else look["ls"], label=f"from {start}", **shape)
        for start, look in ((starts[k], looks[starts[k]]) for k in named)
        for shape in [{k: v for k, v in marker(look, hollow=False).items() if k != "ls"}]
    ]
    if len(named) < len(starts):
        handles.append(Line2D([], [], ls="", label=f"and the {len(starts) - len(named)} starts between"))
    handles.append(Line2D([], [], **NULL, label="unrelated directions"))
    if theory:
        label = "theory: only the mean and\nvariance of each layer's weights"
        handles.append(Line2D([], [], color="0.2", **THEORY, label=label))
    hollow = {"color": "0.2", "ls": "", "marker": "o", "mfc": "white"}
    handles.append(Line2D([], [], **hollow, label="no relevance at some\nlocations"))
    handles.append(Line2D([], [], color="0.2", ls="", marker="x", label="no relevance at all"))
    part.legend(handles=handles, loc="outside right upper", fontsize=9.5, handlelength=3)


def start_looks(rows: list[Row]) -> dict[str, dict]:
    """Colour, dash and marker of each start layer: told apart also where there is no colour."""
    starts = unique(rows, "start")
    members = (MEMBERS[k % len(MEMBERS)] for k in range(len(starts)))
    return {
        start: {"color": shade, **look}
        for start, shade, look in zip(starts, shades(len(starts)), members, strict=True)
    }


def marker(look: dict, *, hollow: bool) -> dict:
    return {
        "ls": "",
        "marker": look["marker"],
        "ms": 4,
        "color": look["color"],
        "mfc": "white" if hollow else look["color"],
    }


def unique(rows: list[Row], column: str) -> list[str]:
    """The column's values in the order of their first appearance."""
    return list(dict.fromkeys(row[column] for row in rows))
