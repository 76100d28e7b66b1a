"""The ledger: every verdict is reproduced, and every check behind it is broken on purpose and must notice."""

import pytest

from rankone.claims import LEDGER, NotReproducedError, find
from rankone.claims.record import check
from tests.helpers.claims import line_of_failure, unbroken_checks, unchecked_sentences
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


@pytest.mark.parametrize("claim", LEDGER, ids=lambda claim: claim.id)
def test_verdict_is_reproduced(claim):
    evidence = claim.evidence()
    assert evidence.how and len(evidence.findings) >= 2
    assert not any("nan" in finding.split() for finding in evidence.findings)


@pytest.mark.parametrize("claim", LEDGER, ids=lambda claim: claim.id)
def test_every_check_can_fail(claim):
    unbroken = unbroken_checks(claim, BREAKS[claim.id])
    assert not unbroken, f"no corrupted data breaks the checks at lines {unbroken}"


@pytest.mark.parametrize("claim", LEDGER, ids=lambda claim: claim.id)
def test_every_sentence_is_checked(claim):
    """No claim reports a finding that is not behind a `check`."""
    assert unchecked_sentences(claim) == []


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
