"""One side of benchmarks.before_after: the engine of the checkout on PYTHONPATH, timed when it is asked to.

Uses nothing but what torch_backend has always had in public, so that old checkouts can run it. On stdin comes
one line of JSON for a row of the table, {"network", "method", "starts", "vectors", "untimed", "timed",
"relevance"}, then an empty line for each timed run. On stdout goes one line that says where the engine was
found, one when a row's untimed runs are done (its relevance at the image is then in the file "relevance"),
and one with the seconds of each timed run.
"""

import json
import sys
import time
from collections.abc import Callable, Iterator
from functools import cache
from itertools import islice
from pathlib import Path

import torch
import torchvision
from torch import Tensor, nn

import torch_backend
from torch_backend import kept_pages, methods, sweep, trace

SEED = 0


@cache
def network(name: str) -> nn.Module:
    """torchvision's architecture and initialisation, seeded."""
    torch.manual_seed(SEED)
    return torchvision.models.get_model(name, weights=None).eval()


def prepared(row: dict) -> Callable[[], dict[str, Tensor]]:
    """Forward and one sweep that reads at every start layer and at the image: start -> relevance there."""
    name, *numbers = row["method"].split(":")
    method = getattr(methods, name)
    method = method(*map(float, numbers)) if numbers else method
    generator = torch.Generator().manual_seed(SEED)
    images = torch.randn(1, 3, 224, 224, generator=generator)
    graph = trace(network(row["network"]), images)
    starts = {
        layer: torch.randn(row["vectors"], *graph.node(layer).value.shape, generator=generator)
        for layer in row["starts"]
    }

    def run() -> dict[str, Tensor]:
        at_image: dict[str, Tensor] = {}
        for layer, found in sweep(graph.record(images), method, starts.get, ("input", *starts)):
            if layer == "input":
                at_image |= found
        return at_image

    return run


def serve(lines: Iterator[str]) -> None:
    for line in lines:
        row = json.loads(line)
        run = prepared(row)
        with kept_pages():
            torch.save(run(), row["relevance"])
            for _ in range(row["untimed"]):
                run()
            print("ready", flush=True)
            for _ in islice(lines, row["timed"]):
                begin = time.perf_counter()
                run()
                print(time.perf_counter() - begin, flush=True)


if __name__ == "__main__":
    print(Path(torch_backend.__file__).parent, flush=True)
    serve(iter(sys.stdin.readline, ""))
