"""Theory against real networks: what three laws say of convergence, beside what is measured.

    python simulations/theory_vs_network.py [--out out/theory] [--model digits-vgg,mri-vgg16] [--limit 2]

Laws, none with a fitted parameter: the moment law (torch_backend.convergence.network_law) knows each layer's
mean and variance; the parents' law and the two-mode closure (two_modes) know the factors, from one pass of
each. Writes theory_vs_network.csv, a row for each network, method, start and layer;
theory_vs_network_layers.csv with what holds of single layers under z⁺: the dispersion of the parents,
Dobrushin's coefficient, the share of skips; theory_vs_network.png and its caption, and prints how far off
each law is.
"""

import argparse
import sys
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from time import perf_counter

import torch
from torch import Tensor, nn

sys.path.insert(
    0, str(Path(__file__).parents[1])
)  # python simulations/theory_vs_network.py finds its siblings

from paper_figs import theory_vs_network as figure
from rankone.errors import one_line
from rankone.results.table import Row
from rankone.results.tables import LAWS, WORST
from simulations.figure_images import whose
from torch_backend import images, methods, models, network_law, trace
from torch_backend.commands import csc as measuring
from torch_backend.commands import method_names
from torch_backend.convergence.dobrushin import dobrushin
from torch_backend.convergence.predicted import closure, predict_each
from torch_backend.convergence.reversed_chain import SQUARES, Mixing, ReversedChain, reversed_chain
from torch_backend.convergence.skip_law import identity_share
from torch_backend.convergence.two_modes import without_slow_mode
from torch_backend.graph.graph import Graph
from torch_backend.propagation.skips import skips

# Networks, the weights of those that have none of their own, and how many images more than --limit they get:
# small maps have few locations, and a curve from the output has one slow number for each image.
NETWORKS: Mapping[str, str | None] = {
    "digits-vgg": None,
    "digits-resnet": None,
    "mri-vgg16": None,
    "moderation-resnet50": None,
    "imagenet-lite0": None,
    "vgg16": "random",
    "resnet50": "random",
}
MORE_IMAGES = {"digits-vgg": 6, "digits-resnet": 6}
METHODS = ("z_plus", "alpha_beta:2:1", "gradient")
NON_NEGATIVE = methods.z_plus
STARTS = {
    "digits-vgg": "fc3,fc1,conv4_3",
    "digits-resnet": "dense,block3_3,block2_3",
    "mri-vgg16": "fc4,fc1,conv4_3",
    "moderation-resnet50": "dense,block4_6,block3_4",
    "imagenet-lite0": "dense,block5_3,block4_2",
    "vgg16": "fc3,fc1,conv4_3",
    "resnet50": "dense,block4_6,block3_4",
}


def run(options: argparse.Namespace) -> None:
    rows: list[Row] = []
    layers: list[Row] = []
    for name in options.model.split(","):
        network = models.load(name, NETWORKS.get(name), seed=options.seed)
        reads = images.sized(images.preprocessing(name), models.image_shape(name, network))
        batch = images.read("sample", reads, options.limit + MORE_IMAGES.get(name, 0))
        label = whose(name, NETWORKS.get(name))
        starts = STARTS[name].split(",")
        for method in options.methods.split(","):
            rows += compared(label, network, batch, method, starts, options)
        layers += of_layers(label, network, batch[:1])
        table, single = options.out / "theory_vs_network.csv", options.out / "theory_vs_network_layers.csv"
        LAWS.write(table, rows)
        WORST.write(single, layers)
    picture = figure.draw(table, single, options.out / "theory_vs_network.png")
    print(figure.report(LAWS.read(table)))
    print(table, single, picture, sep="\n")


def compared(
    label: str,
    network: nn.Module,
    batch: Tensor,
    written: str,
    starts: Sequence[str],
    options: argparse.Namespace,
) -> Iterator[Row]:
    """A row for each start and layer."""
    method = method_names.chosen(written, held=True)
    begun = perf_counter()
    (measured,) = measuring.measure(label, network, batch, [method], starts, options.vectors, options.seed)
    middle = perf_counter()
    parents, modes = predict_each(network, batch, method, (without_slow_mode, closure), starts, options.seed)
    ended = perf_counter()
    moments = network_law(network, batch, method, starts, options.vectors, options.seed)
    print(f"{label}, {written}: measured in {middle - begun:.0f} s, predicted in {ended - middle:.0f} s")
    for reading in measured.readings:
        where = reading.start, reading.layer
        law = {"moments": moments, "parents": parents, "closure": modes}
        yield {
            "model": label,
            "method": written,
            "start": reading.start,
            "layer": reading.layer,
            "measured": 10**reading.median,
            **{name: 10 ** found.at(*where).median for name, found in law.items()},
        }


def of_layers(label: str, network: nn.Module, image: Tensor) -> Iterator[Row]:
    """What z⁺ does in single layers, for one image."""
    graph = trace(network, image)
    top = graph.nodes[-1]
    ones = torch.ones_like(top.value)[None]
    chain = reversed_chain(graph, NON_NEGATIVE, top.name, ones)
    share = {skip.below: identity_share(skip).signed for skip in skips(graph, NON_NEGATIVE, top.name, ones)}
    mixings = {mixing.index: mixing for mixing in chain.mixings}
    for layer in graph.layers[::-1][1:]:
        index = graph.node(layer).index
        if mixings[index].meetings:
            yield {
                "model": label,
                "method": NON_NEGATIVE.name,
                "layer": layer,
                "parents": dispersion(chain, mixings[index]),
                **_worst(graph, chain, index),
                "identity": float(share[layer]) if layer in share else float("nan"),
            }


def dispersion(chain: ReversedChain, mixing: Mixing) -> float:
    """Σ_i q_i ‖w_i − w̄‖², the median over locations with relevance."""
    squared = chain.above[mixing.index].squared
    scatter = torch.zeros_like(squared)
    for meeting in mixing.meetings:
        scatter.index_add_(0, meeting.low, meeting.scatter[SQUARES])
    live = squared > 0
    return float((scatter[live] / squared[live]).median())


def _worst(graph: Graph, chain: ReversedChain, index: int) -> Row:
    try:
        worst = dobrushin(graph, NON_NEGATIVE, chain, index)
    except ValueError:  # more pairs of units than minutes allow: a dense layer of thousands of units
        return {"dobrushin": float("nan"), "places": 0}
    return {"dobrushin": worst.tau, "places": worst.places}


def main(arguments: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--out", type=Path, default=Path("out/theory"), metavar="DIR", help="where to write")
    parser.add_argument("--model", default=",".join(NETWORKS), help="names with commas")
    parser.add_argument("--methods", default=",".join(METHODS), help="names with commas")
    parser.add_argument("--limit", type=int, default=2, metavar="N", help="images")
    parser.add_argument("--vectors", type=int, default=5, metavar="V", help="random vectors for each start")
    parser.add_argument("--seed", type=int, default=0, help="of vectors and random weights")
    run(parser.parse_args(arguments))


if __name__ == "__main__":
    with one_line("theory_vs_network"):
        main()
