"""Convergence in words and numbers that a newcomer can read."""

from collections.abc import Sequence

from torch_backend.convergence.csc import CSC
from torch_backend.convergence.statistics import Reading

COLLAPSED = -3.0  # log10(1 - |cos|): directions within 2.6 degrees
SAYS_NOTHING = "at most locations relevance has one live channel there, and one direction whatever it is"
ROWS = 6  # start layers in a table; more would hide the trend


def table(model: str, results: Sequence[CSC]) -> str:
    """A table of 1 - |cos| at the last layer before the input, start layer by method, and a verdict each."""
    layer = results[0].layers[-2]
    starts = [start for start in results[0].starts if start != layer] or list(results[0].starts)
    shown = [starts[round(k * (len(starts) - 1) / max(1, ROWS - 1))] for k in range(ROWS)]
    shown = list(dict.fromkeys(shown))
    header = ["start layer", *(result.method for result in results), "unrelated"]
    rows = [
        [
            start,
            *(cell(result.at(start, layer)) for result in results),
            number(results[0].at(start, layer).null()),
        ]
        for start in shown
    ]
    widths = [max(len(row[column]) for row in [header, *rows]) for column in range(len(header))]
    lines = [
        f"{model}: 1 - |cos| between the relevance of different random starts, read at {layer}",
        "(0: the map no longer depends on the start; 'unrelated': what independent directions give there)",
        "",
        *(
            "  " + "  ".join(cell.rjust(w) for cell, w in zip(row, widths, strict=True))
            for row in [header, *rows]
        ),
        *(["", f"  * {SAYS_NOTHING}"] if any("*" in text for row in rows for text in row) else []),
        "",
        *("  " + verdict(result) for result in results),
    ]
    return "\n".join(lines)


def cell(reading: Reading) -> str:
    """1 - |cos|, with a star where even independent directions would be parallel."""
    return number(reading.median) + ("" if is_telling(reading) else "*")


def verdict(result: CSC) -> str:
    """Where one method's relevance from the topmost start stops depending on that start."""
    readings = result.of(result.starts[0])
    collapse = collapsed_at(readings)
    if collapse is None:
        telling = [reading for reading in readings[:-1] if is_telling(reading)]
        if not telling and len(readings) > 1:
            return f"{result.method}: {SAYS_NOTHING}"
        last = telling[-1] if telling else readings[-1]
        return (
            f"{result.method}: relevance from {result.starts[0]} still depends on its start at {last.layer} "
            f"(1 - |cos| = {number(last.median)})."
        )
    return (
        f"{result.method}: from {collapse.layer} down, relevance from {result.starts[0]} has one direction "
        f"whatever its start (1 - |cos| < {number(COLLAPSED)})."
    )


def collapsed_at(readings: Sequence[Reading]) -> Reading | None:
    """The first reading from which on all that tell anything, the input's aside, are below COLLAPSED."""
    last = None
    for reading in reversed(readings[:-1]):
        if not is_telling(reading):
            continue
        if not reading.median < COLLAPSED:
            break
        last = reading
    return last


def is_telling(reading: Reading) -> bool:
    """Whether independent directions would not be parallel there anyway, for want of live channels."""
    return not reading.null() < COLLAPSED


def number(log10: float) -> str:
    """10^log10 in three digits."""
    return f"{10**log10:.2g}"
