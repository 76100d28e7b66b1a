"""The verifier of networks: what is true it confirms, in any order of sums; what is too small it refuses."""

import ast
import sys
from dataclasses import replace
from fractions import Fraction
from functools import partial
from pathlib import Path

import numpy as np
import pytest

from rankone.proof import verify_network as verifier
from rankone.proof.network import Dense, NetworkCertificate
from rankone.proof.network_rounding import delta, roundings
from rankone.proof.verify import NotConfirmed, Unreadable, gamma
from rankone.proof.verify_network import verify_network
from tests.helpers import network_matrices as matrices
from tests.helpers.network_truth import BELOW, mp, truth, untrue
from tests.helpers.reference_producer import certificate_of, certified, envelope, layer, trunk
from tests.helpers.tampered import rewritten
from tests.helpers.tiny_networks import NETWORKS, ORDERS, Network, dead, moves, residual, z_plus

MEMORY = 1 << 20


def name_of(part):
    return getattr(part, "__name__", str(part))


def written(tmp_path: Path, certificate: NetworkCertificate) -> Path:
    return certificate.write(tmp_path / "net.cert.json")[0]


# ---------------------------------------------------------------- what is true is confirmed


@pytest.mark.parametrize("order", ORDERS, ids=name_of)
@pytest.mark.parametrize("dtype", [np.float32, np.float64], ids=name_of)
@pytest.mark.parametrize("build", NETWORKS, ids=name_of)
def test_true_certificates_are_confirmed_whatever_the_order_of_sums(tmp_path, build, dtype, order):
    certificate = certificate_of(build, Network(dtype, order))
    claims = sum(len(one.bounds) for one in certificate.layers)
    said = verify_network(written(tmp_path, certificate))
    assert said.startswith(f"confirmed: {claims} claims at {len(certificate.layers)} layers")


@pytest.mark.parametrize("build", NETWORKS, ids=name_of)
def test_fractions_confirm_what_binary64_certified(tmp_path, build):
    assert "exact fractions" in verify_network(written(tmp_path, certificate_of(build)), exact=True)


@pytest.mark.parametrize("build", NETWORKS, ids=name_of)
def test_every_claim_holds_in_exact_arithmetic_at_the_layer_and_below(build):
    certificate = certificate_of(build)
    start = certificate.start.node
    assert untrue(certificate, trunk(certificate.nodes, start)) == []


@pytest.mark.parametrize("build", NETWORKS, ids=name_of)
def test_certified_is_at_least_exact_and_exact_at_least_sampled(build):
    """Mixtures of classes lie between."""
    certificate = certificate_of(build)
    C = matrices.columns(certificate.nodes, certificate.start.node, Fraction)
    random = np.random.default_rng(0)
    for one in certificate.layers:
        columns = C[one.node]
        mixtures = matrices.entries(random.exponential(size=(columns.shape[1], 4)), Fraction)
        exact, sampled = truth(columns), truth(columns @ mixtures)
        for claim in exact.keys() & one.bounds.keys() - {"least_mass", "most_mass"}:
            assert one.bounds[claim] >= exact[claim] >= sampled[claim], (one.node, claim)


# ---------------------------------------------------------------- what is not is refused


def least_refused(claim: str, exact) -> float:
    """A bound that is just on the wrong side of the truth."""
    return float(exact) * (1 + 1e-9) if claim == "least_mass" else float(exact) * (1 - 1e-9)


@pytest.mark.parametrize("exact", [False, True], ids=["binary64", "fractions"])
@pytest.mark.parametrize("build", [residual, moves, z_plus], ids=name_of)
def test_a_claim_on_the_wrong_side_of_the_truth_is_refused(tmp_path, build, exact):
    """Each claim of each layer, by itself; of an envelope, whose bounds are not sharp, none."""
    certificate = certificate_of(build)
    C = matrices.columns(certificate.nodes, certificate.start.node, Fraction)
    path, refused = written(tmp_path, certificate), 0
    content = path.read_text()
    for place, one in enumerate(certificate.layers):
        found = truth(C[one.node])
        for claim, value in found.items():
            if one.route == "pairs" and 1e-12 < value < mp.inf:
                path.write_text(content)
                change = partial(put, place, claim, least_refused(claim, value))
                with pytest.raises(NotConfirmed, match=f"{one.node}.{claim} is claimed"):
                    verify_network(rewritten(path, change), exact=exact)
                refused += 1
    assert refused >= 12


def put(place: int, claim: str, bound, record) -> None:
    record["layers"][place]["bounds"][claim] = bound


@pytest.mark.parametrize("claim", BELOW)
def test_a_claim_about_the_layers_below_has_to_follow_from_the_diameter(tmp_path, claim):
    certificate = certificate_of(residual)
    place = next(k for k, one in enumerate(certificate.layers) if one.bounds["share"] < 1e300)
    bound = certificate.layers[place].bounds[claim] * (1 - 1e-6)
    path = rewritten(written(tmp_path, certificate), partial(put, place, claim, bound))
    with pytest.raises(NotConfirmed, match=claim):
        verify_network(path)


def test_one_hidden_pair_of_columns_makes_a_certificate_false(tmp_path):
    """Of 40 classes all but two are alike; a producer that left out the two is refused."""
    net = Network()
    random = np.random.default_rng(5)
    net.image(random.uniform(1, 2, 6))
    W = (1 + 0.01 * random.uniform(size=(40, 6))).astype(np.float32)
    W[17, :3] *= 3
    W[31, 3:] *= 3
    net.linear(Dense, "logits", "input", shape=(40,), rule="z_plus", weight=W)
    honest = certified(net.nodes, "logits")
    assert verify_network(written(tmp_path, honest))
    C = matrices.columns(net.nodes, "logits", float)["input"]
    hidden = layer("input", "pairs", np.delete(C, [17, 31], axis=1), honest.layers[0].roundings)
    assert hidden.bounds["share"] < honest.layers[0].bounds["share"] / 5
    with pytest.raises(NotConfirmed, match="verifier finds"):
        verify_network(written(tmp_path, replace(honest, layers=(hidden,))))


def test_nothing_is_confirmed_at_a_layer_that_a_skip_goes_around(tmp_path):
    certificate = certificate_of(residual)
    path = written(tmp_path, certificate)
    for branch in ("norm", "conv2"):
        with pytest.raises(NotConfirmed, match=f"{branch} is not passed by all relevance"):
            verify_network(rewritten(path, lambda record, name=branch: put_node(record, name)))


def put_node(record, name):
    record["layers"] = [record["layers"][0] | {"node": name}]


@pytest.mark.parametrize("build", NETWORKS, ids=name_of)
def test_the_trunk_is_where_all_ways_meet(build):
    """The verifier finds it by edges that go around; the oracle counts ways."""
    certificate = certificate_of(build)
    names = [node.name for node in certificate.nodes]
    edges = verifier._Network([bare(k, node, names) for k, node in enumerate(certificate.nodes)], 0)
    start = names.index(certificate.start.node)
    on_trunk = [name for k, name in enumerate(names) if k < start and edges.is_on_trunk(k, start)]
    assert on_trunk[::-1] == trunk(certificate.nodes, certificate.start.node)


def bare(index, node, names):
    inputs = tuple(names.index(i) for i in node.inputs)
    return verifier._Node(index, node.name, inputs, np.zeros(1), lambda _: (), 0)


# ---------------------------------------------------------------- the arithmetic


def opened(path: Path, numbers) -> verifier._Start:
    record = verifier._read(path)
    weights, values = (verifier._tensors(path, record[file], file) for file in ("weights", "values"))
    network = verifier._network(record["nodes"], {**weights, **values}, numbers)
    return verifier._start(network, record["start"], numbers)


def columns_at(start, names, route="pairs", memory=MEMORY):
    layers = [{"node": name, "route": route} for name in names]
    return verifier._columns(start, layers, memory)


@pytest.mark.parametrize("build", NETWORKS, ids=name_of)
def test_columns_are_those_of_the_matrices_exactly_in_fractions_and_up_to_K_roundings_in_binary64(
    tmp_path, build
):
    certificate = certificate_of(build)
    path, start = written(tmp_path, certificate), certificate.start.node
    C = matrices.columns(certificate.nodes, start, Fraction)
    K = roundings(certificate.nodes, start)
    names = trunk(certificate.nodes, start)
    exact = columns_at(opened(path, verifier._Fractions()), names)
    rounded = columns_at(opened(path, verifier._Binary64()), names)
    for name in names:
        assert (C[name] == exact[name].columns.T).all()
        found = matrices.entries(rounded[name].columns.T, Fraction)
        assert ((found == 0) == (C[name] == 0)).all()
        assert (abs(found - C[name]) <= Fraction(delta(K[name])) * C[name]).all()


@pytest.mark.parametrize("order", ORDERS, ids=name_of)
@pytest.mark.parametrize("build", [residual, moves], ids=name_of)
def test_columns_of_any_order_of_sums_have_no_more_than_K_roundings(build, order):
    def times(A, B):
        if A.dtype == object:
            return A @ B
        sums = [order(A, b, np.zeros(len(A)), np.float64) for b in np.atleast_2d(B.T)]
        return np.array(sums).T.reshape(len(A), *B.shape[1:])

    certificate = certificate_of(build)
    start = certificate.start.node
    exact, K = matrices.columns(certificate.nodes, start, Fraction), roundings(certificate.nodes, start)
    for name, found in matrices.columns(certificate.nodes, start, float, times).items():
        off = abs(matrices.entries(found, Fraction) - exact[name])
        assert (off <= Fraction(delta(K[name])) * exact[name]).all()


U = Fraction(1, 2**10)  # of an arithmetic in which every operation is off by so much, the wrong way


def worst(A, B):
    """A B in that arithmetic: too small in denominators, which are products with a vector, else too large."""
    off = 1 - U if B.ndim == 1 else 1 + U
    found = matrices.entries(np.zeros((len(A), *B.shape[1:])), Fraction)
    for i, row in enumerate(A):
        for j in np.flatnonzero(row != 0):
            found[i] = (found[i] + row[j] * B[j] * off) * off
    return found


@pytest.mark.parametrize("build", [residual, z_plus, moves], ids=name_of)
def test_K_covers_roundings_that_all_go_the_wrong_way_and_a_quarter_of_it_does_not(build):
    certificate = certificate_of(build)
    start = certificate.start.node
    exact, K = matrices.columns(certificate.nodes, start), roundings(certificate.nodes, start)
    wrong = matrices.columns(certificate.nodes, start, Fraction, worst)
    off = {
        name: max(abs(a / b - 1) for a, b in zip(wrong[name].ravel(), exact[name].ravel(), strict=True) if b)
        for name in trunk(certificate.nodes, start)
    }
    assert all(off[name] <= gamma(K[name], U) for name in off)
    assert any(off[name] > gamma(K[name] // 4, U) for name in off)


@pytest.mark.parametrize("build", NETWORKS, ids=name_of)
def test_columns_on_several_threads_are_those_on_one(tmp_path, monkeypatch, build):
    path = written(tmp_path, certificate_of(build))
    start = opened(path, verifier._Binary64())
    names = trunk(certificate_of(build).nodes, certificate_of(build).start.node)
    monkeypatch.setattr(verifier.os, "cpu_count", lambda: 4)
    one = columns_at(start, names)
    monkeypatch.setattr(verifier, "WORTH_A_THREAD", 0)
    several = columns_at(start, names)
    for name in names:
        np.testing.assert_allclose(several[name].columns, one[name].columns, rtol=1e-13)
        np.testing.assert_allclose(several[name].ends, one[name].ends, rtol=1e-13)


@pytest.mark.parametrize("build", NETWORKS, ids=name_of)
def test_blocks_of_columns_are_the_whole(tmp_path, build):
    path = written(tmp_path, certificate_of(build))
    start = opened(path, verifier._Binary64())
    names = trunk(certificate_of(build).nodes, certificate_of(build).start.node)
    whole, single = columns_at(start, names, "shares"), columns_at(start, names, "shares", memory=1)
    for name in names:
        np.testing.assert_allclose(single[name].ends, whole[name].ends, rtol=1e-14)
        np.testing.assert_allclose(single[name].masses, whole[name].masses, rtol=1e-14)


def test_columns_that_do_not_fit_the_memory_are_refused_in_pairs_and_confirmed_in_shares(tmp_path):
    certificate = certificate_of(moves)
    C = matrices.columns(certificate.nodes, certificate.start.node, float)
    shares = [layer(one.node, "shares", C[one.node], K) for one, K in with_K(certificate)]
    path = written(tmp_path, replace(certificate, layers=tuple(shares)))
    assert "confirmed" in verify_network(path, memory=1)
    with pytest.raises(Unreadable, match=r"more than .*; raise it"):
        verify_network(written(tmp_path, certificate), memory=1)


def test_columns_are_let_go_as_soon_as_their_pairs_were_compared(tmp_path):
    certificate = certificate_of(moves)
    start = opened(written(tmp_path, certificate), verifier._Binary64())
    K = start.network.roundings(start.index, 0)
    layers = [{"node": name, "route": "pairs"} for name in trunk(certificate.nodes, certificate.start.node)]
    seen = verifier._columns(start, layers, MEMORY, K).values()
    assert all(see.columns is None and see.maxima is not None for see in seen)


def with_K(certificate):
    K = roundings(certificate.nodes, certificate.start.node)
    return [(one, K[one.node]) for one in certificate.layers]


def test_an_envelope_bounds_the_pairs_below_it():
    """And is of use: its bound is finite where there are as many as that above."""
    certificate = certificate_of(residual)
    start = certificate.start.node
    C = matrices.columns(certificate.nodes, start, float)
    above = next(one for one in certificate.layers if one.bounds["hilbert_diameter"] < 100)
    exact = matrices.columns(certificate.nodes, start, Fraction)
    for name in trunk(certificate.nodes, start):
        if name not in [one.node for one in certificate.layers[: certificate.layers.index(above) + 1]]:
            found = envelope(name, above, certificate.nodes, C)
            assert truth(exact[name])["hilbert_diameter"] <= found.bounds["hilbert_diameter"] < 100


# ---------------------------------------------------------------- starts


def test_a_silent_class_is_counted_and_named(tmp_path):
    certificate = certificate_of(dead)
    assert {one.silent for one in certificate.layers} == {(1,)}
    path = written(tmp_path, certificate)

    def forget(record):
        record["layers"][0]["silent"] = []

    with pytest.raises(NotConfirmed, match="silent"):
        verify_network(rewritten(path, forget))


def test_channels_start_as_their_places_do_together(tmp_path):
    certificate = certificate_of(moves)
    path = written(tmp_path, certificate)
    numbers = verifier._Fractions()
    units = opened(path, numbers)
    start = replace(units, columns="channels", index=units.network.index("twice", "start"))
    assert start.shape == (4, 3, 3)
    found = columns_at(start, ["both"])["both"].columns
    each = matrices.columns(certificate.nodes, "twice", Fraction)["both"]
    assert (each.reshape(len(each), 4, 9).sum(axis=2) / 9 == found.T).all()


# ---------------------------------------------------------------- independence

ALLOWED = {"numpy", "rankone.proof.network_words", "rankone.proof.verify", *sys.stdlib_module_names}


def imported(source: str) -> set[str]:
    """The modules that a source imports: those of this project in full, of others the package."""
    found = set()
    for node in ast.walk(ast.parse(source)):
        names = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
        if isinstance(node, ast.ImportFrom):
            names = [node.module or "."] if node.level == 0 else ["."]
        found |= {name if name.startswith("rankone") else name.partition(".")[0] for name in names}
    return found


def test_the_verifier_shares_nothing_with_the_producer_but_the_words():
    assert imported(Path(verifier.__file__).read_text()) <= ALLOWED
    words = Path(verifier.__file__).with_name("network_words.py").read_text()
    assert imported(words) == set()


@pytest.mark.parametrize(
    "line", ["import scipy", "from rankone.proof.network_rounding import adds", "from . import x"]
)
def test_the_guard_of_imports_can_fail(line):
    assert not imported(line) <= ALLOWED
