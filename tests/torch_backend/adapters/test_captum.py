"""captum through the adapter: its maps as by hand, and ours."""

import captum.attr
import pytest
import torch

from torch_backend import grad_cam, methods, saliency
from torch_backend.adapters import captum as adapter
from torch_backend.audit import of
from torch_backend.audit.hidden import magnitudes, negative_part
from torch_backend.maps.averaged import integrated_gradients
from torch_backend.maps.saliency import sum_of_magnitudes

# captum tells of its hooks, which it removes.
pytestmark = pytest.mark.filterwarnings("ignore:Setting (forward, )?backward hooks:UserWarning")
CLOSE = {"rtol": 1e-4, "atol": 1e-5}  # float32, sums in another order
KINDS = ("Saliency", "InputXGradient", "GuidedBackprop", "Deconvolution", "DeepLift")


@pytest.mark.parametrize("name", KINDS)
def test_maps_are_captum_s(digits, made, name) -> None:
    model, x, classes = digits
    kind = getattr(captum.attr, name)
    expected = kind(model).attribute(x.clone().requires_grad_(), target=classes)
    torch.testing.assert_close(made(adapter.tool(kind)), expected, rtol=0, atol=0)


# Not DeepLift: captum's is another where a ReLU lies next to a max-pooling (docs/conventions.md).
OURS = {
    "InputXGradient": methods.gradient_times_input,
    "GuidedBackprop": methods.guided_backprop,
    "Deconvolution": methods.deconv,
}


@pytest.mark.parametrize("name", OURS)
def test_maps_are_ours(digits, made, name) -> None:
    model, x, classes = digits
    torch.testing.assert_close(
        made(adapter.tool(getattr(captum.attr, name))), saliency(model, x, OURS[name], classes), **CLOSE
    )


def test_saliency_hides_signs_unless_it_is_asked_not_to(digits, made) -> None:
    model, x, classes = digits
    ours = saliency(model, x, methods.gradient, classes)
    hidden, signed = (adapter.tool(captum.attr.Saliency, abs=some) for some in (True, False))
    torch.testing.assert_close(made(hidden), ours.abs(), **CLOSE)
    torch.testing.assert_close(made(signed), ours, **CLOSE)
    assert hidden.hides == (magnitudes,) and signed.hides == ()
    found = of(adapter.tool(captum.attr.Saliency), model, x, classes=1).maps
    torch.testing.assert_close(found, sum_of_magnitudes(ours), **CLOSE)


def test_integrated_gradients_are_ours(digits, made) -> None:
    model, x, classes = digits
    found = made(adapter.tool(captum.attr.IntegratedGradients, n_steps=20))
    ours = saliency(model, x, integrated_gradients(steps=20), classes)
    torch.testing.assert_close(found, ours, rtol=1e-3, atol=1e-4)


def test_layer_maps_are_enlarged_and_ours(digits, made) -> None:
    model, x, classes = digits
    tool = adapter.tool(captum.attr.LayerGradCam, layer="22", relu_attributions=True)
    assert tool.hides == (negative_part,)
    by_hand = captum.attr.LayerGradCam(model, model[22]).attribute(x, classes, relu_attributions=True)
    enlarged = captum.attr.LayerAttribution.interpolate(by_hand, (32, 32), "bilinear")
    torch.testing.assert_close(made(tool), enlarged, rtol=0, atol=0)
    torch.testing.assert_close(made(tool), saliency(model, x, grad_cam("conv4_3"), classes), **CLOSE)
