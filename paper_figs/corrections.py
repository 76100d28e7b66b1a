"""Draws `simulations/corrections.py`: the change of each number by each correction of the paper's code."""

from collections.abc import Sequence
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.axes import Axes

from paper_figs.caption import under
from paper_figs.method_words import word
from paper_figs.style import (
    ALPHA_BETA,
    FEW,
    MEMBERS,
    NON_NEGATIVE,
    RECTIFIED,
    REFERENCE,
    SIGNED,
    house_style,
    in_lines,
    save,
)
from rankone.results.table import Row
from rankone.results.tables import CORRECTIONS

WORDS = {
    "upside_down": "maps the right way up",
    "ssim_data_range": "SSIM's range 1, not 2",
    "largest_channel": "channels summed",
    "draws_for_each_method": "shared draws",
    "draws_glorot": "He's weights, not Glorot's",
    "whole_bias": "bias by its sign",
    "clips_additions": "no clip at additions",
    "null": "null subtracted",
    "all": "all together",
    "self_pairs": "without self-pairs",
}
TESTS = {
    "random_logit": "random logit: SSIM",
    "top_down": "cascade: SSIM",
    "csc": "CSC: |cos| of random starts",
}
STYLES = {
    "gradient": (SIGNED, 0),
    "guided_backprop": (RECTIFIED, 1),
    "z_plus": (NON_NEGATIVE, 2),
    "alpha_beta:1:0": (NON_NEGATIVE, 2),
    "alpha_beta:2:1": (ALPHA_BETA, 3),
    "alpha_beta:5:4": (ALPHA_BETA, 4),
    "lrp_cmp:1:0:0": ("#000000", 5),
}
ORDER = [name for name in WORDS if name != "self_pairs"]


def draw(table: str | Path, out: str | Path) -> Path:
    """Draw the table into `out`, and its caption beside it as .txt; returns the path of the picture."""
    rows = CORRECTIONS.read(table)
    measured = [row for row in rows if row["test"] in TESTS]
    labels = list(dict.fromkeys(row["model"] for row in measured))
    with house_style():
        size = (15, 1.6 + 3.4 * len(labels))
        figure, axes = plt.subplots(len(labels), len(TESTS), figsize=size, squeeze=False, sharey=True)
        for of_model, label in zip(axes, labels, strict=True):
            for ax, test in zip(of_model, TESTS, strict=True):
                shown = [row for row in measured if (row["model"], row["test"]) == (label, test)]
                _panel(ax, shown)
                stage = ", ".join(dict.fromkeys(row["stage"] for row in shown))
                ax.set_title(TESTS[test] + (f" ({stage})" if shown else ""), fontsize=12)
            of_model[0].set_ylabel(in_lines(label, 34), fontsize=10)
        handles = {h.get_label(): h for ax in axes.flat for h in ax.get_legend_handles_labels()[0]}
        figure.legend(handles.values(), handles.keys(), loc="outside upper center", ncols=len(handles))
        under(figure, out, caption(rows))
        return save(figure, out, colours=FEW)


def _panel(ax: Axes, rows: Sequence[Row]) -> None:
    methods = [name for name in STYLES if any(row["method"] == name for row in rows)]
    for k, method in enumerate(methods):
        color, member = STYLES[method]
        mine = [row for row in rows if row["method"] == method]
        y = np.array([ORDER.index(row["correction"]) for row in mine]) + 0.7 * (
            (k + 0.5) / len(methods) - 0.5
        )
        x, low, high = (np.array([row[name] for row in mine]) for name in ("change", "low", "high"))
        ends = np.nan_to_num([x - low, high - x])
        marker = MEMBERS[member]["marker"]
        ax.errorbar(x, y, xerr=np.abs(ends), fmt=marker, color=color, ms=5, lw=1.2, label=word(method))
    ax.axvline(0, color=REFERENCE, lw=1)
    ax.set_yticks(range(len(ORDER)), [WORDS[name] for name in ORDER])
    ax.set_ylim(len(ORDER) - 0.5, -0.5)
    ax.set_xlabel("change")
    for edge in range(len(ORDER) - 1):
        ax.axhline(edge + 0.5, color="0.9", lw=0.8)
    ax.grid(visible=False, axis="y")


def caption(rows: Sequence[Row]) -> str:
    """What is seen, in sentences: the largest change of each kind of number, of the code's own level."""
    said = []
    for test, words in TESTS.items():
        single = [r for r in rows if r["test"] == test and r["correction"] not in ("all", "null")]
        single = [r for r in single if not np.isnan(r["change"])]
        if single:
            most = max(single, key=lambda r: abs(r["change"]))
            name = most["model"].partition(" ")[0]
            said.append(
                f"{words}: of single corrections “{WORDS[most['correction']]}” changes most, "
                f"{most['before']:.2f} to {most['after']:.2f} for {word(most['method'])} on {name}"
            )
    chance = [r for r in rows if r["correction"] == "null" and r["test"] == "top_down" and r["before"] > 0]
    if chance:
        share = np.nanmedian([(r["before"] - r["after"]) / r["before"] for r in chance])
        said.append(f"half of the published cascade scores owe {share:.0%} or more to chance (their null)")
    pairs = [r for r in rows if r["correction"] == "self_pairs"]
    if pairs:
        least = min(pairs, key=lambda r: r["change"])
        said.append(
            f"figure 4's mean |cos| after {least['stage']} falls by up to {-least['change']:.2f} without "
            f"self-pairs ({least['method']})"
        )
    return (
        f"Change of each number when one fault of the paper's code is mended. {'; '.join(said)}. Bars: exact "
        "99 % intervals of the median of paired differences over images, as if these were independent "
        "(slices are of one head); “shared draws” compares one draw with another, with both draws' noise."
    )
