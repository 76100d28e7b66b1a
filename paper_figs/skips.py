"""Residual blocks under the curves of figure 5: what the identity path undoes, measured and by the law of
skips; draws rows of SKIPS.
"""

from collections.abc import Sequence
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import FigureBase
from matplotlib.lines import Line2D
from matplotlib.patches import Patch

from paper_figs.method_words import word
from paper_figs.style import NON_NEGATIVE, SIGNED
from rankone.results.table import Row

HEIGHT = 3.2  # inches of a panel
LOOKS: dict[str, dict[str, Any]] = {
    "above": {"marker": "_", "ms": 11, "color": "0.35", "label": "above the block"},
    "branch": {
        "marker": "v",
        "ms": 6,
        "color": SIGNED,
        "mfc": "white",
        "label": "below, through\nthe branch alone",
    },
    "measured": {"marker": "o", "ms": 6, "color": NON_NEGATIVE, "label": "below, measured"},
    "predicted": {"marker": "x", "ms": 8, "color": "black", "mew": 1.6, "label": "below, by the law"},
}
SHARE = {"color": "0.85", "width": 0.8}
LOWER = 0.3  # of a panel's height: where the bars of the shares are


def panels(part: FigureBase, rows: Sequence[Row], columns: int) -> None:
    """A panel for each method, of the first start layer."""
    start = rows[0]["start"]
    mine = [row for row in rows if row["start"] == start]
    methods = list(dict.fromkeys(row["method"] for row in mine))
    across = min(columns, len(methods))
    grid = part.subplots(-(-len(methods) // across), across, squeeze=False)
    for axes in grid.flat[len(methods) :]:
        axes.set_visible(False)
    for method, axes in zip(methods, grid.flat, strict=False):
        panel(axes, [row for row in mine if row["method"] == method])
        axes.set_title(word(method))
    for axes in grid[:, 0]:
        axes.set_ylabel("1 − |cos| over channels")
    part.suptitle(f"Why |cos| drops at skips: relevance from {start}, above and below each residual block")
    handles: list[Any] = [Line2D([], [], ls="", **look) for look in LOOKS.values()]
    handles.append(Patch(color=SHARE["color"], label="share of the identity\n(of magnitudes, right axis)"))
    part.legend(handles=handles, loc="outside right upper", fontsize=9.5)


def panel(axes: Axes, rows: Sequence[Row]) -> None:
    """One method: from the branch's 1 − |cos| to the measured one; the share of the identity as bars."""
    x = np.arange(len(rows))
    numbers = {name: np.array([row[name] for row in rows]) for name in LOOKS}
    positive = np.concatenate([y[y > 0] for y in numbers.values()])
    low, high = np.log10([positive.min(), positive.max()]) if len(positive) else (-1.0, 0.0)
    low, high = min(low, high - 1) - 0.15, high + 0.15
    axes.set(yscale="log", ylim=(10 ** (low - (high - low) * LOWER / (1 - LOWER)), 10**high))
    axes.vlines(x, numbers["branch"], numbers["measured"], color="0.6", lw=1.2, zorder=2)
    for name, look in LOOKS.items():
        axes.plot(x, numbers[name], ls="", **{**look, "label": None}, zorder=3)
    axes.set_xticks(x, [row["block"] for row in rows], rotation=90, fontsize=8.5)
    bars = axes.twinx()
    share = np.array([row["magnitude"] for row in rows])
    most = max(1.0, np.nanmax(share, initial=1.0))
    bars.bar(x, share, **SHARE)
    bars.set(ylim=(0, most / (LOWER - 0.03)))
    bars.set_yticks([0, 1], ["0", "1"], fontsize=8.5)
    bars.grid(visible=False)
    axes.set_zorder(bars.get_zorder() + 1)
    axes.patch.set_visible(False)
