"""The ledger: every verdict is reproduced, and every check behind it is broken on purpose and must notice."""

import ast
import importlib
import json
import sys
from fractions import Fraction
from itertools import product
from pathlib import Path

import numpy as np
import pytest

from rankone import claims, cli
from rankone.claims import (
    LEDGER,
    Claim,
    Evidence,
    NotReproducedError,
    Verdict,
    exact,
    exponential,
    find,
    report,
    rules,
    slow_mixing,
    theorem_1,
)
from rankone.claims.conv_net import ConvNet, local_losses
from rankone.claims.dense_z_plus_qualifies import he_network
from rankone.claims.irreducible_enough import PRIMITIVE
from rankone.claims.lrp_z_is_grad_input import BIASES, NO_BIASES
from rankone.claims.record import check
from rankone.claims.resnet_a2b1 import NO_CLIP
from rankone.ensembles import non_negative, positive
from rankone.shapes import uniform

E = exact.exact
ONES = E(np.ones((3, 3), dtype=int))
THIRDS = ONES / 3
SMALL = ConvNet(length=10, channels=8, depth=2, taps=3)

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
}


def square_network(rng):
    return [rng.normal(size=(16, 16)) for _ in range(3)]


def positive_network(rng):
    return [rng.uniform(0.1, 1, (m, n)) for n, m in ((8, 7), (7, 6), (6, 5))]


def half_idle_network(rng):
    """Half of the neurons have negative weights only, the other half positive weights only."""
    return [W * np.where(np.arange(len(W)) % 2, -1, 1)[:, None] for W in positive_network(rng)]


def narrow_network(rng):
    return [rng.normal(size=(m, n)) for n, m in ((12, 11), (11, 10), (10, 9))]


def equal_rows(rng, inputs):
    return np.tile(rng.uniform(0, 1, inputs), (10, 1))


#: Corrupted data for every claim: each row is handed to the claim's evidence, which must raise.
BREAKS = {
    "theorem-1": [
        {"A": exact.identity(3)},
        {"product": exact.identity(3)},
        {"A": THIRDS, "product": THIRDS},
        {"product": 2 * theorem_1.PRODUCT},  # B of the right rank, but not the limit
        {"conserving": E([["1/2", "1/2", "1/2"], [0, 1, 0], [0, 0, 1]])},
        {"conserving": exact.identity(3)},
    ],
    "irreducible-enough": [
        {"A": exact.identity(3)},
        {"A": PRIMITIVE},
        {"A": -ONES},
        {"primitive": exact.identity(3)},
    ],
    "nonneg-enough": [
        {"A": ONES[:2, :2]},
        {"off_diagonal": slow_mixing.divergent},
        {"off_diagonal": lambda n: -slow_mixing.summable(n)},
    ],
    "span-shrinks": [{"permutation": PRIMITIVE}, {"least_entry": -3}],
    "exponential": [
        {"off_diagonal": slow_mixing.summable},
        {"off_diagonal": lambda _: Fraction(1, 2)},
        {"factors": exponential.random_factors(high=400)},
        {"factors": [slow_mixing.mixing(slow_mixing.divergent(n)) for n in range(1, 41)]},
    ],
    "no-influence": [{"C": PRIMITIVE}, {"direction": E([1, 0, 0])}],
    "dense-z-plus-qualifies": [
        {"network": square_network},
        {"network": positive_network},
        {"network": half_idle_network},
        {"network": narrow_network},
        {"selective": he_network},
    ],
    "conv-local": [{"net": ConvNet(length=10, channels=8, depth=2, taps=19)}, {"net": SMALL}],
    "dtd-necessarily": [{"W": ONES}, {"layer": lambda _: ONES[:2, :2]}],
    "lrp-z-is-grad-input": [
        {"step": Fraction(100)},
        {"stabiliser": Fraction(1, 10)},
        {"biases": NO_BIASES},
        {"epsilon": Fraction(0)},
        {"left_out": BIASES},
    ],
    "alpha-beta-conserves": [
        {"both_signs": ONES},
        {"one_sign": E([[1, -2, 3], [2, 2, -5]])},
        {"bias": E([0, 0, 0])},
    ],
    "ebp-is-a1b0": [{"least_input": -4}, {"signed": E([1, 2])}],
    "gbp-non-negative": [{"W": E([[1, 1]])}, {"mean": 1.0}],
    "rank1-cosine": [
        {"C": PRIMITIVE[:, :2]},
        {"starts": E([[1, 2], [2, 4]])},
        {"cancelled": E([1, 1])},
    ],
    "rank1-converse": [
        {"starts": E([[1, 2], [1, 2], [0, 0]])},
        {"C": E([[1, 0, 0], [0, 1, 0]])},
        {"C": E([[1, 1, 1], [2, 2, 2]])},
        {"basis": E([[1, 0], [0, 1], [0, 0]])},
    ],
    "seven-iterations": [
        {"enough": {"non-negative": (non_negative, True)}},
        {"enough": {"positive": (positive, False)}},
    ],
    "beta-below-four": [
        {"converges": {}, "alpha_minus_beta": 2},
        {"converges": {(32, 3.0): True}},
        {"converges": {(512, 4.0): False}},
    ],
    "vanilla-converges": [{"mean_entry": 0.28}, {"shapes": uniform(4, 20)}],
    "input-jump": [{"channels": 4}, {"ensemble": positive}, {"control": 3}],
    "logit-sign": [
        {"trained": E([[-2, 1]])},
        {"randomised": E([[3, 1]])},
        {"body": (E([[1, 1, -1], [2, -1, 1]]),)},
    ],
    "cmp-direction": [{"net": SMALL, "dense": equal_rows}, {"net": SMALL}],
    "resnet-a2b1": [{"steep": 0.0}, {"clip": NO_CLIP}, {"mild": 9.0}],
}


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
    assert all(claim.words and claim.section and claim.because for claim in LEDGER)


def test_a_claim_that_cannot_fail_is_noticed():
    """The guard of `test_every_check_can_fail`: data that is not corrupted does not count as broken."""
    with pytest.raises(pytest.fail.Exception, match="DID NOT RAISE"):
        line_of_failure(find("no-influence"), {})


def test_check_returns_the_finding_or_raises():
    assert check(2 % 2 == 0, "two is even") == "two is even"
    with pytest.raises(NotReproducedError, match="three is even"):
        check(3 % 2 == 0, "three is even")


# exact algebra and rules against slow or independent oracles


def test_exact_rank_is_the_rank():
    rng = np.random.default_rng(0)
    for n, m, r in product((1, 2, 4), (1, 3, 5), (0, 1, 2)):
        A = rng.integers(-2, 3, (n, r)) @ rng.integers(-2, 3, (r, m))
        assert exact.rank(E(A)) == np.linalg.matrix_rank(A)


def test_exact_cosines():
    x, y = E([3, 4]), E([4, 3])
    assert exact.cos_squared(x, y) == Fraction(24, 25) ** 2
    assert exact.least_cos_squared(E([[3, 4, 0], [4, 3, 1]])) == Fraction(9, 25)
    assert exact.orthogonal(E([[3, 4], [4, -3]])) and not exact.orthogonal(E([[1, 0, 0], [0, 1, 1]]))
    assert exact.parallel(x, -2 * x) and not exact.parallel(x, y) and not exact.parallel(x, 0 * x)
    assert exact.show(E([["1/2", 1], [0, -3]])) == "[[1/2, 1], [0, -3]]"


def test_rules_agree_with_their_sums():
    """Each matrix against its definition, written out neuron by neuron."""
    rng = np.random.default_rng(1)
    W, h, b = E(rng.integers(-3, 4, (4, 5))), E(rng.integers(0, 4, 5)), E(rng.integers(-2, 3, 4))
    z = W @ h + b
    for i, j in product(range(5), range(4)):
        up = sum(max(W[j, k] * h[k], 0) for k in range(5))
        down = sum(min(W[j, k] * h[k], 0) for k in range(5))
        plus = max(W[j, i] * h[i], 0) / up if up else 0
        minus = min(W[j, i] * h[i], 0) / down if down else 0
        assert rules.z_plus(W, h)[i, j] == rules.excitation(W, h)[i, j] == plus
        assert rules.alpha_beta(W, h, 3, 2)[i, j] == 3 * plus - 2 * minus
        assert rules.z_rule(W, h, b)[i, j] == (W[j, i] * h[i] / z[j] if z[j] else 0)
        towards_zero = -1 if z[j] < 0 else 1
        assert rules.z_rule(W, h, b, 5)[i, j] == W[j, i] * h[i] / (z[j] + 5 * towards_zero)


def test_slow_mixing_telescopes():
    for N, (P, Q) in enumerate(
        zip(
            slow_mixing.products(slow_mixing.summable, 20),
            slow_mixing.products(slow_mixing.divergent, 20),
            strict=True,
        ),
        start=1,
    ):
        assert slow_mixing.contrast(P) == Fraction(N + 2, 2 * (N + 1))
        assert slow_mixing.contrast(Q) == Fraction(1, N + 1)


def test_z_plus_of_a_convolution_is_local_and_conserves():
    h, Zs = SMALL.z_plus_chain(np.random.default_rng(2))
    blocks = Zs[0].reshape(SMALL.length, SMALL.channels, SMALL.length, SMALL.channels)
    for p, q in product(range(SMALL.length), repeat=2):
        assert (blocks[p, :, q].any()) == (abs(p - q) <= 1)
    np.testing.assert_allclose(Zs[-1][:, h > 0].sum(axis=0), 1, rtol=1e-12)


def test_local_losses_leave_out_zero_vectors():
    vectors = np.array([[[1.0, 0], [0, 2], [3, 0]], [[0.0, 0], [1, 1], [1, -1]]])
    np.testing.assert_allclose(np.sort(local_losses(vectors)), [0, 1, 1, 1], atol=1e-15)


# the command line


def run_cli(monkeypatch, capsys, *arguments):
    """Exit status, standard output and standard error of `rankone claims ARGUMENTS`."""
    monkeypatch.setattr(sys, "argv", ["rankone", "claims", *arguments])
    with pytest.raises(SystemExit) as exit:
        cli.main()
    out, err = capsys.readouterr()
    return exit.value.code or 0, out, err


FAST = tuple(find(id) for id in ("rank1-cosine", "logit-sign", "irreducible-enough"))
BROKEN = Claim("broken", "two", "0", Verdict.HOLDS, "", lambda: Evidence("", (check(2 % 2, "2 odd"),)))


def test_cli_table(monkeypatch, capsys):
    monkeypatch.setattr(claims, "LEDGER", FAST)
    status, out, _ = run_cli(monkeypatch, capsys)
    assert status == 0
    assert max(map(len, out.splitlines())) <= 100
    for claim in FAST:
        assert claim.id in out and claim.verdict in out
    assert "3 claims" in out and "0 not reproduced" in " ".join(out.split())


def test_cli_one_claim_in_plain_words(monkeypatch, capsys):
    status, out, _ = run_cli(monkeypatch, capsys, "--id", "rank1-converse")
    assert status == 0
    assert "false as stated" in out and "The rank of C is 2" in out
    assert max(map(len, out.splitlines())) <= 100


def test_cli_json(monkeypatch, capsys):
    monkeypatch.setattr(claims, "LEDGER", (*FAST, BROKEN))
    status, out, _ = run_cli(monkeypatch, capsys, "--json")
    *good, bad = json.loads(out)
    assert status == 1
    assert [row["id"] for row in good] == [claim.id for claim in FAST]
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


def test_only_failed_checks_are_caught():
    """A bug in an evidence function is not mistaken for a verdict that was not reproduced."""
    bug = Claim("bug", "", "", Verdict.HOLDS, "", lambda: Evidence("", (str(1 // 0),)))
    with pytest.raises(ZeroDivisionError):
        report.run(bug)
