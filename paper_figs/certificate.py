"""What is proved, what is found in float64 and what a sample sees, layer by layer; computes nothing.

draw("out/mri.csv", "out/mri.png")   # the table of `rankone certify --model`
"""

from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np

from paper_figs.style import MEMBERS, NON_NEGATIVE, RECTIFIED, SIGNED, house_style, in_lines, save
from rankone.results.table import Row
from rankone.results.tables import CERTIFIED

PANELS = {
    "one_minus_cos": "1 − smallest cosine of two maps",
    "total_variation": "share of what arrives that moves",
    "share": "change of a unit's share",
}
CURVES = (
    ("", "certified", NON_NEGATIVE),
    ("computed_", "in float64", SIGNED),
    ("sampled_", "sampled", RECTIFIED),
)
TICKS = 22  # names of layers below a panel
FLOOR = 1e-33  # what is zero stands there


def draw(table: str | Path, out: str | Path) -> Path:
    """A row of panels for each model: 1 − cos, total variation and share, of the worst image at each layer.

    Infinite bounds are ∞ at the upper edge. Returns `out`; its suffix chooses the format. ValueError for
    another table.
    """
    rows = CERTIFIED.read(table)
    models = list(dict.fromkeys(row["model"] for row in rows))
    with house_style():
        size = 5 * len(PANELS), 0.8 + 4.6 * len(models)
        figure, panels = plt.subplots(len(models), len(PANELS), figsize=size, squeeze=False)
        for model, line in zip(models, panels, strict=True):
            mine = [row for row in rows if row["model"] == model]
            layers = list(dict.fromkeys(row["layer"] for row in mine))
            for axes, (column, title) in zip(line, PANELS.items(), strict=True):
                for place, (kind, name, colour) in enumerate(CURVES):
                    if f"{kind}{column}" in mine[0]:
                        curve(axes, worst(mine, layers, f"{kind}{column}"), name, colour, place)
                step = -(-len(layers) // TICKS)
                axes.set_xticks(range(0, len(layers), step), layers[::step], rotation=90, fontsize=9)
                axes.set(title=title, yscale="log", xlim=(-0.5, len(layers) - 0.5))
                if not any(np.isfinite(line.get_ydata()).any() for line in axes.lines[::2]):
                    axes.set_ylim(0.1, 1)  # nothing but ∞, which has a place and no number
            line[0].set_ylabel(f"{in_lines(model)}\n← the same map whatever the start")
        panels[0, 0].legend(loc="upper right")
        starts = ", ".join(dict.fromkeys(row["start"] for row in rows))
        figure.suptitle(f"{rows[0]['method']}: all non-negative relevance at {starts}, down to the input")
        return save(figure, out)


def worst(rows: list[Row], layers: list[str], column: str) -> np.ndarray:
    """The largest number of each layer over the images; nan where there is none."""
    numbers = {layer: [row[column] for row in rows if row["layer"] == layer] for layer in layers}
    return np.array(
        [np.nan if np.isnan(of).all() else np.nanmax(of) for of in map(np.array, numbers.values())]
    )


def curve(axes: plt.Axes, numbers: np.ndarray, name: str, colour: str, place: int) -> None:
    """One kind of number in one panel, layer by layer; the first lies below the others, and is the widest."""
    x, finite, infinite = np.arange(len(numbers)), np.isfinite(numbers), np.isinf(numbers)
    look = {**MEMBERS[place], "color": colour, "ms": 8 - 2 * place, "lw": 4 - 1.2 * place}
    axes.plot(x[finite], np.maximum(numbers[finite], FLOOR), **look, label=name)
    axes.plot(
        x[infinite],
        np.full(infinite.sum(), 0.97),
        ls="",
        marker=r"$\infty$",
        ms=11,
        color=colour,
        transform=axes.get_xaxis_transform(),
    )
