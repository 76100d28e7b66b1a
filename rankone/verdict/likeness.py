"""Does the map become another one? Scores of two maps beside what unrelated maps reach."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from rankone.results.median import Median, order_statistic_median
from rankone.verdict.thresholds import LEVEL, NO_ROOM, SAME, UNDEFINED
from rankone.verdict.verdict import FAILS, HOLDS, NOT_JUDGED, Verdict
from rankone.verdict.wording import WORDING

Floats = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Likeness:
    """How alike two maps of each image are, (B,): the score; null: that of unrelated maps like them.

    subject   the method and the network
    score     what the score is called
    basis     all classes; sampled over k classes; measured
    detail    what was done more exactly, such as down to which layer; "" for nothing
    quantity  the variable of results.nc
    NaN where an image has none.
    """

    subject: str
    score: str
    values: Floats = field(repr=False)
    null: Floats = field(repr=False)
    basis: str = "measured"
    detail: str = ""
    quantity: str = ""


def beyond_chance(values: Floats, null: Floats) -> Floats:
    """(s − n) / (1 − n), (B,): 1 for the same map, 0 for unrelated ones; NaN where n leaves no room."""
    room = np.where(null <= NO_ROOM.value, 1 - null, np.nan)
    return np.asarray((values - null) / room)


def state_of(likeness: Likeness) -> tuple[str, str]:
    """The state, and why it could not be judged.

    FAILS where both ends of the interval of the median agreement beyond chance are at SAME or above, HOLDS
    where both are below.
    """
    asked = len(likeness.values)
    compared = ~np.isnan(likeness.values)
    if not asked or 1 - compared.mean() > UNDEFINED.value:
        return NOT_JUDGED, f"maps of {asked - int(compared.sum())} of {asked} images cannot be compared"
    agreement = beyond_chance(likeness.values, likeness.null)
    known = agreement[~np.isnan(agreement)]
    if 2 * len(known) < compared.sum():
        return (
            NOT_JUDGED,
            f"unrelated maps agree by more than {NO_ROOM.value:g}, which leaves no room to tell",
        )
    middle = order_statistic_median(known, LEVEL.value)
    if np.isnan(middle.low):
        return (
            NOT_JUDGED,
            f"{len(known)} {'image is' if len(known) == 1 else 'images are'} too few: it takes six",
        )
    if middle.low >= SAME.value:
        return FAILS, ""
    if middle.high < SAME.value:
        return HOLDS, ""
    between = f"{middle.low:.2f} to {middle.high:.2f}"
    return NOT_JUDGED, f"the images disagree: beyond chance {between}, and {SAME.value:g} is between"


def judged_likeness(question: str, likeness: Likeness) -> Verdict:
    """The answer that scores give."""
    state, reason = state_of(likeness)
    words = WORDING[question]
    seen = order_statistic_median(likeness.values, LEVEL.value)
    null = float(np.median(known)) if len(known := likeness.null[~np.isnan(likeness.null)]) else np.nan
    return Verdict(
        question,
        state,
        likeness.basis,
        likeness.subject,
        _measured(words.asked, likeness, seen),
        "" if np.isnan(null) else f"unrelated maps like it by {null:.2f}",
        words.consequence(state, reason),
        words.limit,
        likeness.quantity,
        seen.median,
        seen.low,
        seen.high,
        null,
        SAME.value,
        reason,
    )


def _measured(asked: str, likeness: Likeness, seen: Median) -> str:
    if np.isnan(seen.median):
        return ""
    interval = "" if np.isnan(seen.low) else f" [{seen.low:.2f}, {seen.high:.2f}]"
    count = int((~np.isnan(likeness.values)).sum())
    over = f"{count} {'image' if count == 1 else 'images'}"
    basis = "" if likeness.basis == "measured" else f", {likeness.basis}"
    detail = f" ({likeness.detail})" if likeness.detail else ""
    return (
        f"{asked}{detail}, the map agrees with the first by {seen.median:.2f}{interval} "
        f"({likeness.score}, the median over {over}{basis})"
    )
