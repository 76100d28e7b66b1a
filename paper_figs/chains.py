"""Figure 4: draws fig4.csv of simulations/fig4.py; computes nothing."""

import math
from pathlib import Path
from typing import Any

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.axes import Axes
from matplotlib.lines import Line2D

from paper_figs import style
from rankone.results.table import Row
from rankone.results.tables import FIG4
from rankone.shapes import VGG16

LOOKS: dict[str, dict[str, Any]] = {
    "vanilla": {"color": style.SIGNED, "label": "vanilla: N", **style.MEMBERS[0]},
    "relu": {"color": style.RECTIFIED, "label": "ReLU: N, then negatives to 0", **style.MEMBERS[1]},
    "stochastic": {
        "color": style.NON_NEGATIVE,
        "label": "stochastic: |N|, columns sum to 1",
        **style.MEMBERS[3],
        "ms": 9,
        "mfc": "none",
    },
    "positive": {"color": style.NON_NEGATIVE, "label": "positive: |N|", **style.MEMBERS[2]},
    "non_negative": {"color": style.NON_NEGATIVE, "label": "non-negative: max(N, 0)", **style.MEMBERS[0]},
    "learned": {"color": style.LEARNED, "label": "learned: your weights", **style.MEMBERS[4]},
}
PRECISION = {"float32": 2.0**-23, "float64": 2.0**-52}
TITLES = {
    "a": "a   Factors made from a standard normal matrix N",
    "b": "b   Factors αN⁺ + βN⁻: LRP's αβ rule on random weights",
}
NAMES = {look["label"] for look in LOOKS.values()}
MARKS = [
    Line2D([], [], color="0.2", marker="o", ls="", label="simulated: median, 95 % interval"),
    Line2D([], [], color="0.2", label="theory: no fitted parameter"),
    Line2D([], [], color=style.REFERENCE, ls=":", label="ε: there, 1 − |cos| by subtraction ends"),
]
DEEPEST = 1e-45  # at least this much of the axis is shown

Curves = dict[tuple[str, str, str], list[Row]]


def draw(table: Path) -> list[Path]:
    """Draw fig4.csv as .png and .pdf beside it; returns the two paths. ValueError for another table."""
    rows = FIG4.read(table)
    with style.house_style():
        figure, panels = plt.subplots(1, 2, figsize=(15, 8.2), sharey=True)
        for axes, (panel, title) in zip(panels, TITLES.items(), strict=True):
            curves: Curves = {}
            for row in rows:
                if row["panel"] == panel:
                    curves.setdefault((row["ensemble"], row["alpha"], row["beta"]), []).append(row)
            fill(axes, title, curves)
        panels[0].set_ylabel(
            "1 − |cos| of two random starts after the multiplications\n"
            "← parallel: start forgotten                    start remembered →"
        )
        figure.suptitle(
            "Products of VGG-16-shaped random matrices forget the vector they start from – "
            "unless their entries average to nearly 0"
        )
        return [style.save(figure, table.with_suffix(suffix)) for suffix in (".png", ".pdf")]


def fill(axes: Axes, title: str, curves: Curves) -> None:
    """One panel: the curves, once more on a linear axis in an inset, the machine precisions, the names."""
    inset = axes.inset_axes((0.1, 0.055, 0.36, 0.33))
    looks = looks_of(curves)
    for rows, look in zip(curves.values(), looks, strict=True):
        curve(axes, rows, look)
        curve(inset, rows, look)

    laws = [row["theory"] for rows in curves.values() for row in rows]
    lowest = min(y for y in laws if not math.isnan(y))
    axes.set(title=title, yscale="log", ylim=(min(DEEPEST, lowest) / 10, 5))
    axes.set_xlabel("multiplications   (below: length of the vectors, as in VGG-16)")
    lengths = [VGG16[0][0], *(m for _, m in VGG16)]
    axes.set_xticks(range(len(lengths)), [f"{k}\n{n}" for k, n in enumerate(lengths)], fontsize=9)
    axes.set_yticks([10.0**-k for k in range(0, 46, 5)])
    axes.minorticks_off()
    for name, epsilon in PRECISION.items():
        axes.axhline(epsilon, color=style.REFERENCE, lw=1, ls=":")
        axes.text(-0.4, epsilon / 3, f"{name} ε", va="top", fontsize=9.5, color=style.REFERENCE)
    inset.set(title="the same, linear scale", ylim=(0, 1.02), xticks=range(0, 17, 4))
    inset.tick_params(labelsize=9)

    named = [Line2D([], [], **look) for look in looks if look["label"] in NAMES]
    if named:
        axes.legend(
            handles=named + MARKS, loc="upper right", bbox_to_anchor=(1, 0.88), frameon=True, framealpha=1
        )
    else:
        for rows, look in zip(curves.values(), looks, strict=True):
            end = (rows[-1]["multiplications"], rows[-1]["theory"])
            axes.annotate(
                look["label"], end, (8, 0), textcoords="offset points", va="center", color=look["color"]
            )
        axes.set_xlim(right=19)


def curve(axes: Axes, rows: list[Row], look: dict[str, Any]) -> None:
    """Simulated medians as markers with intervals, theory as a line through them; 0 and NaN are not drawn."""
    names = ("multiplications", "median", "low", "high", "theory")
    k, median, low, high, theory = np.array([[row[name] for name in names] for row in rows]).T
    theory, median = (np.where(y > 0, y, np.nan) for y in (theory, median))
    axes.plot(k, theory, color=look["color"], ls=look["ls"], lw=1.5, zorder=2)
    marks = {"ms": 5, "mfc": look["color"], **look, "ls": "", "label": None}
    marks["mec"] = look["color"] if marks["mfc"] == "none" else "white"
    axes.errorbar(k, median, yerr=np.array([median - low, high - median]), mew=0.7, zorder=3, **marks)


def looks_of(curves: Curves) -> list[dict[str, Any]]:
    """Colour, line, marker and label of each curve; the αβ family takes ordered shades."""
    family = iter(style.shades(sum(alpha != "" for _, alpha, _ in curves)))
    members = iter(style.MEMBERS)
    return [
        {"color": next(family), "label": f"α {alpha}, β {beta}", **next(members)}
        if alpha
        else LOOKS[ensemble]
        for ensemble, alpha, beta in curves
    ]
