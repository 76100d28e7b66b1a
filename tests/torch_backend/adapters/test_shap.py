"""SHAP's DeepExplainer through the adapter: its maps as by hand, and ours; made anew for other weights."""

import warnings

import numpy as np
import pytest
import torch

from torch_backend import deeplift_rescale, saliency, trace
from torch_backend.adapters import shap as adapter
from torch_backend.audit import Tool, of
from torch_backend.audit.attribute import subject_of
from torch_backend.audit.randomized import drawn
from torch_backend.audit.stages import stages
from torch_backend.graph.rebuilt import Rebuilt

# NumPy 2 on SHAP's arithmetic with tensors, torch on its hooks of the first layer.
pytestmark = [
    pytest.mark.filterwarnings("ignore:__array_wrap__ must accept context:DeprecationWarning"),
    pytest.mark.filterwarnings("ignore:Full backward hook is firing:UserWarning"),
]


@pytest.fixture(scope="module", autouse=True)
def imported():
    """matplotlib on SHAP's colours, when it is imported."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        import shap
    return shap


def test_maps_are_shap_s(digits, made, imported) -> None:
    model, x, classes = digits
    background = x.flip(3)[:2]
    values = imported.DeepExplainer(model, background).shap_values(x)
    expected = np.stack([values[b, ..., c] for b, c in enumerate(classes.tolist())])
    np.testing.assert_array_equal(made(adapter.tool(background)), expected)


def test_one_black_image_as_background_is_deeplift(digits, made) -> None:
    model, x, classes = digits
    ours = saliency(model, x, deeplift_rescale(), classes)
    found = made(adapter.tool(torch.zeros_like(x[:1])))
    torch.testing.assert_close(found, ours.double(), rtol=0, atol=1e-5)


def test_what_it_expects_of_the_output_is_asked_of_each_network_anew(digits, imported) -> None:
    """SHAP checks that its values sum to the output, with what it expected when it was made."""
    model, x, classes = digits
    tool = adapter.tool(torch.zeros_like(x[:1]))
    graph = trace(model, x[:1])
    network = Rebuilt.of(graph)
    layers = stages(graph)[0].layers
    other = network.graph(drawn(network, layers, (0,)), x[:1])
    maps = subject_of(tool).of(other).maps(other, x[:1], classes[:1])
    once = tool.attribute_for(model)
    with pytest.raises(ValueError, match="attribute: expected maps of"):
        subject_of(once, name="once").of(other).maps(other, x[:1], classes[:1])
    assert isinstance(tool, Tool) and maps.isfinite().all()


def test_it_is_audited(digits) -> None:
    model, x, _ = digits
    from torch_backend.audit.attribute import Cascade

    layers = list(model.children())[:5]
    small = torch.nn.Sequential(*layers, torch.nn.Flatten(), torch.nn.Linear(8 * 256, 3)).eval()
    found = of(adapter.tool(torch.zeros_like(x[:1])), small, x[:2], classes=1)
    assert isinstance(found.cascade, Cascade) and found.basis == "sampled over 1 class"
    assert found.logit.isfinite().all() and (found.repeat_gap == 0).all()
