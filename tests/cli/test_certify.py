"""`rankone certify` and `rankone verify`: one line each way, the command that works, the exit status."""

import json
import shlex
import zipfile

import numpy as np
import pytest

from tests.helpers.command import rankone, refused
from tests.rankone.proof.test_fuzz_certificate import parent, places

Z1, Z2 = np.array([[2.0, 1.0], [1.0, 2.0]]), np.array([[2.0, 1.0], [1.0, 3.0]])
# What a terminal would obey: erase the line, write over it, go right to left, ring; and half a character.
ESCAPES = "\x1b[2K\rc.json: confirmed\x1b[8m\u202e\x07\x9b2J\ud800"


@pytest.fixture
def certificate(tmp_path):
    """The certificate c.json of head.npz, beside it."""
    np.savez(tmp_path / "head.npz", Z1=Z1, Z2=Z2)
    assert rankone("certify", tmp_path / "head.npz", "--out", tmp_path / "c.json").status == 0
    return tmp_path / "c.json"


def test_what_is_certified_is_verified_and_other_factors_are_not(tmp_path, certificate):
    for options in ((), ("--exact",), ("--factors", tmp_path / "head.npz")):
        done = rankone("verify", certificate, *options)
        assert (done.status, done.err) == (0, "")
        assert done.out.startswith("c.json: confirmed: 8 claims about 2 factors")
        assert done.out.count("\n") == 1
    np.savez(tmp_path / "swapped.npz", Z1=np.eye(2), Z2=np.eye(2))
    done = rankone("verify", certificate, "--factors", tmp_path / "swapped.npz")
    assert (done.status, done.err) == (1, "")
    assert done.out == "c.json: not confirmed: Z1 has another SHA-256 than recorded\n"


def test_damaged_and_missing_files_are_refused_in_one_line(tmp_path, certificate):
    factors = tmp_path / "head.npz"
    factors.write_bytes(factors.read_bytes()[:300])
    for path in (certificate, tmp_path / "none.json", tmp_path):
        refused(rankone("verify", path))
    for path in (factors, tmp_path / "none.npz"):
        refused(rankone("certify", path, "--out", certificate))


@pytest.mark.parametrize("content", [b"hello", b""])
def test_a_member_of_the_archive_that_is_no_array_is_refused_in_one_line(tmp_path, certificate, content):
    with zipfile.ZipFile(tmp_path / "head.npz", "w") as archive:
        archive.writestr("Z1.npy", content)
        archive.writestr("Z2.npy", content)
    assert "head.npz: no readable npz file" in refused(rankone("verify", certificate))
    assert "got bytes" in refused(rankone("certify", tmp_path / "head.npz", "--out", certificate))


@pytest.mark.parametrize("out", ["c.json", "else where/c.json"])
def test_certify_says_the_command_that_verifies(tmp_path, monkeypatch, out):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "else where").mkdir()
    np.savez(tmp_path / "head.npz", Z1=Z1, Z2=Z2)
    statements = rankone("certify", "head.npz", "--out", out).out.splitlines()
    program, *arguments = shlex.split(statements[-1].removeprefix("check it: "))
    assert (len(statements), program, arguments[:2]) == (10, "rankone", ["verify", out])
    assert ("--factors" in arguments) == (out != "c.json")
    assert rankone(*arguments).out.startswith("c.json: confirmed")


@pytest.mark.parametrize("length", [12, 27])
def test_a_chain_whose_1_minus_cos_is_no_float_is_certified_and_verified(tmp_path, length):
    """1 - cos is 1e-390 and 1e-878; the angle of the first, 1.7e-195, was given as 9.3e-302."""
    A = np.array([[1.0, 1.0], [1.0, 1 + 2.0**-52]])
    np.savez(tmp_path / "A.npz", **{f"Z{l}": A for l in range(1, length + 1)})
    assert rankone("certify", tmp_path / "A.npz", "--out", tmp_path / "c.json").status == 0
    assert rankone("verify", tmp_path / "c.json").out.startswith("c.json: confirmed")


def hostile(record):
    """Copies of a certificate with ESCAPES as one value, in one name, and as the name of one more package."""
    for place in places(record):
        for change in ("value", "name"):
            copy = json.loads(json.dumps(record))
            holder = parent(copy, place)
            if change == "value":
                holder[place[-1]] = ESCAPES
            elif isinstance(holder, dict):
                holder[place[-1] + ESCAPES] = holder.pop(place[-1])
            yield copy
    yield {**record, "versions": {ESCAPES: 1}}


def test_no_text_of_a_certificate_reaches_the_terminal_as_a_command(certificate):
    """Every value and every name in turn: what is printed is one line of characters that can be seen."""
    for record in hostile(json.loads(certificate.read_text(encoding="utf-8"))):
        certificate.write_text(json.dumps(record), encoding="utf-8")
        done = rankone("verify", certificate)
        (line,) = (done.out + done.err).splitlines()
        assert line.isprintable(), repr(line)
        assert "\x1b" not in done.out + done.err


def test_no_name_inside_the_archive_reaches_the_terminal_as_a_command(tmp_path, certificate):
    name = ESCAPES.rstrip("\ud800")
    for members in ([name], [f"{name}.npy"], ["Z1.npy", f"{name}.npy"]):
        with zipfile.ZipFile(tmp_path / "head.npz", "w") as archive:
            for member in members:
                archive.writestr(member, b"\x93NUMPY\x01\x00" + name.encode())
        for done in (
            rankone("verify", certificate),
            rankone("certify", tmp_path / "head.npz", "--out", tmp_path / "other.json"),
        ):
            (line,) = (done.out + done.err).splitlines()
            assert line.isprintable(), repr(line)
            assert done.status in (1, 2)
