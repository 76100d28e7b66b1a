"""Residual additions: both ways together are the sweep's relevance, and only true skips count."""

import pytest
import torch
from torch import nn

from tests.helpers import nets
from torch_backend import deeplift_reveal_cancel, methods, relevance, rules, trace
from torch_backend.propagation.skips import residuals, skips

CLOSE = {"rtol": 1e-9, "atol": 1e-11}  # float64, another order of sums
METHODS = (
    methods.gradient,
    methods.gradient_times_input,
    methods.z_plus,
    methods.alpha_beta(2, 1),
    methods.guided_backprop,
    deeplift_reveal_cancel(),
)


class Ladder(nn.Module):
    """Three residual blocks; the branch of the uppermost also reads what the lowest one puts out."""

    image = (3, 6, 6)

    def __init__(self) -> None:
        super().__init__()
        self.root, self.a, self.b, self.c = (nn.Conv2d(n, 4, 3, padding=1) for n in (3, 4, 4, 8))
        self.dense = nn.Linear(4, 3)

    def forward(self, x):
        root = self.root(x).relu()
        low = (self.a(root) + root).relu()
        middle = (self.b(low) + low).relu()
        high = (self.c(torch.cat([middle, low], 1)) + middle).relu()
        return self.dense(high.mean((2, 3)))


class Projected(nn.Module):
    """A skip with weights of its own, one that is no skip, and one whose branch is read elsewhere, too."""

    image = (3, 6, 6)

    def __init__(self) -> None:
        super().__init__()
        self.stem, self.a, self.b, self.c = (nn.Conv2d(n, 4, 3, padding=1) for n in (3, 4, 4, 4))
        self.dense = nn.Linear(8, 3)

    def forward(self, x):
        stem = self.stem(x).relu()
        h = (self.a(stem) + self.b(stem)).relu()
        h = (h + h).relu()
        branch = self.c(h).relu()
        return self.dense(torch.cat([(h + branch).relu(), branch], 1).mean((2, 3)))


def graph_and_start(kind, vectors=3):
    model = nets.build(kind)
    graph = trace(model, nets.images_for(model))
    generator = torch.Generator().manual_seed(0)
    return graph, torch.randn(vectors, *graph.nodes[-1].value.shape, generator=generator, dtype=nets.DTYPE)


def name_of_addition(graph, skip):
    node = graph.node(skip.block)
    return node.name if node.kind == "add" else graph.nodes[node.inputs[0]].name


@pytest.mark.parametrize("method", METHODS, ids=lambda m: m.name)
@pytest.mark.parametrize("kind", [nets.Residual, Ladder], ids=lambda k: k.__name__)
def test_both_ways_together_are_the_relevance_below(kind, method):
    """Also below a branch that reads elsewhere; where that arrives, a third way joins the two."""
    graph, start = graph_and_start(kind)
    found = list(skips(graph, method, "logits", start))
    assert len(found) == (2 if kind is nets.Residual else 3)
    for place, skip in enumerate(found):
        below = relevance(graph, method, "logits", start, skip.below)
        above = relevance(graph, method, "logits", start, name_of_addition(graph, skip))
        third_way = kind is Ladder and place == 1
        assert torch.allclose(skip.identity + skip.branch, below, **CLOSE) != third_way
        torch.testing.assert_close(skip.above, above, **CLOSE)


def test_the_branch_is_a_chain_of_its_own():
    """Under the gradient it is the derivative of f alone, and the identity gets all that arrives."""
    graph, start = graph_and_start(nets.Residual)
    fx = {graph.nodes[r.x].name: graph.nodes[r.fx].name for r in residuals(graph.nodes)}
    for skip in skips(graph, methods.gradient, "logits", start):
        torch.testing.assert_close(skip.identity, skip.arrived, **CLOSE)
        alone = relevance(graph, methods.gradient, fx[skip.below], skip.arrived, skip.below)
        torch.testing.assert_close(skip.branch, alone, **CLOSE)


def test_relevance_that_starts_inside_a_branch_meets_only_the_skips_below():
    graph, _ = graph_and_start(Ladder)
    inside = torch.ones(2, *graph.node("c").value.shape, dtype=nets.DTYPE)
    found = list(skips(graph, methods.gradient, "c", inside))
    assert [skip.block for skip in found] == ["block1_2", "block1_1"]
    assert [skip.below for skip in found] == ["block1_1", "root"]


def test_only_an_identity_beside_a_branch_of_its_own_is_a_skip():
    graph, _ = graph_and_start(Projected)
    assert residuals(graph.nodes) == ()


def test_a_method_without_a_rule_is_refused():
    graph, start = graph_and_start(nets.Residual)
    nothing = methods.Method("nothing", add=rules.z, from_logit=False, contributes=False)
    with pytest.raises(ValueError, match="method nothing: expected a network of nodes it has a rule for"):
        list(skips(graph, nothing, "logits", start))
