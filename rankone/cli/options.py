"""What several commands ask for: the options they share, and the network and images that these name."""

import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Annotated, NamedTuple

import typer

from rankone.errors import visible

if TYPE_CHECKING:
    from torch import Tensor, nn

METHODS = "Names with commas, arguments after colons, or FILE.py:NAME for your own."

Model = Annotated[
    str,
    typer.Option(
        help="mri-vgg16, moderation-resnet50, imagenet-lite0, digits-vgg, digits-resnet, a torchvision "
        "classifier, NET.onnx, or FILE.py:FUNCTION."
    ),
]
Weights = Annotated[
    str | None,
    typer.Option(help="random, download (torchvision) or a file; trained networks and .onnx bring theirs."),
]
Images = Annotated[
    str,
    typer.Option(
        help="sample, an image, a folder of images, or a .npy array as the network reads it. Pictures are "
        "normalised as the trained networks' own training did, for all others as ImageNet's."
    ),
]
Output = Annotated[
    str | None, typer.Option(help="Which output, of a network that returns several: aux, 0, features.2.")
]
EXTRA = (
    "A further input, named as in its forward: NAME=NUMBER, NAME=FILE.npy (the same for all images), "
    "NAME=FILE.npy:each (a row for each image), NAME=FILE.npy:read (where relevance is read, too)."
)
Extra = Annotated[list[str] | None, typer.Option(help=EXTRA)]
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
    """A network with its label, images (B, *input shape) that it reads, the same as they are drawn,
    (B, 3, H, W) in [0, 1], if that is known, and the names of its outputs, if they have names.
    """

    label: str
    network: "nn.Module"
    images: "Tensor"
    pictures: "Tensor | None"
    classes: tuple[str, ...]


def opened(
    model: str,
    weights: str | None,
    images: str,
    limit: int,
    *,
    seed: int,
    output: str | None,
    extra: list[str] | None,
    float64: bool = False,
) -> Opened:
    """What the options name, in float32 or float64; ValueError or OSError for what is not there."""
    import torch

    from torch_backend.commands.extra import read, with_extra
    from torch_backend.inputs import images as pictures
    from torch_backend.inputs import models

    extras = [read(text) for text in extra or ()]
    dtype = torch.float64 if float64 else torch.float32
    with notes_on_stderr():
        network = models.load(model, weights, seed=seed, dtype=dtype)
        for note in models.changes(model, network):
            warnings.warn(f"{models.label(model)}: {note}", stacklevel=2)
        preprocessing = pictures.sized(pictures.preprocessing(model), models.image_shape(model, network))
        batch = pictures.read(images, preprocessing, limit, dtype)
        models.check_size(model, batch)
        drawn = None if images.endswith(".npy") else preprocessing.undone(batch)
        network, batch = with_extra(with_output(network, output), batch, extras, limit)
    return Opened(models.label(model, weights), network, batch, drawn, models.classes(model, weights))


@contextmanager
def notes_on_stderr() -> Iterator[None]:
    """Each warning becomes one line, at the end; after an error there are none: it has a line of its own."""
    with warnings.catch_warnings(record=True) as notes:
        warnings.simplefilter("always", UserWarning)
        yield
    for note in notes:
        typer.echo(f"rankone: {visible(str(note.message))}", err=True)


def with_output(network: "nn.Module", output: str | None) -> "nn.Module":
    """The network with the one output that is asked for, if one is."""
    from torch_backend.inputs.output import Output

    return network if output is None else Output(network, output)


def names(text: str, *, all_of_them: str) -> str | list[str]:
    """Names that were written with commas; the word for all of them stays as it is."""
    return text if text == all_of_them else text.split(",")
