"""How much of a map any class moves, where that is bounded for all classes and their mixtures."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

import numpy as np
from numpy.typing import NDArray

from rankone.results.text import at_most
from rankone.verdict.likeness import Likeness, judged_likeness
from rankone.verdict.thresholds import MOVES
from rankone.verdict.verdict import FAILS, Verdict
from rankone.verdict.wording import WORDING

PROVED, ALL_CLASSES = "proved", "all classes"
DIGITS = 2  # of a bound, rounded up


@dataclass(frozen=True, eq=False)
class Bound:
    """The largest share of a map that lies elsewhere for one class than for another, (B,) in [0, 1], NaN
    where an image has none; classes: those that are compared; silent: others, of which no relevance arrives
    in some image; basis: PROVED, or ALL_CLASSES for what float64 finds without an error bound.
    """

    subject: str
    values: NDArray[np.float64] = field(repr=False)
    classes: int
    basis: str
    quantity: str = ""
    silent: int = 0


def judged_class(bounds: tuple[Bound, ...], likeness: Likeness | None) -> Verdict | None:
    """The answer for the class: by the first bound that says that nearly nothing moves, best first, unless
    another finds more in an image of which it knows nothing; else by the scores. None where there is neither.
    """
    for bound in bounds:
        unknown = np.isnan(bound.values)
        known = bound.values[~unknown]
        elsewhere = any((other.values[unknown] > MOVES.value).any() for other in bounds)
        if len(known) and known.max() <= MOVES.value and not elsewhere:
            return _blind(bound, float(known.max()), len(known), likeness)
    return None if likeness is None else judged_likeness("class", likeness)


def _blind(bound: Bound, worst: float, images: int, likeness: Likeness | None) -> Verdict:
    words = WORDING["class"]
    how = "proved" if bound.basis == PROVED else "computed in float64"
    over = f"{images} {'image' if images == 1 else 'images'}"
    total = bound.classes + bound.silent
    those = f" whose relevance reaches the image, of {total}" if bound.silent else ""
    verdict = Verdict(
        "class",
        FAILS,
        bound.basis,
        bound.subject,
        f"asking for another class moves at most {at_most(100 * worst, DIGITS)} % of the map that arrives "
        f"({how} for all {bound.classes} classes{those}, {over})",
        "",
        words.fails,
        words.limit,
        bound.quantity,
        worst,
        float("nan"),
        worst,
        float("nan"),
        MOVES.value,
    )
    if likeness is None:
        return verdict
    seen = judged_likeness("class", likeness)
    beside = f"by {likeness.score} its maps agree by {seen.value:.2f}, {seen.null}" if seen.null else ""
    return replace(verdict, null=beside, null_value=seen.null_value)
