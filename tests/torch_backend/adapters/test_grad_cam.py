"""pytorch-grad-cam through the adapter: its maps as by hand, and ours."""

import numpy as np
import pytest
import torch
from pytorch_grad_cam import EigenGradCAM, GradCAM, GradCAMPlusPlus
from pytorch_grad_cam.utils.model_targets import ClassifierOutputTarget

from torch_backend import grad_cam, saliency
from torch_backend.adapters import grad_cam as adapter
from torch_backend.audit import of
from torch_backend.audit.hidden import negative_part, range_, stretched


@pytest.mark.parametrize("kind", [GradCAM, GradCAMPlusPlus, EigenGradCAM])
@pytest.mark.parametrize("layer", ["22", "15,22"])
def test_maps_are_pytorch_grad_cam_s(digits, made, kind, layer) -> None:
    model, x, classes = digits
    with kind(model, [model[int(place)] for place in layer.split(",")]) as cam:
        expected = cam(x.clone(), [ClassifierOutputTarget(int(c)) for c in classes])
    np.testing.assert_array_equal(made(adapter.tool(kind, layer)), expected)


def test_maps_are_ours_stretched(digits, made) -> None:
    """It stretches before it enlarges, with OpenCV, and again after; ours are enlarged by torch."""
    model, x, classes = digits
    ours = stretched(saliency(model, x, grad_cam("conv4_3"), classes)[:, 0])
    found = made(adapter.tool(GradCAM, "22"))
    similar = torch.nn.functional.cosine_similarity(found.flatten(1), ours.flatten(1))
    assert similar.min() > 0.999


def test_it_hides_what_it_declares_and_leaves_the_model_alone(digits) -> None:
    model, x, _ = digits
    tool = adapter.tool(GradCAM, "22")
    assert tool.hides == (negative_part, range_)
    gradients = [p.grad for p in model.parameters()]
    found = of(tool, model, x, classes=1)
    assert found.cascade.scores.shape[0] == 16 and (found.cascade.scores[-1, ..., 0] < 0.9).all()
    assert not any(module._forward_hooks for module in model.modules())
    assert all(p.grad is grad for p, grad in zip(model.parameters(), gradients, strict=True))
