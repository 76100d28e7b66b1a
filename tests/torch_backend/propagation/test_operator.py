"""The operator view: C is the sweep, Cᵀ its transpose, what is not linear is refused."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from scipy.sparse.linalg import svds

from rankone.stable_rank import median_sin2, stable_rank
from tests.helpers import nets
from torch_backend import (
    deeplift_rescale,
    deeplift_reveal_cancel,
    images,
    methods,
    models,
    relevance,
    trace,
)
from torch_backend.propagation import operator as chain_operator
from torch_backend.propagation.operator import ChainOperator

LINEAR = (
    methods.gradient,
    methods.gradient_times_input,
    methods.lrp_z,
    methods.lrp_epsilon(0.1),
    methods.lrp_gamma(0.25),
    methods.z_plus,
    methods.alpha2_beta1,
    methods.deep_taylor(),
    methods.contrastive_excitation_backprop,
)
CLOSE = {"rtol": 1e-11, "atol": 1e-13}


def graph_of(kind: type[torch.nn.Module]):
    model = nets.build(kind)
    return trace(model, nets.images_for(model, 1))


def random(rows: int, columns: int, seed: int) -> np.ndarray:
    return np.random.default_rng(seed).standard_normal((rows, columns))


@pytest.mark.parametrize("method", LINEAR, ids=lambda m: m.name)
@pytest.mark.parametrize("kind", nets.RECTIFIED, ids=lambda k: k.__name__)
def test_products_are_the_sweep_and_its_transpose(kind, method):
    """C v = relevance from v, and ⟨C v, u⟩ = ⟨v, Cᵀ u⟩, for the whole chain and for a part of it."""
    graph = graph_of(kind)
    for start, at in (("logits", "input"), (graph.layers[1], graph.layers[0])):
        C = ChainOperator(graph, method, start, at)
        v, u = random(C.shape[1], 3, 0), random(C.shape[0], 3, 1)
        r = torch.from_numpy(v.T).reshape(3, *graph.node(start).value.shape)
        swept = relevance(graph, method, start, r, at).flatten(1).numpy().T
        np.testing.assert_allclose(C @ v, swept, **CLOSE)
        np.testing.assert_allclose(np.vdot(C @ v, u), np.vdot(v, C.T @ u), rtol=1e-10)
        np.testing.assert_allclose(C @ v[:, 0], swept[:, 0], **CLOSE)


@pytest.mark.parametrize("kind", nets.EVERY, ids=lambda k: k.__name__)
def test_gradient_is_the_transposed_jacobian(kind):
    """Through smooth activations, LayerNorm, attention and products, too."""
    model = nets.build(kind)
    x = nets.images_for(model, 1)
    jacobian = torch.autograd.functional.jacobian(model, x).reshape(-1, x.numel()).numpy()
    C = ChainOperator(trace(model, x), methods.gradient, "logits", "input")
    np.testing.assert_allclose(C @ np.eye(C.shape[1]), jacobian.T, **CLOSE)
    np.testing.assert_allclose(C.T @ np.eye(C.shape[0]), jacobian, **CLOSE)


def test_transpose_of_the_dense_matrix():
    C = ChainOperator(graph_of(nets.Branches), methods.alpha2_beta1, "logits", "input")
    np.testing.assert_allclose((C @ np.eye(C.shape[1])).T, C.T @ np.eye(C.shape[0]), **CLOSE)


@pytest.mark.parametrize("method", [deeplift_rescale, deeplift_reveal_cancel], ids=lambda m: m.__name__)
def test_methods_that_bind_to_the_graph_and_carry_pairs(method):
    """DeepLIFT: its factors depend on a reference; reveal-cancel sends two vectors down for each start."""
    graph = graph_of(nets.Chain)
    method = method(torch.zeros_like(graph.nodes[0].value))
    C = ChainOperator(graph, method, "logits", "input")
    one_hot = torch.eye(4, dtype=nets.DTYPE)[:, None]
    swept = relevance(graph, method, "logits", one_hot, "input").flatten(1).numpy()
    np.testing.assert_allclose((C @ np.eye(4)).T, swept, **CLOSE)
    np.testing.assert_allclose(C.T @ np.eye(C.shape[0]), swept, **CLOSE)


def test_scipy_finds_singular_values():
    C = ChainOperator(graph_of(nets.Residual), methods.lrp_z, "block2_1", "input")
    dense = C @ np.eye(C.shape[1])
    start = np.ones(min(C.shape))
    found = svds(C, 2, v0=start, return_singular_vectors=False)
    np.testing.assert_allclose(np.sort(found)[::-1], np.linalg.svd(dense)[1][:2], rtol=1e-9)
    np.testing.assert_allclose(
        stable_rank(C).value, np.linalg.norm(dense) ** 2 / np.linalg.norm(dense, 2) ** 2, rtol=0.05
    )


def test_groups_of_vectors_change_nothing(monkeypatch):
    C = ChainOperator(graph_of(nets.Chain), methods.z_plus, "logits", "input")
    v, u = random(C.shape[1], 5, 2), random(C.shape[0], 5, 3)
    whole = C @ v, C.T @ u
    monkeypatch.setattr(chain_operator, "GROUP_BYTES", 1)
    np.testing.assert_allclose(C @ v, whole[0], rtol=1e-13)
    np.testing.assert_allclose(C.T @ u, whole[1], rtol=1e-13)


def test_float32_images_give_a_float32_operator():
    model = nets.build(nets.Chain).float()
    graph = trace(model, nets.images_for(model, 1).float())
    C = ChainOperator(graph, methods.z_plus, "logits", "input")
    assert C.dtype == np.float32
    assert (C @ np.ones((C.shape[1], 1))).dtype == np.float32


def test_a_start_layer_that_is_read_is_the_identity():
    C = ChainOperator(graph_of(nets.Chain), methods.z_plus, "fc1", "fc1")
    np.testing.assert_array_equal(C @ np.eye(7), np.eye(7))
    np.testing.assert_array_equal(C.T @ np.eye(7), np.eye(7))


@pytest.mark.parametrize("method", [methods.deconv, methods.guided_backprop, methods.rectgrad(0.5)])
def test_nonlinear_methods_are_refused_by_node(method):
    with pytest.raises(ValueError, match=r"linear in r, got one that is not linear at fc1 \(relu\), conv2_1"):
        ChainOperator(graph_of(nets.Chain), method, "logits", "input")


def unit_length(op, x, y):
    return lambda r: op.adjoint(r) / r.norm()


def hidden_from_autograd(op, x, y):
    return lambda r: op.adjoint(r.detach())


def partly_hidden(op, x, y):
    return lambda r: op.adjoint(0.5 * r + 0.5 * r.detach())


@pytest.mark.parametrize(
    "rule,reason",
    [
        (unit_length, "not linear at"),
        (hidden_from_autograd, "autograd cannot transpose at"),
        (partly_hidden, "autograd cannot transpose at"),
    ],
)
def test_own_rules_that_would_give_a_wrong_transpose_are_refused(rule, reason):
    mine = replace(methods.z_plus, name="mine", dense=rule)
    with pytest.raises(ValueError, match=f"method mine: expected a rule linear in r, got one .*{reason} fc2"):
        ChainOperator(graph_of(nets.Chain), mine, "logits", "input")


def test_own_linear_rules_are_transposed():
    mine = replace(methods.z_plus, dense=lambda op, x, y: lambda r: 0.5 * op.adjoint(r).flip(-1))
    C = ChainOperator(graph_of(nets.Chain), mine, "logits", "input")
    np.testing.assert_allclose((C @ np.eye(4)).T, C.T @ np.eye(C.shape[0]), **CLOSE)


@pytest.mark.parametrize(
    "images,method,start,at,reason",
    [
        (2, methods.z_plus, "logits", "input", "graph: expected one image, got 2"),
        (1, methods.z_plus, "conv9", "input", "expected the name of a node"),
        (1, methods.z_plus, "logits", "conv9", "expected the name of a node"),
        (1, methods.z_plus, "conv1_1", "fc1", "relevance from 'conv1_1' reaches"),
        (1, replace(methods.z_plus, dense=None), "logits", "input", "has a rule for, got 2 without"),
    ],
)
def test_refusals(images, method, start, at, reason):
    model = nets.build(nets.Chain)
    with pytest.raises(ValueError, match=reason):
        ChainOperator(trace(model, nets.images_for(model, images)), method, start, at)


def test_stable_rank_foretells_the_sampled_angles_of_a_trained_network():
    """The median sin² of Gaussian starts lies between the two ends of `median_sin2`."""
    graph = trace(models.load("digits-vgg"), images.digits("test")[0][:1].double())
    for start, at in (("fc2", "conv5_1"), ("conv5_3", "conv4_1")):
        C = ChainOperator(graph, methods.z_plus, start, at)
        x, y = (C @ random(C.shape[1], 400, seed) for seed in (0, 1))
        x, y = x / np.linalg.norm(x, axis=0), y / np.linalg.norm(y, axis=0)
        chord2 = np.minimum(np.square(x - y).sum(0), np.square(x + y).sum(0))
        low, high = median_sin2(stable_rank(C).excess)
        # Small angles: sin² = chord²; the median of 400 is good to 15 %.
        assert 0.8 * low <= np.median(chord2) <= 1.2 * high < 0.1
