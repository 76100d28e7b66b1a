"""Tracing: every network computes what the model computes, leaves the model as it was, names its nodes
like the paper,
and refuses what it cannot read."""

import copy
from types import SimpleNamespace

import numpy as np
import pytest
import torch
import torch.nn.functional as F
import torchvision
from torch import nn
from torchvision.models.convnext import CNBlockConfig

from tests.helpers import nets
from torch_backend import Graph, methods, relevance, trace
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
    assert len(calls) == 2, "the model runs once, to check what was traced"


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
    nets.Branches: "stem grouped dilated project block1_1 depthwise block1_2 dense",
    nets.Sequence: "conv1 block2_1 conv2 dense",
    nets.Volume: "conv1_1 fc1 fc2",
    nets.Smooth: "embed block1_1 gate block1_2 dense",
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


def _built(name: str, **options) -> nn.Module:
    """A torchvision model with quickly drawn random weights."""
    with torch.device("meta"):
        model = getattr(torchvision.models, name)(**options)
    model.to_empty(device="cpu")
    generator = torch.Generator().manual_seed(0)
    with torch.no_grad():
        for key, value in (*model.named_parameters(), *model.named_buffers()):
            if value.is_floating_point():
                fan = max(1, value[0].numel()) if value.dim() > 1 else 100
                value.uniform_(-((3 / fan) ** 0.5), (3 / fan) ** 0.5, generator=generator)
            if key.endswith("running_var") or (value.dim() == 1 and key.endswith("weight")):
                value.fill_(1.0)
            elif not value.is_floating_point():
                value.zero_()
    return model.eval()


def test_vgg16_has_the_papers_names() -> None:
    graph = trace(_built("vgg16", num_classes=10), torch.randn(1, 3, 32, 32))
    assert graph.layers == (*(f"conv{layer}" for layer in VGG16.split()), "fc1", "fc2", "fc3")
    assert [graph.node(f"conv{layer}").shape[0] for layer in VGG16.split()] == [64] * 2 + [128] * 2 + [
        256
    ] * 3 + [512] * 6
    assert graph.node("fc3") is graph.node("logits")


def test_resnet50_has_the_papers_names() -> None:
    """A block is the ReLU after the addition; 49 ReLUs are called, though there are 33 modules."""
    graph = trace(_built("resnet50"), torch.randn(1, 3, 32, 32))
    blocks = [name for name in graph.layers if name.startswith("block")]
    assert blocks == [
        f"block{stage}_{k + 1}" for stage, n in ((2, 3), (3, 4), (4, 6), (5, 3)) for k in range(n)
    ]
    assert all(graph.nodes[graph.node(name).inputs[0]].kind == "add" for name in blocks)
    assert graph.layers[0] == "conv1"
    assert graph.layers[-1] == "dense"
    assert sum(node.kind == "relu" for node in graph.nodes) == 49
    assert not [node for node in graph.nodes if node.kind == "affine"], "every batch norm folds"


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
SMOOTH = {"efficientnet_b0", "ConvNeXt", "VisionTransformer", "SwinTransformer"}


@pytest.mark.parametrize("name", FAMILIES)
def test_torchvision_family(name: str) -> None:
    """Forward equal, gradient = autograd; z⁺ passes, or is refused before computing."""
    options, pixels = FAMILIES[name]
    model = _built(name, **options).double()
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


class Wrapped(nn.Module):
    """A forward pass of one's own over some modules."""

    def __init__(self, forward, **modules: nn.Module) -> None:
        super().__init__()
        self.body = forward
        for name, module in modules.items():
            self.add_module(name, module)

    def forward(self, x):
        return self.body(self, x)


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
    "size": lambda m, x: m.conv(x).reshape(x.shape[0], x.size(1) * x.shape[2], -1).mean(-1),
}


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


def test_keywords_are_read_like_positions() -> None:
    """What a function is, not how its arguments are written, decides on its kind."""
    torch.manual_seed(0)
    for body in (PLAIN["keywords"], PLAIN["axis"], PLAIN["transposed attribute"]):
        model = Wrapped(body, conv=copy.deepcopy(CONV)).double().eval()
        graph = trace(model, torch.randn(2, 3, 5, 5, dtype=nets.DTYPE))
        assert not [node for node in graph.nodes if node.kind in ("smooth", "product")]


def test_a_function_without_a_derivative_is_refused() -> None:
    def body(m, x):
        return torch.add(m.conv(x), x, out=torch.empty(2, 3, 5, 5, dtype=x.dtype)).flatten(1)

    model = Wrapped(body, conv=copy.deepcopy(CONV)).double().eval()
    with torch.no_grad():
        graph = trace(model, torch.randn(2, 3, 5, 5, dtype=nets.DTYPE))
    with pytest.raises(ValueError, match="a function of the network: expected one that autograd"):
        relevance(graph, methods.gradient, "logits", torch.ones(1, 2, 75, dtype=nets.DTYPE), "input")


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


def test_a_hook_that_changes_the_output_is_noticed() -> None:
    model = nets.build(nets.Chain)
    model.conv2.register_forward_hook(lambda module, x, y: 2 * y)
    with pytest.raises(
        ValueError, match=r"model: expected a forward pass that its traced calls repeat.*hooks"
    ):
        trace(model, nets.images_for(model))


def test_a_changed_model_must_be_traced_again() -> None:
    model = nets.build(nets.Chain)
    graph = trace(model, nets.images_for(model))
    with torch.no_grad():
        model.fc1.weight.mul_(2)
    with pytest.raises(ValueError, match=r"model: .*fc1\.weight has changed since; trace the model again"):
        graph.record(nets.images_for(model))


def _altered(change) -> nn.Module:
    model = nets.build(nets.Chain)
    change(model)
    return model


def _poison(model: nn.Module, value: float) -> None:
    with torch.no_grad():
        model.fc1.weight[0, 0] = value


CHAIN_IMAGES = nets.images_for(nets.Chain())
REFUSED = {
    "no module": (lambda: (torch.relu, CHAIN_IMAGES), "model: expected a torch.nn.Module"),
    "training mode": (lambda: (nets.Chain().train(), CHAIN_IMAGES), r"model \(Chain\): expected eval mode"),
    "one layer in training mode": (
        lambda: (_altered(lambda m: m.drop.train()), CHAIN_IMAGES),
        r"model \(drop\): expected eval",
    ),
    "NaN weight": (
        lambda: (_altered(lambda m: _poison(m, np.nan)), CHAIN_IMAGES),
        r"model \(fc1\.weight\): expected finite",
    ),
    "infinite weight": (
        lambda: (_altered(lambda m: _poison(m, np.inf)), CHAIN_IMAGES),
        r"model \(fc1\.weight\)",
    ),
    "branch on the data": (
        lambda: (Wrapped(lambda m, x: x.flatten(1) if x.sum() > 0 else 2 * x.flatten(1)), CHAIN_IMAGES),
        "model: expected a network torch.fx can trace",
    ),
    "channels": (
        lambda: (nets.build(nets.Chain), CHAIN_IMAGES[:, :2]),
        "images: expected a shape that the model accepts",
    ),
    "no batch axis": (
        lambda: (nets.build(nets.Chain), CHAIN_IMAGES[0, 0, 0]),
        r"images: expected shape \(B, ...\)",
    ),
    "no images": (lambda: (nets.build(nets.Chain), CHAIN_IMAGES[:0]), r"images: expected shape \(B, ...\)"),
    "NaN image": (lambda: (nets.build(nets.Chain), CHAIN_IMAGES * np.nan), "images: expected finite"),
    "integer image": (
        lambda: (nets.build(nets.Chain), CHAIN_IMAGES.int()),
        "images: expected a tensor in float32",
    ),
    "array": (lambda: (nets.build(nets.Chain), CHAIN_IMAGES.numpy()), "images: expected a tensor"),
    "two outputs": (
        lambda: (Wrapped(lambda m, x: (x, x)), CHAIN_IMAGES),
        r"model: expected one output tensor",
    ),
    "images mixed": (
        lambda: (Wrapped(lambda m, x: x.mean(0, keepdim=True).expand(2, -1, -1, -1)), CHAIN_IMAGES),
        "node 'mean'",
    ),
    "batch statistics": (
        lambda: (
            nn.Sequential(nn.Conv2d(3, 3, 1), nn.BatchNorm2d(3, track_running_stats=False)).double().eval(),
            CHAIN_IMAGES,
        ),
        "batch norm.*expected stored statistics",
    ),
    "dropout that never ends": (
        lambda: (Wrapped(lambda m, x: F.dropout(x, training=True).flatten(1)), CHAIN_IMAGES),
        "dropout of 'x'",
    ),
    "in place on a view": (
        lambda: (Wrapped(lambda m, x: (y := x + 1).flatten(1) + y.relu_().flatten(1)), CHAIN_IMAGES),
        "model: expected a forward pass that its traced calls repeat.*in place on a view",
    ),
    "two inputs": (lambda: (TwoInputs(), CHAIN_IMAGES), "images: expected a shape that the model accepts"),
}


class TwoInputs(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.eval()

    def forward(self, x, y):
        return x + y


@pytest.mark.parametrize("case", REFUSED)
def test_what_cannot_be_read_is_refused_in_one_line(case: str) -> None:
    make, words = REFUSED[case]
    model, images = make()
    if isinstance(model, Wrapped):
        model.eval()
    with pytest.raises(ValueError, match=words) as error:
        trace(model, images)
    assert "\n" not in str(error.value)


@pytest.mark.parametrize(
    "images",
    [CHAIN_IMAGES[..., :-1], CHAIN_IMAGES.float(), CHAIN_IMAGES[0], CHAIN_IMAGES * np.nan],
    ids=["shape", "precision", "no batch axis", "NaN"],
)
def test_other_images_must_be_like_the_traced_ones(images: torch.Tensor) -> None:
    model = nets.build(nets.Chain)
    graph: Graph = trace(model, CHAIN_IMAGES)
    with pytest.raises(ValueError, match="images: expected"):
        graph.record(images)
