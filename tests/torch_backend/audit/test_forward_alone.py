"""Only the backward pass's weights are others: against explicit matrices, and where nothing is another."""

import torch
from torch import nn

from tests.helpers import nets
from torch_backend import methods, smooth_grad, trace
from torch_backend.audit.forward_alone import forward_alone
from torch_backend.audit.randomized import drawn
from torch_backend.graph.paths import LAYERS
from torch_backend.graph.rebuilt import Rebuilt
from torch_backend.maps.grad_cam import grad_cam
from torch_backend.maps.saliency import chain_maps, maps_of

TARGETS = torch.tensor([1, 2])


def two_layers():
    torch.manual_seed(3)
    model = nn.Sequential(nn.Linear(6, 8), nn.ReLU(), nn.Linear(8, 3)).double().eval()
    x = torch.randn(2, 6, dtype=torch.float64)
    graph = trace(model, x)
    layers = [n.index for n in graph.nodes if isinstance(n.op, LAYERS)]
    return model, x, graph, drawn(Rebuilt.of(graph), layers, (0,))


def test_the_gradient_keeps_the_trained_masks():
    """V¹ᵀ diag(1[W¹x + b > 0]) V²ᵀ e_c, V the other weights."""
    model, x, graph, ops = two_layers()
    V1, V2 = (op.weight for op in ops.values())
    open_ = (model[0](x) > 0).double()
    expected = (V2[TARGETS] * open_) @ V1
    torch.testing.assert_close(chain_maps(graph, forward_alone(methods.gradient, ops), TARGETS), expected)


def test_z_plus_keeps_the_trained_activations():
    """x ⊙ the share of V⁺ of what each unit has, denominators with V, from the trained logit."""
    model, x, graph, ops = two_layers()
    V1, V2 = (op.weight for op in ops.values())
    h, y = model[1](model[0](x)), model(x)
    c2 = (V2[TARGETS] * h).clamp(min=0)
    r = c2 / c2.sum(1, keepdim=True) * y.gather(1, TARGETS[:, None])
    c1 = (V1 * x[:, None]).clamp(min=0)  # (B, 8, 6)
    z = c1.sum(2, keepdim=True)
    expected = (torch.where(z > 0, c1 / z, 0) * r[..., None]).sum(1)
    torch.testing.assert_close(chain_maps(graph, forward_alone(methods.z_plus, ops), TARGETS), expected)


def test_the_same_weights_give_the_same_maps():
    model = nets.build(nets.Residual)
    graph = trace(model, nets.images_for(model))
    own = {n.index: n.op for n in graph.nodes if isinstance(n.op, LAYERS)}
    chains = (
        methods.lrp_z,
        methods.alpha2_beta1,
        methods.deep_taylor(),
        methods.deeplift_rescale(),
        methods.guided_backprop,
    )
    for method in (*chains, smooth_grad(samples=3)):
        torch.testing.assert_close(
            maps_of(graph, forward_alone(method, own), TARGETS), maps_of(graph, method, TARGETS)
        )


def test_what_is_no_chain_has_none():
    assert forward_alone(grad_cam("conv1"), {}) is None


def test_the_forward_pass_of_the_trained_network_is_kept():
    _, _, graph, ops = two_layers()
    values = [node.value.clone() for node in graph.nodes]
    chain_maps(graph, forward_alone(methods.z_plus, ops), TARGETS)
    assert all(torch.equal(a, node.value) for a, node in zip(values, graph.nodes, strict=True))
