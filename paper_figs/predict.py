"""Predicted convergence: draws predict.csv (`rankone predict`), beside csc.csv if that is there; computes
nothing.

draw("out/predict.csv", "out/predict.png", measured="out/csc.csv")
"""

from collections.abc import Sequence
from pathlib import Path

import matplotlib.pyplot as plt
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from paper_figs.csc import DEVIATION, NAMED, on_axis, start_looks, ticks, unique
from paper_figs.failed import not_shown
from paper_figs.method_words import word
from paper_figs.style import REFERENCE, house_style, in_lines, save
from rankone.results import tables
from rankone.results.table import Row

QUESTION = "Where will random relevance have become parallel? The two-mode closure"
COLLAPSED = 1e-3  # where half of the pairs count as parallel
COLUMNS, WIDTH, HEIGHT, LEGEND = 4, 4.0, 3.6, 2.6  # panels in a row; inches of a panel, and beside them
LOWEST = 1e-16  # what lies below is drawn outside
PREDICTED = {"ls": "--", "lw": 1.5}
MEASURED = {"ls": "", "marker": "o", "ms": 4}


def draw(
    table: str | Path,
    out: str | Path,
    *,
    measured: str | Path | None = None,
    failed: str | Path | None = None,
) -> Path:
    """A panel for each method, a dashed curve for each start layer; with `measured` dots of the same colour.

    Returns `out`; its suffix chooses the format. ValueError for other tables.
    """
    rows = tables.PREDICTION.read(table)
    seen = tables.CONVERGENCE.read(measured) if measured else []
    methods, layers, looks = unique(rows, "method"), unique(rows, "layer"), start_looks(rows)
    across = min(COLUMNS, len(methods))
    down = -(-len(methods) // across)
    with house_style():
        figure, grid = plt.subplots(
            down,
            across,
            squeeze=False,
            sharey=True,
            figsize=(across * WIDTH + LEGEND, 1.2 + down * HEIGHT),
        )
        for axes in grid.flat[len(methods) :]:
            axes.set_visible(False)
        for method, axes in zip(methods, grid.flat, strict=False):
            of = ([row for row in some if row["method"] == method] for some in (rows, seen))
            _panel(axes, *of, layers, looks)
            axes.set_title(word(method))
        shown = [row["predicted"] for row in rows] + [row["median"] for row in seen]
        low = min([0.05, *(0.3 * y for y in shown if y > LOWEST)])
        grid[0, 0].set_ylim(low, 2)
        for axes in grid[:, 0]:
            axes.set_ylabel(DEVIATION.label)
        _legend(figure, looks, dots=bool(seen))
        letters = int(9 * figure.get_figwidth())
        figure.suptitle("\n".join(in_lines(line, letters) for line in (QUESTION, rows[0]["model"])))
        not_shown(figure, failed)
        return save(figure, out)


def _panel(
    axes: Axes, rows: Sequence[Row], seen: Sequence[Row], layers: list[str], looks: dict[str, dict]
) -> None:
    place = {layer: x for x, layer in enumerate(layers)}
    axes.axhline(COLLAPSED, color=REFERENCE, ls=":", lw=1.5)
    for start, look in looks.items():
        mine = [row for row in rows if row["start"] == start]
        x = [place[row["layer"]] for row in mine]
        axes.plot(x, [on_axis(row["predicted"]) for row in mine], color=look["color"], zorder=3, **PREDICTED)
        dots = [row for row in seen if row["start"] == start and row["layer"] in place]
        x = [place[row["layer"]] for row in dots]
        axes.plot(x, [on_axis(row["median"]) for row in dots], color=look["color"], zorder=2, **MEASURED)
    axes.set(yscale="log", xlim=(-0.5, len(layers) - 0.5))
    named = ticks(layers)
    axes.set_xticks(named, [layers[x] for x in named], rotation=90, fontsize=8.5)


def _legend(figure: Figure, looks: dict[str, dict], *, dots: bool) -> None:
    starts = list(looks)
    count = min(NAMED, len(starts))
    named = sorted({round(k * (len(starts) - 1) / max(1, count - 1)) for k in range(count)})
    handles = [
        Line2D([], [], color=looks[starts[k]]["color"], label=f"from {starts[k]}", **PREDICTED) for k in named
    ]
    handles.append(Line2D([], [], color=REFERENCE, ls=":", lw=1.5, label=f"{COLLAPSED:g}"))
    if dots:
        handles.append(Line2D([], [], color="0.2", label="measured", **MEASURED))
    figure.legend(handles=handles, loc="outside right upper", fontsize=9.5, handlelength=3)
