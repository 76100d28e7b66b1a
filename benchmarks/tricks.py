"""What each speed trick of the engine brings: the same sweep with and without it, interleaved.

    python -m benchmarks.tricks [--repeats 7] [--rows resnet50/z_plus,vgg16/gradient]

A trick that brings less than 3 % on every row is not worth a reader's time and goes.
"""

import argparse
from collections.abc import Callable
from contextlib import AbstractContextManager, ExitStack
from dataclasses import replace
from functools import partial
from statistics import median
from unittest import mock

import torch
from torch import Tensor

from benchmarks.engine import METHODS, SEED, STARTS, run, start_modules, start_vectors
from benchmarks.measure import describe_machine, time_of, write_table
from torch_backend import kept_pages, trace
from torch_backend.inputs.models import load
from torch_backend.operators import convolution
from torch_backend.operators.convolution import Convolution
from torch_backend.operators.linear import Linear
from torch_backend.operators.rectifier import Rectifier
from torch_backend.operators.unweighted import Scaled, Sum
from torch_backend.propagation import carried
from torch_backend.propagation.carried import Carried
from torch_backend.propagation.passage import Passage

ROWS = "resnet50/z_plus,resnet50/alpha_beta:2:1,resnet50/gradient,vgg16/z_plus,vgg16/gradient"
UNTIMED = 2
WORTH = 1.03


def _factors_multiplied_at_once(self: Passage, above: Carried) -> tuple[Carried, ...]:
    above = above.product()
    parts = self.op.split(self.backward(above.r))
    apart = len({part.data_ptr() for part in parts}) == len(parts)
    given = None if above.owned else above.r.untyped_storage().data_ptr()
    return tuple(
        replace(
            above,
            r=part,
            owned=apart and 0 not in part.stride() and part.untyped_storage().data_ptr() != given,
        )
        for part in parts
    )


def _masked(self: Rectifier, y: Tensor) -> Callable[[Tensor], Tensor]:
    mask = self.mask(y)
    return lambda r: r * mask


# name -> what is patched while it is off
TRICKS: dict[str, tuple[tuple[object, str, object], ...]] = {
    "first layers by phases": ((convolution, "transpose_by_phases", lambda *_: None),),
    "1×1 convolutions of few pixels as products": ((convolution, "FEW_PIXELS", 0),),
    "inputs of both signs in one convolution": ((Convolution, "beside", Linear.beside),),
    "factors common to all vectors kept apart": ((Passage, "carry", _factors_multiplied_at_once),),
    "one factor for an addition's copies": (
        (Sum, "repeats", property(lambda _: None)),
        (Scaled, "repeats", property(lambda _: None)),
    ),
    "operators known to be zero left out": ((Scaled, "is_zero", property(lambda _: False)),),
    "a ReLU's mask in one pass": ((Rectifier, "gate", _masked),),
    "equal factors recognised where ways meet": ((carried, "_same", lambda a, b: a is b),),
}


def without(name: str) -> AbstractContextManager[None]:
    stack = ExitStack()
    for owner, attribute, value in TRICKS.get(name, ()):
        stack.enter_context(mock.patch.object(owner, attribute, value))
    return stack


def compare(network: str, method: str, repeats: int) -> list[list[str]]:
    """A row of the table for each trick."""
    model = load(network, weights="random", seed=SEED)
    images = torch.randn(1, 3, 224, 224, generator=torch.Generator().manual_seed(SEED))
    chain, _ = METHODS[method]
    graph = trace(model, images)
    starts = start_vectors(graph, tuple(start_modules("paper", network, graph)), STARTS["paper"])
    seconds: dict[str, list[float]] = {name: [] for name in ("", *TRICKS)}
    with kept_pages():
        for _ in range(repeats):
            for name, times in seconds.items():
                with without(name):
                    sweep = partial(run, trace(model, images), images, chain, starts)
                    for _ in range(UNTIMED):
                        sweep()
                    times.append(time_of(sweep))
    whole = seconds.pop("")
    rows = []
    for name, times in seconds.items():
        brings = median(off / on for off, on in zip(times, whole, strict=True))
        rows.append([network, method, name, f"{median(whole):.3f}", f"{brings:.3f}"])
        print(*rows[-1], sep="  ", flush=True)
    return rows


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--repeats", type=int, default=7)
    parser.add_argument("--rows", default=ROWS)
    arguments = parser.parse_args()
    print(describe_machine(("torch",)))
    rows = []
    for row in arguments.rows.split(","):
        rows += compare(*row.split("/"), arguments.repeats)
    write_table(
        "tricks",
        "What each speed trick of the engine brings",
        ["network", "method", "trick", "seconds", "without / with"],
        rows,
        f"One image of 224², forward included, {STARTS['paper']} vectors from each of the paper's start "
        f"layers; medians of {arguments.repeats} paired ratios, interleaved. Below {WORTH} on every row a "
        "trick is not worth its lines.",
    )


if __name__ == "__main__":
    main()
