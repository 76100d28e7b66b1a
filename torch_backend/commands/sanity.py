"""What `rankone sanity` runs: random logit and cascade of several methods; the tables, and what they say."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from textwrap import fill

from rankone.results.table import Row
from rankone.results.tables import SANITY, SANITY_PAIRS
from rankone.results.text import aligned
from torch_backend.audit import table
from torch_backend.audit.part import Plan
from torch_backend.audit.study import Outcome

SHOWN = "spearman_flip"  # the printed score: a sign that the logit's own sign turns does not count
WIDTH = 98  # columns of a sentence
COLUMNS = 6  # stages in a table; more would hide the trend
TITLES = {
    "random_logit": "Another class is asked for",
    "top_down": "Weights destroyed from the output down to a layer",
    "bottom_up": "Weights destroyed from the image up to a layer",
    "single": "Weights of one layer destroyed",
}


def write(folder: Path, label: str, plan: Plan, outcomes: Sequence[Outcome]) -> tuple[Path, Path]:
    """Write folder/sanity.csv and folder/sanity_pairs.csv; returns their paths."""
    return (
        SANITY.write(folder / "sanity.csv", table.rows(label, plan, outcomes)),
        SANITY_PAIRS.write(folder / "sanity_pairs.csv", table.pairs(label, plan, outcomes)),
    )


def summary(rows: Sequence[Row]) -> str:
    """For each test a table of one score, methods by stages, beside null and controls; a sentence each."""
    shown = [row for row in rows if row["score"] == SHOWN]
    images = max(row["images"] for row in shown)
    head = (
        f"{shown[0]['model']}, protocol {shown[0]['protocol']}: rank correlation (of either sign) of a map "
        f"with that of the trained network for the explained class; medians over {images} images"
    )
    tests = dict.fromkeys(row["test"] for row in shown)
    return "\n\n".join(
        [fill(head, WIDTH), *(_of_test(test, [r for r in shown if r["test"] == test]) for test in tests)]
    )


def _of_test(test: str, rows: Sequence[Row]) -> str:
    stages = list(dict.fromkeys(row["stage"] for row in rows))
    stages = list(dict.fromkeys(stages[round(k * (len(stages) - 1) / (COLUMNS - 1))] for k in range(COLUMNS)))
    by = {(row["method"], row["stage"]): row for row in rows}
    methods = list(dict.fromkeys(row["method"] for row in rows))
    kept = test == "random_logit"
    lines = [["method", *stages, "null", "edges", "another image", *([] if kept else ["forward alone"])]]
    for method in methods:
        last = by[method, stages[-1]]
        beside = ["null", "edges", "another", *([] if kept else ["forward_alone"])]
        cells = [*(by[method, stage]["median"] for stage in stages), *(last[name] for name in beside)]
        lines.append([method, *map("{:.2f}".format, cells)])
    said = [sentence(by[method, stages[-1]]) for method in methods]
    return "\n".join(
        [
            f"  {TITLES[test]}",
            "",
            *aligned(lines, left=1, indent="    "),
            "",
            *(fill(text, WIDTH, initial_indent="    ", subsequent_indent="      ") for text in said),
        ]
    )


def sentence(row: Row) -> str:
    """What one row says, beside its null, and what remains unsaid."""
    what = (
        "the map of another class"
        if row["test"] == "random_logit"
        else f"the map with weights destroyed ({row['test'].replace('_', '-')}, {row['stage']})"
    )
    missing = f"; {row['undefined']:.0%} of its maps cannot be compared" if row["undefined"] else ""
    missing += f"; {row['float64']:.0%} computed in float64" if row["float64"] else ""
    if not row["images"]:
        return f"{row['method']}: no map can be compared{missing}."
    interval = "" if row["low"] != row["low"] else f" [{row['low']:.2f}, {row['high']:.2f}]"
    return (
        f"{row['method']}: {what} agrees with the original by {row['median']:.2f}{interval}; independent "
        f"maps like it by {row['null']:.2f}{missing}."
    )
