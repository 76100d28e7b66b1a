"""What a claim, its verdict and its evidence are; `check`, the one way evidence asserts."""

from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum

from rankone.claims.sources import Source


class Verdict(StrEnum):
    """What the evidence says about a claim."""

    HOLDS = "holds"
    CONDITIONAL = "holds under a stated condition"
    FALSE = "false as stated"


class NotReproducedError(Exception):
    """An assertion behind a verdict failed in this run."""


@dataclass(frozen=True)
class Evidence:
    """What one run found: how (exact arithmetic, or an experiment and its seed), then plain sentences."""

    how: str
    findings: tuple[str, ...]


@dataclass(frozen=True)
class Claim:
    """One row of the ledger.

    `words` paraphrases the `source`, `section` says where in it; `because` is the condition or the
    reason. `evidence` takes its data as default arguments, which a test can corrupt,
    and raises NotReproducedError when a check fails.
    """

    id: str
    words: str
    source: Source
    section: str
    verdict: Verdict
    because: str
    evidence: Callable[..., Evidence]


def check(holds: object, finding: str) -> str:
    """Return `finding` if it `holds`; raise NotReproducedError with it otherwise."""
    if not holds:
        raise NotReproducedError(f"this check failed: {finding}")
    return finding
