"""The ledger as text and as JSON: every claim's evidence is run, and what it said is shown."""

import json
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from textwrap import fill

from rankone.claims.record import Claim, Evidence, NotReproducedError

WIDTH = 96


@dataclass(frozen=True)
class Run:
    """One claim and this run of its evidence: what it found, or why it failed."""

    claim: Claim
    evidence: Evidence | None
    failure: str | None

    @property
    def status(self) -> str:
        """In a word: was the verdict reproduced?"""
        return "NOT REPRODUCED" if self.evidence is None else "reproduced"


def run(claim: Claim) -> Run:
    """Run the evidence of a claim; a failed check is part of the result."""
    try:
        return Run(claim, claim.evidence(), None)
    except NotReproducedError as failure:
        return Run(claim, None, str(failure))


def table(runs: Sequence[Run]) -> str:
    """One claim a row, its words below it, failures explained, verdicts counted; WIDTH columns."""
    rows = [_row("claim", "source", "verdict", "this run"), "─" * WIDTH]
    for r in runs:
        rows += [_row(r.claim.id, _where(r.claim), r.claim.verdict, r.status), _indented(r.claim.words)]
        if r.failure:
            rows.append(_indented(r.failure))
    counts = Counter(str(r.claim.verdict) for r in runs)
    lost = sum(r.evidence is None for r in runs)
    total = f"{len(runs)} claims: " + ", ".join(f"{n} {verdict}" for verdict, n in counts.items())
    return "\n".join([*rows, "─" * WIDTH, fill(f"{total}; {lost} not reproduced.", WIDTH)])


def page(r: Run) -> str:
    """One claim: its words, the verdict and its reason, and the evidence with the numbers of this run."""
    claim = r.claim
    found = [str(r.failure)] if r.evidence is None else r.evidence.findings
    how = "" if r.evidence is None else f" ({r.evidence.how})"
    return "\n".join(
        [
            claim.id,
            "",
            _entry("Claim", claim.words),
            _entry("Source", f"{claim.source.reference}: {claim.section}."),
            _entry("Verdict", f"{claim.verdict}. {claim.because}"),
            "",
            fill(f"Evidence, {r.status}{how}:", WIDTH),
            *(fill(sentence, WIDTH, initial_indent="  • ", subsequent_indent="    ") for sentence in found),
        ]
    )


def as_json(runs: Sequence[Run]) -> str:
    """A list of objects, one per claim."""
    return json.dumps([_record(r) for r in runs], ensure_ascii=False, indent=2)


def _record(r: Run) -> dict[str, object]:
    return {
        "id": r.claim.id,
        "claim": r.claim.words,
        "source": r.claim.source.name,
        "reference": r.claim.source.reference,
        "section": r.claim.section,
        "verdict": str(r.claim.verdict),
        "because": r.claim.because,
        "reproduced": r.evidence is not None,
        "how": r.evidence.how if r.evidence else None,
        "findings": list(r.evidence.findings) if r.evidence else [],
        "failure": r.failure,
    }


def _where(claim: Claim) -> str:
    return f"{claim.source.name}: {claim.section}"


def _row(id: str, where: str, verdict: str, status: str) -> str:
    return f"{id:<25}{where:<27}{verdict:<31}{status}"


def _indented(text: str) -> str:
    return fill(text, WIDTH, initial_indent="  ", subsequent_indent="  ")


def _entry(name: str, text: str) -> str:
    return fill(text, WIDTH, initial_indent=f"{name:<9}", subsequent_indent=" " * 9)
