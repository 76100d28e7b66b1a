"""Which question has which answer."""

from __future__ import annotations

from dataclasses import dataclass

from rankone.verdict.bound import Bound, judged_class
from rankone.verdict.direction import Direction, judged_direction
from rankone.verdict.likeness import Likeness, judged_likeness
from rankone.verdict.sameness import Sameness, judged_sameness
from rankone.verdict.verdict import NOT_JUDGED, Verdict
from rankone.verdict.wording import WORDING

QUESTIONS = tuple(WORDING)


@dataclass(frozen=True)
class Missing:
    """Nothing was measured, and why: the method failed, or has no such numbers."""

    subject: str
    reason: str
    quantity: str = ""


@dataclass(frozen=True, eq=False)
class OfClasses:
    """What is known of the class question: bounds, the best first, and scores, if any."""

    bounds: tuple[Bound, ...]
    likeness: Likeness | Missing


Numbers = Likeness | OfClasses | Direction | Sameness | Missing


def judged(question: str, numbers: Numbers) -> Verdict:
    """The answer to one of QUESTIONS, by what was measured. KeyError for another question."""
    match numbers:
        case OfClasses(bounds, likeness):
            scores = likeness if isinstance(likeness, Likeness) else None
            return judged_class(bounds, scores) or judged(question, likeness)
        case Likeness():
            return judged_likeness(question, numbers)
        case Direction():
            return judged_direction(numbers)
        case Sameness():
            return judged_sameness(question, numbers)
        case Missing():
            return _missing(question, numbers)


def _missing(question: str, missing: Missing) -> Verdict:
    words, nan = WORDING[question], float("nan")
    return Verdict(
        question,
        NOT_JUDGED,
        "measured",
        missing.subject,
        "",
        "",
        words.consequence(NOT_JUDGED, missing.reason),
        words.limit,
        missing.quantity,
        nan,
        nan,
        nan,
        nan,
        nan,
        missing.reason,
    )
