"""Captions of convergence: three sentences that say what is seen, with the numbers of the table.

They are written from the numbers and hold for any outcome.
"""

from collections.abc import Sequence
from math import isfinite, log10, nan
from statistics import median

from rankone.results.table import Row
from rankone.results.text import two_digits

PARALLEL = 1e-3  # 1 − |cos|: directions within 2.6 degrees


def of_deviations(rows: Sequence[Row], blocks: Sequence[Row]) -> str:
    """Of CONVERGENCE: from the topmost and the lowest start; the law of skips (SKIPS), or what is missing."""
    starts = list(dict.fromkeys(row["start"] for row in rows))
    said = [_from(rows, start) for start in dict.fromkeys((starts[0], starts[-1]))]
    return " ".join([*said, _of_skips(blocks) if blocks else _missing(rows)])


def of_cosines(rows: Sequence[Row]) -> str:
    """Of CONVERGENCE_POOLED: |cos| from the topmost and the lowest start, and what the pooling leaves out."""
    starts = list(dict.fromkeys(row["start"] for row in rows))
    said = [_cosine_from(rows, start) for start in dict.fromkeys((starts[0], starts[-1]))]
    return " ".join([*said, _missing(rows)])


def above_the_input(rows: Sequence[Row], start: str) -> list[Row]:
    """A method's row each, of the lowest layer above the input that relevance of the start reaches."""
    mine = [row for row in rows if row["start"] == start]
    layers = list(dict.fromkeys(row["layer"] for row in mine))
    lowest = layers[-2] if len(layers) > 1 else layers[-1]
    return [row for row in mine if row["layer"] == lowest]


def _from(rows: Sequence[Row], start: str) -> str:
    there = above_the_input(rows, start)
    known = [row for row in there if isfinite(row["median"])]
    if not known:
        return f"From {start}, no relevance reaches {there[0]['layer']}."
    parallel = [row for row in known if row["median"] <= PARALLEL]
    null = two_digits(median(row["null_median"] for row in known))
    return (
        f"From {start} down to {there[0]['layer']}, {len(parallel)} of {len(there)} methods make half of the "
        f"pairs of random vectors parallel within 1 − |cos| = {PARALLEL:g}; the median is "
        f"{_extremes(known, 'median', min, max)}, where unrelated directions have {null}."
    )


def _cosine_from(rows: Sequence[Row], start: str) -> str:
    there = above_the_input(rows, start)
    known = [row for row in there if isfinite(row["median"])]
    if not known:
        return f"From {start}, no relevance reaches {there[0]['layer']}."
    return (
        f"From {start} down to {there[0]['layer']}, the median of |cos| is "
        f"{_extremes(known, 'median', max, min)}, where unrelated directions have "
        f"{two_digits(known[0]['null_mean'])} in the mean."
    )


def _extremes(rows: Sequence[Row], column: str, most, least) -> str:
    """Where it is most parallel, and where least."""
    a, b = (of(rows, key=lambda row: row[column]) for of in (most, least))
    first = f"{_number(a[column])} under {a['method']}"
    return first if a is b else f"{first}, {_number(b[column])} under {b['method']}"


def _number(x: float) -> str:
    """Two digits, but of a cosine next to one as many as tell it from one; a table has six."""
    return two_digits(x) if x < 0.99 else f"1 − {two_digits(1 - x)}" if x < 1 else "1 to six digits"


def _missing(rows: Sequence[Row]) -> str:
    """Pairs without a direction."""
    most = max(rows, key=lambda row: row["missing"])
    if not most["missing"]:
        return "Every pair of vectors has a direction at every location."
    some = {row["method"] for row in rows if row["missing"]}
    return (
        f"Locations that no relevance reaches have no direction and are left out: at most "
        f"{most['missing']:.0%} of the pairs ({most['method']}, from {most['start']}, at {most['layer']}), "
        f"some under {len(some)} of "
        f"{len({row['method'] for row in rows})} methods."
    )


def _of_skips(blocks: Sequence[Row]) -> str:
    start = blocks[0]["start"]
    mine = [row for row in blocks if row["start"] == start]
    errors = {id(row): decades(row["predicted"], row["measured"]) for row in mine}
    known = [row for row in mine if isfinite(errors[id(row)])]
    if not known:
        return "No residual block has relevance to be compared."
    undone = [decades(row["measured"], row["branch"]) for row in known]
    off = [abs(errors[id(row)]) for row in known]
    worst = max(known, key=lambda row: abs(errors[id(row)]))
    return (
        f"Below the {len({row['block'] for row in known})} residual blocks, 1 − |cos| of relevance from "
        f"{start} is {_most(undone)} decades above that of the branch alone, by what the identity adds; the "
        f"law of skips is off by {_most(off)} decades ({worst['method']}, {worst['block']})."
    )


def _most(decades_: Sequence[float]) -> str:
    known = [d for d in decades_ if isfinite(d)]
    return f"{median(known):.2f} (median; at most {max(known):.2f})" if known else "an unknown number of"


def decades(a: float, b: float) -> float:
    """log10(a / b); nan where one is not positive."""
    return log10(a / b) if a > 0 and b > 0 else nan
