"""The taps of a node are its factor: against the factor made of one-hot vectors, entry by entry."""

import numpy as np
import pytest
import torch

from tests.helpers import nets
from tests.helpers.factors import factor, from_taps
from torch_backend import methods, trace
from torch_backend.propagation.taps import taps
from torch_backend.propagation.units import units

METHODS = [
    methods.gradient,
    methods.z_plus,
    methods.alpha2_beta1,
    methods.lrp_z,
    methods.lrp_gamma(0.25),
    methods.excitation_backprop,
    methods.deep_taylor(-4, 4),
]


class Joined(torch.nn.Module):
    """Channels of a grouped, a dilated and a strided depthwise convolution, joined; padding on one side."""

    image = (4, 6, 5)

    def __init__(self) -> None:
        super().__init__()
        self.grouped = torch.nn.Conv2d(4, 6, 3, 2, 1, groups=2)
        self.dilated = torch.nn.Conv2d(4, 3, 2, 2, 1, dilation=2)
        self.depthwise = torch.nn.Conv2d(4, 4, 3, 2, groups=4)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        padded = torch.nn.functional.pad(x, (1, 1, 0, 2))
        parts = self.grouped(x).relu(), self.dilated(x), self.depthwise(padded)
        return torch.cat(parts, 1)


NETWORKS = [nets.Chain, nets.Residual, nets.Volume, nets.Totals, Joined]


@pytest.mark.parametrize("kind", NETWORKS)
@pytest.mark.parametrize("method", METHODS, ids=lambda method: method.name)
def test_the_taps_are_the_factor_and_their_squares_its_squares(kind, method) -> None:
    model = nets.build(kind)
    graph = trace(model, nets.images_for(model, 1))
    for node in graph.nodes[1:]:
        for k in range(len(node.inputs)):
            found, Z = taps(graph, method, node, k), factor(graph, method, node, k)
            np.testing.assert_allclose(from_taps(graph, node, k, found), Z, atol=1e-12 * np.abs(Z).max())
            squares = from_taps(graph, node, k, [tap.squares for tap in found])
            np.testing.assert_allclose(squares, Z**2, atol=1e-12 * np.abs(Z).max() ** 2)


@pytest.mark.parametrize("kind", NETWORKS)
def test_no_two_taps_share_a_pair_of_locations(kind) -> None:
    model = nets.build(kind)
    graph = trace(model, nets.images_for(model, 1))
    for node in graph.nodes[1:]:
        found = taps(graph, methods.gradient, node, 0)
        pairs = torch.stack([torch.cat([tap.low for tap in found]), torch.cat([tap.up for tap in found])])
        assert len(pairs.unique(dim=1)[0]) == pairs.shape[1]


def test_blocks_hold_the_same_pairs() -> None:
    model = nets.build(nets.Residual)
    graph = trace(model, nets.images_for(model, 1))
    node = next(node for node in graph.nodes if node.kind == "convolution")
    whole = taps(graph, methods.alpha2_beta1, node, 0)
    parts = [part for tap in whole for part in tap.blocks(40)]
    assert len(parts) > 3 * len(whole)
    np.testing.assert_array_equal(from_taps(graph, node, 0, parts), from_taps(graph, node, 0, whole))


def test_down_and_lift_are_transposes() -> None:
    model = nets.build(nets.Residual)
    graph = trace(model, nets.images_for(model, 1))
    for node in graph.nodes[1:]:
        for tap in taps(graph, methods.alpha2_beta1, node, 0):
            below, above = units(graph, graph.nodes[node.inputs[0]]), units(graph, node)
            generator = torch.Generator().manual_seed(node.index)
            r = torch.randn(above.channels, len(tap.up), generator=generator, dtype=nets.DTYPE)
            u = torch.randn(below.channels, len(tap.low), generator=generator, dtype=nets.DTYPE)
            torch.testing.assert_close((tap.down(r) * u).sum(), (r * tap.lift(u)).sum())


@pytest.mark.parametrize(
    ("kind", "method", "said"),
    [
        (nets.Chain, methods.guided_backprop, "a rule that shares relevance out, or the derivative"),
        (nets.Branches, methods.z_plus, "an operator whose locations are known"),
        (nets.Held, methods.gradient, "an operator whose locations are known"),
    ],
)
def test_what_has_no_factor_or_no_locations_is_refused_by_name(kind, method, said) -> None:
    model = nets.build(kind)
    graph = trace(model, nets.images_for(model, 1))
    with pytest.raises(ValueError, match=said):
        for node in graph.nodes[1:]:
            for k in range(len(node.inputs)):
                taps(graph, method, node, k)
