"""Captions of sanity checks: three sentences that say what is seen, with the numbers of the table.

They are written from the numbers and hold for any outcome. A map "stays" where the lower end of its score's
99 % interval, or for want of an interval its median, lies above the null: maps that have nothing in common.
"""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from math import isnan
from typing import Any

from numpy.typing import NDArray

from paper_figs.method_words import word
from rankone.results.table import Row

SCORES = {
    "ssim": "SSIM",
    "ssim_flip": "SSIM",
    "spearman": "rank correlation",
    "spearman_flip": "rank correlation",
}
PROTOCOLS = {
    "corrected": "corrected",
    "paper": "paper (as its code: SSIM of maps upside down, data range 2; random weights for each method)",
}
FLIP = "a map and its negative count as alike, as a map's sign may turn with the logit's"


def of_scores(rows: Sequence[Row], score: str) -> str:
    """Three sentences on rows of SANITY, by one score: the class, the weights, the controls."""
    mine = [row for row in rows if row["score"] == score]
    return " ".join([_of_class(mine, score), _of_weights(mine, score), _of_controls(mine)])


def of_maps(data: Mapping[str, NDArray[Any]]) -> str:
    """Three sentences on arrays of SANITY_MAPS: the class, the weights, what cannot be compared."""
    columns = [str(column) for column in data["columns"]]
    said = [
        f"{where}, {_of_column(data, c)}."
        for where, c in (
            ("Asked for another class", 1),
            (f"With the weights destroyed from the output down to {columns[-1]}", len(columns) - 1),
        )
    ]
    bad = Counter(str(name) for name in data["condition"].flat if name not in ("fine", "sparse"))
    reasons = ", ".join(f"{number} {name}" for name, number in bad.items())
    number = data["condition"].size
    left = f"{bad.total()} of the {number} maps cannot be compared ({reasons})"
    return " ".join([*said, f"{left if bad else f'All {number} maps can be compared'}."])


def _of_column(data: Mapping[str, NDArray[Any]], c: int) -> str:
    rows = known(
        {"method": str(method), "median": float(score), "null": float(null)}
        for method, score, null in zip(data["methods"], data["scores"][:, c], data["null"][:, c], strict=True)
    )
    above = [row for row in rows if row["median"] > row["null"]]
    return (
        f"{count(above, rows)} give a map more like the original than independent maps are: "
        f"{_extremes(rows, str(data['score']))}"
        if rows
        else "no map could be compared"
    )


def _of_class(rows: Sequence[Row], score: str) -> str:
    of_class = [row for row in rows if row["test"] == "random_logit"]
    if not of_class:
        return "No other class was asked for."
    asked = known(of_class)
    if not asked:
        return "Asked for another class, no map could be compared."
    return f"Asked for another class, {_who_stays(asked)} {_extremes(asked, score)}."


def _of_weights(rows: Sequence[Row], score: str) -> str:
    cascade = [row for row in rows if row["test"] != "random_logit"]
    if not cascade:
        return "No weights were destroyed."
    last = cascade_end(cascade)
    where = f"With the weights destroyed {PLACES[last[0]['test']].format(last[0]['stage'])},"
    compared = known(last)
    if not compared:
        return f"{where} no map could be compared."
    return f"{where} {_who_stays(compared)} {_extremes(compared, score)}."


def _of_controls(rows: Sequence[Row]) -> str:
    cascade = [row for row in rows if row["test"] != "random_logit"]
    compared = known(cascade_end(cascade) if cascade else rows)
    beside = [row for row in compared if not isnan(row["another"])]
    kept = [row for row in compared if not isnan(row["forward_alone"])]
    like_another = [row for row in beside if row["median"] <= row["another"]]
    by_forward = [row for row in kept if row["forward_alone"] >= row["median"]]
    said = []
    if beside:
        said.append(f"{count(like_another, beside)} do not exceed the agreement of two images' maps")
    if kept:
        chains = f"of the {len(kept)} chains {len(by_forward)}"
        said.append(f"{chains} agree as much or more when the forward pass alone is kept")
    where = "There" if cascade else "Under another class"
    text = ", and ".join(said)
    return f"{where}, {text}." if text else "There are no controls to compare with."


PLACES = {
    "top_down": "from the output down to {}",
    "bottom_up": "from the image up to {}",
    "single": "in {} alone",
}


def cascade_end(rows: Sequence[Row]) -> list[Row]:
    """The rows of the first order's deepest stage."""
    first = [row for row in rows if row["test"] == rows[0]["test"]]
    deepest = max(row["depth"] for row in first)
    return [row for row in first if row["depth"] == deepest]


def known(rows: Iterable[Row]) -> list[Row]:
    """Those with a score, and a null to compare it with."""
    return [row for row in rows if not (isnan(row["median"]) or isnan(row["null"]))]


def stays(row: Row) -> bool:
    """Whether it agrees with the trained network's map more than independent maps would."""
    low = row["median"] if isnan(row["low"]) else row["low"]
    return bool(low > row["null"])


def count(some: Sequence[object], of: Sequence[object]) -> str:
    return f"{len(some)} of {len(of)} methods"


def _who_stays(rows: Sequence[Row]) -> str:
    few = sum(isnan(row["low"]) for row in rows)
    by = f"at 99 %{', or with too few images by the median' if few else ''}"
    by = "by their medians" if few == len(rows) else by
    return f"{count([r for r in rows if stays(r)], rows)} agree with the original more than chance {by}:"


def _extremes(rows: Sequence[Row], score: str) -> str:
    most, least = (of(rows, key=lambda row: row["median"]) for of in (max, min))
    said = f"{word(most['method'])} has {SCORES.get(score, score)} {_number(most)}"
    return said if most is least else f"most {said}, least {word(least['method'])} {_number(least)}"


def _number(row: Row) -> str:
    return f"{row['median']:.2f} (independent maps {row['null']:.2f})"
