"""`rankone claims`: the table, one claim in plain words, JSON, and what is not reproduced."""

import json
import sys
from importlib.metadata import PackageNotFoundError

import pytest

from rankone import claims, cli
from rankone.claims import LEDGER, Claim, Evidence, Verdict, find, report
from rankone.claims.record import check
from rankone.claims.sources import V1
from rankone.cli import theory
from torch_backend.audit.claims import ledger, networks


def run_cli(monkeypatch, capsys, *arguments):
    """Exit status, standard output and standard error of `rankone claims ARGUMENTS`."""
    monkeypatch.setattr(sys, "argv", ["rankone", "claims", *arguments])
    with pytest.raises(SystemExit) as exit:
        cli.main()
    out, err = capsys.readouterr()
    return exit.value.code or 0, out, err


FAST = tuple(find(id) for id in ("rank1-cosine", "logit-sign", "irreducible-enough"))
BROKEN = Claim("broken", "two", V1, "0", Verdict.HOLDS, "", lambda: Evidence("", (check(2 % 2, "2 odd"),)))


def test_cli_table(monkeypatch, capsys):
    monkeypatch.setattr(claims, "LEDGER", FAST)
    status, out, _ = run_cli(monkeypatch, capsys)
    assert status == 0
    assert max(map(len, out.splitlines())) <= 100
    for claim in FAST:
        assert claim.id in out and claim.verdict in out and f"{claim.source.name}: {claim.section}" in out
    assert "3 claims" in out and "0 not reproduced" in " ".join(out.split())


def test_cli_one_claim_in_plain_words(monkeypatch, capsys):
    status, out, _ = run_cli(monkeypatch, capsys, "--id", "rank1-converse")
    assert status == 0
    assert "false as stated" in out and "The rank of C is 2" in out
    assert f"{V1.reference}: section 3" in " ".join(out.split())
    assert max(map(len, out.splitlines())) <= 100


def test_cli_json(monkeypatch, capsys):
    monkeypatch.setattr(claims, "LEDGER", (*FAST, BROKEN))
    status, out, _ = run_cli(monkeypatch, capsys, "--json")
    *good, bad = json.loads(out)
    assert status == 1
    assert [row["id"] for row in good] == [claim.id for claim in FAST]
    assert [row["source"] for row in good] == [claim.source.name for claim in FAST]
    assert [row["reference"] for row in good] == [claim.source.reference for claim in FAST]
    assert all(row["reproduced"] and row["findings"] and row["failure"] is None for row in good)
    assert not bad["reproduced"] and bad["failure"] == "this check failed: 2 odd"


@pytest.mark.parametrize("arguments", [(), ("--id", "broken")])
def test_cli_exit_status_one_if_a_verdict_is_not_reproduced(monkeypatch, capsys, arguments):
    monkeypatch.setattr(claims, "LEDGER", (*FAST, BROKEN))
    status, out, _ = run_cli(monkeypatch, capsys, *arguments)
    assert status == 1
    assert "NOT REPRODUCED" in out and "2 odd" in out


@pytest.mark.parametrize("id", ["nope", "", "theorem_1"])
def test_cli_unknown_id_is_one_line_that_lists_the_ids(monkeypatch, capsys, id):
    status, out, err = run_cli(monkeypatch, capsys, "--id", id)
    assert status == 2 and not out
    assert err.count("\n") == 1 and all(claim.id in err for claim in LEDGER)


@pytest.mark.parametrize("holds", [True, False])
def test_cli_claims_on_networks_are_kept(holds, monkeypatch, capsys, tmp_path):
    ran = []

    def evidence():
        ran.append(1)
        return Evidence("by counting", (check(holds, "one"), "two"))

    claim = Claim("counted", "three", V1, "0", Verdict.HOLDS, "", evidence)
    monkeypatch.setattr(ledger, "LEDGER", (claim,))
    words = ("--id", "counted", "--out", str(tmp_path))
    first, again = (run_cli(monkeypatch, capsys, *words) for _ in range(2))
    assert first == again and len(ran) == 1
    assert first[0] == (0 if holds else 1) and ("two" in first[1]) is holds
    for unit in (tmp_path / "units").iterdir():  # damaged: found out, and run again
        unit.write_bytes(unit.read_bytes()[:-9])
    assert run_cli(monkeypatch, capsys, *words)[:2] == first[:2] and len(ran) == 2


def test_cli_networks_adds_the_other_half(monkeypatch, capsys, tmp_path):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(claims, "LEDGER", FAST)
    monkeypatch.setattr(ledger, "LEDGER", (BROKEN,))
    assert run_cli(monkeypatch, capsys)[0] == 0
    status, out, _ = run_cli(monkeypatch, capsys, "--networks")
    assert status == 1 and "4 claims" in out


def test_cli_id_finds_both_halves(monkeypatch, capsys, tmp_path):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(ledger, "LEDGER", (BROKEN,))
    status, out, _ = run_cli(monkeypatch, capsys, "--id", "broken")
    assert status == 1 and "2 odd" in out


def test_cli_networks_that_are_not_installed_are_one_line(monkeypatch, capsys):
    def missing(name):
        raise PackageNotFoundError(name)

    monkeypatch.setattr(networks, "distribution", missing)
    status, out, err = run_cli(monkeypatch, capsys, "--networks")
    assert status == 2 and not out
    assert err.count("\n") == 1 and "rankone[zoo]" in err


def test_cli_networks_without_torch_are_one_line(monkeypatch, capsys):
    monkeypatch.setattr(theory, "find_spec", lambda name: None)
    status, out, err = run_cli(monkeypatch, capsys, "--networks")
    assert status == 2 and not out
    assert err.count("\n") == 1 and "rankone[zoo]" in err


def test_no_line_of_the_table_is_longer_than_100(monkeypatch):
    runs = [report.Run(claim, None, None) for claim in (*LEDGER, *ledger.LEDGER)]
    assert max(map(len, report.table(runs).splitlines())) <= 100


def test_only_failed_checks_are_caught():
    """A bug in an evidence function is not mistaken for a verdict that was not reproduced."""
    bug = Claim("bug", "", V1, "", Verdict.HOLDS, "", lambda: Evidence("", (str(1 // 0),)))
    with pytest.raises(ZeroDivisionError):
        report.run(bug)
