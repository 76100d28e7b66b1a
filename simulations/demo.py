"""The project in three minutes: matrices that forget, and trained networks whose maps do. For `make demo`.

    python simulations/demo.py [--out DIR] [--samples N]

1. Figure 4: chains of random matrices collapse to rank one, simulated and predicted.
2. VGG-16, trained on brain MRI (mri-vgg16), on a slice of a healthy brain: do random relevance vectors from
   the same layer become parallel? Measured for the paper's start layers, beside the theory from each layer's
   mean and variance.
3. All its classes at once, beside those of a trained ResNet-50 (moderation-resnet50): what no choice of a
   class can change in a z⁺ map, proved, written and verified.
4. Maps of both for each of their classes, by the gradient and by z⁺.

Nothing is downloaded: the networks and images are packages that `make setup` installs. Everything is written
to out/demo/.
"""

import argparse
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from textwrap import fill

from torch import Tensor, nn

sys.path.insert(0, str(Path(__file__).parents[1]))  # python simulations/demo.py finds its sibling fig4.py

from paper_figs import certificate as certificate_figure
from paper_figs import csc as csc_figure
from paper_figs import relevance as relevance_figure
from rankone.errors import one_line, refuse
from rankone.proof.network import ENDING
from rankone.proof.verify_network import verify_network
from rankone.results.tables import CERTIFIED
from rankone.results.text import two_digits
from simulations import fig4
from torch_backend import images, methods, models
from torch_backend.commands import certify, csc, relevance
from torch_backend.proof.all_columns import Room

METHODS = (methods.gradient, methods.z_plus, methods.alpha_beta(2, 1))
PAPER_STARTS = ("fc4", "fc1", "conv4_3", "conv3_3", "conv2_2")  # figure 3's for VGG-16
VECTORS = 3
MAPPED = (methods.gradient, methods.z_plus)
ROOM = Room(memory=3 * 10**9, work=1.2e12)  # of certificates: all the way down, for networks with few classes
MRI, MODERATION = "mri-vgg16", "moderation-resnet50"
SHOWN = {MRI: 3, MODERATION: 1}  # of each sample: a slice through the ventricles, the cat


@dataclass(frozen=True, eq=False)
class Study:
    """A trained network with one image (1, 3, side, side) of its sample."""

    name: str
    network: nn.Module
    image: Tensor

    @property
    def label(self) -> str:
        return models.label(self.name)

    @property
    def classes(self) -> tuple[str, ...]:
        return models.classes(self.name)


def opened(name: str) -> Study:
    sample = images.read("sample", images.preprocessing(name))
    return Study(name, models.load(name), sample[SHOWN[name], None])


def convergence(out: Path, study: Study) -> list[str]:
    """Random relevance in the network, measured and predicted; returns what to take home."""
    how = (study.label, study.network, study.image, METHODS, PAPER_STARTS, VECTORS)
    measured, predicted = csc.measure(*how), csc.predict(*how)
    table, theory = csc.write(
        out, "mri_csc", [(study.label, r) for r in measured], [(study.label, r) for r in predicted]
    )
    csc_figure.draw(table, out / "mri_csc.png", theory=theory, starts=PAPER_STARTS)
    print(csc.summary(study.label, measured))
    gradient, z_plus, _ = (10 ** result.at("fc1", "conv1_1").median for result in measured)
    return [
        f"In {study.name}, two random relevance vectors that start at fc1 agree at conv1_1 up to 1 - |cos| "
        f"= {two_digits(z_plus)} under z_plus, and up to {two_digits(gradient)} under the gradient: what "
        "z_plus hands down has forgotten where it came from."
    ]


def certified(out: Path, studies: Sequence[Study]) -> list[str]:
    """What no choice of a class can change in a z⁺ map of each network, proved, and the proofs verified;
    returns what to take home.
    """
    said, rows = [], []
    for study in studies:
        proof = certify.measure(study.network, study.image, methods.z_plus, "logits", None, ROOM)
        name = out / f"{study.name}{ENDING}"
        path, *_ = certify.write_certificate(name, study.label, proof, study.classes)
        print(certify.summary(study.label, proof, study.classes))
        print(f"  {path.name}: {verify_network(path)}\n", flush=True)
        says = f"{study.name} says {certify.predicted(proof, study.classes)}."
        said.append(" ".join((says, *certify.sentences(proof, study.classes), "Verified in this run.")))
        rows += certify.rows(study.label, [proof])
    table = CERTIFIED.write(out / "certificates.csv", rows)
    certificate_figure.draw(table, out / "certificates.png")
    return said


def maps(out: Path, study: Study) -> list[Path]:
    """A map for each class by each method."""
    pictures = []
    for method in MAPPED:
        found = relevance.measure(study.network, study.image, method, unit="all", classes=study.classes)
        drawn = images.preprocessing(study.name).undone(study.image)
        folder = out / f"{study.name}_{method.name}"
        arrays = relevance.write(folder, study.label, found, drawn)
        pictures.append(relevance_figure.draw(arrays, folder / "relevance.png"))
        print(relevance.summary(study.label, found), end="\n\n")
    return pictures


def run(options: argparse.Namespace) -> None:
    if options.samples < 1:
        refuse("--samples", expected="an integer >= 1", got=options.samples, do="give 1 or more")
    begin, out = time.perf_counter(), options.out
    heading("1. Chains of random matrices (figure 4)")
    fig4.main(["--out", str(out), "--samples", str(options.samples)])
    mri, moderation = opened(MRI), opened(MODERATION)
    heading("2. A trained VGG-16 on brain MRI: random relevance")
    said = convergence(out, mri)
    heading("3. All classes at once, proved: a trained VGG-16 and a trained ResNet-50")
    said += certified(out, (mri, moderation))
    heading("4. A map for each class")
    pictures = maps(out, mri) + maps(out, moderation)
    heading("What to take home")
    for sentence in said:
        print(fill(sentence, csc.WIDTH, initial_indent="  - ", subsequent_indent="    "))
    print("    The first is a published hobby model, used to study maps; it is not medicine.")
    heading(f"Done in {time.perf_counter() - begin:.0f} s. Where to look next")
    for path, text in (
        (out / "fig4.png", "random chains: simulated points, predicted lines"),
        (out / "mri_csc.png", "the trained VGG-16: solid measured, dashed predicted"),
        (out / "certificates.png", "how far apart the maps of its classes can be, beside the ResNet-50"),
        (pictures[0], "the gradient's maps of four classes"),
        (pictures[1], "z_plus's: look for a difference"),
        (pictures[3], "the same for the ResNet-50"),
    ):
        print(f"  {path!s:52} {text}")
    print("  rankone csc --help                                   put your own network and images in")
    print(
        "  rankone claims                                       the paper's claims, with evidence that runs"
    )


def heading(text: str) -> None:
    print(f"\n{text}\n{'-' * len(text)}", flush=True)


def main(arguments: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--out", type=Path, default=Path("out/demo"), metavar="DIR", help="where to write")
    parser.add_argument("--samples", type=int, default=fig4.SAMPLES, metavar="N", help="chains of figure 4")
    run(parser.parse_args(arguments))


if __name__ == "__main__":
    with one_line("demo"):
        main()
