"""What `rankone predict` runs: the two-mode closure of each method, its table, where it says all is over."""

from collections.abc import Iterable, Sequence
from contextlib import nullcontext
from itertools import takewhile
from pathlib import Path

import torch
from torch import Tensor, nn

from rankone.errors import Overflow
from rankone.results.text import aligned, two_digits
from torch_backend.commands.csc import COLLAPSED
from torch_backend.commands.progress import Progress
from torch_backend.convergence.predicted import Foretold, Law, predict
from torch_backend.convergence.table import write_prediction
from torch_backend.graph.graph import begun
from torch_backend.methods import Method

NEVER = "-"  # in the table: not above the input
ROWS = 6  # start layers in a table; more would hide the trend


def measure(
    label: str,
    network: nn.Module,
    images: Tensor,
    methods: Sequence[Method],
    starts: str | Sequence[str] = "all",
    seed: int = 0,
    *,
    report: Progress | None = None,
) -> list[Law]:
    """`predict` for each method; again in float64 where its reference leaves the range of float32."""
    with nullcontext(report) if report else Progress(label, len(methods) * len(images), "image") as report:
        return [_predicted(network, images, method, starts, seed, report) for method in methods]


def _predicted(
    network: nn.Module,
    images: Tensor,
    method: Method,
    starts: str | Sequence[str],
    seed: int,
    report: Progress,
) -> Law:
    with report.part(len(images)):
        try:
            return predict(network, images, method, starts, seed, progress=report.over)
        except Overflow:
            network, images = begun(network, images)
            if images.dtype == torch.float64:
                raise
            return predict(network, images.double(), method, starts, seed, progress=report.over)


def write(path: Path, predicted: Iterable[tuple[str, Law]]) -> Path:
    """Write the table; returns its path."""
    return write_prediction(path, predicted)


def summary(label: str, laws: Sequence[Law]) -> str:
    """The layer from which on half of the pairs will be parallel, start layer by method."""
    starts = laws[0].starts
    shown = dict.fromkeys(starts[round(k * (len(starts) - 1) / max(1, ROWS - 1))] for k in range(ROWS))
    rows = [["start layer", *(law.method for law in laws)]]
    rows += [[start, *(_said(law.of(start)) for law in laws)] for start in shown]
    return "\n".join(
        [
            f"{label}: the layer from which on the pairs of random starts will be parallel, predicted",
            f"(1 - |cos| <= {two_digits(10**COLLAPSED)}, the median over channels at a location, from there",
            f"to the last layer above the input; in brackets 1 - |cos| at that one; {NEVER}: not even there)",
            "",
            *aligned(rows),
        ]
    )


def _said(readings: Sequence[Foretold]) -> str:
    if not readings[:-1]:
        return NEVER
    first, last = collapse(readings), readings[-2]
    return f"{NEVER if first is None else first.layer} ({two_digits(10**last.median)})"


def collapse(readings: Sequence[Foretold]) -> Foretold | None:
    """The topmost reading from which on all, the input's aside, are within COLLAPSED."""
    below = list(takewhile(lambda reading: reading.median <= COLLAPSED, reversed(readings[:-1])))
    return below[-1] if below else None
