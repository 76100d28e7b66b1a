"""The table of verdicts as a picture: state as word and shape."""

from textwrap import fill
from typing import Any

import matplotlib.pyplot as plt
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from paper_figs.report.figures.lines import plain
from paper_figs.report.reading import Audit
from paper_figs.report.verdicts import Judged, methods_of, questions

SHAPES: dict[str, dict[str, Any]] = {
    "holds": {"marker": "o", "color": "#00664a"},
    "fails": {"marker": "X", "color": "#a8320a"},
    "not judged": {"marker": "D", "mfc": "white", "mec": "0.4", "mew": 1.2},
}
COLUMN, ROW = 1.75, 0.42  # inches


def draw(audit: Audit) -> Figure | None:
    """None where no method was asked anything."""
    methods = methods_of(audit)
    asked = questions(methods)
    if not asked:
        return None
    figure, axes = plt.subplots(figsize=(2.6 + COLUMN * len(asked), 1.5 + ROW * len(methods)))
    axes.set(xlim=(-0.15, len(asked) - 0.15), ylim=(len(methods) - 0.5, -0.6))
    axes.spines[:].set_visible(False)
    axes.grid(visible=False)
    axes.tick_params(length=0)
    axes.set_yticks(range(len(methods)), [plain(method.title, 28) for method in methods])
    axes.xaxis.tick_top()
    axes.set_xticks(range(len(asked)), [fill(words, 14) for words in asked.values()], ha="left")
    for y, method in enumerate(methods):
        axes.axhline(y + 0.5, color="0.85", lw=0.8)
        if method.failed:
            axes.text(-0.05, y, plain(f"came to no end: {method.failed}", 110), va="center", fontsize=10)
        for x, question in enumerate(asked):
            for judged in method.on(question)[:1]:
                cell(axes, x, y, judged)
    axes.set_title(plain(audit.attribute("model"), 80), loc="left")
    return figure


def cell(axes: Axes, x: float, y: float, judged: Judged) -> None:
    """The state, and what it rests on."""
    axes.plot([x], [y], ls="", ms=9, **SHAPES[judged.state])
    axes.text(x + 0.1, y, judged.state, va="center", fontsize=10.5)
    if judged.state != "not judged":
        axes.text(x + 0.1, y + 0.36, judged.said["basis"], va="center", fontsize=7.5, color="0.35")
