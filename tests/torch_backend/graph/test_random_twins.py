"""A random network written in two random ways has one relevance; and the generator reaches what it is for."""

from random import Random

import pytest
import torch
from hypothesis import Phase, find, given, settings

from tests.helpers.twins import random_networks as random
from tests.helpers.twins import written
from tests.helpers.twins.compared import METHODS, TOLERANCE, distance
from tests.helpers.twins.random_networks import Pair, operations, pairs
from tests.helpers.twins.users import start_at
from torch_backend import Graph, relevance, trace

SOME = settings(max_examples=60, deadline=None, derandomize=True)
SEARCH = settings(max_examples=5000, deadline=None, database=None, phases=[Phase.generate])
COMPARED = (
    "gradient",
    "guided_backprop",
    "lrp_z",
    "lrp_epsilon",
    "lrp_gamma",
    "z_plus",
    "alpha2_beta1",
    "lrp_cmp",
    "deep_taylor",
    "excitation_backprop",
    "contrastive_excitation_backprop",
    "deeplift_rescale",
)

AT_A_PLACE = ("deep_taylor", "contrastive_excitation_backprop")


@SOME
@given(pairs())
def test_both_spellings_compute_one_function(pair: Pair) -> None:
    """The generator is right: outputs and autograd's derivatives agree."""
    results = []
    for model in pair.models():
        x = pair.images(3).requires_grad_()
        y = model(x)
        (slope,) = torch.autograd.grad(y, x, torch.ones_like(y))
        results.append((y.detach(), slope))
    (a, slope), (b, other) = results
    torch.testing.assert_close(b, a, rtol=1e-10, atol=1e-10)
    torch.testing.assert_close(other, slope, rtol=1e-10, atol=1e-10)


@SOME
@given(pairs())
def test_relevance_of_a_random_network_does_not_depend_on_its_spelling(pair: Pair) -> None:
    """Twelve methods, to 1e-9 of the map's largest entry; neither spelling is refused, or both are where a
    rule for the first or the last layer has no place.
    """
    x = pair.images()
    first, second = (trace(model, x) for model in pair.models())
    start = start_at(first.nodes[-1].value)
    apart = {}
    for name in COMPARED:
        a, b = (told(graph, name, start) for graph in (first, second))
        assert (a is None) == (b is None), f"{name}: one spelling is refused"
        apart[name] = 0.0 if a is None else distance(a, b)
    assert all(value <= TOLERANCE for value in apart.values()), apart


def told(graph: Graph, name: str, start: torch.Tensor) -> torch.Tensor | None:
    """The map, or None where a rule for the first or the last layer has no layer to apply to."""
    try:
        return relevance(graph, METHODS[name], "logits", start, "input")
    except ValueError:
        if name not in AT_A_PLACE:
            raise
        return None


def uses(kind: str, spelling: str):
    return lambda pair: any(
        pair.spellings[0][op.uid] == spelling for op in operations(pair.plan) if op.kind == kind
    )


def inside(kind: str):
    return lambda pair: any(part.kind == kind for op in pair.plan for part in op.inner)


def beside(first: str, second: str):
    return lambda pair: random.follows(pair.plan, first, second)


REACH = {
    **{
        f"{kind}: {spelling}": uses(kind, spelling)
        for kind, spellings in random.SPELLINGS.items()
        for spelling in spellings
    },
    **{f"{kind} inside a skip": inside(kind) for kind in ("conv", "norm", "relu")},
    "a batch norm after a convolution": beside("conv", "norm"),
    "a batch norm after a ReLU": beside("relu", "norm"),
    "an affine map before a padded convolution": lambda pair: any(
        a.kind == "affine" and b.kind == "conv" and b.padding
        for a, b in zip(pair.plan, pair.plan[1:], strict=False)
    ),
    "images normalised, then a convolution": lambda pair: (
        [op.kind for op in pair.plan[:2]] == ["affine", "conv"]
    ),
    "two affine maps": beside("affine", "norm"),
    "a skip after a skip": beside("skip", "skip"),
    "a skip at the image": lambda pair: pair.plan[0].kind == "skip",
    "average pooling at the image": lambda pair: pair.plan[0].kind == "average",
    "a concatenation pooled": beside("concat", "max_pool"),
    "two dense layers": lambda pair: sum(op.kind == "dense" for op in pair.plan) == 2,
    "no two spellings alike": lambda pair: all(
        pair.spellings[0][op.uid] != pair.spellings[1][op.uid] for op in operations(pair.plan)
    ),
}


@pytest.mark.parametrize("what", REACH)
def test_reach(what: str) -> None:
    """Every operation and every spelling occurs, and the neighbours that matter."""
    find(pairs(), REACH[what], settings=SEARCH, random=Random(0))


def test_every_kind_of_the_generator_is_spelled() -> None:
    """The table of spellings names each operation that is written, in at least three ways."""
    assert set(random.SPELLINGS) == {*written.WRITTEN, "relu", "skip", "dropout"}
    assert all(len(spellings) >= 3 for spellings in random.SPELLINGS.values())
    assert {(kind, s) for kind in random.SPELLINGS for s in random.SPELLINGS[kind]} >= random.IN_PIECES
