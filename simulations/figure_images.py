"""Which images a figure shows, and how its title calls them and the network."""

import argparse
from pathlib import Path

import torch
from torch import Tensor

from rankone.errors import refuse, visible
from rankone.results.tables import SKIPPED
from torch_backend.inputs import images, models
from torch_backend.randomness import seeded

SAMPLES = {
    "mri-vgg16": "slice{} of one head (the MNI ICBM152 template)",
    "digits": "handwritten digit{} (scikit-learn)",
}
PHOTOGRAPHS = "photograph{} (scikit-image, scikit-learn, matplotlib)"


def chosen(options: argparse.Namespace, reads: images.Preprocessing, count: int, example: int) -> Tensor:
    """(B, *input shape), B at most `count`: the example first, then others, drawn without repetition.

    example: its place in a network's sample, if no file is given. ValueError or OSError for what is not
    there.
    """
    if count < 1:
        refuse("--count", expected="an integer >= 1", got=count, do="give 1 or more")
    if Path(options.images).is_dir():
        return of_folder(options, reads, count)
    batch = images.read(options.images, reads)
    if options.example:
        first, others = images.read(options.example, reads), batch
    else:
        place = example % len(batch) if options.images == "sample" else 0
        first, others = batch[place, None], torch.cat([batch[:place], batch[place + 1 :]])
    return torch.cat([first, others[shuffled(len(others), options.seed)[: count - 1]]])


def of_folder(options: argparse.Namespace, reads: images.Preprocessing, count: int) -> Tensor:
    """The same of a folder's files; those that cannot be read are listed in skipped.csv, others follow."""
    files = sorted(p for p in Path(options.images).iterdir() if p.suffix.lower() in images.SUFFIXES)
    if not files:
        refuse(
            "--images",
            expected="a folder with image files",
            got=f"none in {options.images}",
            do="name another",
        )
    first = options.example or files[0]
    others = [file for file in files if file.resolve() != first.resolve()]
    order = [first, *(others[i] for i in shuffled(len(others), options.seed))]
    skipped: list[dict[str, str]] = []

    def skip(path: Path, reason: str) -> None:
        if path == options.example:
            refuse("--example", expected="an image that can be read", got=reason, do="name another file")
        skipped.append({"file": path.name, "reason": visible(reason)})

    batch = images.from_files(order, reads, count, skip=skip)
    table = options.out / "skipped.csv"
    if skipped:
        print(f"{len(skipped)} images skipped: see {SKIPPED.write(table, skipped)}")
    else:
        SKIPPED.remove(table)
    return batch


def shuffled(count: int, seed: int) -> list[int]:
    """0, …, count - 1 in an order drawn from the seed."""
    return torch.randperm(count, generator=seeded("images", seed)).tolist()


def whose(model: str, weights: str | None) -> str:
    """The network and whose weights it has."""
    label = models.label(model, weights)
    return label if weights in (None, "random") else f"{label} (weights {Path(weights).name})"


def which(model: str, source: str, count: int) -> str:
    """How many images of what."""
    if source != "sample":
        return f"{count} image{'' if count == 1 else 's'} of {Path(source).name}"
    kind = "digits" if model.startswith("digits") else model
    return f"{count} {SAMPLES.get(kind, PHOTOGRAPHS).format('' if count == 1 else 's')}"
