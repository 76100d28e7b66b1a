"""The paper's whole figure-3 grid on one device: every chain method, its start layers, five vectors.

    python -m benchmarks.figure3_grid --device cuda --images 200          # on a GPU: VGG-16 in under 120 s
    python -m benchmarks.figure3_grid --device cpu --images 1 --size 64   # the same code, small

float32 with TF32 off (it moves 1 − |cos| by 1e-3), random weights (the arithmetic does not know them). Writes
seconds for each method, the achieved rate (flops needed over seconds) beside the device's own matrix product,
and zennit on the same device, one image at a time with its vectors in the batch, where it is installed.
"""

import argparse
import importlib.util
from functools import partial

import torch
from torch import Tensor

from benchmarks import engine, floor, peers
from benchmarks.engine import MODULES, start_vectors
from benchmarks.measure import describe_machine, time_of, write_table
from torch_backend import csc, methods, trace
from torch_backend.inputs.models import load

SEED = 0
VECTORS = 5
METHODS = {
    **engine.METHODS,
    "deconv": (methods.deconv, engine.METHODS["gradient"][1]),
    "alpha_beta:5:4": (methods.alpha_beta(5, 4), engine.METHODS["alpha_beta:2:1"][1]),
}
GEMM_SIZE = 8192


def synchronised(function, device: torch.device) -> float:
    """Seconds of one call, the device's queue drained before and after."""
    drain = torch.cuda.synchronize if device.type == "cuda" else (lambda: None)
    drain()
    return time_of(lambda: (function(), drain()))


def gemm_rate(device: torch.device, size: int) -> float:
    """Flops a second of the device's float32 matrix product, TF32 off, best of five."""
    a, b = torch.randn(2, size, size, generator=torch.Generator().manual_seed(SEED)).to(device)
    return 2 * size**3 / min(synchronised(lambda: a @ b, device) for _ in range(5))


def zennit_seconds(
    model, image: Tensor, label: str, starts: dict[str, Tensor], device: torch.device
) -> float:
    """Seconds of zennit for one image, after one call that warms up."""
    call = partial(peers.zennit_relevance, model, image, label, starts, tuple(starts))
    call()
    return synchronised(call, device)


def grid(name: str, count: int, size: int, device: torch.device) -> list[list[str]]:
    """One row for each method: seconds, TFLOP/s, share of the matrix product's rate, zennit's ratio."""
    model = load(name, weights="random", seed=SEED).to(device)
    images = torch.randn(count, 3, size, size, generator=torch.Generator().manual_seed(SEED)).to(device)
    modules = MODULES[name]
    one = trace(model, images[:1])
    starts = {layer: start.to(device) for layer, start in start_vectors(one, tuple(modules), VECTORS).items()}
    rate = gemm_rate(device, GEMM_SIZE if device.type == "cuda" else 1024)
    peer = peers.out_of_place(model) if importlib.util.find_spec("zennit") else None
    rows, total = [], 0.0
    for label, (method, needs) in METHODS.items():
        call = partial(csc, model, images, method, tuple(modules), VECTORS, SEED)
        seconds = synchronised(call, device)
        total += seconds
        needed = count * floor.flops(floor.passes(one, starts, needs))
        ratio = ""
        if peer is not None and label not in ("deconv", "alpha_beta:5:4"):
            by_module = {modules[layer]: start for layer, start in starts.items()}
            ratio = f"{count * zennit_seconds(peer, images[:1], label, by_module, device) / seconds:.2f}×"
        rows.append(
            [
                name,
                label,
                f"{seconds:.2f}",
                f"{needed / seconds / 1e12:.3f}",
                f"{needed / seconds / rate:.2f}",
                ratio,
            ]
        )
        print(*rows[-1], sep="  ", flush=True)
    return [*rows, [name, "all", f"{total:.2f}", "", "", ""]]


def main(arguments: list[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--device", default="cuda" if torch.cuda.is_available() else "cpu")
    parser.add_argument("--images", type=int, default=200 if torch.cuda.is_available() else 1)
    parser.add_argument("--size", type=int, default=224)
    parser.add_argument("--models", default="vgg16,resnet50")
    options = parser.parse_args(arguments)
    device = torch.device(options.device)
    torch.backends.cuda.matmul.allow_tf32 = torch.backends.cudnn.allow_tf32 = False
    card = torch.cuda.get_device_name() if device.type == "cuda" else "CPU"
    print(describe_machine(("torch", "torchvision", "zennit")), card)
    rows = [
        row for name in options.models.split(",") for row in grid(name, options.images, options.size, device)
    ]
    write_table(
        f"figure3_grid_{device.type}",
        f"Figure 3's grid on {card}: {options.images} images of {options.size}², {VECTORS} vectors, float32",
        ["network", "method", "seconds", "TFLOP/s", "share of GEMM rate", "zennit / ours"],
        rows,
        "No TF32. Ours: the whole CSC (start vectors, cosines, statistics); zennit: backward passes alone.",
    )


if __name__ == "__main__":
    main()
