"""The answer to one question about one method: one of three states, a sentence, the number behind it."""

from __future__ import annotations

from dataclasses import dataclass
from math import isfinite
from typing import Any

HOLDS, FAILS, NOT_JUDGED = "holds", "fails", "not judged"


@dataclass(frozen=True)
class Verdict:
    """state: HOLDS, the map depends on what it must, or is the same again where it must; FAILS; NOT_JUDGED.

    basis        proved; all classes; sampled over k classes; measured
    subject, measured, null, consequence, limit   the parts of the sentence, "" where there is none; what was
                 not judged says so, with the reason, in the consequence's place, and leaves the limit out
    quantity     the variable of results.nc that the number is made of
    value, low, high, null_value, threshold       nan where there is none
    reason       why it was not judged; "" where it was
    """

    question: str
    state: str
    basis: str
    subject: str
    measured: str
    null: str
    consequence: str
    limit: str
    quantity: str
    value: float
    low: float
    high: float
    null_value: float
    threshold: float
    reason: str = ""

    @property
    def sentence(self) -> str:
        """The whole of it."""
        said = ", ".join(part for part in (self.measured, self.null) if part)
        first = f"{self.subject}: {said}." if said else f"{self.subject}:"
        last = "" if self.reason else self.limit
        return " ".join(part for part in (first, self.consequence, last) if part)

    def as_json(self) -> dict[str, Any]:
        """Plain values with the keys of summary.json; what there is not is None."""
        numbers = ("value", "low", "high", "null_value", "threshold")
        texts = ("question", "state", "basis", "sentence", "subject", "measured", "null", "consequence")
        return {
            **{name: getattr(self, name) for name in (*texts, "limit", "quantity")},
            **{name: x if isfinite(x := float(getattr(self, name))) else None for name in numbers},
            "reason": self.reason or None,
        }
