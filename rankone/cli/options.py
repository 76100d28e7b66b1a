"""What several commands ask for: the options they share, and the network and images that these name."""

import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, NamedTuple

import typer

from rankone.errors import visible
from rankone.results.tables import SKIPPED

if TYPE_CHECKING:
    from torch import Tensor, nn

    from rankone.results.runs import Units

METHODS = "Names with commas, arguments after colons, or FILE.py:NAME for your own."

MODEL = typer.Option(
    help="mri-vgg16, moderation-resnet50, imagenet-lite0, digits-vgg, digits-resnet, a torchvision "
    "classifier, NET.onnx, or FILE.py:FUNCTION."
)
Model = Annotated[str, MODEL]
ModelOrNone = Annotated[str | None, MODEL]
Weights = Annotated[
    str | None,
    typer.Option(
        help="random, download or IMAGENET1K_V1 (torchvision), or a file; trained networks and "
        ".onnx bring theirs."
    ),
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
Device = Annotated[str, typer.Option(help="cpu, or cuda.")]
Strict = Annotated[
    bool, typer.Option("--strict", help="Stop at the first bad image of a folder instead of leaving it out.")
]
Quiet = Annotated[bool, typer.Option("--quiet", help="Nothing about how long it takes and how far it is.")]


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
    strict: bool = False,
    folder: Path,
) -> Opened:
    """What the options name, in float32 or float64; ValueError or OSError for what is not there.

    folder: for the table of the images that were left out.
    """
    from torch_backend.commands.opening import opening

    with notes_on_stderr():
        found = opening(
            model,
            weights,
            images,
            limit,
            seed=seed,
            output=output,
            extra=extra or (),
            float64=float64,
            strict=strict,
        )
        say_skipped(found.skipped, len(found.images), folder / "skipped.csv")
    return Opened(found.label, found.network, found.images, found.pictures, found.classes)


def say_skipped(skipped: list[dict[str, str]], read: int, table: Path) -> None:
    """Write the table of the images that were left out and say so; no such file where none was."""
    if not skipped:
        SKIPPED.remove(table)
        return
    SKIPPED.write(table, skipped)
    said = f"rankone: {len(skipped)} of {read + len(skipped)} images skipped: see {table}"
    typer.echo(visible(said), err=True)


def say_units(units: "Units", *, quiet: bool) -> None:
    """How many units of an earlier run were there, if any, or were damaged."""
    if not quiet and (units.found or units.broken):
        typer.echo(visible(f"rankone: {units.folder}: {units.summary()}"), err=True)


@contextmanager
def notes_on_stderr() -> Iterator[None]:
    """Each warning becomes one line, at the end; after an error there are none: it has a line of its own."""
    with warnings.catch_warnings(record=True) as notes:
        warnings.simplefilter("always", UserWarning)
        yield
    for note in notes:
        typer.echo(f"rankone: {visible(str(note.message))}", err=True)


def names(text: str, *, all_of_them: str) -> str | list[str]:
    """Names that were written with commas; the word for all of them stays as it is."""
    return text if text == all_of_them else text.split(",")
