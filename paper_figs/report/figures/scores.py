"""How alike maps are: beside another class's and another image's, and after weights are destroyed."""

import math

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from paper_figs.report import scores
from paper_figs.report.figures.lines import FORWARD, NULL, marker, name_places, plain, plot
from paper_figs.report.looks import Look, looks_of
from paper_figs.report.reading import Audit
from paper_figs.report.verdicts import Method, methods_of
from paper_figs.style import REFERENCE

ACROSS = 5  # small panels side by side
WIDTH = 15.6  # inches


def draw(audit: Audit) -> Figure | None:
    """By the score that a page opens with; None where nothing was measured."""
    methods = methods_of(audit)
    looks = looks_of([method.name for method in methods])
    compared = {
        "Another class": scores.other_classes(audit),
        "Another image": scores.another_image(audit),
    }
    above = {title: found[0] for title, found in compared.items() if found}
    below = scores.destroyed_weights(audit)[:1]
    if not above and not below:
        return None
    lines = math.ceil(len(below[0].panels) / ACROSS) if below else 0
    heights = [1.6 + 0.31 * len(methods) if above else 0.9, *[1.5 + 2.2 * lines] * len(below)]
    figure = plt.figure(figsize=(WIDTH, 0.8 + sum(heights)))
    parts = figure.subfigures(len(heights), 1, height_ratios=heights, squeeze=False)[:, 0]
    panels = parts[0].subplots(1, len(above) + 1, squeeze=False)[0]
    for axes, (title, comparison) in zip(panels, above.items(), strict=False):
        dots(axes, comparison, methods, looks)
        axes.set_title(title)
    panels[-1].set_axis_off()
    panels[-1].legend(handles=legend(), loc="center left")
    for part, destroyed in zip(parts[1:], below, strict=True):
        part.suptitle(f"Weights destroyed from the output down to a layer: {scores.word(destroyed.score)}")
        small = part.subplots(lines, min(ACROSS, len(destroyed.panels)), squeeze=False, sharey=True)
        for axes in small.flat[len(destroyed.panels) :]:
            axes.set_axis_off()
        for axes, (m, curves) in zip(small.flat, destroyed.panels, strict=False):
            for curve in curves:
                plot(axes, curve, looks[m])
            axes.set_title(plain(methods[m].title, 26), fontsize=12)
            axes.set_ylim(min(0.0, axes.get_ylim()[0]) - 0.03, 1.03)
            name_places(axes, destroyed.places)
    figure.suptitle(plain(audit.attribute("model"), 90))
    return figure


def dots(
    axes: Axes, comparison: scores.Comparison, methods: tuple[Method, ...], looks: tuple[Look, ...]
) -> None:
    """A line for each method: median, middle half, null."""
    for row in comparison.rows:
        look = looks[row.method]
        axes.plot([row.null], [row.method], "|", ms=15, mew=2.6, color=REFERENCE)
        axes.plot([row.low, row.high], [row.method] * 2, color=look.family.colour, lw=2.4, alpha=0.5)
        axes.plot([row.median], [row.method], ls="", **{**marker(look), "ms": 7})
    lowest = min([0.0, *(x for row in comparison.rows for x in (row.low, row.null) if np.isfinite(x))])
    axes.set(xlim=(lowest - 0.03, 1.03), ylim=(len(methods) - 0.4, -0.6))
    axes.set_xlabel(scores.word(comparison.score))
    axes.set_yticks(range(len(methods)), [plain(method.title, 26) for method in methods])


def legend() -> list[Line2D]:
    return [
        Line2D([], [], color="0.2", marker="o", lw=2.4, label="median, middle half (shaded below)"),
        Line2D([], [], ls="", marker="|", ms=14, mew=2.6, color=REFERENCE, label="null (above)"),
        Line2D([], [], label="null (below)", **NULL),
        Line2D([], [], label="forward pass alone", **FORWARD),
    ]
