"""The sweep against zennit and captum, and against its own floor: one image on the CPU.

    python -m benchmarks.engine [--repeats 3] [--rows vgg16/paper,resnet50/every]

Forward included on both sides, float32, random weights (He, seeded): the arithmetic does not know them.
The floor is the flops of the forward, of the denominators and of the backward products that the rule needs,
at the rate of torch's own matrix product on this machine; the second floor counts bytes as well
(benchmarks.floor).
"""

import argparse
import time
from functools import partial

import torch
from torch import Tensor, nn
from torch.utils._python_dispatch import TorchDispatchMode

from benchmarks import floor, peers
from benchmarks.floor import Needs
from benchmarks.measure import (
    GEMM_SIZE,
    describe_machine,
    memory_pass,
    peak_memory,
    side_by_side,
    write_table,
)
from torch_backend import Graph, Method, kept_pages, methods, sweep, trace
from torch_backend.inputs.models import load

SEED = 0
ROWS = "vgg16/paper,vgg16/every,resnet50/paper,resnet50/every"
PRODUCTS = 5  # timed as one, for the rate behind the floor
METHODS = {
    "z_plus": (methods.z_plus, Needs(denominators=1, products=1, shares=1)),
    "alpha_beta:2:1": (methods.alpha_beta(2, 1), Needs(denominators=2, products=2, shares=2)),
    "lrp_z": (methods.lrp_z, Needs(denominators=0, products=1, shares=1)),
    "guided_backprop": (methods.guided_backprop, Needs(denominators=0, products=1, shares=0)),
    "gradient": (methods.gradient, Needs(denominators=0, products=1, shares=0)),
}
"""method -> ours and what it needs in every linear layer"""

STARTS = {"paper": 2, "every": 5}
"""start layers -> vectors at each: the paper's, or all layers of VGG-16 and all blocks of ResNet-50"""

MODULES = {
    "vgg16": {
        "fc3": "classifier.6",
        "fc1": "classifier.1",
        "conv4_3": "features.22",
        "conv3_3": "features.15",
        "conv2_2": "features.8",
    },
    "resnet50": {
        "dense": "fc",
        "block5_1": "layer4.0",
        "block4_2": "layer3.1",
        "block3_4": "layer2.3",
        "block3_2": "layer2.1",
        "block2_2": "layer1.1",
    },
}
"""the paper's start layers -> the modules whose outputs they are"""


def start_modules(which: str, name: str, graph: Graph) -> dict[str, str]:
    """The start layers of a network, "paper" or "every" -> the modules whose outputs they are."""
    if which == "paper":
        return MODULES[name]
    if name == "vgg16":
        return {layer: graph.node(layer).label for layer in graph.layers}
    blocks = [layer for layer in graph.layers if layer.startswith("block")]
    places = [layer.removeprefix("block").split("_") for layer in blocks]
    modules = [f"layer{int(stage) - 1}.{int(k) - 1}" for stage, k in places]
    return {**dict(zip(blocks, modules, strict=True)), "dense": "fc"}


def start_vectors(graph: Graph, layers: tuple[str, ...], vectors: int) -> dict[str, Tensor]:
    """N(0, I) in the full activation shape of each layer: (V, B, *shape)."""
    generator = torch.Generator().manual_seed(SEED)
    return {name: torch.randn(vectors, *graph.node(name).value.shape, generator=generator) for name in layers}


def run(graph: Graph, images: Tensor, method: Method, starts: dict[str, Tensor]) -> None:
    """Forward and one sweep that reads at every start layer and at the image."""
    for _ in sweep(graph.record(images), method, starts.get, ("input", *starts)):
        pass


def captum_sweep(model: nn.Module, images: Tensor, layers: dict[str, str], vectors: int) -> None:
    """captum's z⁺ for each start layer of VGG-16: a network cut there, one forward and one backward."""
    for module in layers.values():
        copy = peers.out_of_place(model)
        part, last = module.split(".")
        if part == "features":
            copy = copy.features[: int(last) + 1]
        else:
            copy.classifier = copy.classifier[: int(last) + 1]
        peers.captum_z_plus(copy, images, vectors)


class ProductTime(TorchDispatchMode):
    """Seconds spent inside torch's convolutions and matrix products."""

    names = ("convolution", "mm", "addmm", "bmm")

    def __init__(self) -> None:
        super().__init__()
        self.seconds = 0.0

    def __torch_dispatch__(self, func, types, args=(), kwargs=None):
        begin = time.perf_counter()
        out = func(*args, **(kwargs or {}))
        if func.overloadpacket.__name__ in self.names:
            self.seconds += time.perf_counter() - begin
        return out


def compare(name: str, which: str, repeats: int) -> list[list[str]]:
    """Rows of the table: one for each method, from the start layers `which` of STARTS."""
    model = load(name, weights="random", seed=SEED)
    images = torch.randn(1, 3, 224, 224, generator=torch.Generator().manual_seed(SEED))
    graph = trace(model, images)
    modules, vectors = start_modules(which, name, graph), STARTS[which]
    starts = start_vectors(graph, tuple(modules), vectors)
    hooked = {modules[layer]: start for layer, start in starts.items()}
    a, b = torch.randn(2, GEMM_SIZE, GEMM_SIZE, generator=torch.Generator().manual_seed(SEED))
    add, moved = memory_pass(torch.get_num_threads())
    rows = []
    for label, (method, needs) in METHODS.items():
        copy = peers.out_of_place(model)
        sides = {
            "ours": partial(run, graph, images, method, starts),
            "products": lambda: [a @ b for _ in range(PRODUCTS)],
            "memory": add,
            "zennit": partial(peers.zennit_relevance, copy, images, label, hooked, tuple(hooked)),
        }
        if name == "vgg16" and label == "z_plus" and which == "paper":
            sides["captum"] = partial(captum_sweep, model, images, modules, vectors)
        memory = peak_memory(lambda: run(trace(model, images), images, method, starts))  # noqa: B023
        seconds = side_by_side(sides, repeats, within={"ours": kept_pages}, untimed={"ours": 4})
        with kept_pages():
            for _ in range(4):
                sides["ours"]()
            with ProductTime() as products:
                sides["ours"]()
        rate, bandwidth = PRODUCTS * 2 * GEMM_SIZE**3 / seconds["products"], moved / seconds["memory"]
        needed = list(floor.passes(graph, starts, needs))
        by_flops, with_bytes = floor.flops(needed) / rate, floor.seconds(needed, rate, bandwidth)
        peer = [f"{seconds[p] / seconds['ours']:.2f}×" if p in seconds else "" for p in ("zennit", "captum")]
        times = [seconds["ours"], by_flops, seconds["ours"] / by_flops, seconds["ours"] / with_bytes]
        parts = [*(f"{x:.2f}" for x in (*times, products.seconds / by_flops)), f"{memory / 1e9:.1f}"]
        rows.append([name, label, f"{len(starts)} × {vectors}", *parts, *peer])
        print(*rows[-1], sep="  ", flush=True)
    return rows


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--rows", default=ROWS)
    arguments = parser.parse_args()
    print(describe_machine(("torch", "torchvision", "zennit", "captum")))
    rows = []
    for row in arguments.rows.split(","):
        name, which = row.split("/")
        rows += compare(name, which, arguments.repeats if which == "paper" else 1)
    header = ["network", "method", "starts × vectors", "seconds", "floor", "time / floor"]
    header += ["time / floor with bytes", "products / floor", "memory in GB"]
    write_table(
        "engine",
        "One sweep for all start layers against zennit and captum (CPU, float32, 1 image of 224²)",
        [*header, "zennit / ours", "captum / ours"],
        rows,
        f"Medians of {arguments.repeats} interleaved runs, forward included; torch {torch.__version__}; "
        f"floor: flops needed at the rate of torch's float32 product of {GEMM_SIZE}², timed among them; "
        "floor with bytes: every pass of a layer takes as long as its flops or its bytes, at the bandwidth "
        "of an addition of large arrays, timed among them, too (the model: benchmarks/floor.py). Each timed "
        "run follows untimed ones (four, inside kept_pages, as in csc; the peers', which gain nothing "
        "from more, one). Products: the time inside torch's convolutions and matrix products. Memory: the "
        "peak beyond the process with its model, recorded activations and copies of weights included. "
        "Rows with five vectors, from all layers of VGG-16 or all blocks of ResNet-50, were timed once.",
    )


if __name__ == "__main__":
    main()
