"""Certificates of networks: certified ≥ by definition ≥ sampled, whatever the route; refusals in one line."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from torch import nn

from rankone import contraction
from rankone.errors import Refusal
from tests.helpers import nets
from torch_backend import ledger, methods, relevance, rules, trace
from torch_backend.convergence.cosine import pairwise
from torch_backend.proof import all_columns
from torch_backend.proof.all_columns import Room
from torch_backend.proof.beside import beside
from torch_backend.proof.network_proof import Certified, begin
from torch_backend.randomness import seeded

AMPLE = Room(memory=1 << 30, work=1e12)
STREAMED = Room(memory=1, work=1e12)  # not even two layers of columns fit: block by block, all the way
NON_NEGATIVE = (
    methods.z_plus,
    methods.excitation_backprop,
    methods.alpha_beta(1, 0),
    methods.deep_taylor(),
    methods.deep_taylor(-8.0, 8.0),
)
EXPORTED = (nets.Chain, nets.Residual, nets.Sequence, nets.Volume, nets.Totals)
# What exceeds the largest of all pairs: rounding errors, and the error of this oracle.
SLACK = 1e-9


def columns(kind: type[nn.Module], method: methods.Method, layer: str) -> np.ndarray:
    """C (units, classes) without zero columns, one relevance at a time."""
    model = nets.build(kind)
    graph = trace(model, nets.images_for(model, 1))
    classes = torch.eye(graph.nodes[-1].shape[0], dtype=nets.DTYPE)
    one = [relevance(graph, method, "logits", e[None, None], layer).flatten() for e in classes]
    C = torch.stack(one, dim=1).numpy()
    return C[:, C.any(axis=0)]


def proved(
    kind: type[nn.Module], method: methods.Method, room: Room = AMPLE, **options: str
) -> list[Certified]:
    model = nets.build(kind)
    return list(begin(model, nets.images_for(model, 1), method).layers(room, **options))


def by_definition(C: np.ndarray) -> dict[str, float]:
    """The largest over all pairs of columns, each by its definition."""
    pairs = [(u, v) for u in C.T for v in C.T]
    some = C.any(axis=1)
    with np.errstate(divide="ignore", invalid="ignore"):
        shares = max(np.nanmax(u[some] / u.sum() / (v[some] / v.sum())) - 1 for u, v in pairs)
    return {
        "hilbert_diameter": max(contraction.hilbert_distance(u, v) for u, v in pairs),
        "share": shares,
        "total_variation": max(np.abs(u / u.sum() - v / v.sum()).sum() / 2 for u, v in pairs),
        "one_minus_cos": max(
            np.square(u / np.linalg.norm(u) - v / np.linalg.norm(v)).sum() / 2 for u, v in pairs
        ),
        "most_mass": C.sum(axis=0).max(),
    }


@pytest.mark.parametrize("method", NON_NEGATIVE, ids=lambda m: m.name)
@pytest.mark.parametrize("kind", EXPORTED, ids=lambda k: k.__name__)
def test_what_is_certified_is_the_largest_over_all_pairs_and_little_more(kind, method):
    layers = proved(kind, method)
    assert layers
    for certified in layers:
        assert certified.layer.route == "pairs"
        largest = by_definition(columns(kind, method, certified.layer.node))
        for name, number in largest.items():
            bound = certified.layer.bounds[name]
            assert bound >= number * (1 - SLACK), name
            np.testing.assert_allclose(bound, number, rtol=1e-6, atol=1e-9, err_msg=name)


@pytest.mark.parametrize("kind", EXPORTED, ids=lambda k: k.__name__)
def test_certified_computed_sampled(kind):
    model = nets.build(kind)
    proof = begin(model, nets.images_for(model, 1), methods.z_plus)
    sampled = beside(proof, vectors=8).sampled
    for certified in proof.layers(AMPLE):
        bound = certified.layer.bounds["one_minus_cos"]
        assert bound >= certified.computed["one_minus_cos"]
        assert certified.computed["one_minus_cos"] >= sampled[certified.layer.node] * (1 - SLACK)


def test_signed_starts_lie_outside_so_that_the_order_can_break():
    """Of differences of classes nothing is said."""
    model = nets.build(nets.Chain)
    graph = trace(model, image := nets.images_for(model, 1))
    two = torch.randn(2, 1, 4, generator=torch.Generator().manual_seed(0), dtype=nets.DTYPE)
    u, v = relevance(graph, methods.z_plus, "logits", two, "input").flatten(1).numpy()
    lowest = list(begin(model, image, methods.z_plus).layers(AMPLE))[-1]
    cosine = u @ v / np.linalg.norm(u) / np.linalg.norm(v)
    assert 1 - cosine > lowest.layer.bounds["one_minus_cos"]


@pytest.mark.parametrize("kind", EXPORTED, ids=lambda k: k.__name__)
def test_what_is_seen_beside_is_what_the_engine_sees(kind):
    """Maps of the same starts by relevance(), the books by ledger()."""
    model = nets.build(kind)
    image = nets.images_for(model, 1)
    proof = begin(model, image, methods.z_plus)
    found, graph = beside(proof), trace(model, image)
    mean = torch.full((1, 1, *graph.nodes[-1].shape), 1 / graph.nodes[-1].shape[0], dtype=nets.DTYPE)
    entries = ledger(graph, methods.z_plus, "logits", mean)
    for name in ("bias", "lost"):
        expected = sum(float(getattr(entry, name)) for entry in entries)
        np.testing.assert_allclose(getattr(found, name), expected, rtol=1e-9, atol=1e-12)
    np.testing.assert_allclose(found.arrives + found.bias + found.lost, 1, rtol=1e-9)
    starts = torch.randn(
        3, 1, *proof.start.shape, generator=seeded("non-negative", 0), dtype=nets.DTYPE
    ).abs()
    for layer, number in found.sampled.items():
        maps = relevance(graph, methods.z_plus, "logits", starts, layer)
        np.testing.assert_allclose(number, float(pairwise(maps).whole.max()), rtol=1e-6, atol=1e-14)


@pytest.mark.parametrize("kind", EXPORTED, ids=lambda k: k.__name__)
def test_columns_in_blocks_give_the_shares_of_all_at_once(kind):
    for whole, streamed in zip(
        proved(kind, methods.z_plus), proved(kind, methods.z_plus, STREAMED), strict=True
    ):
        assert (whole.layer.route, streamed.layer.route) == ("pairs", "shares")
        for name in ("share", "least_mass", "most_mass"):
            np.testing.assert_allclose(streamed.layer.bounds[name], whole.layer.bounds[name], rtol=1e-12)
        for name, bound in whole.layer.bounds.items():
            if name != "least_mass":
                assert streamed.layer.bounds[name] >= bound * (1 - SLACK), name


def test_of_the_last_layer_pairs_are_looked_at_though_columns_come_in_blocks(monkeypatch):
    """Where all columns of one layer fit, but not of two; elsewhere shares must do."""
    model = nets.build(nets.Chain)
    proof = begin(model, nets.images_for(model, 1), methods.z_plus)
    whole = list(proof.layers(AMPLE))[-1].layer.bounds
    monkeypatch.setitem(all_columns.CARRIED, "cpu", 1)
    monkeypatch.setattr(all_columns, "_fits", lambda *_: False)
    numbers = len(proof.columns()) * proof.way[-1].bottom.value.numel()
    *above, last = proof.layers(Room(int(8 * all_columns.COPIES * numbers), 1e12))
    assert last.layer.route == "pairs"
    assert {certified.layer.route for certified in above} == {"shares"}
    for name, bound in last.layer.bounds.items():
        np.testing.assert_allclose(bound, whole[name], rtol=1e-12)


@pytest.mark.parametrize("kind", EXPORTED, ids=lambda k: k.__name__)
def test_an_envelope_bounds_what_all_columns_do_below(kind):
    exact = {c.layer.node: c.layer for c in proved(kind, methods.z_plus)}
    first = next(iter(exact))
    below = proved(kind, methods.z_plus, until=first)
    assert [c.layer.route for c in below] == ["pairs"] + ["envelope"] * (len(exact) - 1)
    for certified in below[1:]:
        assert certified.layer.above == first
        assert "most_mass" not in certified.layer.bounds
        for name, bound in certified.layer.bounds.items():
            assert bound >= exact[certified.layer.node].bounds[name] * (1 - SLACK), name


def test_the_budget_decides_how_far_all_columns_go():
    model = nets.build(nets.Chain)
    proof = begin(model, nets.images_for(model, 1), methods.z_plus)
    two = 4 * sum(stretch.work for stretch in proof.way[:2])
    routes = [c.layer.route for c in proof.layers(Room(1 << 30, two))]
    assert routes == ["pairs", "pairs", *["envelope"] * (len(proof.way) - 2)]
    with pytest.raises(Refusal, match="budget: expected at least the work of"):
        list(proof.layers(Room(1 << 30, 10.0)))


def test_silent_classes_are_left_out_by_number():
    model = nets.build(nets.Chain)
    with torch.no_grad():
        model.fc2.weight[1:3] = -model.fc2.weight[1:3].abs()
        model.fc2.bias[1:3] = -1
    for room in (AMPLE, STREAMED):
        for certified in begin(model, nets.images_for(model, 1), methods.z_plus).layers(room):
            assert (certified.columns, certified.layer.silent) == (2, (1, 2))


def test_one_class_alone_differs_from_nothing_and_none_at_all_is_refused():
    model = nets.build(nets.Chain)
    with torch.no_grad():
        model.fc2.weight[1:] = -model.fc2.weight[1:].abs()
        model.fc2.bias[1:] = -1
    image = nets.images_for(model, 1)
    for certified in begin(model, image, methods.z_plus).layers(AMPLE):
        assert certified.layer.bounds["share"] == certified.layer.bounds["total_variation"] == 0
    with torch.no_grad():
        model.fc2.weight[:1] = -model.fc2.weight[:1].abs()
    with pytest.raises(Refusal, match="z_plus from fc2: expected some relevance at fc1, got none"):
        next(begin(model, image, methods.z_plus).layers(AMPLE))


def test_below_the_image_there_is_nothing_to_certify():
    model = nets.build(nets.Chain)
    with pytest.raises(Refusal, match="expected a layer above the image, got input"):
        next(begin(model, nets.images_for(model, 1), methods.z_plus, "input").layers(AMPLE))


def test_any_layer_may_be_the_start():
    model = nets.build(nets.Chain)
    proof = begin(model, nets.images_for(model, 1), methods.z_plus, "fc1")
    assert [node.name for node in proof.nodes][-1] == "fc1"
    assert len(proof.columns()) == 7
    assert proof.places == ("conv2_1", "conv1_2", "conv1_1", "input")


SIGNED = (
    (methods.lrp_z, "whose chain has no negative numbers"),
    (methods.alpha_beta(2, 1), "whose chain has no negative numbers"),
    (methods.gradient, "whose chain has no negative numbers"),
    (methods.guided_backprop, "no mixture of their maps"),
    (methods.deconv, "no mixture of their maps"),
    (replace(methods.z_plus, name="mine", dense=lambda op, x, y: rules.z_plus(op, x, y)), "mine at fc1.pre"),
)


@pytest.mark.parametrize("method,reason", SIGNED, ids=lambda v: getattr(v, "name", ""))
def test_a_method_of_which_no_certificate_is_known_is_refused_with_the_reason(method, reason):
    model = nets.build(nets.Chain)
    with pytest.raises(Refusal, match=reason) as refusal:
        begin(model, nets.images_for(model, 1), method)
    assert "\n" not in str(refusal.value)


def test_a_layer_that_a_skip_goes_around_is_refused():
    model = nets.build(nets.Residual)
    proof = begin(model, nets.images_for(model, 1), methods.z_plus)
    with pytest.raises(Refusal, match=r"layer: expected one that all relevance passes .* a skip goes around"):
        next(proof.layers(AMPLE, "layer1.0.conv1"))


def test_two_images_and_nodes_without_a_record_are_refused():
    model = nets.build(nets.Chain)
    with pytest.raises(Refusal, match="one image for a certificate"):
        begin(model, nets.images_for(model, 2), methods.z_plus)
    decoder = nets.build(nets.Decoder)
    with pytest.raises(Refusal, match="expected a node that a certificate has a record for"):
        begin(decoder, nets.images_for(decoder, 1), methods.z_plus)
