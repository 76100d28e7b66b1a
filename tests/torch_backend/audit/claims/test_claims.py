"""The ledger's second half: made-up measurements reproduce every verdict, corrupted ones break every check.

What the cheap ones say of real networks is run: those that need the two shipped networks only.
"""

import pytest

from rankone import claims
from tests.helpers.claims import unbroken_checks, unchecked_sentences
from tests.torch_backend.audit.claims.broken import BREAKS, SOUND
from torch_backend.audit.claims.ledger import LEDGER

#: Those whose evidence runs the shipped networks only, a few seconds each.
CHEAP = ("di-full-trained", "top-down-trained", "bootstrap-sample-size")

by_id = pytest.mark.parametrize("claim", LEDGER, ids=lambda claim: claim.id)


@by_id
def test_sound_measurements_reproduce_the_verdict(claim):
    evidence = claim.evidence(**SOUND[claim.id])
    assert evidence.how and len(evidence.findings) >= 2


@by_id
def test_every_check_can_fail(claim):
    unbroken = unbroken_checks(claim, BREAKS[claim.id])
    assert not unbroken, f"no corrupted data breaks the checks at lines {unbroken}"


@by_id
def test_every_sentence_is_checked(claim):
    assert unchecked_sentences(claim) == []


@pytest.mark.parametrize("id", CHEAP)
def test_verdict_is_reproduced_on_the_shipped_networks(id):
    evidence = claims.find(id, LEDGER).evidence()
    assert not any("nan" in finding.split() for finding in evidence.findings)


def test_the_two_halves_share_no_id():
    ids = [claim.id for claim in (*claims.LEDGER, *LEDGER)]
    assert len(set(ids)) == len(ids)
    assert set(BREAKS) == {claim.id for claim in LEDGER}
    assert all(claim.words and claim.source and claim.section and claim.because for claim in LEDGER)
