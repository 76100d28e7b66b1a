"""The committed certificates have the verdicts that their folders say, in binary64 and in fractions."""

from pathlib import Path

import pytest

from rankone.proof.verify import NotConfirmed, Unreadable
from rankone.proof.verify_network import verify_network
from tests.helpers.command import rankone, refused

CORPUS = Path(__file__).parents[1] / "certificates"
EXACT = pytest.mark.parametrize("exact", [False, True], ids=["binary64", "fractions"])


def in_folder(name: str):
    files = sorted((CORPUS / name).glob("*.cert.json"))
    return pytest.mark.parametrize("path", files, ids=lambda path: path.name.removesuffix(".cert.json"))


@EXACT
@in_folder("confirmed")
def test_true_certificates_are_confirmed(path, exact):
    assert verify_network(path, exact=exact).startswith("confirmed")


@EXACT
@in_folder("not_confirmed")
def test_false_certificates_are_not(path, exact):
    with pytest.raises(NotConfirmed) as reason:
        verify_network(path, exact=exact)
    assert "\n" not in str(reason.value)


@in_folder("unreadable")
def test_what_is_no_certificate_is_said_to_be_unreadable(path):
    with pytest.raises(Unreadable):
        verify_network(path)


def test_each_folder_holds_what_the_script_makes():
    from tests.rankone.certificates.make import FALSE, TRUE, UNREADABLE

    for folder, made in (("confirmed", TRUE), ("not_confirmed", FALSE), ("unreadable", UNREADABLE)):
        names = {path.name.removesuffix(".cert.json") for path in (CORPUS / folder).glob("*.cert.json")}
        assert names == set(made)


def test_the_command_tells_the_three_apart_by_its_exit_status():
    confirmed = rankone("verify", CORPUS / "confirmed/z_b.cert.json")
    assert (confirmed.status, confirmed.err) == (0, "")
    false = rankone("verify", CORPUS / "not_confirmed/one_byte.cert.json")
    assert (false.status, false.err) == (1, "") and false.out.count("\n") == 1
    refused(rankone("verify", CORPUS / "unreadable/cut_off.cert.json"))
