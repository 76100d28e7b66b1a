"""Is it the same map again: once more, and in a batch?"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from rankone.results.text import at_most
from rankone.verdict.thresholds import GAP, UNDEFINED
from rankone.verdict.verdict import FAILS, HOLDS, NOT_JUDGED, Verdict
from rankone.verdict.wording import WORDING


@dataclass(frozen=True, eq=False)
class Sameness:
    """‖m − m'‖/‖m‖ of the map of each image and the same again, (B,); NaN where there is none."""

    subject: str
    gaps: NDArray[np.float64] = field(repr=False)
    quantity: str


def judged_sameness(question: str, sameness: Sameness) -> Verdict:
    """HOLDS where the largest gap is at most GAP."""
    known = sameness.gaps[~np.isnan(sameness.gaps)]
    missing = len(sameness.gaps) - len(known)
    worst = float(known.max()) if len(known) else float("nan")
    state, reason = (HOLDS if worst <= GAP.value else FAILS), ""
    if not len(known) or missing > UNDEFINED.value * len(sameness.gaps):
        state, reason = NOT_JUDGED, f"maps of {missing} of {len(sameness.gaps)} images cannot be compared"
    words = WORDING[question]
    how_much = f"at most {at_most(worst)} of its length" if worst else "nothing"
    over = f"{len(known)} {'image' if len(known) == 1 else 'images'}"
    return Verdict(
        question,
        state,
        "measured",
        sameness.subject,
        f"{words.asked}, the map differs by {how_much} ({over})" if len(known) else "",
        f"a grey level of a picture is {GAP.value:.2g}" if len(known) else "",
        words.consequence(state, reason),
        words.limit,
        sameness.quantity,
        worst,
        float("nan"),
        worst,
        float("nan"),
        GAP.value,
        reason,
    )
