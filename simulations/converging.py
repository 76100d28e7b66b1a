"""Convergence of random relevance from the paper's start layers, under both protocols: for figures 3 and 5.

Every batch of images is kept in --out/units: an interrupted run goes on from there.
"""

import argparse
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

from torch import Tensor, nn

from paper_figs import csc as figure
from rankone.cli.each import Runs
from rankone.cli.options import say_units
from rankone.results.protocol import Protocol
from simulations.figure_images import chosen, which, whose
from torch_backend import CSC, Method, models, trace
from torch_backend.commands import csc, subjects
from torch_backend.commands.keeping import Keeping, keep_in
from torch_backend.commands.progress import Progress
from torch_backend.convergence.table import write_csc, write_csc_pooled
from torch_backend.inputs import images as pictures
from torch_backend.methods import as_published
from torch_backend.randomness import digest_of_tensors

METHODS = (
    "gradient",
    "lrp_z",
    "pattern_attribution",
    "deep_taylor",
    "alpha_beta:2:1",
    "alpha_beta:5:4",
    "lrp_cmp:1:0",
    "deconv",
    "guided_backprop",
    "deeplift_rescale_multipliers",
)
FURTHER = (
    "z_plus",
    "lrp_cmp:2:1",
    "excitation_backprop",
    "contrastive_excitation_backprop",
    "pattern_net",
    "rectgrad",
    "deeplift_reveal_cancel_multipliers",
    "deeplift_without_cross_terms_multipliers",
    "gradient_times_input",
)
PATTERN_IMAGES = 10  # that patterns are estimated from
EXAMPLES = {"mri-vgg16": 3}  # the place of the first image in a network's sample


class Amount(NamedTuple):
    """How much is measured: methods, images, and random vectors for each start layer."""

    methods: tuple[str, ...]
    images: int
    vectors: int


FULL = Amount((*METHODS, *FURTHER), 200, 5)


@dataclass(frozen=True, eq=False)
class Subject:
    """A network with images (B, *input shape), start layers, and its methods by how they are written.

    label: the network and its weights; about: what the images are
    """

    label: str
    about: str
    network: nn.Module
    images: Tensor
    starts: tuple[str, ...]
    methods: Mapping[str, Method]


def arguments(doc: str | None, models: Sequence[str], out: str) -> argparse.ArgumentParser:
    """The options of both figures."""
    parser = argparse.ArgumentParser(description=doc, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", type=Path, default=Path(out), metavar="DIR", help="where to write")
    parser.add_argument("--model", default=",".join(models), help="names with commas")
    parser.add_argument("--weights", help="of torchvision's networks: random, IMAGENET1K_V1, or a file")
    parser.add_argument("--images", default="sample", help="sample, or a folder of images")
    parser.add_argument("--example", type=Path, metavar="FILE", help="the image that comes first")
    parser.add_argument("--methods", help="names with commas")
    parser.add_argument("--limit", type=int, metavar="N", help="images")
    parser.add_argument("--vectors", type=int, metavar="V", help="random vectors for each start layer")
    parser.add_argument("--seed", type=int, default=0, help="of vectors, random weights, chosen images")
    parser.add_argument("--full", action="store_true", help="every method, all images of the sample or 200")
    parser.add_argument("--quiet", action="store_true", help="nothing about how long it takes")
    return parser


def amount(options: argparse.Namespace, default: Amount) -> Amount:
    """What the options ask for, else everything or the default."""
    usual = FULL if options.full else default
    methods = tuple(options.methods.split(",")) if options.methods else usual.methods
    return Amount(methods, options.limit or usual.images, options.vectors or usual.vectors)


def subject(model: str, options: argparse.Namespace, much: Amount, paper: Mapping[str, str]) -> Subject:
    """The named network. paper: its start layers with commas; of others five or six, spread evenly."""
    network = models.load(model, options.weights, seed=options.seed)
    reads = pictures.sized(pictures.preprocessing(model), models.image_shape(model, network))
    images = chosen(options, reads, max(much.images, PATTERN_IMAGES), EXAMPLES.get(model, 0))
    models.check_size(model, images)
    graph = trace(network, images[:1])
    spelling = subjects.Spelling(images[:PATTERN_IMAGES], subjects.bounds(model, options.images))
    methods = {_key(text, images): spelling.subject(text).of(graph) for text in much.methods}
    starts = paper[model].split(",") if model in paper else [*graph.layers[:: -(-len(graph.layers) // -6)]]
    shown = images[: much.images]
    about = which(model, options.images, len(shown))
    return Subject(whose(model, options.weights), about, network, shown, tuple(starts), methods)


def _key(text: str, images: Tensor) -> str:
    """A method as its units are kept under: patterns depend on what they are estimated from."""
    patterned = text in subjects.PATTERNED
    return f"{text} of {digest_of_tensors([('images', images[:PATTERN_IMAGES])])}" if patterned else text


class Measured(NamedTuple):
    """A subject's results under a protocol, the runs that made them and where their units are."""

    results: list[CSC]
    runs: Runs
    keeping: Keeping


def measured(
    given: Subject, protocol: Protocol, options: argparse.Namespace, much: Amount, report: Progress
) -> Measured:
    """CSC of every method as the protocol has it; what a protocol does not change is measured once."""
    asked = {text: as_published(method, protocol) for text, method in given.methods.items()}
    written = {
        text if method is given.methods[text] else f"{text}, {protocol.name}": method
        for text, method in asked.items()
    }
    runs = Runs(list(written.values()))
    keeping = keep_in(options.out / "units", given.network, (given.label, options.weights), written)
    how = (given.starts, much.vectors, options.seed)
    results = runs.each(
        lambda method: csc.measure(
            given.label, given.network, given.images, [method], *how, report=report, keeping=keeping
        )
    )
    say_units(keeping.units, quiet=options.quiet)
    if not results:
        runs.end()
    return Measured(results, runs, keeping)


def write(
    given: Subject, found: Measured, protocol: Protocol, stem: Path, dropped: Path | None = None
) -> list[Path]:
    """Write stem.csv and its picture, as the protocol pools; returns their paths."""
    table, picture = stem.with_name(f"{stem.name}.csv"), stem.with_name(f"{stem.name}.png")
    failed = found.runs.write_failed(stem.with_name(f"{stem.name}_failed.csv"))
    rows = [(given.label, result) for result in found.results]
    if protocol.pools_locations:
        write_csc_pooled(table, rows)
        figure.draw_pooled(table, picture, about=given.about, failed=failed)
    else:
        write_csc(table, rows)
        figure.draw(table, picture, about=given.about, failed=failed, dropped=dropped)
    return [table, picture]


def stem(out: Path, name: str, model: str, first: str, protocol: Protocol) -> Path:
    """fig3.corrected of the first network, fig3.digits-vgg.corrected of another."""
    of = "" if model == first else f".{Path(model).stem}"
    return out / f"{name}{of}.{protocol.name}"
