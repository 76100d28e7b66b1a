"""Tracing refuses what it cannot read, in one line that says what to do."""

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from torch import nn

from tests.helpers import nets
from tests.helpers.wrapped import Wrapped
from torch_backend import Graph, trace


def test_a_hook_that_changes_the_output_is_part_of_the_network() -> None:
    model, doubled = nets.build(nets.Chain), nets.build(nets.Chain)
    model.conv2.register_forward_hook(lambda module, x, y: 2 * y)
    with torch.no_grad():
        doubled.conv2.weight.mul_(2)
        doubled.conv2.bias.mul_(2)
    a, b = (trace(m, nets.images_for(m)) for m in (model, doubled))
    np.testing.assert_allclose(a.node("conv1_2").value, b.node("conv1_2").value, rtol=1e-12)
    assert [node.kind for node in a.nodes] == [node.kind for node in b.nodes]


def test_a_derivative_of_ones_own_is_noticed() -> None:
    class Straight(torch.autograd.Function):
        @staticmethod
        def forward(ctx, x):
            return x.sign()

        @staticmethod
        def backward(ctx, gradient):
            return gradient

    model = (
        Wrapped(lambda m, x: Straight.apply(m.conv(x)).flatten(1), conv=nn.Conv2d(3, 2, 3)).double().eval()
    )
    with pytest.raises(
        ValueError, match=r"model: expected the derivative.*'sign'.*Straight.*autograd\.Function"
    ):
        trace(model, CHAIN_IMAGES)


def test_a_changed_model_must_be_traced_again() -> None:
    model = nets.build(nets.Chain)
    graph = trace(model, nets.images_for(model))
    with torch.no_grad():
        model.fc1.weight.mul_(2)
    with pytest.raises(
        ValueError,
        match=r"model: expected the weights.*'fc1\.pre': fc1\.weight changed since; trace the model again",
    ):
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
    "branch on the batch": (
        lambda: (Wrapped(lambda m, x: x.flatten(1) if len(x) == 1 else 2 * x.flatten(1)), CHAIN_IMAGES),
        r"model \(mul\): expected an output for each image that depends on no other",
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
    "tokens": (
        lambda: (nets.build(nets.Chain), torch.ones(2, 16, dtype=torch.long)),
        r"inputs: expected what the model accepts, got x int64 \(2, 16\)",
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
        r"model \(mul\): expected the same output whenever it runs",
    ),
    "two inputs": (lambda: (TwoInputs(), CHAIN_IMAGES), r"model: expected one input.*forward\(x, y\)"),
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
