"""What a command's options name: the network, and images as it reads them and as they are drawn."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor, nn

from rankone.errors import refuse, visible
from torch_backend.commands.extra import read, with_extra
from torch_backend.inputs import images as pictures
from torch_backend.inputs import models
from torch_backend.inputs.output import Output
from torch_backend.inputs.preprocessing import Preprocessing


@dataclass(frozen=True, eq=False)
class Opening:
    """A network with its label, images (B, *input shape) that it reads, the same as they are drawn,
    (B, 3, H, W) in [0, 1], if that is known, the names of its outputs, if they have names, and what was left
    out of a folder, as rows of SKIPPED.
    """

    label: str
    network: nn.Module
    images: Tensor
    pictures: Tensor | None
    classes: tuple[str, ...]
    skipped: list[dict[str, str]]


def opening(
    model: str,
    weights: str | None,
    images: str,
    limit: int,
    *,
    seed: int,
    output: str | None,
    extra: Sequence[str],
    float64: bool = False,
    strict: bool = False,
    own: nn.Module | None = None,
    reads: str = "",
) -> Opening:
    """What the options name, in float32 or float64; ValueError or OSError for what is not there.

    own: a network that was loaded already, which `model` is the name of; reads: whose pictures it reads, if
    not those of `model`. What has to be said of the network is said as warnings.
    """
    extras = [read(text) for text in extra]
    dtype = torch.float64 if float64 else torch.float32
    network = models.load(model, weights, seed=seed, dtype=dtype) if own is None else own.to(dtype)
    for note in models.changes(model, network):
        warnings.warn(f"{models.label(model)}: {note}", stacklevel=2)
    reads = pictures.sized(pictures.preprocessing(reads or model), models.image_shape(model, network))
    batch, skipped = read_images(images, reads, limit, dtype, strict=strict)
    if skipped and any(extra.kind for extra in extras):
        do = "remove the bad images, and their rows"
        refuse("extra", expected="a row for each image", got=f"{len(skipped)} skipped", do=do)
    models.check_size(model, batch)
    drawn = None if images.endswith(".npy") else reads.undone(batch)
    network, batch = with_extra(with_output(network, output), batch, extras, limit)
    return Opening(
        models.label(model, weights), network, batch, drawn, models.classes(model, weights), skipped
    )


def read_images(
    source: str,
    preprocessing: Preprocessing,
    limit: int,
    dtype: torch.dtype | None = None,
    *,
    strict: bool,
) -> tuple[Tensor, list[dict[str, str]]]:
    """The images (B, *input shape), and what was left out of a folder, as rows of SKIPPED; none if strict."""
    skipped: list[dict[str, str]] = []

    def skip(path: Path, reason: str) -> None:
        skipped.append({"file": path.name, "reason": visible(reason)})

    found = pictures.read(source, preprocessing, limit, dtype or torch.float32, skip=None if strict else skip)
    return found, skipped


def image_names(source: str, count: int, skipped: Sequence[dict[str, str]]) -> tuple[str, ...]:
    """What the first `count` images that were read are called: their files, or "sample 0", "image 0"."""
    path = Path(source)
    if path.is_dir():
        left_out = {row["file"] for row in skipped}
        files = sorted(p.name for p in path.iterdir() if p.suffix.lower() in pictures.SUFFIXES)
        return tuple([name for name in files if name not in left_out][:count])
    if source == "sample" or path.suffix == ".npy":
        word = "sample" if source == "sample" else "image"
        return tuple(f"{word} {k}" for k in range(count))
    return (path.name,)


def with_output(network: nn.Module, output: str | None) -> nn.Module:
    """The network with the one output that is asked for, if one is."""
    return network if output is None else Output(network, output)
