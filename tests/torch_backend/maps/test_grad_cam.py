"""Grad-CAM against its equation and against captum."""

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from captum.attr import LayerAttribution, LayerGradCam
from torch import nn

from tests.helpers import nets
from torch_backend import methods, relevance, trace
from torch_backend.maps.grad_cam import grad_cam
from torch_backend.maps.saliency import saliency


@pytest.fixture
def model():
    torch.manual_seed(0)
    layers = [nn.Conv2d(3, 6, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2), nn.Conv2d(6, 5, 3), nn.ReLU()]
    return nn.Sequential(*layers, nn.Flatten(), nn.Linear(45, 4)).double().eval()


IMAGES = torch.randn(3, 3, 10, 10, generator=torch.Generator().manual_seed(1), dtype=torch.float64)
TARGETS = torch.tensor([2, 0, 3])


@pytest.mark.parametrize(("layer", "index"), [("conv1_1", 1), ("conv2_1", 4)])
def test_equals_captum(model, layer, index):
    theirs = LayerGradCam(model, model[index]).attribute(IMAGES, target=TARGETS, relu_attributions=True)
    theirs = LayerAttribution.interpolate(theirs, IMAGES.shape[2:], "bilinear").detach()
    ours = saliency(model, IMAGES, grad_cam(layer), TARGETS)
    assert ours.shape == (3, 1, 10, 10) and (ours >= 0).all() and ours.any()
    torch.testing.assert_close(ours, F.interpolate(theirs, (10, 10)))


@pytest.mark.parametrize(
    ("kind", "layer"), [(nets.Residual, "block2_1"), (nets.Sequence, "block2_1"), (nets.Volume, "conv1_1")]
)
def test_is_the_class_gradient_averaged_over_places_times_the_layer(kind, layer):
    """One to three axes of space."""
    model = nets.build(kind)
    images = nets.images_for(model, 2)
    graph = trace(model, images)
    A, K = graph.node(layer).value, graph.node(layer).shape[0]
    start = torch.eye(4).double()[[1, 2]][None]
    gradient = relevance(graph, methods.gradient, "logits", start, layer)[0]
    expected = sum(
        gradient[:, k].flatten(1).mean(1).reshape(-1, *[1] * (A.dim() - 2)) * A[:, k] for k in range(K)
    )
    maps = saliency(model, images, grad_cam(layer), torch.tensor([1, 2]))
    assert maps.shape == (2, 1, *images.shape[2:])
    assert bool(maps.any()) == bool((expected > 0).any())
    mode = {1: "linear", 2: "bilinear", 3: "trilinear"}[A.dim() - 2]
    np.testing.assert_allclose(
        maps[:, 0],
        F.interpolate(expected.clamp(min=0)[:, None], images.shape[2:], mode=mode)[:, 0],
        atol=1e-12,
    )


@pytest.mark.parametrize(
    ("layer", "message"),
    [
        ("conv9_9", "layer: expected the name of a node"),
        ("fc1", r"layer fc1: expected an output \(K, \*space\)"),
    ],
)
def test_layers_without_space_are_refused(model, layer, message):
    with pytest.raises(ValueError, match=message):
        saliency(model, IMAGES, grad_cam(layer))
