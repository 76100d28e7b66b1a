"""Tracing: every network computes what the model computes, in the images' precision, leaves the model as it
was, and names its nodes like the paper.
"""

import copy
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from torch import nn

from tests.helpers import nets
from tests.helpers.torchvision_models import built
from torch_backend import methods, relevance, trace
from torch_backend.operators.layout import full_precision

RELATIVE = 1e-10  # float64, through at most a few hundred layers


@pytest.mark.parametrize("kind", nets.EVERY)
def test_forward_is_the_models(kind) -> None:
    model = nets.build(kind)
    for count in (1, 3):
        images = nets.images_for(model, count)
        logits = model(images).detach()
        atol = RELATIVE * float(logits.abs().max())
        np.testing.assert_allclose(trace(model, images).nodes[-1].value, logits, atol=atol)


@pytest.mark.parametrize("kind", nets.EVERY)
def test_recording_other_images_is_tracing_them(kind) -> None:
    """Another batch size included; the prepared weights are kept."""
    model = nets.build(kind)
    graph, images = trace(model, nets.images_for(model)), nets.images_for(model, 5, seed=2)
    again, fresh = graph.record(images), trace(model, images)
    assert [n.name for n in again.nodes] == [n.name for n in fresh.nodes]
    for a, b in zip(again.nodes, fresh.nodes, strict=True):
        np.testing.assert_array_equal(a.value, b.value)
    weights = [
        (a.op, b.op)
        for a, b in zip(graph.nodes, again.nodes, strict=True)
        if a.kind in ("convolution", "dense")
    ]
    assert weights
    assert all(a is b for a, b in weights)


@pytest.mark.parametrize("kind", nets.EVERY)
def test_the_model_and_the_images_are_untouched(kind) -> None:
    """Weights, buffers, modes, hooks and requires_grad, also after a sweep; recorded values are never
    overwritten.
    """
    model, calls = nets.build(kind), []
    images = nets.images_for(model)
    model.register_forward_hook(lambda *_: calls.append("after"))
    next(model.children()).register_forward_pre_hook(lambda *_: calls.append("before"))
    state, before = copy.deepcopy(model.state_dict()), copy.deepcopy(_traits(model))
    pixels = images.clone()
    graph = trace(model, images)
    values = [node.value.clone() for node in graph.nodes]
    r = torch.ones(2, *graph.nodes[-1].value.shape, dtype=nets.DTYPE)
    for method in (methods.gradient, methods.z_plus, methods.alpha2_beta1):
        if kind in nets.RECTIFIED or method is methods.gradient:
            relevance(graph, method, "logits", r, "input")
    assert _traits(model) == before
    for name, value in model.state_dict().items():
        np.testing.assert_array_equal(value, state[name])
    np.testing.assert_array_equal(images, pixels)
    for node, value in zip(graph.nodes, values, strict=True):
        np.testing.assert_array_equal(node.value, value)
    assert len(calls) == 8, (
        "the model runs four times: recorded, with one image, the first alone, the last alone"
    )


def _traits(model: nn.Module) -> list:
    return [
        (
            name,
            type(m),
            m.training,
            list(m._forward_hooks),
            list(m._forward_pre_hooks),
            sorted(m._parameters),
            sorted(vars(m)),
        )
        for name, m in model.named_modules()
    ] + [(name, id(p), p.requires_grad, p.grad) for name, p in model.named_parameters()]


@pytest.mark.parametrize("kind", nets.EVERY)
def test_names_are_unique_printable_and_answer(kind) -> None:
    model = nets.build(kind)
    graph = trace(model, nets.images_for(model))
    names = [node.name for node in graph.nodes]
    assert len(set(names)) == len(names)
    assert all(name.isprintable() and " " not in name and "," not in name for name in names)
    assert all(graph.node(node.name) is node for node in graph.nodes)
    assert graph.node("logits") is graph.nodes[-1]
    assert names[0] == "input"
    assert set(graph.layers) <= set(names)


LAYERS = {
    nets.Chain: "conv1_1 conv1_2 conv2_1 fc1 fc2",
    nets.Residual: "conv1 layer1.0.conv1 layer1.0.conv2 block2_1 layer1.1.conv1 layer1.1.conv2 block2_2 "
    "layer2.downsample.0 layer2.conv1 layer2.conv2 block3_1 dense",
    nets.Branches: "stem grouped dilated project depthwise block1_1 dense",
    nets.Sequence: "conv1 block2_1 conv2 dense",
    nets.Volume: "conv1_1 fc1 fc2",
    nets.Smooth: "embed attention.linear attention.linear_2 block1_1 gate block1_2 dense",
}


@pytest.mark.parametrize("kind", LAYERS)
def test_layers_of_the_small_networks(kind) -> None:
    """A layer is its ReLU's output where it has one."""
    model = nets.build(kind)
    graph = trace(model, nets.images_for(model))
    assert " ".join(graph.layers) == LAYERS[kind]
    for name in graph.layers:
        if f"{name}.pre" in {node.name for node in graph.nodes}:
            assert graph.node(name).kind == "relu"


VGG16 = "1_1 1_2 2_1 2_2 3_1 3_2 3_3 4_1 4_2 4_3 5_1 5_2 5_3"


def test_vgg16_has_the_papers_names() -> None:
    graph = trace(built("vgg16", num_classes=10), torch.randn(1, 3, 32, 32))
    assert graph.layers == (*(f"conv{layer}" for layer in VGG16.split()), "fc1", "fc2", "fc3")
    assert [graph.node(f"conv{layer}").shape[0] for layer in VGG16.split()] == [64] * 2 + [128] * 2 + [
        256
    ] * 3 + [512] * 6
    assert graph.node("fc3") is graph.node("logits")


def test_resnet50_has_the_papers_names() -> None:
    """A block is the ReLU after the addition; 49 ReLUs are called, though there are 33 modules."""
    graph = trace(built("resnet50"), torch.randn(1, 3, 32, 32))
    blocks = [name for name in graph.layers if name.startswith("block")]
    assert blocks == [
        f"block{stage}_{k + 1}" for stage, n in ((2, 3), (3, 4), (4, 6), (5, 3)) for k in range(n)
    ]
    assert all(graph.nodes[graph.node(name).inputs[0]].kind == "add" for name in blocks)
    assert graph.layers[0] == "conv1"
    assert graph.layers[-1] == "dense"
    assert sum(node.kind == "relu" for node in graph.nodes) == 49
    assert not [node for node in graph.nodes if node.kind == "affine"], "every batch norm folds"


def test_float64_images_are_served_in_float64_by_a_float32_model() -> None:
    model = nets.build(nets.Residual).float()
    images = nets.images_for(model)
    graph = trace(model, images)
    np.testing.assert_allclose(
        graph.nodes[-1].value, copy.deepcopy(model).double()(images).detach(), rtol=1e-12
    )
    assert next(model.parameters()).dtype == torch.float32


def test_deterministic_algorithms_are_enough() -> None:
    model = nets.build(nets.Chain)
    torch.use_deterministic_algorithms(mode=True)
    try:
        graph = trace(model, nets.images_for(model))
        assert any(node.kind == "max_pool" for node in graph.nodes)
        relevance(graph, methods.z_plus, "logits", graph.nodes[-1].value[None], "input")
    finally:
        torch.use_deterministic_algorithms(mode=False)


def test_a_model_in_half_precision_is_served_in_single() -> None:
    model = nets.build(nets.Chain).bfloat16()
    graph = trace(model, nets.images_for(model).float())
    assert graph.nodes[-1].value.dtype == torch.float32


def test_float32_on_a_gpu_is_not_tf32() -> None:
    """The switches are off inside and as before outside."""
    cudnn, matmul = torch.backends.cudnn, torch.backends.cuda.matmul
    somewhere = SimpleNamespace(device=SimpleNamespace(type="cuda"))
    before = cudnn.allow_tf32, matmul.allow_tf32
    for reduced in (True, False):
        try:
            cudnn.allow_tf32 = matmul.allow_tf32 = reduced
            with full_precision(somewhere):
                assert (cudnn.allow_tf32, matmul.allow_tf32) == (False, False)
            assert (cudnn.allow_tf32, matmul.allow_tf32) == (reduced, reduced)
        finally:
            cudnn.allow_tf32, matmul.allow_tf32 = before
