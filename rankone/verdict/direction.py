"""Do directions differ when relevance arrives? 1 − |cos| of random starts beside that of independent ones."""

from __future__ import annotations

from dataclasses import dataclass
from math import isnan

from rankone.results.text import two_digits
from rankone.verdict.thresholds import PARALLEL
from rankone.verdict.verdict import FAILS, HOLDS, NOT_JUDGED, Verdict
from rankone.verdict.wording import WORDING


@dataclass(frozen=True)
class Direction:
    """1 − |cos| over channels of relevance from `start` at `layer`: the median with the ends of its interval
    over images (nan: one image), and null, that of independent directions. missing: share of pairs without
    a direction.
    """

    subject: str
    start: str
    layer: str
    images: int
    median: float
    low: float
    high: float
    null: float
    missing: float
    quantity: str = "csc"


def judged_direction(direction: Direction) -> Verdict:
    """FAILS where the whole interval lies at PARALLEL or below, HOLDS where all of it lies above."""
    state, reason = _state(direction)
    words = WORDING["collapse"]
    over = f"{direction.images} {'image' if direction.images == 1 else 'images'}"
    known = not isnan(direction.median)
    return Verdict(
        "collapse",
        state,
        "measured",
        direction.subject,
        f"of two random starts at {direction.start}, 1 − |cos| over channels at {direction.layer} is "
        f"{two_digits(direction.median)} (the median over {over})"
        if known
        else "",
        f"of independent directions {two_digits(direction.null)}" if known else "",
        words.consequence(state, reason),
        words.limit,
        direction.quantity,
        direction.median,
        direction.low,
        direction.high,
        direction.null,
        PARALLEL.value,
        reason,
    )


def _state(direction: Direction) -> tuple[str, str]:
    if isnan(direction.median):
        return NOT_JUDGED, f"no pair of random starts at {direction.start} arrives at {direction.layer}"
    if not direction.null > PARALLEL.value:
        where = f"at {direction.layer} hardly any location has two channels in use"
        return NOT_JUDGED, f"{where}, and any two starts are parallel there"
    if isnan(direction.low):
        return NOT_JUDGED, "one image is too few"
    if direction.high <= PARALLEL.value:
        return FAILS, ""
    if direction.low > PARALLEL.value:
        return HOLDS, ""
    between = f"{two_digits(direction.low)} to {two_digits(direction.high)}"
    return NOT_JUDGED, f"the images disagree: {between}, and {PARALLEL.value:g} is between"
