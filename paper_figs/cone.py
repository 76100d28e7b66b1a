"""The cone of all classes, layer by layer: draws cone.csv (`rankone cone`); computes nothing but medians.

draw("out/cone/cone.csv", "out/cone/cone.png")
"""

import csv
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np

from paper_figs.style import MEMBERS, NON_NEGATIVE, RECTIFIED, SIGNED, house_style

PANELS = {
    "diameter": "Hilbert's projective diameter",
    "one_minus_min_cos": "1 − smallest cosine",
    "total_variation": "total variation (share that moves)",
    "stable_rank_excess": "stable rank − 1",
}
COLOURS = (NON_NEGATIVE, SIGNED, RECTIFIED)


def draw(table: str | Path, out: str | Path) -> Path:
    """Draw cone.csv: a row of panels per model, a line per method, the median over images and their range.

    Infinite diameters (classes that reach different units) are arrows at the upper edge. Returns `out`; its
    suffix chooses the format.
    """
    with open(table, newline="", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    if not rows:
        raise ValueError(f"{table}: expected rows, got an empty table; measure again")
    models = list(dict.fromkeys(row["model"] for row in rows))
    methods = list(dict.fromkeys(row["method"] for row in rows))
    with house_style():
        figure, panels = plt.subplots(
            len(models), len(PANELS), figsize=(4.3 * len(PANELS), 1 + 4.4 * len(models)), squeeze=False
        )
        for model, line in zip(models, panels, strict=True):
            mine = [row for row in rows if row["model"] == model]
            layers = list(dict.fromkeys(row["layer"] for row in mine))
            for axes, (column, title) in zip(line, PANELS.items(), strict=True):
                for number, method in enumerate(methods):
                    curve(axes, [row for row in mine if row["method"] == method], column, layers, number)
                axes.set(
                    title=title,
                    yscale="log",
                    xlabel="layer, from the output to the input",
                    xlim=(-0.5, len(layers) - 0.5),
                )
                step = -(-len(layers) // 22)
                axes.set_xticks(range(0, len(layers), step), layers[::step], rotation=90, fontsize=9)
            line[0].set_ylabel(f"{model}\n← no class changes the map")
        panels[0, -1].legend(loc="upper right")
        figure.suptitle("How far apart can the maps of any two classes, or mixtures of classes, be?")
        figure.savefig(out)
        plt.close(figure)
    return Path(out)


def curve(axes: plt.Axes, rows: list[dict[str, str]], column: str, layers: list[str], number: int) -> None:
    """One method in one panel."""
    style = {**MEMBERS[number % len(MEMBERS)], "color": COLOURS[number % len(COLOURS)], "ms": 6 - 2 * number}
    values = {
        layer: np.array([float(row[column]) for row in rows if row["layer"] == layer]) for layer in layers
    }
    x = np.array([layers.index(layer) for layer, v in values.items() if len(v)])
    low, middle, high = (
        np.array([reduce(v) for v in values.values() if len(v)]) for reduce in (np.min, np.median, np.max)
    )
    some = np.isfinite(high)
    axes.fill_between(x[some], low[some], high[some], color=style["color"], alpha=0.2, lw=0)
    axes.plot(x[some], middle[some], **style, label=rows[0]["method"] if rows else None)
    axes.plot(
        x[np.isinf(high)],
        np.full(np.isinf(high).sum(), 0.97),
        ls="",
        marker=r"$\infty$",
        ms=11,
        color=style["color"],
        transform=axes.get_xaxis_transform(),
    )
