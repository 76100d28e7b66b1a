"""The law of skips: exact where it says so, near where its parts are random, and blind where it says that."""

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn

from rankone.errors import Overflow
from torch_backend import deeplift_rescale, methods, trace
from torch_backend.convergence.cosine import pairwise
from torch_backend.convergence.skip_law import drops, identity_share, law, sines
from torch_backend.propagation.skips import skips

EXACT = {"rtol": 1e-9, "atol": 1e-14}  # float64; 1 − |cos| is known to 1e-15 or so
RANDOM = 0.03  # decades: of iid parts in 512 channels, whose cross terms are of the order 1/√512


def normal(*shape, seed=0):
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


def unit(x):
    return x / x.norm(dim=2, keepdim=True)


def measured(u, w):
    return pairwise(u + w).deviations


@settings(max_examples=30, deadline=None)
@given(st.integers(0, 999), st.floats(0.01, 100))
def test_exact_if_the_branch_gives_every_vector_the_same(seed, size):
    """Rank one: w is the same for all, |u| and |r| are equal, and D(r) = p_u D(u)."""
    u, a = unit(normal(4, 2, 8, 3, seed=seed)), normal(1, 2, 8, 3, seed=seed + 1)
    u = unit(
        u - (u * a).sum(2, keepdim=True) / a.square().sum(2, keepdim=True) * a
    )  # so that |u + w| is equal
    w = size * a.expand_as(u)
    acute = (pairwise(u).signs > 0) & (pairwise(u + w).signs > 0)  # the law knows of no sign
    torch.testing.assert_close(law(u, w).whole[acute], measured(u, w)[acute], **EXACT)


@settings(max_examples=30, deadline=None)
@given(st.integers(0, 999))
def test_exact_if_both_parts_have_one_direction(seed):
    """D(u) = D(w) = 0: what is left is the mixing."""
    u = normal(4, 2, 1, 3, seed=seed).exp() * normal(1, 2, 8, 3, seed=seed + 1)
    w = normal(4, 2, 1, 3, seed=seed + 2).exp() * normal(1, 2, 8, 3, seed=seed + 3).abs()
    said = law(u, w)
    bigger = (u * w).sum(2).amin(0) > 0  # no part cancels the other
    torch.testing.assert_close(said.whole[:, bigger], measured(u, w)[:, bigger], rtol=1e-6, atol=1e-12)
    np.testing.assert_allclose(said.unmixed, 0, atol=1e-14)


@pytest.mark.parametrize("above", [1e-6, 1e-2])
@pytest.mark.parametrize("share", [0.2, 0.5, 0.8])
def test_near_for_iid_deviations(above, share):
    """u and w have independent deviations about directions of their own."""

    def around(seed, deviation, size):
        centre = normal(1, 1, 512, 40, seed=seed)
        return size * (centre + (2 * deviation) ** 0.5 * normal(6, 1, 512, 40, seed=seed + 1))

    u, w = around(0, above, share), around(7, 1e-3 * above, 1 - share)
    error = (law(u, w).whole.median() / measured(u, w).median()).log10()
    assert abs(float(error)) < RANDOM


def test_without_mixing_it_fails_where_vectors_are_shared_differently():
    """The guard: the third term is what makes it right."""
    u = normal(4, 1, 1, 50).exp() * normal(1, 1, 64, 50, seed=1)
    w = normal(1, 1, 64, 50, seed=2).expand(4, -1, -1, -1)
    said, true = law(u, w), measured(u, w)
    assert said.unmixed.median() < 1e-10 < 1e-2 < true.median()
    assert abs(float((said.whole.median() / true.median()).log10())) < 1e-6


def test_a_part_that_is_zero_has_no_say_and_a_sum_that_is_zero_is_not_known():
    u, w = normal(3, 1, 5, 4), normal(3, 1, 5, 4, seed=1)
    u[..., 0], w[..., 1] = 0, 0
    u[..., 2] = -w[..., 2]
    said, true = law(u, w).whole, measured(u, w)
    torch.testing.assert_close(said[..., :2], true[..., :2], **EXACT)
    assert said[..., 2].isnan().all() and not said[..., 3].isnan().any()


def test_sines_do_not_cancel():
    u = normal(2, 1, 6, 5)
    perpendicular = normal(2, 1, 6, 5, seed=1)
    perpendicular -= (perpendicular * u).sum(2, keepdim=True) / u.square().sum(2, keepdim=True) * u
    for angle in (1e-9, 0.3, np.pi / 2, np.pi - 1e-9):
        w = np.cos(angle) * unit(u) + np.sin(angle) * unit(perpendicular)
        np.testing.assert_allclose(sines(u, w), np.sin(angle), rtol=1e-6)


# ---------------------------------------------------------------- on residual chains


class Chain(nn.Module):
    """Residual blocks h = x + A x of one width without rectifiers; one output for each unit."""

    def __init__(self, *weights):
        super().__init__()
        self.layers = nn.ModuleList(nn.Linear(len(W), len(W), bias=False) for W in weights)
        for layer, W in zip(self.layers, weights, strict=True):
            layer.weight = nn.Parameter(W)

    def forward(self, x):
        for layer in self.layers:
            x = x + layer(x)
        return x


def dropped(weights, start, method=methods.gradient):
    model = Chain(*weights).eval()
    graph = trace(model, normal(1, len(weights[0]), seed=9))
    return graph, list(drops(graph, method, "logits", start))


def test_exact_on_a_chain_with_a_rank_one_branch():
    """f = b aᵀ x hands a (bᵀ r) down, the same for starts with the same bᵀ r; against the Jacobian."""
    n = 16
    a, b = unit(normal(1, 1, n))[0, 0], unit(normal(1, 1, n, seed=1))[0, 0]
    b = b - (a @ b) * a
    b = b / b.norm()
    free = normal(5, 1, n, seed=2)
    free = 0.1 * unit(free - (free @ a)[..., None] * a - (free @ b)[..., None] * b)
    start = b + free
    _, (drop,) = dropped([torch.outer(b, a)], start)
    through = start + start @ torch.outer(b, a)  # r + Aᵀ r by rows
    i, j = torch.combinations(torch.arange(5)).T
    cosine = torch.nn.functional.cosine_similarity(through[i, 0], through[j, 0], dim=1).abs()
    np.testing.assert_allclose(drop.measured, np.median(1 - cosine), rtol=1e-9)
    np.testing.assert_allclose(drop.predicted, drop.measured, rtol=1e-9)
    assert float(drop.branch) < 1e-15 < float(drop.identity) == float(drop.above)
    p = start[0, 0].square().sum() / through[0, 0].square().sum()
    np.testing.assert_allclose(drop.measured, p * drop.identity, rtol=1e-9)


@pytest.mark.parametrize("mean", [0.0, 1.0])
def test_near_on_a_chain_of_iid_branches(mean):
    n = 256
    weights = [(mean / n) + normal(n, n, seed=k) / n**0.5 for k in range(4)]
    _, found = dropped(weights, normal(5, 1, n, seed=30) + (3.0 if mean else 0.0))
    assert len(found) == 4
    for drop in found:
        assert abs(float((drop.predicted / drop.measured).log10())) < 0.1


def test_derivatives_hand_everything_to_either_path_and_z_plus_shares_it_out():
    model = Chain(normal(8, 8).abs(), normal(8, 8, seed=1).abs()).eval()
    graph = trace(model, normal(2, 8, seed=2).abs())
    start = normal(3, 2, 8, seed=3)
    for skip in skips(graph, methods.gradient, "logits", start):
        for share in identity_share(skip):
            np.testing.assert_allclose(share, 1)
    for skip in skips(graph, methods.z_plus, "logits", start):
        node = graph.node(skip.block)
        x, fx = graph.node(skip.below).value, graph.x(node).squeeze(1).sum(0) - graph.node(skip.below).value
        expected, share = skip.arrived * x / (x + fx), identity_share(skip)
        np.testing.assert_allclose(share.signed, expected.sum(2) / skip.arrived.sum(2), rtol=1e-9)
        assert ((share.magnitude > 0) & (share.magnitude < 1)).all()


def test_a_method_that_carries_more_vectors_is_read_as_it_reads():
    _, found = dropped([normal(8, 8)], normal(4, 1, 8), deeplift_rescale().multipliers)
    _, expected = dropped([normal(8, 8)], normal(4, 1, 8))
    np.testing.assert_allclose(found[0].measured, expected[0].measured)


def test_relevance_that_is_not_finite_is_refused():
    model = Chain(1e30 * torch.eye(4)).eval().float()
    graph = trace(model, torch.ones(1, 4))
    with pytest.raises(Overflow, match=r"gradient relevance from .* expected finite numbers"):
        list(drops(graph, methods.gradient, "logits", torch.full((2, 1, 4), 1e20)))
