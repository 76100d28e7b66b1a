"""What a forward pass may contain: torchvision's families, and the calls that users write."""

import copy

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from torch import nn
from torchvision.models.convnext import CNBlockConfig

from tests.helpers import nets
from tests.helpers.torchvision_models import built
from tests.helpers.wrapped import Wrapped
from torch_backend import methods, relevance, trace

RELATIVE = 1e-10  # float64, through at most a few hundred layers


# name: (options, pixels); the transformers and ConvNeXt are cut to a few blocks.
FAMILIES = {
    "resnet18": ({}, 32),
    "resnext50_32x4d": ({}, 32),
    "densenet121": ({}, 32),
    "googlenet": ({"aux_logits": True, "init_weights": False, "transform_input": True}, 32),
    "inception_v3": ({"aux_logits": True, "init_weights": False}, 75),
    "squeezenet1_1": ({}, 32),
    "mobilenet_v2": ({}, 32),
    "shufflenet_v2_x0_5": ({}, 32),
    "efficientnet_b0": ({}, 32),
    "ConvNeXt": ({"block_setting": [CNBlockConfig(16, 24, 1), CNBlockConfig(24, None, 2)]}, 32),
    "VisionTransformer": (
        {"image_size": 32, "patch_size": 8, "num_layers": 2, "num_heads": 2, "hidden_dim": 24, "mlp_dim": 32},
        32,
    ),
    "SwinTransformer": (
        {"patch_size": [4, 4], "embed_dim": 12, "depths": [2, 2], "num_heads": [2, 4], "window_size": [4, 4]},
        32,
    ),
}
SMOOTH = {"VisionTransformer", "SwinTransformer"}


@pytest.mark.parametrize("name", FAMILIES)
def test_torchvision_family(name: str) -> None:
    """Forward equal, gradient = autograd; z⁺ passes, or is refused before computing."""
    options, pixels = FAMILIES[name]
    model = built(name, **options).double()
    images = torch.randn(1, 3, pixels, pixels, dtype=nets.DTYPE, generator=torch.Generator().manual_seed(1))
    graph = trace(model, images)  # compares the forward passes
    x = images.clone().requires_grad_()
    y = model(x)
    logits = y.detach()
    np.testing.assert_allclose(graph.nodes[-1].value, logits, atol=RELATIVE * float(logits.abs().max()))
    r = torch.zeros(1, *logits.shape, dtype=nets.DTYPE)
    r[..., :3] = torch.tensor([1.0, -2.0, 0.5])
    (expected,) = torch.autograd.grad(y, x, r[0])
    gradient = relevance(graph, methods.gradient, "logits", r, "input")[0]
    np.testing.assert_allclose(gradient, expected, atol=1e-9 * float(expected.abs().max()))
    if name in SMOOTH:
        with pytest.raises(ValueError, match=r"method z_plus: expected .*smooth"):
            relevance(graph, methods.z_plus, "logits", r, "input")
    else:
        assert (relevance(graph, methods.z_plus, "logits", r.abs(), "input") >= 0).all()


CONV = nn.Conv2d(3, 3, 3, padding=1)
PLAIN = {
    "relu as a method in place": lambda m, x: m.conv(x).relu_().flatten(1),
    "in place without using the result": lambda m, x: _discard(
        F.relu(y := m.conv(x), inplace=True), y
    ).flatten(1),
    "in place on a value used twice": lambda m, x: ((y := m.conv(x)) * 2 + (y.relu_() + y)).flatten(1),
    "clamp": lambda m, x: m.conv(x).clamp(0, 1).flatten(1),
    "arithmetic": lambda m, x: ((3 - m.conv(x)) / 2 * 4 - 1).flatten(1),
    "subtraction of nodes": lambda m, x: (m.conv(x) - x).flatten(1),
    "weighted addition": lambda m, x: torch.add(m.conv(x), x, alpha=0.5).flatten(1),
    "broadcast addition": lambda m, x: (x + m.conv(x).mean((2, 3), keepdim=True)).flatten(1),
    "the same node twice": lambda m, x: ((y := m.conv(x)) + y).flatten(1),
    "sum of a list": lambda m, x: sum([m.conv(x), x, x]).flatten(1),
    "buffer": lambda m, x: (m.conv(x) * m.norm.running_var[:, None, None]).flatten(1),
    "functional batch norm": lambda m, x: F.batch_norm(
        m.conv(x), m.norm.running_mean, m.norm.running_var, m.norm.weight, m.norm.bias
    ).flatten(1),
    "batch norm on a value used twice": lambda m, x: (m.norm(y := m.conv(x)) + y).flatten(1),
    "functional convolution": lambda m, x: F.conv2d(x, m.conv.weight, m.conv.bias, padding="same").flatten(1),
    "split": lambda m, x: torch.split(m.conv(x), [1, 2], 1)[1].flatten(1),
    "unbind": lambda m, x: m.conv(x).unbind(1)[2].flatten(1),
    "global maximum": lambda m, x: m.conv(x).amax((2, 3)),
    "upsampling": lambda m, x: F.interpolate(m.conv(x), scale_factor=2).flatten(1),
    "keywords": lambda m, x: F.relu(input=torch.flatten(input=m.conv(x), start_dim=1)),
    "axis": lambda m, x: m.conv(x).mean(axis=(2, 3)),
    "transposed attribute": lambda m, x: m.conv(x).mT.flatten(1),
    "in place on a view": lambda m, x: (y := m.conv(x)).flatten(1) + y.relu_().flatten(1),
    "in place on a slice": lambda m, x: _discard((y := m.conv(x))[:, :2].relu_(), y).flatten(1),
    "written into a buffer": lambda m, x: _written(m.conv(x), x).flatten(1),
    "a branch on an image": lambda m, x: m.conv(x).flatten(1) if x[0].abs().sum() > 0 else x.flatten(1),
    "size": lambda m, x: m.conv(x).reshape(x.shape[0], x.size(1) * x.shape[2], -1).mean(-1),
}


def _written(y, x):
    """Halves of two tensors and a constant, in memory of their own."""
    both = torch.full((len(y), 3, 5, 5), 0.5, dtype=y.dtype)
    both[:, :1] = y[:, 1:2]
    both[:, 2, 1:] = x[:, 0, 1:]
    return both * 2


def _discard(_, y):
    return y


@pytest.mark.parametrize("case", PLAIN)
def test_what_a_forward_pass_may_contain(case: str) -> None:
    """Traced exactly, with the gradient of autograd."""
    torch.manual_seed(0)
    model = Wrapped(PLAIN[case], conv=copy.deepcopy(CONV), norm=nn.BatchNorm2d(3)).double().eval()
    nn.init.uniform_(model.norm.running_var, 0.5, 2)
    nn.init.uniform_(model.norm.running_mean)
    images = torch.randn(2, 3, 5, 5, dtype=nets.DTYPE)
    graph = trace(model, images)
    x = images.clone().requires_grad_()
    logits = model(x + 0)
    np.testing.assert_allclose(graph.nodes[-1].value, logits.detach(), rtol=1e-12, atol=1e-12)
    r = torch.randn(1, *logits.shape, dtype=nets.DTYPE)
    (expected,) = torch.autograd.grad(logits, x, r[0])
    np.testing.assert_allclose(
        relevance(graph, methods.gradient, "logits", r, "input")[0], expected, atol=1e-12
    )


def test_keywords_are_read_like_positions() -> None:
    """What a function is, not how its arguments are written, decides on its kind."""
    torch.manual_seed(0)
    for body in (PLAIN["keywords"], PLAIN["axis"], PLAIN["transposed attribute"]):
        model = Wrapped(body, conv=copy.deepcopy(CONV)).double().eval()
        graph = trace(model, torch.randn(2, 3, 5, 5, dtype=nets.DTYPE))
        assert not [node for node in graph.nodes if node.kind in ("smooth", "product")]


def test_a_function_without_a_derivative_is_refused_in_one_line() -> None:
    def body(m, x):
        return torch.add(m.conv(x), x, out=torch.empty(2, 3, 5, 5, dtype=x.dtype)).flatten(1)

    model = Wrapped(body, conv=copy.deepcopy(CONV)).double().eval()
    with pytest.raises(ValueError, match=r"out=\.\.\. arguments don't support automatic differentiation"):
        trace(model, torch.randn(2, 3, 5, 5, dtype=nets.DTYPE))
