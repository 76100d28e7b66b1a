"""Figure 5: random relevance in ResNet-50, and why its curves turn back at skip connections.

    python simulations/fig5.py [--out out/fig5] [--full]
    python simulations/fig5.py --model resnet50 --weights random
    python simulations/fig5.py --model resnet50 --weights IMAGENET1K_V1 --images DIR --full  the paper's own

By default moderation-resnet50 on photographs, and digits-resnet on digits. Writes for each network and
protocol what figure 3 does, fig5.corrected.{csv,png,txt} and so on, and a table of its residual blocks,
fig5.corrected_skips.csv: which share of relevance takes the identity path, and the 1 − |cos| that the law of
skips (torch_backend.convergence.skip_law) predicts from what comes on either path, beside the measured one.
"""

import argparse
import sys
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

sys.path.insert(0, str(Path(__file__).parents[1]))  # python simulations/fig5.py finds its siblings

from rankone.errors import Overflow, one_line
from rankone.results.protocol import PROTOCOLS
from simulations import converging
from simulations.converging import Amount, Measured, Subject
from torch_backend import Method, trace
from torch_backend.commands.progress import Progress
from torch_backend.convergence.csc import start_vectors
from torch_backend.convergence.skip_law import NUMBERS, Drop, drops
from torch_backend.convergence.table import write_skips
from torch_backend.graph.graph import begun
from torch_backend.randomness import digest

NETWORKS = ("moderation-resnet50", "digits-resnet")
PAPER = "dense,block5_1,block4_2,block3_4,block3_2,block2_2"
STARTS = {
    "moderation-resnet50": PAPER,
    "resnet50": PAPER,
    "digits-resnet": "dense,block4_1,block3_2,block2_3,block2_1,block1_2",
}
DEFAULT = Amount(converging.METHODS, 3, 4)
EXPLAINED = 2  # of the start layers, from the top: those whose residual blocks are measured
SAID = ("start", "block", "below")


def run(options: argparse.Namespace) -> int:
    """Every network under both protocols; 0, or 3 where a method failed."""
    much, models, status = converging.amount(options, DEFAULT), options.model.split(","), 0
    for model in models:
        given = converging.subject(model, options, much, STARTS)
        work = len(PROTOCOLS) * len(given.methods) * len(given.images)
        with Progress(given.label, 2 * work, "image", quiet=options.quiet) as report:
            for protocol in PROTOCOLS:
                found = converging.measured(given, protocol, options, much, report)
                to = converging.stem(options.out, "fig5", model, models[0], protocol)
                skips = to.with_name(f"{to.name}_skips.csv")
                dropped = list(explained(given, found, much.vectors, options.seed, report))
                if dropped:
                    write_skips(skips, dropped)
                written = converging.write(given, found, protocol, to, skips if dropped else None)
                print(*written, *[skips] if dropped else [], sep="\n")
                status = max(status, found.runs.end(written[0]))
    return status


def explained(
    given: Subject, found: Measured, vectors: int, seed: int, report: Progress
) -> Iterator[tuple[str, str, str, Drop]]:
    """(label, method, start, drop) of each method that could be measured, start layer and residual block."""
    starts = given.starts[:EXPLAINED]
    what = {"run": "skips", "starts": list(starts), "vectors": vectors, "seed": seed}
    for method in found.runs.methods:
        if method.name in found.runs.failed:
            continue
        images = []
        for image in report.over(given.images.split(1)):

            def compute(method: Method = method, image: Tensor = image) -> Mapping[str, NDArray]:
                return of_image(given, method, image, starts, vectors, seed)

            images.append(found.keeping.part(method, image, what, compute))
        for place, said in enumerate(zip(*(images[0][name].tolist() for name in SAID), strict=True)):
            numbers = {name: torch.tensor([found[name][place] for found in images]) for name in NUMBERS}
            start, block, below = said
            yield given.label, method.name, start, Drop(block, below, **numbers)


def of_image(
    given: Subject, method: Method, image: Tensor, starts: Sequence[str], vectors: int, seed: int
) -> dict[str, NDArray]:
    """The residual blocks of one image as arrays, an entry for each start layer and block; in float64 where
    float32 overflows.
    """

    def measured(network: torch.nn.Module, image: Tensor) -> list[tuple[str, Drop]]:
        graph = trace(network, image)
        of = digest(image[0])
        return [
            (start, drop)
            for start in starts
            for drop in drops(graph, method, start, start_vectors(graph, start, vectors, seed, [of]))
        ]

    network, image = begun(given.network, image)
    try:
        found = measured(network, image)
    except Overflow:
        found = measured(network, image.double())
    said = np.array([(start, drop.block, drop.below) for start, drop in found], dtype=str).reshape(
        -1, len(SAID)
    )
    numbers = {name: np.array([float(getattr(drop, name)) for _, drop in found]) for name in NUMBERS}
    return {**dict(zip(SAID, said.T, strict=True)), **numbers}


def main(arguments: Sequence[str] | None = None) -> int:
    return run(converging.arguments(__doc__, NETWORKS, "out/fig5").parse_args(arguments))


if __name__ == "__main__":
    with one_line("fig5"):
        sys.exit(main())
