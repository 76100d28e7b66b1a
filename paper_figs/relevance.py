"""Relevance maps beside their images: draws relevance.npz (`rankone relevance`); computes nothing.

draw("out/relevance/relevance.npz", "out/relevance/relevance.png")
"""

from pathlib import Path
from typing import Any

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.axes import Axes

from paper_figs.style import house_style, in_lines, save
from rankone.results.arrays import RELEVANCE_MAPS, flat

ACROSS = 5  # images side by side
MOST = 20  # images in a picture
LETTERS = 22  # of the title, above each image
SHARE = 0.005  # of the start relevance; less is not said
SIGNED = "RdBu_r"  # red: positive; blue: negative; white: nothing


def draw(results: str | Path, out: str | Path) -> Path:
    """Draw each image above its map; every map has its own scale, symmetric about zero and stated above it,
    with how much of the relevance it is, and where the rest went.

    Maps without two axes of space are drawn as bars; one of three axes is summed over the first. At most MOST
    images are drawn. Returns `out`; its suffix chooses the format. ValueError for another file.
    """
    data = RELEVANCE_MAPS.read(results)
    count = min(MOST, len(data["map"]))
    across = min(ACROSS, max(2, count))  # two at least: room for the titles
    down = -(-count // across)
    with house_style():
        figure, axes = plt.subplots(
            2 * down, across, figsize=(1 + 2.6 * across, 2 + 5.8 * down), squeeze=False
        )
        figure.get_layout_engine().set(h_pad=0.1, hspace=0.06)
        for panel in axes.flat:
            panel.set_axis_off()
        for k in range(count):
            row, column = divmod(k, across)
            picture(axes[2 * row, column], data["pictures"][k])
            axes[2 * row, column].set_title(
                f"from {data['start']}: {data['names'][k]}\n(output {data['outputs'][k]:.3g})", fontsize=11
            )
            shown = relevance_map(axes[2 * row + 1, column], data["map"][k], accounts(data, k))
        if shown is not None:
            bar = figure.colorbar(shown, ax=axes[-1], location="bottom", fraction=0.05, pad=0.04, aspect=40)
            bar.set_ticks([-1, 0, 1], labels=["− scale", "0", "+ scale"])
        figure.suptitle(
            f"{in_lines(str(data['model']), 22 * across)}\n{data['method']}, relevance at {data['at']}",
            fontsize=14,
        )
        return save(figure, out)


def picture(axes: Axes, image: np.ndarray) -> None:
    """One image (C, H, W), its values stretched from black to white; others as a line per channel."""
    if image.ndim != 3:
        axes.plot(image.reshape(-1, image.shape[-1]).T, lw=1)
        axes.set_axis_on()
        return
    low, high = image.min(), image.max()
    pixels = (image - low) / (high - low if high > low else 1)
    colours = pixels.transpose(1, 2, 0) if len(pixels) == 3 else pixels.mean(axis=0)
    axes.imshow(colours, cmap="gray", vmin=0, vmax=1, interpolation="nearest")


def accounts(data: dict[str, np.ndarray], k: int) -> str:
    """How much of what it was given image k's map is, and a line on where the rest went, if that is known."""
    if not data["explained"]:
        return f"it sums to {data['arrived'][k]:.2g}\n"
    shares = {name: data[name][k] / data["given"][k] for name in ("arrived", "bias", "epsilon", "lost")}
    words = {"bias": "to biases", "epsilon": "to ε", "lost": "lost (0/0)"}
    gone = [f"{percent(shares[name])} {said}" for name, said in words.items() if shares[name] > SHARE]
    grown = [f"{percent(-shares['lost'])} grown"] if shares["lost"] < -SHARE else []
    return f"{percent(shares['arrived'])} arrives\n{', '.join([*gone, *grown])}"


def percent(share: float) -> str:
    """Two significant digits, or whole percent: 0.0022 %, 87 %, 122 %."""
    return f"{100 * share:.0f} %" if abs(share) >= 1 else f"{100 * share:.2g} %"


def relevance_map(axes: Axes, values: np.ndarray, accounts: str) -> Any:
    """One map in shares of its largest absolute value, which its title states; None if drawn as bars."""
    values = flat(values)
    scale = np.abs(values).max()
    arrives, _, rest = accounts.partition("\n")
    axes.set_title(f"{arrives}, scale ± {scale:.2g}\n{rest}", fontsize=11)
    if values.ndim < 2:
        axes.bar(np.arange(len(values)), values, width=1, color=np.where(values < 0, "#2166ac", "#b2182b"))
        axes.axhline(0, color="0.4", lw=0.8)
        axes.set_axis_on()
        return None
    return axes.imshow(values / (scale or 1), cmap=SIGNED, vmin=-1, vmax=1, interpolation="nearest")
