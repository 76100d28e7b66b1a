"""zennit through the adapter: its maps as by hand, and ours."""

import pytest
import torch
from zennit.attribution import Gradient, SmoothGrad
from zennit.composites import EpsilonGammaBox, EpsilonPlus, GuidedBackprop, LayerMapComposite
from zennit.rules import ZPlus
from zennit.types import Convolution, Linear

from torch_backend import methods, saliency
from torch_backend.adapters import zennit as adapter

Z_PLUS = LayerMapComposite([(Convolution, ZPlus()), (Linear, ZPlus())])
# Of the largest number: zennit adds 1e-6 to every denominator, and float32's sums come in another order.
CLOSE = 1e-4


@pytest.mark.parametrize("composite", [EpsilonPlus(), EpsilonGammaBox(-3.0, 3.0), GuidedBackprop(), Z_PLUS])
def test_maps_are_zennit_s(digits, made, composite) -> None:
    model, x, classes = digits
    _, expected = Gradient(model, composite)(x.clone(), torch.eye(10)[classes])
    torch.testing.assert_close(made(adapter.tool(composite)), expected, rtol=0, atol=0)
    assert not any(module._forward_hooks or module._forward_pre_hooks for module in model.modules())


def test_another_attributor_is_asked_as_by_hand(digits, made) -> None:
    model, x, classes = digits
    torch.manual_seed(0)
    expected = SmoothGrad(model, None, noise_level=0.2, n_iter=3)(x.clone(), torch.eye(10)[classes])[1]
    torch.manual_seed(0)
    found = made(adapter.tool(None, SmoothGrad, noise_level=0.2, n_iter=3))
    torch.testing.assert_close(found, expected, rtol=0, atol=0)


@pytest.mark.parametrize(
    ("composite", "method"),
    [(None, methods.gradient), (GuidedBackprop(), methods.guided_backprop), (Z_PLUS, methods.z_plus)],
)
def test_maps_are_ours_from_1_at_the_class(digits, made, composite, method) -> None:
    model, x, classes = digits
    ours = saliency(model, x, method, classes)
    if method.said("from_logit"):
        ours = ours / model(x).gather(1, classes[:, None])[..., None, None].detach()
    found = made(adapter.tool(composite, Gradient))
    torch.testing.assert_close(found, ours, rtol=0, atol=CLOSE * ours.abs().max().item())
