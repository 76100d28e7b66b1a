"""What figures 1, 2, 6 and 7 share: sanity checks of many methods on one network, under both protocols.

A figure is a name, a network and what a short run takes; `scores` makes figures 2 and 7, `maps` 1 and 6.
Units of a run are kept in its folder: the same command goes on where it was stopped.
"""

import argparse
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from textwrap import fill

import torch
from torch import Tensor

from paper_figs import heatmaps
from paper_figs import scores as scores_figure
from rankone.cli.each import Runs
from rankone.results import protocol as protocols
from rankone.results.arrays import SANITY_MAPS
from rankone.results.protocol import Protocol
from rankone.results.runs import Units
from rankone.results.tables import SANITY
from simulations.figure_images import chosen, which, whose
from simulations.sanity_maps import arrays
from simulations.sanity_methods import ALL, RESNET_STAGES, VGG_STAGES, spelled, stages_of
from torch_backend.audit import table
from torch_backend.audit.part import Examined, Plan
from torch_backend.audit.study import Outcome, study
from torch_backend.audit.subject import Subject
from torch_backend.commands import subjects
from torch_backend.commands.progress import progress
from torch_backend.graph.graph import trace
from torch_backend.inputs import images, models

PAPER_COUNT, PAPER_DRAWS = 200, 3  # of --full


@dataclass(frozen=True)
class Figure:
    """What a short run takes. example: the place of the image that comes first in the network's sample;
    shown: how many images are examined; None: all. From the others only patterns are estimated.
    """

    name: str
    model: str
    methods: tuple[str, ...]
    stages: tuple[str, ...]
    count: int = 8
    example: int = 0
    shown: int | None = None


@dataclass(frozen=True, eq=False)
class Opened:
    """The network with its images, what the picture says of both, and what is asked of them."""

    examined: Examined
    label: str
    subjects: list[Subject]
    plan: Plan


def arguments(figure: Figure, description: str, given: Sequence[str] | None) -> argparse.Namespace:
    """What the command line says."""
    parser = argparse.ArgumentParser(
        description=description, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    add = parser.add_argument
    add("--out", type=Path, default=Path("out") / figure.name, metavar="DIR", help="where to write")
    add("--model", default=figure.model)
    add("--weights", help="random, IMAGENET1K_V1 (needs the network) or a file")
    add("--images", default="sample", help="sample, a folder, or a .npy array")
    add("--example", type=Path, metavar="FILE", help="the image that comes first")
    add("--count", type=int, metavar="N", help=f"images; default {figure.count}, with --full {PAPER_COUNT}")
    add("--methods", help="names with commas, as for rankone sanity")
    add("--stages", help="layers with commas, besides the first and the last")
    add("--protocol", default="corrected,paper", help="one, or both with a comma")
    add("--full", action="store_true", help="all methods and layers of the paper, three draws, all images")
    add("--seed", type=int, default=0, help="of the choice of images, of classes and of weights")
    add("--quiet", action="store_true")
    return parser.parse_args(given)


def opened(figure: Figure, options: argparse.Namespace) -> Opened:
    """Everything that the options name; ValueError or OSError for what is not there."""
    network = models.load(options.model, options.weights, seed=options.seed)
    reads = images.sized(images.preprocessing(options.model), models.image_shape(options.model, network))
    count = figure.count if options.count is None else options.count
    count = PAPER_COUNT if options.full and options.count is None else count
    batch = chosen(options, reads, count, figure.example)
    models.check_size(options.model, batch)
    graph = trace(network, batch[:1])
    names = (options.methods or ",".join(ALL if options.full else figure.methods)).split(",")
    wanted = (*VGG_STAGES, *RESNET_STAGES) if options.full else figure.stages
    spelling = subjects.Spelling(batch, subjects.bounds(options.model, options.images))
    shown = batch[: figure.shown]
    return Opened(
        Examined(network, shown, None if options.images.endswith(".npy") else reads.undone(shown)),
        f"{whose(options.model, options.weights)}, {which(options.model, options.images, len(shown))}",
        [spelling.subject(name) for name in spelled(names, graph)],
        Plan(
            names=stages_of(graph, options.stages.split(",") if options.stages else wanted),
            draws=PAPER_DRAWS if options.full and figure.shown is None else 1,
            seed=options.seed,
        ),
    )


def asked(text: str) -> list[Protocol]:
    """The protocols by their names."""
    return [protocols.named(name) for name in dict.fromkeys(text.split(","))]


def examined(
    figure: Figure, options: argparse.Namespace, shown: Opened, plan: Plan
) -> tuple[list[Outcome], Runs]:
    """The outcomes of all methods that came to an end; those that failed are in the runs."""
    runs, said = Runs(shown.subjects), f"{figure.name}, {options.model}, {plan.protocol.name}"
    outcomes, runs.failed = study(
        shown.examined,
        shown.subjects,
        plan,
        Units(options.out / "units"),
        lambda work: progress(work, said, quiet=options.quiet),
    )
    if not outcomes:
        runs.end()
    return outcomes, runs


def scores(figure: Figure, description: str, given: Sequence[str] | None) -> int:
    """Figures 2 and 7: medians over images, for each protocol a table, a picture and a caption. Returns the
    exit status, 3 where some methods failed.
    """
    options = arguments(figure, description, given)
    shown, status = opened(figure, options), 0
    for protocol in asked(options.protocol):
        plan = replace(shown.plan, protocol=protocol, forward_alone=protocol.name != "paper")
        outcomes, runs = examined(figure, options, shown, plan)
        path = options.out / f"{figure.name}.{protocol.name}.csv"
        written = SANITY.write(path, table.rows(shown.label, plan, outcomes))
        failed = runs.write_failed(path.with_name(f"{path.stem}_failed.csv"))
        said(scores_figure.draw(written, path.with_suffix(".png"), failed=failed))
        status = max(status, runs.end(written))
    return status


def maps(figure: Figure, description: str, given: Sequence[str] | None) -> int:
    """Figures 1 and 6: the maps of the first image, for each protocol an .npz, a picture and a caption.
    Returns the exit status, 3 where some methods failed.
    """
    options = arguments(figure, description, given)
    shown, status = opened(figure, options), 0
    for protocol in asked(options.protocol):
        plan = replace(shown.plan, protocol=protocol, forward_alone=False, keeps_maps=True)
        outcomes, runs = examined(figure, options, shown, plan)
        path = options.out / f"{figure.name}.{protocol.name}.npz"
        pictures = shown.examined.pictures
        picture = in_grey(shown.examined.images[0]) if pictures is None else pictures[0]
        found = arrays(shown.label, picture.numpy(), protocol.name, outcomes)
        written = SANITY_MAPS.write(path, **found)
        failed = runs.write_failed(path.with_name(f"{path.stem}_failed.csv"))
        said(heatmaps.draw(written, path.with_suffix(".png"), failed=failed))
        status = max(status, runs.end(written))
    return status


def in_grey(image: Tensor) -> Tensor:
    """(C, H, W), whatever its values mean -> (3, H, W), the mean of its channels from black to white."""
    grey = image.mean(0)
    span = grey.max() - grey.min()
    return ((grey - grey.min()) / torch.where(span > 0, span, 1)).expand(3, -1, -1)


def said(picture: Path) -> None:
    """What was written, and what is to be seen in it."""
    text = picture.with_suffix(".txt").read_text()
    print(f"{picture}\n{fill(text, 98, initial_indent='  ', subsequent_indent='  ')}")
