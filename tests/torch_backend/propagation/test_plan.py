"""The plan of a sweep: made from shapes and counts alone, within the memory, and followed to the letter."""

import weakref
from collections import Counter

import numpy as np
import pytest
import torch

from tests.helpers import nets
from torch_backend import Starts, methods, sweep, trace
from torch_backend.graph.paths import leads_to
from torch_backend.methods.method import KINDS
from torch_backend.propagation import sweep as module
from torch_backend.propagation.plan import Leg, plan

VECTORS = 3


def legs(leg: Leg) -> list[Leg]:
    return [leg, *(below for half in leg.halves for below in legs(half))]


@pytest.fixture(scope="module", params=nets.RECTIFIED, ids=lambda kind: kind.__name__)
def graph(request):
    model = nets.build(request.param)
    return trace(model, nets.images_for(model))


def planned(graph, memory: int, at=("input",)) -> Leg:
    useful = leads_to(graph.nodes, {graph.node(name).index for name in at})
    return plan(graph.nodes, dict.fromkeys(graph.layers, VECTORS), useful, memory)


@pytest.mark.parametrize("memory", [1, 3_000, 20_000, 1 << 30])
def test_every_start_layer_goes_all_the_way_down_once(graph, memory: int) -> None:
    """Among the legs that end at the image each start is carried by exactly one; each joins once."""
    every = legs(planned(graph, memory))
    ends = Counter(start for leg in every if not leg.halves for start in (*leg.starts, *leg.joined))
    joined = Counter(start for leg in every for start in leg.joined)
    assert ends == joined == Counter(graph.layers)


@pytest.mark.parametrize("memory", [1, 3_000, 20_000])
def test_halves_share_out_what_arrived(graph, memory: int) -> None:
    for leg in legs(planned(graph, memory)):
        if leg.halves:
            first, second = leg.halves
            assert {*first.starts, *second.starts} == {*leg.starts, *leg.joined}
            assert not set(first.starts) & set(second.starts)
            assert first.starts and second.starts and first.top == second.top == leg.end
            assert not first.joined, "what starts below is taken up once"


def test_each_node_is_passed_last_in_one_leg(graph) -> None:
    """So that what was prepared for it is kept as long as it is needed, and no longer."""
    every = [leg for leg in legs(planned(graph, 3_000)) if leg.last]
    visited = [index for leg in every for index in leg.nodes if not (leg.halves and index == leg.end)]
    assert sorted(visited) == list(range(len(graph.nodes)))


def test_without_a_limit_all_go_together(graph) -> None:
    leg = planned(graph, 1 << 30)
    assert not leg.halves and leg.starts == () and set(leg.joined) == set(graph.layers)


def test_with_little_memory_every_start_layer_goes_alone(graph) -> None:
    assert all(len((*leg.starts, *leg.joined)) == 1 for leg in legs(planned(graph, 1)) if not leg.halves)


@pytest.mark.parametrize("memory", [1, 3_000, 20_000, 1 << 30])
def test_the_sweep_yields_a_layer_for_each_leg_that_reads_there(graph, memory: int) -> None:
    layers = ("input", *graph.layers)
    starts = Starts(
        dict.fromkeys(graph.layers, VECTORS),
        lambda name: torch.ones(VECTORS, *graph.node(name).value.shape, dtype=nets.DTYPE),
    )
    at_the_image = [
        tuple(found)
        for layer, found in sweep(graph, methods.z_plus, starts, layers, memory=memory)
        if layer == "input"
    ]
    ends = [(*leg.starts, *leg.joined) for leg in legs(planned(graph, memory, layers)) if not leg.halves]
    assert [set(starts) for starts in at_the_image] == [set(starts) for starts in ends]


def test_nothing_is_drawn_or_computed_before_the_plan(monkeypatch) -> None:
    """With counts that are known, a start layer's vectors are drawn when the sweep reaches it."""
    model = nets.build(nets.Chain)
    graph = trace(model, nets.images_for(model))
    happened = []

    def draw(name: str) -> torch.Tensor:
        happened.append(name)
        return torch.ones(1, *graph.node(name).value.shape, dtype=nets.DTYPE)

    def planning(*arguments) -> Leg:
        happened.append("plan")
        return plan(*arguments)

    monkeypatch.setattr(module, "plan", planning)
    starts = Starts(dict.fromkeys(("fc2", "conv2_1"), 1), draw)
    for layer, _ in sweep(graph, methods.z_plus, starts, graph.layers):
        happened.append(f"at {layer}")
    assert happened == [
        "plan",
        "fc2",
        "at fc2",
        "at fc1",
        "conv2_1",
        "at conv2_1",
        "at conv1_2",
        "at conv1_1",
    ]


def test_starts_are_named_as_everywhere() -> None:
    """ "logits" is the last node; a name that is none is refused."""
    model = nets.build(nets.Chain)
    graph = trace(model, nets.images_for(model))
    r = torch.ones(1, 2, 4, dtype=nets.DTYPE)
    ((_, found),) = sweep(graph, methods.z_plus, Starts({"logits": 1}, {"logits": r}.get), ["input"])
    ((_, expected),) = sweep(graph, methods.z_plus, {"fc2": r}.get, ["input"])
    np.testing.assert_array_equal(found["fc2"], expected["fc2"])
    with pytest.raises(ValueError, match="layer: expected the name of a node"):
        list(sweep(graph, methods.z_plus, Starts({"fc9": 1}, {"fc9": r}.get), ["input"]))


def test_start_vectors_are_not_kept_once_they_are_on_the_way() -> None:
    model = nets.build(nets.Chain)
    graph = trace(model, nets.images_for(model))
    given = {name: torch.ones(2, *graph.node(name).value.shape, dtype=nets.DTYPE) for name in ("fc2", "fc1")}
    there = [weakref.ref(r) for r in given.values()]
    for layer, _ in sweep(graph, methods.z_plus, lambda name: given.pop(name, None), ["fc2", "input"]):
        if layer == "input":
            assert [r() for r in there] == [None, None]


def test_starts_must_be_as_many_as_announced() -> None:
    model = nets.build(nets.Chain)
    graph = trace(model, nets.images_for(model))
    starts = Starts({"fc2": 2}, lambda _: torch.ones(3, 2, 4, dtype=nets.DTYPE))
    with pytest.raises(
        ValueError, match="start relevance at fc2: expected 2 vectors, as `counts` says, got 3"
    ):
        list(sweep(graph, methods.z_plus, starts, ["input"]))


def test_a_method_must_carry_as_many_as_it_says() -> None:
    class Doubling(methods.Method):
        def start(self, r):
            return r.repeat_interleave(2, 0)

        def read(self, node, r):
            return r[::2]

    model = nets.build(nets.Chain)
    graph = trace(model, nets.images_for(model))
    rules = {name: getattr(methods.gradient, name) for name in KINDS}
    starts = {"fc2": torch.ones(1, 2, 4, dtype=nets.DTYPE)}.get
    with pytest.raises(ValueError, match="method mine: expected a start that makes 1 vectors of 1, got 2"):
        list(sweep(graph, Doubling("mine", **rules), starts, ["input"]))
    ((_, found),) = sweep(graph, Doubling("mine", **rules, carries=2), starts, ["input"])
    ((_, plain),) = sweep(graph, methods.gradient, starts, ["input"])
    np.testing.assert_allclose(found["fc2"], plain["fc2"], rtol=1e-12, atol=1e-12)
