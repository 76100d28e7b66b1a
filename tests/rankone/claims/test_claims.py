"""The ledger: every verdict is reproduced, and every check behind it is broken on purpose and must notice."""

import ast
import importlib
from pathlib import Path

import pytest

from rankone.claims import LEDGER, Claim, NotReproducedError, find
from rankone.claims.record import check
from tests.rankone.claims.broken import literature, maps, measures, products, rules

#: The claims of the project's theory notes; the ledger holds these and may hold more.
EXPECTED = {
    "rank1-converse",
    "irreducible-enough",
    "nonneg-enough",
    "span-shrinks",
    "exponential",
    "dense-z-plus-qualifies",
    "conv-local",
    "no-influence",
    "lrp-z-is-grad-input",
    "alpha-beta-conserves",
    "ebp-is-a1b0",
    "gbp-non-negative",
    "dtd-necessarily",
    "seven-iterations",
    "beta-below-four",
    "input-jump",
    "logit-sign",
    "cmp-direction",
    "resnet-a2b1",
    "theorem-1",
    "conv-irreducible",
    "applies-to-convolutions",
    "w2-zb-non-negative",
    "eq-3-zero-over-zero",
    "bias-absorbed",
    "inactive-get-relevance",
    "z-plus-part",
    "alpha-beta-negative",
    "rank1-cosine",
    "vanilla-converges",
    "align-more-and-more",
    "pattern-attribution",
    "gradient-converges",
    "one-means-rank-one",
    "baseline-mean-cosine",
    "half-zeros",
    "negative-entries",
    "relu-chains",
    "image-recovery",
    "di-full",
    "dtd-locally-constant",
    "roots-leave-region",
    "top-down-randomisation",
    "entropy-rise",
    "input-alignment",
    "moebius-law",
}


#: Corrupted data for every claim: each row is handed to the claim's evidence, which must raise.
BREAKS = products.BREAKS | rules.BREAKS | measures.BREAKS | maps.BREAKS | literature.BREAKS


def module_of(claim: Claim) -> Path:
    """The file of a claim is named after its id."""
    module = importlib.import_module(f"rankone.claims.{claim.id.replace('-', '_')}")
    assert module.CLAIM is claim
    return Path(module.__file__)


def checks_in(source: str) -> list[range]:
    """The lines of every call of `check`."""
    return [
        range(node.lineno, node.end_lineno + 1)
        for node in ast.walk(ast.parse(source))
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "check"
    ]


def line_of_failure(claim: Claim, data: dict) -> int:
    """The line in the claim's file from which the evidence raises on corrupted data."""
    path = str(module_of(claim))
    with pytest.raises(NotReproducedError, match="this check failed: ") as caught:
        claim.evidence(**data)
    return max(entry.lineno + 1 for entry in caught.traceback if str(entry.path) == path)


@pytest.mark.parametrize("claim", LEDGER, ids=lambda claim: claim.id)
def test_verdict_is_reproduced(claim):
    evidence = claim.evidence()
    assert evidence.how and len(evidence.findings) >= 2
    assert not any("nan" in finding.split() for finding in evidence.findings)


@pytest.mark.parametrize("claim", LEDGER, ids=lambda claim: claim.id)
def test_every_check_can_fail(claim):
    checks = checks_in(module_of(claim).read_text())
    failed = [line_of_failure(claim, data) for data in BREAKS[claim.id]]
    unbroken = [lines for lines in checks if not any(line in lines for line in failed)]
    assert checks and not unbroken, f"no corrupted data breaks the checks at lines {unbroken}"


def test_every_sentence_is_checked():
    """No claim reports a finding that is not behind a `check`."""
    for claim in LEDGER:
        tree = ast.parse(module_of(claim).read_text())
        (found,) = [
            node.args[1]
            for node in ast.walk(tree)
            if isinstance(node, ast.Call) and getattr(node.func, "id", "") == "Evidence"
        ]
        for sentence in found.elts if isinstance(found, ast.Tuple) else [found]:
            assert checks_in(ast.unparse(sentence)), f"{claim.id}: {ast.unparse(sentence)}"


def test_ledger_is_complete():
    ids = [claim.id for claim in LEDGER]
    assert len(set(ids)) == len(ids)
    assert set(BREAKS) == set(ids) >= EXPECTED
    assert all(claim.words and claim.source and claim.section and claim.because for claim in LEDGER)


def test_a_claim_that_cannot_fail_is_noticed():
    """The guard of `test_every_check_can_fail`: data that is not corrupted does not count as broken."""
    with pytest.raises(pytest.fail.Exception, match="DID NOT RAISE"):
        line_of_failure(find("no-influence"), {})


def test_check_returns_the_finding_or_raises():
    assert check(2 % 2 == 0, "two is even") == "two is even"
    with pytest.raises(NotReproducedError, match="three is even"):
        check(3 % 2 == 0, "three is even")
