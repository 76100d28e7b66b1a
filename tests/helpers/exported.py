"""torchvision's networks as torch's two exporters write them to .onnx files."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from functools import cache
from pathlib import Path

import torch
import torchvision
from torch import Tensor, nn

SIDE = 32  # pixels: all five networks still have a place left at the end


def vgg11_bn() -> nn.Module:
    """Its layers, the dense ones for this side: at 224 pixels they have a hundred million weights."""
    model = torchvision.models.vgg11_bn()
    model.avgpool, model.classifier[0] = nn.Identity(), nn.Linear(512, 64)
    model.classifier[3], model.classifier[6] = nn.Linear(64, 64), nn.Linear(64, 10)
    return model


NETWORKS: dict[str, Callable[[], nn.Module]] = {
    "resnet18": lambda: torchvision.models.resnet18(num_classes=10),
    "densenet121": lambda: torchvision.models.densenet121(num_classes=10),
    "mobilenet_v2": lambda: torchvision.models.mobilenet_v2(num_classes=10),
    "googlenet": lambda: torchvision.models.googlenet(num_classes=10, aux_logits=False, init_weights=True),
    "vgg11_bn": vgg11_bn,
}


@cache
def original(name: str) -> nn.Module:
    """The network in float64, its batch norms as after training."""
    torch.manual_seed(0)
    model = NETWORKS[name]().double().eval()
    for norm in (m for m in model.modules() if isinstance(m, nn.BatchNorm2d)):
        nn.init.uniform_(norm.weight, 0.5, 1.5)
        nn.init.uniform_(norm.bias, -0.2, 0.2)
        nn.init.uniform_(norm.running_mean, -0.2, 0.2)
        nn.init.uniform_(norm.running_var, 0.5, 1.5)
    return model


def images(count: int = 1) -> Tensor:
    generator = torch.Generator().manual_seed(0)
    return torch.randn(count, 3, SIDE, SIDE, generator=generator, dtype=torch.float64)


def export(model: nn.Module, path: Path, opset: int, *, dynamo: bool, count: int | None = None) -> Path:
    """The file, written by one of torch's exporters, for so many images; None: for any number."""
    free = (
        {"dynamic_shapes": ({0: torch.export.Dim.DYNAMIC},)} if dynamo else {"dynamic_axes": {"x": {0: "B"}}}
    )
    example = images(count or 2).to(next(model.parameters()).dtype)
    said = {"dynamo": dynamo, "input_names": ["x"], "verbose": False, **({} if count else free)}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of the exporters
        torch.onnx.export(model, (example,), path, opset_version=opset, **said)
    return path
