"""What `rankone certify --model` runs: certify a network for an image, write the files, say what is proved.

What is said of a layer is the best that is claimed of it, there or of all layers below one further up.
"""

from __future__ import annotations

import platform
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from math import isinf, isnan, nan
from pathlib import Path
from textwrap import fill

import numpy as np
import torch
from torch import Tensor, nn

import rankone
from rankone.proof.certificate import PROBABILITY, signed_one_minus_cos
from rankone.proof.network import ENDING
from rankone.results.tables import CERTIFIED
from rankone.results.text import aligned, at_least, at_most
from torch_backend.commands.progress import Progress
from torch_backend.methods import Method
from torch_backend.proof.all_columns import Room
from torch_backend.proof.beside import Beside, beside
from torch_backend.proof.network_proof import QUANTITIES, Certified, NetworkProof, begin, best

# What float64 finds by comparing columns; the rest of a route follows from it, as bounds that none attains.
ATTAINED = {"pairs": QUANTITIES, "shares": ("share",), "envelope": ()}
HEADER = ("layer", "found by", "a share changes by", "of the map moves", "1 - cos", "arrives")
ROWS = 17  # layers in a table; more would hide the trend
WIDTH = 98  # columns of a sentence
DIGITS = 3  # of a bound
PERCENT_BELOW = 1.0  # a larger change of a share is said as a factor
NOT_BLIND = 0.01  # share of a map: where more moves between classes, the opposite has to be said, too
ROUNDING = 1e-9  # of an amount in words: 100.0000001 % are 100 %
NAMED = 10  # classes; of more the numbers are said


@dataclass(frozen=True, eq=False)
class Proof:
    """What was certified of one image. place: among the images; layers: from the top; beside: what was seen
    beside it; predicted: the largest output's number and its probability; stopped: what ended it before its
    time, if anything did.
    """

    place: int
    of: NetworkProof
    layers: tuple[Certified, ...]
    beside: Beside | None
    predicted: tuple[int, float]
    stopped: BaseException | None = None


def measure(
    network: nn.Module,
    image: Tensor,
    method: Method,
    start: str,
    until: str | None,
    room: Room,
    *,
    place: int = 0,
    seed: int = 0,
    report: Progress | None = None,
) -> Proof:
    """The proof for one image (1, *input shape). What stops it keeps the layers that were done: Ctrl-C, too
    little memory; where none was done it is raised.
    """
    proof = begin(network, image, method, start)
    layers: list[Certified] = []
    seen, stopped = None, None
    try:
        for layer in proof.layers(room, until):
            layers.append(layer)
            if report:
                report.advance()
        seen = beside(proof, seed=seed)
    except (KeyboardInterrupt, MemoryError, RuntimeError) as error:
        if not layers:
            raise
        stopped = error
    logits = proof.graph.nodes[-1].value.flatten()
    largest = int(logits.argmax())
    predicted = largest, float(torch.softmax(logits, 0)[largest])
    return Proof(place, proof, tuple(layers), seen, predicted, stopped)


# ---------------------------------------------------------------- files


def certificate_path(out: Path, place: int, count: int) -> Path:
    """Of one image `out` itself, of several a numbered one beside it: mri.cert.json, mri_0.cert.json."""
    stem = out.name.removesuffix(ENDING)
    return out if count == 1 else out.with_name(f"{stem}_{place}{ENDING}")


def write_certificate(
    path: Path, label: str, proof: Proof, names: Sequence[str], weights: str | None = None
) -> tuple[Path, ...]:
    """The claims, the weights and the values of one image; returns the three paths.

    weights: the name of a file of weights that several images share.
    """
    about = {
        "model": label,
        "method": proof.of.method.name,
        "image": str(proof.place),
        "classes": ", ".join(names),
        "rankone": rankone.__version__,
        "torch": torch.__version__,
        "numpy": np.__version__,
        "python": platform.python_version(),
    }
    return proof.of.certificate(proof.layers, about).write(path, weights=weights)


def write_table(path: Path, label: str, proofs: Sequence[Proof]) -> Path:
    """A row for each image and layer; returns the path."""
    return CERTIFIED.write(path, rows(label, proofs))


def rows(label: str, proofs: Sequence[Proof]) -> list[dict[str, object]]:
    """The rows of CERTIFIED."""
    return [
        _row(label, proof, layer, bounds)
        for proof in proofs
        for layer, bounds in zip(proof.layers, best(proof.layers), strict=True)
    ]


def _row(label: str, proof: Proof, certified: Certified, bounds: Mapping[str, float]) -> dict[str, object]:
    layer = certified.layer
    return {
        "model": label,
        "method": proof.of.method.name,
        "image": proof.place,
        "start": proof.of.start.name,
        "layer": layer.node,
        "route": layer.route,
        "units": certified.units,
        "columns": certified.columns,
        "silent": len(layer.silent),
        "roundings": layer.roundings,
        "least_mass": layer.bounds.get("least_mass", nan),
        "most_mass": layer.bounds.get("most_mass", nan),
        **bounds,
        **{
            f"computed_{name}": certified.computed[name] if name in ATTAINED[layer.route] else nan
            for name in QUANTITIES
        },
        "sampled_one_minus_cos": proof.beside.sampled[layer.node] if proof.beside else nan,
    }


# ---------------------------------------------------------------- words


def summary(label: str, proof: Proof, names: Sequence[str]) -> str:
    """A table of the layers, all bounds rounded up, and what is proved at the lowest."""
    chosen = sorted({round(k * (len(proof.layers) - 1) / (ROWS - 1)) for k in range(ROWS)})
    bounds = best(proof.layers)
    cells = [_cells(proof.layers[k], bounds[k]) for k in chosen]
    return "\n".join(
        [
            f"{label}, {proof.of.method.name}, image {proof.place}: {predicted(proof, names)}",
            f"for all non-negative relevance at {proof.of.start.name}, certified:",
            "",
            *aligned([HEADER, *cells], left=2),
            "",
            *(
                fill(said, WIDTH, initial_indent="  ", subsequent_indent="    ")
                for said in sentences(proof, names)
            ),
        ]
    )


def predicted(proof: Proof, names: Sequence[str]) -> str:
    """What the network says of the image."""
    largest, probability = proof.predicted
    return f"{_name(largest, names)} ({100 * probability:.0f} %)"


def sentences(proof: Proof, names: Sequence[str]) -> list[str]:
    """What is proved at the lowest layer, and what is not blind there; bounds are rounded up."""
    return [_claim(proof), *_not_blind(proof), *_signed(proof), *_amounts(proof), *_silent(proof, names)]


def _claim(proof: Proof) -> str:
    layer, bounds = proof.layers[-1].layer.node, best(proof.layers)[-1]
    start, moves = _start(proof), percent(bounds["total_variation"])
    if isinf(bounds["share"]) and bounds["total_variation"] >= 1:
        exact = proof.layers[-1].layer.route == "pairs"
        return (
            f"Nothing is certified of the map at {layer}: two of them may have no {_unit(proof)} in common"
            + ("." if exact else ", for all that was computed; raise --budget, or name a lower --layer.")
        )
    if isinf(bounds["share"]):
        return (
            f"Certified for this image: no {start}, and no non-negative mixture, can move more than {moves} "
            f"of the map at {layer}; some {_unit(proof)} may have a share for one and none for another."
        )
    return (
        f"Certified for this image: no {start}, and no non-negative mixture, can change any {_unit(proof)}'s "
        f"share of the relevance that arrives at {layer} by more than {changed(bounds['share'])}, nor move "
        f"more than {moves} of the map."
    )


def _not_blind(proof: Proof) -> list[str]:
    """The opposite, where it is so: the largest over pairs is attained by two columns."""
    lowest = proof.layers[-1]
    moved = lowest.computed["total_variation"]
    if lowest.layer.route != "pairs" or moved < NOT_BLIND:
        return []
    share = lowest.computed["share"]
    differs = "is none for one of them" if isinf(share) else f"differs by {changed(share, at_least)}"
    return [
        f"So the map is not blind to the {_start(proof)}: for two of them "
        f"{at_least(100 * moved, DIGITS)} % of it lies elsewhere, and some {_unit(proof)}'s share {differs} "
        "(in float64)."
    ]


def _signed(proof: Proof) -> list[str]:
    """What follows from the certified angle for starts of either sign, if anything does."""
    bound = signed_one_minus_cos(proof.layers[-1].layer.bounds["angle"], PROBABILITY)
    if bound >= 1:
        return []
    return [
        f"Of two independent starts of either sign, N(0, I), 1 - |cos| of the maps is at most "
        f"{at_most(bound, DIGITS)} with a probability of {PROBABILITY:g} or more."
    ]


def _start(proof: Proof) -> str:
    """What a column stands for."""
    return "class" if proof.of.start.index == len(proof.of.graph.nodes) - 1 else "start"


def _unit(proof: Proof) -> str:
    """What has a share; a pixel's is the sum of its channels', and changes by no larger a factor."""
    return "pixel" if proof.layers[-1].layer.node == proof.of.graph.end else "unit"


def _amounts(proof: Proof) -> list[str]:
    """How much arrives, and where the rest went."""
    bounds, said = proof.layers[-1].layer.bounds, []
    if "most_mass" in bounds:
        least = at_least(100 * bounds["least_mass"] * (1 + ROUNDING))
        most = at_most(100 * bounds["most_mass"] * (1 - ROUNDING))
        amount = f"{least} %" if least == most else f"{least} to {most} %"
        said.append(f"Of relevance 1 on one of them {amount} arrives there.")
    if seen := proof.beside:
        said.append(
            f"Of relevance that all share equally {_amount(seen.arrives)} arrives at the image, "
            f"{_amount(seen.bias)} goes to biases, {_amount(seen.lost)} is lost where a denominator is 0."
        )
    return said


def _silent(proof: Proof, names: Sequence[str]) -> list[str]:
    silent = proof.layers[-1].layer.silent
    if not silent:
        return []
    first = ", ".join(_name(k, names) for k in silent[:NAMED])
    more = f" and {len(silent) - NAMED} more" if len(silent) > NAMED else ""
    return [f"Left out, as nothing of them arrives: {first}{more}."]


def _cells(certified: Certified, bounds: Mapping[str, float]) -> tuple[str, ...]:
    layer, most = certified.layer, certified.layer.bounds.get("most_mass", nan)
    return (
        layer.node,
        layer.route if layer.above is None else f"{layer.route} of {layer.above}",
        changed(bounds["share"]),
        percent(bounds["total_variation"]),
        at_most(bounds["one_minus_cos"], DIGITS),
        "-" if isnan(most) else f"{at_most(100 * most * (1 - ROUNDING))} %",
    )


def changed(share: float, rounded: Callable[[float, int], str] = at_most) -> str:
    """A relative change: 1.3 %, a factor 1.6, without limit."""
    if isinf(share):
        return "any factor"
    if share < PERCENT_BELOW:
        return f"{rounded(100 * share, DIGITS)} %"
    return f"a factor {rounded(1 + share, DIGITS)}"


def percent(share: float) -> str:
    """A bound on a share of a map."""
    return f"{at_most(100 * share, DIGITS)} %"


def _amount(part: float) -> str:
    return f"{100 * part:.2g} %"


def _name(number: int, names: Sequence[str]) -> str:
    return names[number] if number < len(names) else str(number)
