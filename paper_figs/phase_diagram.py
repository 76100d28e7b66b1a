"""The phase diagram of αW⁺ + βW⁻: draws the table of simulations/phase_diagram.py; computes nothing."""

from functools import partial
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.axes import Axes
from matplotlib.collections import QuadMesh
from matplotlib.lines import Line2D
from numpy.typing import NDArray

from paper_figs.style import house_style, save, shades
from rankone.errors import refuse
from rankone.results.tables import PHASE_DIAGRAM

Floats = NDArray[np.float64]
Grids = dict[str, Floats]

PAPER_BETA = 4  # "β < 4 still converges": Sixt et al., arXiv 1912.09818, section 3
VGG16_WIDTHS = (64, 128, 256, 512)  # and 1000 and 4096, off the grid
SLICES = (1024, 128, 16)
CRITICAL = "#ff5533"
LEVELS = (0.25, 0.5, 1, 2)


def draw(table: Path) -> list[Path]:
    """phase_diagram.png and .pdf beside the table; returns their paths. ValueError for a table with holes."""
    grids = read(table)
    with house_style():
        figure, (left, middle, right) = plt.subplots(1, 3, figsize=(17, 6), width_ratios=(1, 1, 1.1))
        first, last = int(grids["settled"].max()), int(grids["depth"].max())
        top = max(grids["measured"].max(), grids["rate_law"].max())
        heat_map(left, grids, "measured", f"Simulated (multiplications {first} to {last})", top)
        mesh = heat_map(middle, grids, "rate_law", "Predicted: the rate law, log₁₀(n μ²/σ²)", top)
        figure.colorbar(
            mesh, ax=[left, middle], label="decades of 1 − |cos| lost per multiplication", pad=0.01
        )
        slices(right, grids)
        figure.suptitle(
            "By their mean, chains of αW⁺ + βW⁻ collapse below a critical β that grows with the width"
        )
        return [save(figure, table.with_suffix(suffix)) for suffix in (".png", ".pdf")]


def heat_map(axes: Axes, grids: Grids, name: str, title: str, top: float) -> QuadMesh:
    """One quantity over width × β, with its contours, the critical curve and the paper's line."""
    x, y = np.log2(grids["width"]), grids["beta"]
    mesh = axes.pcolormesh(x, y, grids[name], cmap="viridis", shading="nearest", vmin=0, vmax=top)
    axes.clabel(axes.contour(x, y, grids[name], LEVELS, colors="white", linewidths=1), fmt="%g", fontsize=10)
    limits = axes.axis()
    axes.plot(x[:, 0], grids["critical_beta"][:, 0], color=CRITICAL, lw=3)
    axes.axhline(PAPER_BETA, color="white", ls="--", lw=1.5)
    axes.plot(7, PAPER_BETA, "o", ms=10, mec="white", mfc=CRITICAL)
    axes.axis(limits)
    write = partial(axes.text, color="white", fontsize=11, clip_on=True)
    write(7.9, 6.9, "critical β", color=CRITICAL, rotation=52, ha="center", fontweight="bold", fontsize=12)
    write(2.6, PAPER_BETA + 0.15, "the paper's “β < 4”:\nright at width 128 only")
    write(2.7, 11.6, "no collapse by the mean:\nas slow as plain N(0, 1),\n0.43/n decades", fontsize=12)
    axes.grid(visible=False)
    axes.set(title=title, xlabel="width n of the layers  (bold: in VGG-16)", ylabel="β   (α = β + 1)")
    axes.set_xticks(x[:, 0], [f"{n:.0f}" for n in grids["width"][:, 0]])
    for label in axes.get_xticklabels():
        label.set_fontweight("bold" if int(label.get_text()) in VGG16_WIDTHS else "normal")
    return mesh


def slices(axes: Axes, grids: Grids) -> None:
    """Decades against β at a few widths: simulated points and both laws."""
    colours = dict(zip(SLICES, shades(len(SLICES)), strict=True))
    for n, colour in colours.items():
        for at in np.flatnonzero(grids["width"][:, 0] == n):
            beta = grids["beta"][at]
            axes.axvline(grids["critical_beta"][at, 0], color=colour, lw=1, ls=":")
            axes.plot(beta, grids["rate_law"][at], color=colour, lw=1.2, ls="--")
            axes.plot(beta, grids["moment_state"][at], color=colour, lw=2)
            marks = {"fmt": "o", "ms": 5, "mec": "white", "mew": 0.5, "elinewidth": 1}
            axes.errorbar(beta, grids["measured"][at], 2 * grids["error"][at], color=colour, **marks)
    axes.set(yscale="log", ylim=(2e-4, 5), xlabel="β   (α = β + 1)", title="Three widths, closer")
    axes.set_ylabel("decades lost per multiplication (log scale)")
    widths = [Line2D([], [], color=colour, lw=3) for colour in colours.values()]
    axes.add_artist(axes.legend(widths, [f"width {n}" for n in colours], loc="upper right"))
    styles = {
        "simulated ± 2 standard errors": {"marker": "o", "ls": ""},
        "moment state, at the same multiplications": {"lw": 2},
        "rate law, at great depth": {"ls": "--", "lw": 1.2},
        "critical β": {"ls": ":", "lw": 1},
    }
    marks = [Line2D([], [], color="0.3", **style) for style in styles.values()]
    axes.legend(marks, styles, loc="lower left", frameon=True)


def read(table: Path) -> Grids:
    """Every column as a grid (widths, betas), in increasing order; ValueError for a table with holes."""
    rows = sorted(PHASE_DIAGRAM.read(table), key=lambda row: (row["width"], row["beta"]))
    widths, betas = ({row[name] for row in rows} for name in ("width", "beta"))
    if len(rows) != len(widths) * len(betas):
        do = f"write the table anew with {PHASE_DIAGRAM.command}"
        refuse(str(table), expected="every width with every β", got=f"{len(rows)} rows", do=do)
    shape = len(widths), len(betas)
    return {name: np.array([row[name] for row in rows], float).reshape(shape) for name in PHASE_DIAGRAM.names}
