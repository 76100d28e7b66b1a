"""A convergence study from names to files: what `rankone csc` and the demo run."""

import csv
import sys
from collections.abc import Iterable, Sequence
from functools import partial
from pathlib import Path

from torch import Tensor, nn
from tqdm import tqdm

from torch_backend.convergence.csc import CSC, csc, write_csv
from torch_backend.convergence.network_law import network_law
from torch_backend.methods import Method

THEORY_COLUMNS = ("model", "method", "start", "layer", "theory")


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
    folder: Path, name: str, measured: Iterable[tuple[str, CSC]], predicted: Iterable[tuple[str, CSC]] = ()
) -> tuple[Path, Path | None]:
    """Write folder/name.csv and, if anything is predicted, folder/name_theory.csv; returns their paths."""
    folder.mkdir(parents=True, exist_ok=True)
    table, theory = folder / f"{name}.csv", folder / f"{name}_theory.csv"
    write_csv(table, measured)
    predicted = list(predicted)
    if not predicted:
        return table, None
    with open(theory, "w", newline="", encoding="utf-8") as file:
        rows = csv.writer(file)
        rows.writerow(THEORY_COLUMNS)
        for label, law in predicted:
            rows.writerows((label, law.method, r.start, r.layer, f"{10**r.median:.6g}") for r in law.readings)
    return table, theory


def _bar(text: str) -> partial:
    return partial(tqdm, desc=text, unit="batch", file=sys.stderr, leave=False, disable=None)
