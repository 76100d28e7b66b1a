"""CSC curves of all methods: a panel for each start layer, of many as many spread evenly."""

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from paper_figs.report import convergence
from paper_figs.report.charts import Curve
from paper_figs.report.figures.lines import NULL, line, name_places, plain, plot
from paper_figs.report.looks import looks_of
from paper_figs.report.reading import Audit
from paper_figs.report.verdicts import methods_of

MOST = 6  # panels
LOWEST = 1e-33  # exact zeros are drawn here, outside the axes


def draw(audit: Audit) -> Figure | None:
    """None where nothing was measured."""
    starts = convergence.starts(audit, audit.size("start"))
    if not starts:
        return None
    methods = methods_of(audit)
    looks = looks_of([method.name for method in methods])
    chosen = [starts[k] for k in np.unique(np.linspace(0, len(starts) - 1, MOST).round().astype(int))]
    across = min(3, len(chosen))
    down = -(-len(chosen) // across)
    figure, panels = plt.subplots(
        down, across, figsize=(2.8 + 4.4 * across, 0.8 + 3.9 * down), squeeze=False, sharey=True
    )
    for axes in panels.flat[len(chosen) :]:
        axes.set_axis_off()
    for axes, start in zip(panels.flat, chosen, strict=False):
        for curve in start.curves:
            plot(axes, above_zero(curve), looks[curve.method])
        axes.set(yscale="log", title=f"from {plain(start.name, 30)}")
        axes.set_ylim(bottom=bottom(starts), top=2)
        name_places(axes, start.places)
    for axes in panels[:, 0]:
        axes.set_ylabel("1 − |cos| over channels\n← parallel    unrelated →")
    drawn = sorted({m for start in chosen for m in start.methods})
    handles = [Line2D([], [], label=plain(methods[m].title, 28), **line(looks[m])) for m in drawn]
    handles.append(Line2D([], [], label="unrelated directions", **NULL))
    if any(curve.kind == "predicted" for start in chosen for curve in start.curves):
        handles.append(Line2D([], [], color="0.2", lw=0.8, label="thin: predicted"))
    figure.legend(handles=handles, loc="outside right upper", handlelength=3.4)
    figure.suptitle(plain(audit.attribute("model"), 90))
    return figure


def above_zero(curve: Curve) -> Curve:
    """Exact zeros at LOWEST: a logarithmic axis has none."""
    band = None if curve.band is None else tuple(np.maximum(end, LOWEST) for end in curve.band)
    return Curve(curve.kind, curve.method, np.maximum(curve.values, LOWEST), band)


def bottom(starts: tuple[convergence.Start, ...]) -> float:
    """A decade below the smallest number that is not 0."""
    values = np.concatenate([np.asarray(curve.values) for start in starts for curve in start.curves])
    return float(values[values > LOWEST].min(initial=0.1)) / 10
