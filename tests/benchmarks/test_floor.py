"""The floors of the engine's benchmark, recounted by hand on a network of a few entries."""

import torch
from torch import nn

from benchmarks import floor, measure
from torch_backend import trace

GRADIENT = floor.Needs(denominators=0, products=1, shares=0)
ALPHA_BETA = floor.Needs(denominators=2, products=2, shares=2)
FLOAT = 4  # bytes


class Tiny(nn.Module):
    """(2, 4, 4) -> convolution to 3 channels, ReLU, a skip around a convolution, max-pooling, 2 outputs."""

    def __init__(self) -> None:
        super().__init__()
        self.conv = nn.Conv2d(2, 3, 3, padding=1)
        self.inside = nn.Conv2d(3, 3, 1)
        self.dense = nn.Linear(12, 2)

    def forward(self, x):
        x = torch.relu(self.conv(x))
        x = nn.functional.max_pool2d(x + self.inside(x), 2)
        return self.dense(torch.flatten(x, 1))


def needed(needs: floor.Needs, vectors: int) -> list[floor.Pass]:
    """The passes of a sweep of some vectors from the logits, those that need nothing left out."""
    graph = trace(Tiny().eval(), torch.randn(1, 2, 4, 4))
    starts = {graph.nodes[-1].name: torch.zeros(vectors, 1, 2)}
    return [one for one in floor.passes(graph, starts, needs) if one != (0, 0)]


# Image 2 · 16 entries, activations 3 · 16, pooled 3 · 4, logits 2.
CONV, INSIDE, DENSE = 2 * 48 * 18, 2 * 48 * 3, 2 * 2 * 12  # flops of one product
CONV_MOVES, INSIDE_MOVES, DENSE_MOVES = 32 + 54 + 48, 48 + 9 + 48, 12 + 24 + 2  # x, W, y


def test_passes_of_the_gradient_recounted() -> None:
    expected = [
        (DENSE, DENSE_MOVES),
        (7 * DENSE, 7 * (2 + 12) + 24),
        (0, 48 + 12),  # max-pooling
        (0, 7 * (12 + 48) + 48 + 12),  # both ways of r, and which entries were the largest
        (0, 48),  # the addition's other input
        (INSIDE, INSIDE_MOVES),
        (7 * INSIDE, 7 * (48 + 48) + 9),
        (0, 7 * 48),  # relevance that comes by the skip
        (CONV, CONV_MOVES),
        (7 * CONV, 7 * (48 + 32) + 54),
    ]
    assert sorted(needed(GRADIENT, 7)) == sorted((flops, FLOAT * moved) for flops, moved in expected)


def test_passes_of_alpha_beta_recounted() -> None:
    """Three forward products in each layer; down with W⁺ and W⁻, x and two denominators read once."""
    expected = [
        *[(DENSE, DENSE_MOVES)] * 3,
        (2 * 5 * DENSE, 5 * (2 + 12) + 2 * 24 + 12 + 2 * 2),
        (0, 48 + 12),
        (0, 5 * (12 + 48) + 48 + 12),
        (0, 48),
        (0, 2 * 48 + 2 * 48),  # the addition's shares: both inputs, two denominators
        *[(INSIDE, INSIDE_MOVES)] * 3,
        (2 * 5 * INSIDE, 5 * (48 + 48) + 2 * 9 + 48 + 2 * 48),
        (0, 5 * 48),
        *[(CONV, CONV_MOVES)] * 3,
        (2 * 5 * CONV, 5 * (48 + 32) + 2 * 54 + 32 + 2 * 48),
    ]
    assert sorted(needed(ALPHA_BETA, 5)) == sorted((flops, FLOAT * moved) for flops, moved in expected)


def test_a_layer_above_all_starts_only_goes_forward() -> None:
    graph = trace(Tiny().eval(), torch.randn(1, 2, 4, 4))
    first = next(node for node in graph.nodes if node.kind == "relu")
    starts = {first.name: torch.zeros(5, *first.value.shape)}
    flops = floor.flops(floor.passes(graph, starts, ALPHA_BETA))
    assert flops == DENSE + INSIDE + CONV * (1 + 2 + 2 * 5)


def test_a_pass_takes_the_longer_of_its_flops_and_its_bytes() -> None:
    computes, moves = floor.Pass(flops=600, moved=40), floor.Pass(flops=10, moved=40)
    assert floor.flops([computes, moves]) == 610
    assert floor.seconds([computes, moves], rate=100, bandwidth=20) == 6 + 2


def test_memory_pass_counts_two_arrays_read_and_one_written(monkeypatch) -> None:
    monkeypatch.setattr(measure, "MEMORY_ENTRIES", 10)
    add, moved = measure.memory_pass(threads=3)
    add()
    assert moved == 3 * 10 * FLOAT
