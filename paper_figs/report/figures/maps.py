"""The grid of maps of the first image: a row for each method, columns for classes and destroyed layers."""

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.figure import Figure

from paper_figs.heatmaps import NON_NEGATIVE, SIGNED
from paper_figs.report.figures.lines import plain
from paper_figs.report.maps import coloured, is_signed
from paper_figs.report.reading import Audit
from paper_figs.report.verdicts import methods_of

CELL = 1.35  # inches of a map


def draw(audit: Audit) -> Figure | None:
    """None where there is no map."""
    if not audit.size("shown"):
        return None
    classes = audit.array("map", "method", "shown", "shown_class", "y", "x")[:, 0]
    stages = audit.array("map_destroyed", "method", "shown", "shown_stage", "y", "x")[:, 0]
    methods, maps = methods_of(audit), np.concatenate([classes, stages], 1)
    rows = [m for m in range(len(methods)) if np.isfinite(maps[m]).any()]
    if not rows:
        return None
    names = [*(f"class\n{plain(name, 16)}" for name in _first(audit.texts("shown_class_name")))]
    names += [f"destroyed to\n{plain(name, 16)}" for name in audit.texts("shown_stage_name")]
    down, across = len(rows), maps.shape[1]
    figure, panels = plt.subplots(
        down, across, figsize=(1.6 + CELL * across, 1.2 + CELL * down), squeeze=False
    )
    for line, m in zip(panels, rows, strict=True):
        signed = is_signed(maps[m])
        scale = SIGNED if signed else NON_NEGATIVE
        for axes, map_ in zip(line, maps[m], strict=True):
            axes.set(xticks=[], yticks=[])
            axes.grid(visible=False)
            axes.spines[:].set_visible(False)
            if not np.isfinite(map_).any():
                axes.text(0.5, 0.5, "not\nmeasured", ha="center", va="center", transform=axes.transAxes)
                continue
            axes.imshow(coloured(map_, scale), cmap=scale.colours, vmin=0, vmax=1, interpolation="nearest")
        line[0].set_ylabel(plain(methods[m].title, 18), rotation=0, ha="right", va="center", fontsize=10)
    for axes, name in zip(panels[0], names, strict=False):
        axes.set_title(name, fontsize=9.5)
    figure.suptitle(plain(audit.attribute("model"), 90))
    return figure


def _first(names: np.ndarray) -> list[str]:
    """Of the first image."""
    return list(names[0]) if names.ndim == 2 and len(names) else []
