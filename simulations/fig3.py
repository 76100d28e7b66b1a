"""Figure 3: random relevance in VGG-16, from the paper's start layers down to the image, in both protocols.

    python simulations/fig3.py [--out out/fig3] [--full]
    python simulations/fig3.py --model vgg16 --weights random
    python simulations/fig3.py --model vgg16 --weights IMAGENET1K_V1 --images DIR --full  the paper's own

By default mri-vgg16 on slices of the MNI template, and digits-vgg on digits. Writes for each network and
protocol a table, a picture and its caption: fig3.corrected.{csv,png,txt}, fig3.paper.{csv,png,txt}.

corrected   1 − |cos|, the median over images of each one's median over pairs and locations, with its interval
paper       |cos| of all images' pairs and locations as one sample, and methods as the paper's code has them
"""

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))  # python simulations/fig3.py finds its siblings

from rankone.errors import one_line
from rankone.results.protocol import PROTOCOLS
from simulations import converging
from simulations.converging import Amount
from torch_backend.commands.progress import Progress

NETWORKS = ("mri-vgg16", "digits-vgg")
STARTS = {
    "mri-vgg16": "fc4,fc1,conv4_3,conv3_3,conv2_2",
    "digits-vgg": "fc3,fc1,conv4_3,conv3_3,conv2_2",
    "vgg16": "fc3,fc1,conv4_3,conv3_3,conv2_2",
}
DEFAULT = Amount(converging.METHODS, 2, 4)


def run(options: argparse.Namespace) -> int:
    """Every network under both protocols; 0, or 3 where a method failed."""
    much, models, status = converging.amount(options, DEFAULT), options.model.split(","), 0
    for model in models:
        given = converging.subject(model, options, much, STARTS)
        work = len(PROTOCOLS) * len(given.methods) * len(given.images)
        with Progress(given.label, work, "image", quiet=options.quiet) as report:
            for protocol in PROTOCOLS:
                found = converging.measured(given, protocol, options, much, report)
                to = converging.stem(options.out, "fig3", model, models[0], protocol)
                written = converging.write(given, found, protocol, to)
                print(*written, sep="\n")
                status = max(status, found.runs.end(written[0]))
    return status


def main(arguments: Sequence[str] | None = None) -> int:
    return run(converging.arguments(__doc__, NETWORKS, "out/fig3").parse_args(arguments))


if __name__ == "__main__":
    with one_line("fig3"):
        sys.exit(main())
