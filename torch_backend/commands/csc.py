"""What `rankone csc` runs: measure and predict the convergence, write the tables, say what they mean."""

import math
from collections.abc import Callable, Iterable, Sequence
from contextlib import nullcontext
from itertools import dropwhile, takewhile
from pathlib import Path
from textwrap import fill

import torch
from torch import Tensor, nn

from rankone.errors import Overflow
from rankone.results.text import aligned, at_most, two_digits
from torch_backend.commands.keeping import Keeping
from torch_backend.commands.progress import Progress
from torch_backend.convergence.csc import CSC, computed, csc
from torch_backend.convergence.network_law import network_law
from torch_backend.convergence.statistics import Reading
from torch_backend.convergence.table import write_csc, write_csc_theory
from torch_backend.graph.graph import begun
from torch_backend.methods import Method

COLLAPSED = -3.0  # log10(1 - |cos|): directions within 2.6 degrees
SAYS_NOTHING = "at most locations only one channel carries relevance: any two vectors are parallel there"
ROWS = 6  # start layers in a table; more would hide the trend
WIDTH = 98  # columns of a sentence


def measure(
    label: str,
    network: nn.Module,
    images: Tensor,
    methods: Sequence[Method],
    starts: str | Sequence[str] = "all",
    vectors: int = 5,
    seed: int = 0,
    *,
    report: Progress | None = None,
    keeping: Keeping | None = None,
) -> list[CSC]:
    """`csc` for each method; again, in float64, where its relevance leaves the range of float32.

    report: how far it is, in images; None: of these methods alone. keeping: where batches are kept.
    """
    how = (starts, vectors, seed)
    with nullcontext(report) if report else _report(label, images, methods) as report:
        return [_converged(csc, network, images, method, how, report, keeping) for method in methods]


def predict(
    label: str,
    network: nn.Module,
    images: Tensor,
    methods: Sequence[Method],
    starts: str | Sequence[str] = "all",
    vectors: int = 5,
    seed: int = 0,
    *,
    report: Progress | None = None,
    keeping: Keeping | None = None,
) -> list[CSC]:
    """`network_law` for each method, as `measure`."""
    how = (starts, vectors, seed)
    with nullcontext(report) if report else _report(f"{label}, theory", images, methods) as report:
        return [_converged(network_law, network, images, method, how, report, keeping) for method in methods]


def _report(label: str, images: Tensor, methods: Sequence[Method]) -> Progress:
    return Progress(label, len(methods) * len(images), "image")


def _converged(
    run: Callable[..., CSC],
    network: nn.Module,
    images: Tensor,
    method: Method,
    how: tuple[str | Sequence[str], int, int],
    report: Progress,
    keeping: Keeping | None,
) -> CSC:
    """`csc` or `network_law` of a method, in the precision of the images if that is enough."""
    what = {"run": run.__name__, **dict(zip(("starts", "vectors", "seed"), how, strict=True))}
    keep = keeping.tallies(method, what) if keeping else computed
    with report.part(len(images)):
        try:
            return run(network, images, method, *how, progress=report.over, keep=keep)
        except Overflow:
            network, images = begun(network, images)
            if images.dtype == torch.float64:
                raise
            return run(network, images.double(), method, *how, progress=report.over, keep=keep)


def write(
    folder: Path, name: str, measured: Iterable[tuple[str, CSC]], predicted: Sequence[tuple[str, CSC]] = ()
) -> tuple[Path, Path | None]:
    """Write folder/name.csv and, if anything is predicted, folder/name_theory.csv; returns their paths."""
    table = write_csc(folder / f"{name}.csv", measured)
    return table, write_csc_theory(folder / f"{name}_theory.csv", predicted) if predicted else None


def summary(label: str, results: Sequence[CSC]) -> str:
    """Two tables of medians, start layer by method, and a sentence each.

    The first is read at the last layer before the input, over the channels of a location; the second at the
    input, of whole maps.
    """
    *_, above, bottom = (reading.layer for reading in results[0].of(results[0].starts[0]))
    starts = [reading.start for reading in results[0].readings if reading.layer == above]
    starts = [start for start in starts if start != above] or starts
    shown = dict.fromkeys(starts[round(k * (len(starts) - 1) / max(1, ROWS - 1))] for k in range(ROWS))

    def table(layer: str, cell: Callable[[Reading], str], null: Callable[[Reading], float]) -> list[str]:
        rows = [["start layer", *(result.method for result in results), "unrelated"]]
        for start in shown:
            readings = [result.at(start, layer) for result in results]
            rows.append([start, *map(cell, readings), two_digits(10 ** null(readings[0]))])
        return aligned(rows)

    local = table(above, cell, Reading.null)
    whole = table(bottom, lambda reading: two_digits(10**reading.whole.median), Reading.whole_null)
    return "\n".join(
        [
            f"{label}: 1 - |cos| between the relevance of random starts at the same layer, medians",
            "('unrelated': what independent directions give there)",
            "",
            f"  Over channels at each location of layer {above} (0: the same direction over channels there)",
            "",
            *local,
            *(["", f"  * {SAYS_NOTHING}"] if any("*" in line for line in local) else []),
            "",
            f"  Whole maps at {bottom}: channels and locations together (0: the same map up to a factor)",
            "",
            *whole,
            "",
            *(
                fill(said, WIDTH, initial_indent="  ", subsequent_indent="    ")
                for said in [*map(verdict, results), *in_float64(results)]
            ),
        ]
    )


def cell(reading: Reading) -> str:
    """1 - |cos|, with a star where even independent directions would be parallel."""
    return two_digits(10**reading.median) + ("" if is_telling(reading) else "*")


def verdict(result: CSC) -> str:
    """How parallel one method makes the random starts at the topmost start layer, from where on."""
    start = result.starts[0]
    readings = result.of(start)
    if parallel := collapsed(readings):
        return f"{result.method}: {_collapse(start, parallel, readings[-1])}"
    telling = [reading for reading in readings[:-1] if is_telling(reading)]
    if not telling and len(readings) > 1:
        return f"{result.method}: {SAYS_NOTHING}"
    last = telling[-1] if telling else readings[-1]
    if math.isnan(last.median):
        return f"{result.method}: no pair of random starts at {start} has relevance left at {last.layer}."
    return (
        f"{result.method}: relevance from {start} still depends on its start at {last.layer} "
        f"(1 - |cos| = {two_digits(10**last.median)} in the median)."
    )


def in_float64(results: Sequence[CSC]) -> list[str]:
    """Which results were computed in float64, if some were."""
    names = [result.method for result in results if result.precision == "float64"]
    if not names:
        return []
    if len(names) == len(results):
        return ["Computed in float64."]
    return [f"Computed in float64, as relevance leaves the range of float32: {', '.join(names)}."]


def _collapse(start: str, parallel: Sequence[Reading], bottom: Reading) -> str:
    """What was computed of the layers where half of the pairs are parallel, and of whole maps below."""
    first, last = parallel[0].layer, parallel[-1].layer
    span = f"from {first} down to layer {last}" if first != last else f"at layer {last}"
    most = max(reading.within(0.9) for reading in parallel)
    whole = (at_most(bottom.whole.within(q)) for q in (0.5, 0.9))
    return (
        f"{span}, half of the pairs of random starts at {start} have, at a location with relevance, "
        f"directions over channels within 1 - |cos| = {two_digits(10**COLLAPSED)} (90 % within "
        f"{at_most(most)}). How relevance is spread over locations is not compared by this; "
        "of whole maps at {}, half are within {} (90 % within {}).".format(bottom.layer, *whole)
    )


def collapsed(readings: Sequence[Reading]) -> list[Reading]:
    """The lowest readings, the input's aside, with half of all pairs within COLLAPSED; the first tells."""
    below = takewhile(lambda reading: reading.within(0.5) <= 10**COLLAPSED, reversed(readings[:-1]))
    return list(dropwhile(lambda reading: not is_telling(reading), list(below)[::-1]))


def is_telling(reading: Reading) -> bool:
    """Whether unrelated vectors would differ there: enough channels carry relevance."""
    return not reading.null() < COLLAPSED
