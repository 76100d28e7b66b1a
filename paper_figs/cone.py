"""The cone of all classes, layer by layer: draws cone.csv (`rankone cone`); computes nothing.

draw("out/cone/cone.csv", "out/cone/cone.png")
"""

from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np

from paper_figs.failed import not_shown
from paper_figs.style import MEMBERS, NON_NEGATIVE, RECTIFIED, SIGNED, house_style, in_lines, save
from rankone.results.spread import Spread, spread
from rankone.results.tables import CONE

PANELS = {
    "diameter": "Hilbert's projective diameter",
    "one_minus_min_cos": "1 − smallest cosine",
    "total_variation": "total variation\n(share of what arrives that moves)",
    "stable_rank_excess": "stable rank − 1",
}
COLOURS = (NON_NEGATIVE, SIGNED, RECTIFIED)


def draw(table: str | Path, out: str | Path, *, failed: str | Path | None = None) -> Path:
    """Draw cone.csv: a row of panels per model, a line per method, the median over images and their range.

    failed: cone_failed.csv, whose methods are named below. Infinite diameters (classes that reach different
    units) are arrows at the upper edge. Returns `out`; its suffix chooses the format. ValueError for another
    table.
    """
    rows = CONE.read(table)
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
                for place, method in enumerate(methods):
                    measured = [row for row in mine if row["method"] == method]
                    curve(axes, spread(measured, column, at="layer"), layers, method, place)
                axes.set(
                    title=title,
                    yscale="log",
                    xlabel="layer, from the output to the input",
                    xlim=(-0.5, len(layers) - 0.5),
                )
                step = -(-len(layers) // 22)
                axes.set_xticks(range(0, len(layers), step), layers[::step], rotation=90, fontsize=9)
            line[0].set_ylabel(f"{in_lines(model)}\n← the same map for every class")
        panels[0, -1].legend(loc="upper right")
        figure.suptitle("How far apart can the maps of any two classes, or non-negative mixtures, be?")
        not_shown(figure, failed)
        return save(figure, out)


def curve(axes: plt.Axes, numbers: Spread, layers: list[str], method: str, place: int) -> None:
    """One method in one panel, in the look of the place-th."""
    look = {**MEMBERS[place % len(MEMBERS)], "color": COLOURS[place % len(COLOURS)], "ms": 6 - 2 * place}
    x = np.array([layers.index(layer) for layer in numbers.places], int)
    some, infinite = np.isfinite(numbers.high), np.isinf(numbers.high)
    axes.fill_between(x[some], numbers.low[some], numbers.high[some], color=look["color"], alpha=0.2, lw=0)
    axes.plot(x[some], numbers.median[some], **look, label=method)
    axes.plot(
        x[infinite],
        np.full(infinite.sum(), 0.97),
        ls="",
        marker=r"$\infty$",
        ms=11,
        color=look["color"],
        transform=axes.get_xaxis_transform(),
    )
