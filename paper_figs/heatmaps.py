"""Maps before and after a network's weights are destroyed: draws the .npz of simulations/fig1.py and fig6.py;
computes nothing.

draw("out/fig1/fig1.corrected.npz", "out/fig1/fig1.corrected.png")
"""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.axes import Axes
from matplotlib.colors import Colormap, LinearSegmentedColormap
from matplotlib.figure import Figure

from paper_figs import sanity_caption as captions
from paper_figs.caption import under
from paper_figs.method_words import word
from paper_figs.style import house_style, in_lines, save
from rankone.results.arrays import SANITY_MAPS

CELL = 1.62  # inches of a map
COMPARABLE = ("fine", "sparse")


@dataclass(frozen=True)
class Scale:
    """How numbers from `low` to 1 are coloured, and what the two ends are."""

    colours: Colormap
    low: float
    words: str


# Blue is darker than orange: printed in grey the two signs are not one.
BLUE_ORANGE = LinearSegmentedColormap.from_list(
    "blue_orange", ["#08306b", "#5b8fc9", "white", "#fdae6b", "#d94801"]
)
SIGNED = Scale(BLUE_ORANGE, -1, "maps with signs: 0 is white, ±1 the\n99.5th percentile of magnitudes")
NON_NEGATIVE = Scale(
    plt.get_cmap("inferno"), 0, "maps ≥ 0: percentile 0.5 is 0,\n99.5 is 1; the rest is clipped"
)


def draw(arrays: str | Path, out: str | Path, *, failed: str | Path | None = None) -> Path:
    """Draw the image, then a row per method: the trained network's map, another class's, and one per stage,
    each with its score and, in brackets, that of independent maps. The caption is under it and in a .txt
    beside it.

    failed: the table of the methods that failed, which are named below. Returns `out`; its suffix chooses the
    format. ValueError for another file.
    """
    data = SANITY_MAPS.read(arrays)
    protocol = str(data["protocol"])
    down, across = data["scores"].shape
    rows = max(down, 4)  # the first column has the image and two scales
    with house_style():
        figure, panels = plt.subplots(
            rows,
            across + 1,
            figsize=(0.6 + CELL * (across + 1.25), 2.4 + 1.12 * CELL * rows),
            width_ratios=[1.25, *[1] * across],
            squeeze=False,
        )
        for panel in panels.flat:
            panel.set_axis_off()
        panels[0, 0].imshow(data["picture"].transpose(1, 2, 0), interpolation="nearest")
        panels[0, 0].set_title("the image", fontsize=11)
        scales(figure, panels[:, 0], data["signed"])
        for k in range(down):
            for c in range(across):
                cell(panels[k, c + 1], data, k, c)
            panels[k, 1].text(
                -0.06, 0.5, word(str(data["methods"][k])), rotation=90, fontsize=10.5, ha="right",
                va="center", transform=panels[k, 1].transAxes,
            )  # fmt: skip
        question = "Does a map change when another class is asked for, when weights are destroyed"
        whose = in_lines(str(data["model"]), 130)
        figure.suptitle(
            f"{question} from the output down to a layer?\n{whose}\nProtocol: {captions.PROTOCOLS[protocol]}",
            fontsize=12.5,
        )
        under(figure, out, captions.of_maps(data), failed)
        return save(figure, out)


def cell(axes: Axes, data: dict[str, np.ndarray], k: int, c: int) -> None:
    """One map, or a crossed box with the reason why there is none."""
    head = f"{data['columns'][c]}\n" if k == 0 else ""
    score, null = data["scores"][k, c], data["null"][k, c]
    said = "" if np.isnan(score) else f"{score:.2f} ({null:.2f})"
    if c == 0 and k == 0:
        said = f"{captions.SCORES[str(data['score'])]} (null):"
    axes.set_title(f"{head}{said}", fontsize=10, pad=2)
    if data["condition"][k, c] in COMPARABLE:
        scale = SIGNED if data["signed"][k] else NON_NEGATIVE
        axes.imshow(data["maps"][k, c], cmap=scale.colours, vmin=scale.low, vmax=1, interpolation="nearest")
        return
    axes.set(xlim=(0, 1), ylim=(0, 1), box_aspect=1)
    axes.plot([0, 1, 1, 0, 0, 1, 0, 1], [0, 0, 1, 1, 0, 1, 1, 0], color="0.55", lw=1, clip_on=False)
    box = {"fc": "white", "ec": "none", "pad": 1.5}
    axes.text(0.5, 0.5, data["condition"][k, c], ha="center", va="center", fontsize=10, bbox=box)


def scales(figure: Figure, column: Any, signed: np.ndarray) -> None:
    """A legend for each of the two scales that is in use, under the image."""
    used = [scale for scale, there in ((SIGNED, signed.any()), (NON_NEGATIVE, not signed.all())) if there]
    for axes, scale in zip(column[1:], used, strict=False):
        shade = plt.cm.ScalarMappable(plt.Normalize(scale.low, 1), scale.colours)
        inside = axes.inset_axes((0.05, 0.55, 0.9, 0.1))
        figure.colorbar(shade, cax=inside, orientation="horizontal", ticks=sorted({scale.low, 0, 1}))
        axes.text(0.5, 0.75, scale.words, ha="center", va="bottom", fontsize=8.5, transform=axes.transAxes)
