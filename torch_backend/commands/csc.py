"""What `rankone csc` runs: measure and predict the convergence, write the tables, say what they mean."""

import sys
from collections.abc import Iterable, Sequence
from functools import partial
from pathlib import Path

from torch import Tensor, nn
from tqdm import tqdm

from rankone.results.text import aligned, two_digits
from torch_backend.convergence.csc import CSC, csc
from torch_backend.convergence.network_law import network_law
from torch_backend.convergence.statistics import Reading
from torch_backend.convergence.table import write_csc, write_csc_theory
from torch_backend.methods import Method

COLLAPSED = -3.0  # log10(1 - |cos|): directions within 2.6 degrees
SAYS_NOTHING = "at most locations only one channel carries relevance: any two vectors are parallel there"
ROWS = 6  # start layers in a table; more would hide the trend


def measure(
    label: str,
    network: nn.Module,
    images: Tensor,
    methods: Sequence[Method],
    starts: str | Sequence[str] = "all",
    vectors: int = 5,
    seed: int = 0,
) -> list[CSC]:
    """`csc` for each method with a progress bar on stderr."""
    return [
        csc(network, images, method, starts, vectors, seed, progress=_bar(f"{label}, {method.name}"))
        for method in methods
    ]


def predict(
    label: str,
    network: nn.Module,
    images: Tensor,
    methods: Sequence[Method],
    starts: str | Sequence[str] = "all",
    vectors: int = 5,
    seed: int = 0,
) -> list[CSC]:
    """`network_law` for each method with a progress bar on stderr."""
    return [
        network_law(
            network, images, method, starts, vectors, seed, progress=_bar(f"{label}, theory of {method.name}")
        )
        for method in methods
    ]


def write(
    folder: Path, name: str, measured: Iterable[tuple[str, CSC]], predicted: Sequence[tuple[str, CSC]] = ()
) -> tuple[Path, Path | None]:
    """Write folder/name.csv and, if anything is predicted, folder/name_theory.csv; returns their paths."""
    table = write_csc(folder / f"{name}.csv", measured)
    return table, write_csc_theory(folder / f"{name}_theory.csv", predicted) if predicted else None


def summary(label: str, results: Sequence[CSC]) -> str:
    """A table of 1 - |cos| at the last layer before the input, start layer by method, and a verdict each."""
    layer = results[0].layers[-2]
    starts = [start for start in results[0].starts if start != layer] or list(results[0].starts)
    shown = [starts[round(k * (len(starts) - 1) / max(1, ROWS - 1))] for k in range(ROWS)]
    header = ["start layer", *(result.method for result in results), "unrelated"]
    rows = [
        [
            start,
            *(cell(result.at(start, layer)) for result in results),
            two_digits(10 ** results[0].at(start, layer).null()),
        ]
        for start in dict.fromkeys(shown)
    ]
    lines = [
        f"{label}: 1 - |cos| between the relevance of different random starts, read at {layer}",
        "(0: the map no longer depends on the start; 'unrelated': what independent directions give there)",
        "",
        *aligned([header, *rows]),
        *(["", f"  * {SAYS_NOTHING}"] if any("*" in text for row in rows for text in row) else []),
        "",
        *("  " + verdict(result) for result in results),
    ]
    return "\n".join(lines)


def cell(reading: Reading) -> str:
    """1 - |cos|, with a star where even independent directions would be parallel."""
    return two_digits(10**reading.median) + ("" if is_telling(reading) else "*")


def verdict(result: CSC) -> str:
    """Where one method's relevance from the topmost start stops depending on that start."""
    readings = result.of(result.starts[0])
    collapse = collapsed_at(readings)
    if collapse is None:
        telling = [reading for reading in readings[:-1] if is_telling(reading)]
        if not telling and len(readings) > 1:
            return f"{result.method}: {SAYS_NOTHING}"
        last = telling[-1] if telling else readings[-1]
        return (
            f"{result.method}: relevance from {result.starts[0]} still depends on its start at {last.layer} "
            f"(1 - |cos| = {two_digits(10**last.median)})."
        )
    return (
        f"{result.method}: from {collapse.layer} down, relevance from {result.starts[0]} has one direction "
        f"whatever its start (1 - |cos| < {two_digits(10**COLLAPSED)})."
    )


def collapsed_at(readings: Sequence[Reading]) -> Reading | None:
    """The first reading from which on all that tell anything, the input's aside, are below COLLAPSED."""
    last = None
    for reading in reversed(readings[:-1]):
        if not is_telling(reading):
            continue
        if not reading.median < COLLAPSED:
            break
        last = reading
    return last


def is_telling(reading: Reading) -> bool:
    """Whether unrelated vectors would differ there: enough channels carry relevance."""
    return not reading.null() < COLLAPSED


def _bar(text: str) -> partial:
    return partial(tqdm, desc=text, unit="batch", file=sys.stderr, leave=False, disable=None)
