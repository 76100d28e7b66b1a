"""What the reversed chain keeps of a layer is what its dense factor says; the parents' law is its limit."""

import numpy as np
import pytest
import torch

from rankone.parents import dispersion
from tests.helpers import nets
from tests.helpers.factors import factor
from torch_backend import methods, trace
from torch_backend.convergence.reversed_chain import SQUARES, reversed_chain
from torch_backend.propagation.holding import held
from torch_backend.propagation.units import units

METHODS = [methods.gradient, methods.z_plus, methods.alpha2_beta1]
NETWORKS = [nets.Chain, nets.Residual, nets.Totals]
EXACT = {"rtol": 1e-9, "atol": 1e-12}


def chain_of(kind, method):
    model = nets.build(kind)
    graph = held(trace(model, nets.images_for(model, 1)), method)
    logits = graph.nodes[-1].value
    return graph, reversed_chain(graph, method, "logits", torch.ones_like(logits)[None])


def dense(graph, method, mixing):
    """(reader, Z (C, L, C_above, L_above)) of each edge into the node."""
    below = units(graph, graph.nodes[mixing.index])
    for node in graph.nodes[mixing.index + 1 :]:
        above = units(graph, node)
        for k, i in enumerate(node.inputs):
            if i == mixing.index:
                Z = factor(graph, method, node, k)
                yield node.index, Z.reshape(below.channels, below.locations, above.channels, -1)


@pytest.mark.parametrize("kind", NETWORKS)
@pytest.mark.parametrize("method", METHODS, ids=lambda method: method.name)
def test_every_pair_of_locations_has_the_sums_of_its_dense_factor(kind, method) -> None:
    graph, chain = chain_of(kind, method)
    for mixing in chain.mixings:
        here = chain.above[mixing.index]
        p, Q = here.p.numpy(), here.weights.numpy()
        factors = dict(dense(graph, method, mixing))
        np.testing.assert_allclose(
            p,
            sum(np.einsum("ixju,ju->ix", Z, chain.above[reader].p.numpy()) for reader, Z in factors.items()),
            **EXACT,
        )
        for meeting in mixing.meetings:
            there, Z = chain.above[meeting.reader], factors[meeting.reader]
            x, u = meeting.low.numpy(), meeting.up.numpy()
            Z = Z[:, x, :, u]  # (n, C, C_above)
            n = np.einsum("in,nij->nj", Q[:, x], Z)
            B = np.einsum("nij,jn->ni", Z, there.p.numpy()[:, u])
            kappa, along = np.einsum("in,ni->n", Q[:, x], B), there.weights.numpy()[:, u].T
            rho = np.stack([there.rho, np.ones_like(there.rho), there.p.square()])
            np.testing.assert_allclose(meeting.kappa, kappa, **EXACT)
            Y = Z - np.einsum("in,nj->nij", p[:, x], n)
            Y -= np.einsum("ni,nj->nij", B - (p[:, x] * kappa).T, along)
            assert_near(meeting.scatter, np.einsum("nij,vjn->vn", Y**2, rho[:, :, u]), Z)
            off = n - kappa[:, None] * along
            weight = here.squared.numpy()[x] * kappa
            h, mass = np.zeros(there.p.T.shape), np.zeros(there.p.shape[1])
            np.add.at(h, u, weight[:, None] * off)
            np.add.at(mass, u, weight * kappa)
            h /= np.where(mass > 0, mass, np.inf)[:, None]
            shared = np.einsum("uj,vju->vu", h**2, rho)
            assert_near(meeting.shared, shared, n)
            own = np.einsum("nj,vjn->vn", off**2, rho[:, :, u]) - kappa**2 * shared[:, u]
            assert_near(meeting.own, own.clip(0), n)


def assert_near(found, expected, terms) -> None:
    """Equal but for what is lost where squares of terms as large as these cancel."""
    scale = np.abs(terms).max() ** 2 * max(1.0, np.abs(expected).max())
    np.testing.assert_allclose(found, expected, rtol=1e-8, atol=1e-11 * scale)


@pytest.mark.parametrize("kind", NETWORKS)
@pytest.mark.parametrize("method", METHODS, ids=lambda method: method.name)
def test_the_contrast_is_how_differently_channels_see_the_places_above(kind, method) -> None:
    graph, chain = chain_of(kind, method)
    generator = torch.Generator().manual_seed(0)
    for mixing in chain.mixings:
        if mixing.contrast is None:
            continue
        here, factors = chain.above[mixing.index], dict(dense(graph, method, mixing))
        seen, expected = torch.zeros(mixing.contrast.shape[1:], dtype=nets.DTYPE), 0
        for meeting in mixing.meetings:
            there = chain.above[meeting.reader]
            a = torch.randn(there.p.shape[1], generator=generator, dtype=nets.DTYPE)
            seen[meeting.slot, meeting.low] = a[meeting.up]
            expected = expected + np.einsum(
                "ixju,ju,u->ix", factors[meeting.reader], there.p.numpy(), a.numpy()
            )
        mean = (here.weights.numpy() * expected).sum(0)
        expected = ((expected - here.p.numpy() * mean) ** 2).sum(0)
        found = torch.einsum("sl,stl,tl->l", seen, mixing.contrast, seen)
        np.testing.assert_allclose(found, expected, rtol=1e-7, atol=1e-9 * np.abs(expected).max())


def test_variances_are_passed_down_by_the_squared_factors() -> None:
    graph, chain = chain_of(nets.Residual, methods.alpha2_beta1)
    for mixing in chain.mixings:
        if mixing.same_as is None:
            expected = sum(
                np.einsum("ixju,ju->ix", Z**2, chain.above[reader].rho.numpy())
                for reader, Z in dense(graph, methods.alpha2_beta1, mixing)
            )
            np.testing.assert_allclose(chain.above[mixing.index].rho, expected / expected.max(), **EXACT)


def test_at_one_location_it_is_the_parents_law() -> None:
    """theory.md 2.7: the scatter of p², over |p'|², is the dispersion of the reversed factor's rows."""
    torch.manual_seed(0)
    model = torch.nn.Sequential(torch.nn.Linear(9, 8), torch.nn.ReLU(), torch.nn.Linear(8, 5)).double().eval()
    graph = trace(model, torch.rand(1, 9, dtype=nets.DTYPE))
    chain = reversed_chain(graph, methods.z_plus, "logits", torch.ones(1, 1, 5, dtype=nets.DTYPE))
    compared = 0
    for mixing in chain.mixings:
        for meeting in mixing.meetings:
            ((_, Z),) = dense(graph, methods.z_plus, mixing)
            Z, above = Z[:, 0, :, 0], chain.above[meeting.reader].p[:, 0].numpy()
            live, parents = Z @ above > 0, above > 0
            expected = dispersion(Z[live][:, parents], above[parents])
            found = meeting.scatter[SQUARES].sum() / chain.above[mixing.index].squared.sum()
            np.testing.assert_allclose(found, expected, rtol=1e-9)
            compared += 1
    assert compared >= 2


def test_more_than_one_image_is_refused() -> None:
    model = nets.build(nets.Chain)
    graph = trace(model, nets.images_for(model, 2))
    with pytest.raises(ValueError, match="graph: expected one image, got 2"):
        reversed_chain(graph, methods.z_plus, "logits", torch.ones(1, 2, 4, dtype=nets.DTYPE))
