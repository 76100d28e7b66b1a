"""The project in two minutes: figure 4, then the same question put to real networks. `make demo` runs this.

    python simulations/demo.py [--out DIR] [--samples N] [--digits N] [--photographs N]

1. Figure 4: chains of random matrices collapse to rank one, simulated and predicted.
2. A trained network (digits-vgg, VGG-16's layers on real handwritten digits): do random relevance vectors
   from the same layer become parallel, at each location and as whole maps? Measured for each start layer, at
   locations beside the theory from each layer's mean and variance.
3. torchvision's VGG-16 with *random weights* on photographs: the same. Random weights need no download;
   `rankone csc --model vgg16 --weights download` measures the trained one.

Everything is written to out/demo/.
"""

import argparse
import sys
import time
from collections.abc import Sequence
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))  # python simulations/demo.py finds its sibling fig4.py

from paper_figs import csc as figure
from rankone.errors import one_line, refuse
from simulations import fig4
from torch_backend import CSC, images, methods, models
from torch_backend.commands import csc

METHODS = (methods.gradient, methods.z_plus, methods.alpha_beta(2, 1))
PAPER_STARTS = ("fc3", "fc1", "conv4_3", "conv3_3", "conv2_2")  # figure 3's for VGG-16
DIGITS = 10
PHOTOGRAPHS = 2
VGG16_VECTORS = 3

Labelled = list[tuple[str, CSC]]


def trained_digits(count: int) -> tuple[Labelled, Labelled]:
    """digits-vgg on held-out digits: every start layer, theory for the paper's; float64 for 1e-13."""
    label, network = models.label("digits-vgg"), models.load("digits-vgg").double()
    batch = images.read("sample", images.DIGITS, count).double()
    measured = csc.measure(label, network, batch, METHODS)
    predicted = csc.predict(label, network, batch, METHODS, PAPER_STARTS)
    return [(label, result) for result in measured], [(label, law) for law in predicted]


def random_vgg16(count: int) -> tuple[Labelled, Labelled]:
    """torchvision's VGG-16 with random weights on scikit-image's photographs; theory on the first of them."""
    label, network = models.label("vgg16", "random"), models.load("vgg16", "random")
    batch = images.read("sample", images.IMAGENET, count)
    measured = csc.measure(label, network, batch, METHODS, PAPER_STARTS, VGG16_VECTORS)
    predicted = csc.predict(label, network, batch[:1], METHODS, PAPER_STARTS, VGG16_VECTORS)
    return [(label, result) for result in measured], [(label, law) for law in predicted]


def show(out: Path, name: str, measured: Labelled, predicted: Labelled) -> list[Path]:
    """Write the tables, draw the picture beside theory and the one of all starts, print the numbers."""
    table, theory = csc.write(out, name, measured, predicted)
    pictures = [figure.draw(table, out / f"{name}.png", theory=theory, starts=PAPER_STARTS)]
    if len(measured[0][1].starts) > len(PAPER_STARTS):
        pictures.append(figure.draw(table, out / f"{name}_all_starts.png"))
    print(csc.summary(measured[0][0], [result for _, result in measured]), end="\n\n")
    return pictures


def run(options: argparse.Namespace) -> None:
    for name in ("samples", "digits", "photographs"):
        if getattr(options, name) < 1:
            refuse(f"--{name}", expected="an integer >= 1", got=getattr(options, name), do="give 1 or more")
    begin, out = time.perf_counter(), options.out
    heading("1. Chains of random matrices (figure 4)")
    fig4.main(["--out", str(out), "--samples", str(options.samples)])
    heading("2. A trained network on real digits")
    pictures = show(out, "digits_vgg", *trained_digits(options.digits))
    heading("3. VGG-16 with random weights on photographs")
    pictures += show(out, "vgg16_random", *random_vgg16(options.photographs))
    heading(f"Done in {time.perf_counter() - begin:.0f} s. Where to look next")
    for path, text in (
        (out / "fig4.png", "random chains: simulated points, predicted lines"),
        (pictures[0], "the trained network: solid measured, dashed predicted"),
        (pictures[1], "the same from every start layer"),
        (pictures[2], "VGG-16 with random weights"),
    ):
        print(f"  {path!s:36} {text}")
    print("  rankone csc --help                   put your own network and images in")
    print("  rankone claims                       the paper's claims, each with evidence that runs")


def heading(text: str) -> None:
    print(f"\n{text}\n{'-' * len(text)}", flush=True)


def main(arguments: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--out", type=Path, default=Path("out/demo"), metavar="DIR", help="where to write")
    parser.add_argument("--samples", type=int, default=fig4.SAMPLES, metavar="N", help="chains of figure 4")
    parser.add_argument("--digits", type=int, default=DIGITS, metavar="N", help="handwritten digits")
    parser.add_argument("--photographs", type=int, default=PHOTOGRAPHS, metavar="N")
    options = parser.parse_args(arguments)
    run(options)


if __name__ == "__main__":
    with one_line("demo"):
        main()
