"""What each correction of the paper's code changes alone, and all of them together, on trained networks.

    python simulations/corrections.py --out out/corrections [--models NAME,NAME] [--limit 8] [--full]

Random logit and cascade (SSIM with sign flip, the paper's score), |cos| of random starts (CSC, from the
output to the lowest layer with many channels), and figure 4's mean |cos| with and without self-pairs. Writes
corrections.csv, corrections.png and its caption; units/ resumes a run.
"""

import argparse
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import ArrayLike, NDArray
from torch import Tensor, nn

sys.path.insert(0, str(Path(__file__).parents[1]))  # python simulations/corrections.py finds its siblings

from paper_figs import corrections as figure
from rankone.errors import Overflow, one_line, refuse
from rankone.results.protocol import Protocol, corrected, paper
from rankone.results.runs import Units
from rankone.results.table import Row
from rankone.results.tables import CORRECTIONS as TABLE
from rankone.results.whole import refuse_unwritable
from simulations import fig4
from torch_backend import CSC, csc, images, methods, models
from torch_backend.audit.corrections import (
    ALL,
    CORRECTIONS,
    OF_SCORES,
    concerns,
    effect,
    effects,
    nulls,
    rescored,
)
from torch_backend.audit.part import Examined, Plan
from torch_backend.audit.study import Outcome, study
from torch_backend.audit.subject import Subject
from torch_backend.commands import method_names
from torch_backend.commands.keeping import about
from torch_backend.commands.progress import progress
from torch_backend.commands.subjects import Spelling
from torch_backend.methods import Method
from torch_backend.randomness import digest_of_tensors

METHODS = ("gradient", "guided_backprop", "z_plus", "alpha_beta:2:1", "alpha_beta:5:4", "lrp_cmp:1:0")
FEW = ("gradient", "z_plus")
# The stage down to which weights are destroyed, and the methods by default.
NETWORKS = {
    "mri-vgg16": (("conv4_1",), FEW),
    "moderation-resnet50": (("block4_1",), METHODS),
    "digits-vgg": (("conv4_1",), METHODS),
    "digits-resnet": (("block3_1",), METHODS),
}
CHAINS = ("alpha_beta:1:0", "alpha_beta:2:1", "alpha_beta:5:4", "lrp_cmp:1:0")  # of the CSC
OF_CHAINS = ("whole_bias", "clips_additions")
VECTORS = 3
FACTORS = 7  # of figure 4
SEED = 0

Floats = NDArray[np.float64]


def sanity(
    model: str, network: nn.Module, batch: Tensor, names: Sequence[str], stages: tuple[str, ...], units: Units
) -> Iterator[Row]:
    """The effects on random logit and cascade."""
    label, pictures = models.label(model), images.preprocessing(model).undone(batch)
    spelling = Spelling(batch)
    subjects = [spelling.subject(name) for name in names]

    def outcomes(protocol: Protocol, chosen: Sequence[Subject]) -> list[Outcome]:
        plan = Plan(names=stages, protocol=protocol, seed=SEED, forward_alone=False, keeps_maps=True)
        what = f"{model}, {protocol.name}"
        found, failed = study(
            Examined(network, batch, pictures),
            chosen,
            plan,
            units,
            lambda work: progress(work, what),
            about=about(network, [model]),
        )
        for name, error in failed.items():
            print(f"{what}: {name} failed: {error}")
        return found

    before = outcomes(paper, subjects)
    yield from nulls(label, before)
    for correction in CORRECTIONS:
        if correction.field in OF_SCORES:
            after = [rescored(outcome, correction.protocol) for outcome in before]
        else:
            chosen = [s for s in subjects if concerns(correction, method_names.method(s.name))]
            after = outcomes(correction.protocol, chosen)
        yield from effects(label, correction.field, before, after)
    yield from effects(label, ALL, before, outcomes(corrected, subjects))


def convergence(model: str, network: nn.Module, batch: Tensor, units: Units) -> Iterator[Row]:
    """The effects on |cos| of random starts at the output, read above the image."""
    label = models.label(model)
    variants = {c.field: c.protocol for c in CORRECTIONS if c.field in OF_CHAINS} | {ALL: corrected}
    what = {"images": digest_of_tensors([("images", batch)]), "vectors": VECTORS, "seed": SEED}
    what |= about(network, [model])
    for text in progress(CHAINS, f"{model}, CSC"):
        chain = method_names.method(text)

        def cosines(protocol: Protocol, chain: Method = chain) -> tuple[Floats, str]:
            def compute() -> dict[str, ArrayLike]:
                *_, reading, _ = precise(network, batch, methods.as_published(chain, protocol)).readings
                return {"cosines": 1 - 10**reading.image_medians, "layer": np.array(reading.layer)}

            key = {**what, "method": chain.name, "protocol": protocol.decisions}
            found = units.get(f"{chain.name} CSC", key, compute)
            return found["cosines"], str(found["layer"])

        try:
            before, layer = cosines(paper)
            after = {field: cosines(protocol)[0] for field, protocol in variants.items()}
        except ValueError as error:
            print(f"{model}, CSC: {chain.name} failed: {error}")
            continue
        for field, found in after.items():
            yield effect(label, field, "csc", layer, chain.name, before, found)


def precise(network: nn.Module, batch: Tensor, method: Method) -> CSC:
    """From the logits, in float64 where float32 overflows."""
    try:
        return csc(network, batch, method, "logits", VECTORS, SEED)
    except Overflow:
        return csc(network, batch.double(), method, "logits", VECTORS, SEED)


def self_pairs() -> Iterator[Row]:
    """Figure 4: the mean |cos| over pairs with each vector paired with itself, and without; n vectors."""
    x = fig4.simulate(fig4.SAMPLES, seed=SEED)[:, FACTORS]  # log10(1 − |cos|): (samples, strands, pairs)
    pairs = (~np.isnan(x)).sum(2)
    alive = (1 + np.sqrt(1 + 8 * pairs)) / 2  # of n vectors n (n − 1) / 2 pairs
    total = np.nansum(1 - 10**x, 2)
    with_themselves, without = (total + alive) / (pairs + alive), total / pairs
    for curve in fig4.CURVES:
        k = fig4.STRANDS.index(curve.strand)
        name = ":".join(str(part) for part in (curve.ensemble, curve.alpha, curve.beta) if part != "")
        change = with_themselves[:, k], without[:, k]
        yield effect("random matrices", "self_pairs", "figure 4", f"{FACTORS} factors", name, *change)


def run(options: argparse.Namespace) -> None:
    out = options.out
    for model in options.models.split(","):
        if model not in NETWORKS:
            refuse("--models", expected=f"some of {', '.join(NETWORKS)}", got=model, do="name trained ones")
    refuse_unwritable(out / "corrections.csv", out / "corrections.png")
    rows, units = list(self_pairs()), Units(out / "units")
    for model in options.models.split(","):
        stages, few = NETWORKS[model]
        network = models.load(model)
        batch = images.read("sample", images.preprocessing(model), options.limit)
        names = METHODS if options.full else few
        rows += sanity(model, network, batch, names, stages, units)
        rows += convergence(model, network, batch, units)
        TABLE.write(out / "corrections.csv", rows)
    print(f"Written: {figure.draw(out / 'corrections.csv', out / 'corrections.png')}")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--out", type=Path, default=Path("out/corrections"), help="where to write")
    parser.add_argument("--models", default=",".join(NETWORKS), help="names with commas")
    parser.add_argument("--limit", type=int, default=8, help="images; 99 % intervals need eight")
    parser.add_argument("--full", action="store_true", help="every method on mri-vgg16, too")
    with one_line("corrections.py"):
        run(parser.parse_args())
