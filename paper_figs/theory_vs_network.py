"""Theory against real networks: draws the tables of simulations/theory_vs_network.py, and says how far each
law got; computes nothing else.

draw("theory_vs_network.csv", "theory_vs_network_layers.csv", "theory_vs_network.png")
"""

from collections.abc import Sequence
from itertools import pairwise
from math import isfinite, log10
from pathlib import Path
from statistics import mean
from typing import NamedTuple

import matplotlib.pyplot as plt
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from paper_figs.caption import under
from paper_figs.csc import ticks, unique
from paper_figs.method_words import word
from paper_figs.style import (
    ALPHA_BETA,
    FEW,
    NON_NEGATIVE,
    REFERENCE,
    SIGNED,
    house_style,
    in_lines,
    save,
    shades,
)
from rankone.results import tables
from rankone.results.table import Row
from rankone.results.text import aligned

LAWS = {"moments": "moment law", "parents": "parents' law", "closure": "two-mode closure"}
LOOKS = {
    "moments": {"ls": ":", "lw": 1.6},
    "parents": {"ls": (0, (1, 3)), "lw": 1.2},
    "closure": {"ls": "-", "lw": 1.8},
}
SINGLE = {
    "parents": {"marker": "o", "color": NON_NEGATIVE, "label": "dispersion of parents"},
    "dobrushin": {"marker": "v", "color": SIGNED, "label": "Dobrushin's coefficient"},
    "identity": {"marker": "s", "color": ALPHA_BETA, "label": "share of the skip above"},
}
COLLAPSED = 1e-3  # 1 − |cos| from which on pairs count as parallel
RESOLVED = 1e-12  # below, float32 measures its own rounding
LOWEST = 1e-14  # what a law says below is drawn outside
WIDTH, HEIGHT, LEGEND = 4.3, 3.1, 2.2  # inches of a panel, and beside them


class Off(NamedTuple):
    """How far a law is off, on one network under one method: decades, decades a layer, layers of collapse.

    whole: mean |error| of log10(1 − |cos|); step: that of its change from layer to layer; collapse: by how
    many layers the layer of predicted collapse is off, the mean over start layers.
    """

    whole: float
    step: float
    collapse: float


def errors(rows: Sequence[Row], law: str) -> Off:
    """Of the readings of one network and method; the start layer, the input and what float32 does not resolve
    are left out.
    """
    whole, step, collapse = [], [], []
    for start in unique(list(rows), "start"):
        mine = [row for row in rows if row["start"] == start][1:-1]
        error = [_decades(row[law], row["measured"]) for row in mine]
        known = [isfinite(e) and row["measured"] > RESOLVED for e, row in zip(error, mine, strict=True)]
        whole += [abs(e) for e, k in zip(error, known, strict=True) if k]
        pairs = pairwise(zip(error, known, strict=True))
        step += [abs(b - a) for (a, here), (b, there) in pairs if here and there]
        collapse.append(abs(collapsed(mine, law) - collapsed(mine, "measured")))
    return Off(*(mean(some) if some else float("nan") for some in (whole, step, collapse)))


def collapsed(rows: Sequence[Row], column: str) -> int:
    """From which row on all are parallel; their number, where the last one is not."""
    above = [k for k, row in enumerate(rows) if not row[column] <= COLLAPSED]
    return above[-1] + 1 if above else 0


def _decades(a: float, b: float) -> float:
    return log10(a / b) if a > 0 and b > 0 else float("nan")


def report(rows: Sequence[Row]) -> str:
    """A table of `errors`: network and method by law."""
    lines = [["network", "method", *(f"{said}" for said in LAWS.values())]]
    for model in unique(list(rows), "model"):
        for method in unique(list(rows), "method"):
            some = [row for row in rows if (row["model"], row["method"]) == (model, method)]
            if some:
                off = [errors(some, law) for law in LAWS]
                said = [f"{o.whole:.2f} / {o.step:.2f} / {o.collapse:.1f}" for o in off]
                lines.append([model.split(" (weights")[0], method, *said])
    return "\n".join(["off by: decades / decades a layer / layers of collapse", "", *aligned(lines)])


def draw(table: str | Path, layers: str | Path, out: str | Path) -> Path:
    """A row for each network: a panel for each method, and one of single layers under z⁺.

    Writes the caption below and into a .txt beside `out`, which is returned. ValueError for other tables.
    """
    rows, single = tables.LAWS.read(table), tables.WORST.read(layers)
    models, methods = unique(rows, "model"), unique(rows, "method")
    with house_style():
        figure, grid = plt.subplots(
            len(models),
            len(methods) + 1,
            squeeze=False,
            figsize=((len(methods) + 1) * WIDTH + LEGEND, 1.8 + len(models) * HEIGHT),
        )
        for model, line in zip(models, grid, strict=True):
            mine = [row for row in rows if row["model"] == model]
            for method, axes in zip(methods, line[:-1], strict=True):
                _panel(axes, [row for row in mine if row["method"] == method])
                axes.set_title(word(method), fontsize=11)
            _single(line[-1], [row for row in single if row["model"] == model])
            line[0].set_ylabel(
                in_lines(model.split(", MIT")[0], 30) + "\n1 − |cos| over channels", fontsize=9
            )
        _legend(figure)
        figure.suptitle(
            "What three laws say of convergence, beside what is measured: none has a fitted number"
        )
        under(figure, out, caption(rows, single))
        return save(figure, out, colours=FEW)


def _panel(axes: Axes, rows: Sequence[Row]) -> None:
    layers, starts = unique(list(rows), "layer"), unique(list(rows), "start")
    place = {layer: x for x, layer in enumerate(layers)}
    for start, colour in zip(starts, shades(len(starts)), strict=True):
        mine = [row for row in rows if row["start"] == start]
        x = [place[row["layer"]] for row in mine]
        axes.plot(x, [row["measured"] for row in mine], ls="", marker="o", ms=4, color=colour, zorder=3)
        for law, look in LOOKS.items():
            axes.plot(x, [max(row[law], LOWEST / 10) for row in mine], color=colour, zorder=2, **look)
    axes.axhline(COLLAPSED, color=REFERENCE, lw=0.8)
    seen = [y for row in rows for y in (row["measured"], row["closure"]) if y > LOWEST]
    axes.set(yscale="log", ylim=(min([0.05, *(0.2 * y for y in seen)]), 2))
    named = ticks(layers)
    axes.set_xticks(named, [layers[x] for x in named], rotation=90, fontsize=7)


def _single(axes: Axes, rows: Sequence[Row]) -> None:
    for name, look in SINGLE.items():
        axes.plot([row[name] for row in rows], ls="-", lw=0.6, ms=4, **look)
    named = ticks([row["layer"] for row in rows])
    axes.set(yscale="log", ylim=(1e-3, 1.5))
    axes.set_xticks(named, [rows[x]["layer"] for x in named], rotation=90, fontsize=7)
    axes.set_title("single layers, z⁺", fontsize=11)


def _legend(figure: Figure) -> None:
    handles = [Line2D([], [], color="0.2", ls="", marker="o", ms=4, label="measured")]
    handles += [Line2D([], [], color="0.2", label=LAWS[law], **look) for law, look in LOOKS.items()]
    handles += [Line2D([], [], ls="-", lw=0.6, ms=4, **look) for look in SINGLE.values()]
    figure.legend(handles=handles, loc="outside right upper", fontsize=10)


def caption(rows: Sequence[Row], single: Sequence[Row]) -> str:
    """From the numbers: how far off each law is, where the best of them is worst, what single layers say."""
    cases = {
        (model, method): [row for row in rows if (row["model"], row["method"]) == (model, method)]
        for model in unique(list(rows), "model")
        for method in unique(list(rows), "method")
    }
    off = {law: {case: errors(some, law) for case, some in cases.items() if some} for law in LAWS}
    overall = ", ".join(
        f"{mean(o.whole for o in found.values() if isfinite(o.whole)):.2f} decades ({LAWS[law]})"
        for law, found in off.items()
    )
    model, method = max(off["closure"], key=lambda case: off["closure"][case].whole)
    worst = off["closure"][model, method]
    tau = [row["dobrushin"] for row in single if isfinite(row["dobrushin"])]
    return (
        f"Colours are start layers, dots are measured. Over {len(unique(list(rows), 'model'))} networks the "
        f"laws are off by {overall} in the mean; the closure is worst for {model.split(' (weights')[0]} "
        f"under {method}, by {worst.whole:.2f} decades, {worst.step:.2f} a layer, and {worst.collapse:.1f} "
        f"layers of collapse. Dobrushin's coefficient, the worst case of the same rows, lies between "
        f"{min(tau):.2f} and {max(tau):.2f}: it bounds every start, and predicts none."
    )
