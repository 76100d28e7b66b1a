"""What several commands ask for: the options they share, and the network and images that these name."""

from typing import TYPE_CHECKING, Annotated, NamedTuple

import typer

if TYPE_CHECKING:
    from torch import Tensor, nn

METHODS = "Names with commas, arguments after colons, or FILE.py:NAME for your own."

Model = Annotated[
    str, typer.Option(help="digits-vgg, digits-resnet, a torchvision classifier, or FILE.py:FUNCTION.")
]
Weights = Annotated[
    str | None, typer.Option(help="random, download (torchvision) or a file; shipped networks need none.")
]
Images = Annotated[str, typer.Option(help="sample, an image, a folder of images or a .npy array.")]
Limit = Annotated[int, typer.Option(help="Use the first so many images.")]
Held = Annotated[
    bool,
    typer.Option(
        "--held/--no-held",
        help="Hold gates and an image's own statistics (group and layer norms) constant, or refuse them.",
    ),
]
Seed = Annotated[int, typer.Option(help="Seed of random weights.")]


class Opened(NamedTuple):
    """A network with its label, and images (B, *input shape) that it reads."""

    label: str
    network: "nn.Module"
    images: "Tensor"


def opened(
    model: str, weights: str | None, images: str, limit: int, *, seed: int, float64: bool = False
) -> Opened:
    """What the options name, in float32 or float64; ValueError or OSError for what is not there."""
    import torch

    from torch_backend.inputs import images as pictures
    from torch_backend.inputs import models

    dtype = torch.float64 if float64 else torch.float32
    network = models.load(model, weights, seed=seed, dtype=dtype)
    batch = pictures.read(images, pictures.preprocessing(model), limit, dtype)
    return Opened(models.label(model, weights), network, batch)


def names(text: str, *, all_of_them: str) -> str | list[str]:
    """Names that were written with commas; the word for all of them stays as it is."""
    return text if text == all_of_them else text.split(",")
