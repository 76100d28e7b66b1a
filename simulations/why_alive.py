"""What in the trained weights keeps α2β1 alive: the same chain with weights in another order.

    python simulations/why_alive.py [--out out/why_alive] [--model mri-vgg16] [--draws 2] [--kinds dense]

The moment law, which keeps each layer's mean and variance only, lets α2β1 collapse two decades further than
it does on mri-vgg16. Here each layer's own weights are dealt anew, in ways that keep more and more of what
they are (torch_backend.convergence.shuffles), with activations as recorded; the way that brings the law's
collapse back names what kept the chain alive. Writes why_alive.csv, a row for each method, order, start and
layer, and prints the table of the lowest layer above the input.
"""

import argparse
import sys
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from statistics import median

import torch
from torch import Tensor, nn

sys.path.insert(0, str(Path(__file__).parents[1]))  # python simulations/why_alive.py finds its siblings

from rankone.errors import one_line
from rankone.results.table import Row
from rankone.results.tables import SHUFFLED
from rankone.results.text import aligned, two_digits
from simulations.figure_images import whose
from torch_backend import images, models
from torch_backend.commands import csc as measuring
from torch_backend.commands import method_names
from torch_backend.commands.progress import Progress
from torch_backend.convergence.network_law import DRAWN, with_iid_weights, with_other_weights
from torch_backend.convergence.shuffles import SHUFFLES, shuffled
from torch_backend.methods import Method
from torch_backend.operators.linear import Weighted
from torch_backend.randomness import seeded

TRAINED, NORMAL = "trained", "normal"
ORDERS = (TRAINED, *SHUFFLES, NORMAL)
Deal = Callable[[Weighted, torch.Generator], Weighted]


def dealt(method: Method, order: str, seed: int, kinds: Sequence[str] = DRAWN) -> Method:
    """The method on layers whose weights are in that order: as they are, dealt anew, or normal ones."""
    if order == TRAINED:
        return method
    generator = seeded("why alive", order, seed)
    if order == NORMAL:
        return with_other_weights(method, lambda op: with_iid_weights(op, generator), kinds)
    return with_other_weights(method, lambda op: shuffled(op, SHUFFLES[order], generator), kinds)


def measured(
    label: str, network: nn.Module, batch: Tensor, options: argparse.Namespace, report: Progress
) -> Iterator[Row]:
    """A row for each method, order, draw, start and layer."""
    for written in options.methods.split(","):
        for order in options.orders.split(","):
            for draw in range(1 if order == TRAINED else options.draws):
                method = dealt(method_names.chosen(written, held=True), order, draw, options.kinds.split(","))
                how = (options.starts.split(","), options.vectors, options.seed)
                (result,) = measuring.measure(label, network, batch, [method], *how, report=report)
                for reading in result.readings:
                    yield {
                        "model": label,
                        "method": written,
                        "order": order,
                        "draw": draw,
                        "start": reading.start,
                        "layer": reading.layer,
                        "median": 10**reading.median,
                    }


def summary(rows: Sequence[Row]) -> str:
    """1 − |cos| at the lowest layer above the input, median over draws: order by method and start."""
    layers = list(dict.fromkeys(row["layer"] for row in rows))
    cases = list(dict.fromkeys((row["method"], row["start"]) for row in rows))
    lines = [["order", *(f"{method} from {start}" for method, start in cases)]]
    for order in dict.fromkeys(row["order"] for row in rows):
        mine = [row for row in rows if row["order"] == order and row["layer"] == layers[-2]]
        each = [[r["median"] for r in mine if (r["method"], r["start"]) == case] for case in cases]
        lines.append([order, *(two_digits(median(values)) for values in each)])
    return "\n".join([f"{rows[0]['model']}: 1 - |cos| at {layers[-2]}", "", *aligned(lines)])


def run(options: argparse.Namespace) -> None:
    network = models.load(options.model, options.weights, seed=options.seed)
    reads = images.sized(images.preprocessing(options.model), models.image_shape(options.model, network))
    batch, label = images.read("sample", reads, options.limit), whose(options.model, options.weights)
    runs = sum(1 if order == TRAINED else options.draws for order in options.orders.split(","))
    work = len(options.methods.split(",")) * runs * len(batch)
    with Progress(label, work, "image") as report:
        table = SHUFFLED.write(
            options.out / "why_alive.csv", measured(label, network, batch, options, report)
        )
    print(summary(SHUFFLED.read(table)), table, sep="\n\n")


def main(arguments: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument(
        "--out", type=Path, default=Path("out/why_alive"), metavar="DIR", help="where to write"
    )
    parser.add_argument("--model", default="mri-vgg16", help="a network's name")
    parser.add_argument("--weights", help="of torchvision's networks: random, IMAGENET1K_V1, or a file")
    parser.add_argument("--methods", default="alpha_beta:2:1,z_plus", help="names with commas")
    parser.add_argument("--orders", default=",".join(ORDERS), help="names with commas")
    parser.add_argument("--kinds", default=",".join(DRAWN), help="whose weights: convolution, dense, or both")
    parser.add_argument("--starts", default="fc4,conv4_3", help="names of layers with commas")
    parser.add_argument("--draws", type=int, default=2, help="draws of each order")
    parser.add_argument("--limit", type=int, default=2, metavar="N", help="images")
    parser.add_argument("--vectors", type=int, default=5, metavar="V", help="random vectors for each start")
    parser.add_argument("--seed", type=int, default=0, help="of vectors and random weights")
    run(parser.parse_args(arguments))


if __name__ == "__main__":
    with one_line("why_alive"):
        main()
