"""The engine of another checkout against this one's, interleaved: one image on the CPU.

    python -m benchmarks.before_after OTHER_CHECKOUT [--repeats 5] [--models vgg16,resnet50]
                                      [--methods z_plus,gradient] [--starts paper,every]

Each checkout has a process of its own, which waits while the other one computes; timed runs take turns, so
that a slow minute hits both. What is timed is benchmarks.engine's: forward and one sweep, float32, random
weights. The relevance of both at the image is compared, too. Writes benchmarks/results/before_after.md after
every row; all rows take about 20 minutes on two cores.
"""

import argparse
import json
import os
import subprocess
import sys
from collections.abc import Collection
from itertools import product
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory

import numpy as np
import torch
from torch import Tensor

from benchmarks.engine import METHODS, MODULES, SEED, STARTS, start_modules
from benchmarks.measure import write_table
from rankone.errors import one_line, refuse
from torch_backend import trace
from torch_backend.inputs.models import load

HERE = Path(__file__).parent
UNTIMED = 3  # runs in each process before those timed, beside the one whose relevance is compared
TIMED_OF_EVERY = 3  # repeats at most of rows with all start layers, which take up to 15 s a run
# Of float32 relevance through 50 layers, relative to its largest entry. Engines that round otherwise open
# other rectifiers, and choose another of two nearly equal maxima; in float64 they are equal to 1e-14.
AGREEMENT = 0.1
HEADER = (
    "network",
    "method",
    "starts × vectors",
    "seconds before",
    "seconds after",
    "after / before",
    "largest relative difference",
)


class Worker:
    """A process that runs the engine of one checkout, one answer for each line (before_after_worker)."""

    def __init__(self, checkout: Path) -> None:
        if not (checkout / "torch_backend" / "__init__.py").is_file():
            refuse(
                "checkout",
                expected="a folder with torch_backend in it",
                got=checkout,
                do="name another checkout",
            )
        self.checkout = checkout.resolve()
        self.process = subprocess.Popen(
            [sys.executable, "-P", HERE / "before_after_worker.py"],
            env={**os.environ, "PYTHONPATH": str(self.checkout)},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        found = self.answer()
        if not Path(found).is_relative_to(self.checkout):
            refuse("worker", expected=f"torch_backend of {checkout}", got=found, do="uninstall what hides it")

    def ask(self, line: str = "") -> str:
        """The answer to one line; the process is idle before and after."""
        self.process.stdin.write(line + "\n")
        self.process.stdin.flush()
        return self.answer()

    def answer(self) -> str:
        line = self.process.stdout.readline().strip()
        if not line:
            status = self.process.wait()
            refuse("worker", expected="an answer", got=f"exit status {status}", do="read its message above")
        return line

    def __enter__(self) -> "Worker":
        return self

    def __exit__(self, *error: object) -> None:
        self.process.communicate()  # closes its stdin, at whose end it leaves


def largest_difference(before: dict[str, Tensor], after: dict[str, Tensor]) -> float:
    """max |r − r'| over max |r|, the largest of all start layers; 0 if identical, NaN where one has NaN."""

    def one(r: Tensor, other: Tensor) -> float:
        if torch.allclose(r, other, rtol=0, atol=0, equal_nan=True):
            return 0.0
        return float((r - other).abs().max() / r.abs().max())

    return float(np.max([one(r, after[start]) for start, r in before.items()]))


def compare(before: Worker, after: Worker, row: dict, repeats: int) -> list[str]:
    """One row of the table. ValueError: the two sides disagree."""
    with TemporaryDirectory() as folder:
        files = [Path(folder) / side for side in ("before", "after")]
        for worker, file in zip((before, after), files, strict=True):
            worker.ask(json.dumps({**row, "untimed": UNTIMED, "timed": repeats, "relevance": str(file)}))
        difference = largest_difference(*map(torch.load, files))
    where = (row["network"], row["method"], f"{len(row['starts'])} × {row['vectors']}")
    if not difference <= AGREEMENT:
        refuse(
            " ".join(where),
            expected=f"relevance at the image that agrees within {AGREEMENT:g}",
            got=f"{difference:.1e} between the checkouts",
            do="find out which of them is right before comparing times",
        )
    seconds: dict[Worker, list[float]] = {before: [], after: []}
    for turn in range(repeats):
        for worker in (before, after) if turn % 2 == 0 else (after, before):
            seconds[worker].append(float(worker.ask()))
    ratio = median(b / a for a, b in zip(seconds[before], seconds[after], strict=True))
    times = (f"{median(seconds[before]):.2f}", f"{median(seconds[after]):.2f}", f"{ratio:.3f}")
    return [*where, *times, f"{difference:.1e}" if difference else "0"]


def start_layers(network: str) -> dict[str, list[str]]:
    """Each of STARTS -> the names of its layers."""
    images = torch.randn(1, 3, 224, 224, generator=torch.Generator().manual_seed(SEED))
    graph = trace(load(network, weights="random", seed=SEED), images)
    return {which: list(start_modules(which, network, graph)) for which in STARTS}


def chosen(option: str, text: str, known: Collection[str]) -> list[str]:
    """The names in a comma-separated option. ValueError: one that is unknown."""
    names = text.split(",")
    if unknown := [name for name in names if name not in known]:
        refuse(option, expected=f"some of {','.join(known)}", got=", ".join(unknown), do="copy one of these")
    return names


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("checkout", type=Path, help="the project as it was before")
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--models", default=",".join(MODULES))
    parser.add_argument("--methods", default=",".join(METHODS))
    parser.add_argument("--starts", default=",".join(STARTS))
    options = parser.parse_args()
    models = chosen("--models", options.models, MODULES)
    labels = chosen("--methods", options.methods, METHODS)
    some = chosen("--starts", options.starts, STARTS)
    rows: list[list[str]] = []
    with Worker(options.checkout) as before, Worker(HERE.parent) as after:
        for network in models:
            layers = start_layers(network)
            for which, label in product(some, labels):
                row = {"network": network, "method": label, "starts": layers[which], "vectors": STARTS[which]}
                repeats = options.repeats if which == "paper" else min(options.repeats, TIMED_OF_EVERY)
                rows.append(compare(before, after, row, repeats))
                print(*rows[-1], sep="  ", flush=True)
                write_table(
                    "before_after",
                    "The engine of two checkouts, interleaved (CPU, float32, 1 image of 224²)",
                    HEADER,
                    rows,
                    f"Forward and one sweep; medians of {options.repeats} runs of each ({TIMED_OF_EVERY} at "
                    f"most with five vectors), which take turns, after {UNTIMED + 1} untimed ones inside "
                    "kept_pages; after / before is the median of the ratios of neighbouring runs. The "
                    "difference is that of relevance at the image, over the largest of its start layer.",
                )


if __name__ == "__main__":
    with one_line("before_after"):
        main()
