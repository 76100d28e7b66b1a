"""Networks that went through an .onnx file, against themselves: python -m benchmarks.onnx

Five of torchvision's, by both of torch's exporters, at every opset that each can write. In float64, with
batch norms as after training: the output, and relevance at the image under every method of the command line.
"""

import tempfile
import time
from pathlib import Path

import onnx
import torch

from benchmarks.measure import write_table
from tests.helpers.exported import NETWORKS, export, images, original
from tests.helpers.twins.compared import maps, verdicts
from torch_backend import load_onnx, trace

OPSETS = {"TorchScript": (9, 11, 13, 17, 18), "torch.export": (11, 13, 17, 18, 20)}
HEADER = (
    "network",
    "exporter",
    "opset",
    "operators",
    "nodes",
    "output",
    "methods",
    "apart",
    "DeepLIFT",
    "seconds",
)
NOTES = (
    "Random weights, images of 32². Operators: in the file; nodes: what was read of it, and of the network "
    "itself. Output: the largest difference, of the largest entry. Methods: with the same relevance to 1e-9, "
    "of all. Apart: the most that methods other than DeepLIFT are, of the largest entry. DeepLIFT: the most "
    "that its variants are; in googlenet a max-pooling reads a constant image at the reference, where "
    "rounding alone decides which of equal numbers is the largest. Seconds: to load the file. What an "
    "exporter refuses to write is left out."
)


def row(name: str, exporter: str, opset: int, folder: Path, plain: dict) -> tuple[str, ...] | None:
    """What is said of one file; None if the exporter does not write it."""
    model, x = original(name), images(1)
    try:
        path = export(model, folder / f"{name}.onnx", opset, dynamo=exporter == "torch.export")
    except Exception:  # exporters raise whatever they meet
        return None
    begun = time.perf_counter()
    network = load_onnx(path, torch.float64)
    seconds = time.perf_counter() - begun
    y, there = network(x), model(x)
    found = verdicts(plain, maps(network, x))
    apart = {v.method: v.apart if v.apart is not None else float("inf") for v in found}
    deeplift = max(a for name, a in apart.items() if "deeplift" in name)
    others = max(a for name, a in apart.items() if "deeplift" not in name)
    return (
        name,
        exporter,
        str(max(o.version for o in onnx.load(path).opset_import if o.domain == "")),
        str(len(onnx.load(path).graph.node)),
        f"{len(trace(network, x).nodes)} of {len(trace(model, x).nodes)}",
        f"{float((y - there).abs().max() / there.abs().max()):.0e}",
        f"{sum(v.agrees for v in found)} of {len(found)}",
        f"{others:.0e}",
        f"{deeplift:.0e}",
        f"{seconds:.1f}",
    )


if __name__ == "__main__":
    rows = []
    with tempfile.TemporaryDirectory() as folder:
        for name in NETWORKS:
            plain = maps(original(name), images(1))
            for exporter, opsets in OPSETS.items():
                found = (row(name, exporter, opset, Path(folder), plain) for opset in opsets)
                rows += {r[:3]: r for r in found if r is not None}.values()  # opsets that it raises, once
    title = "Networks through .onnx files (CPU, float64, 1 image of 32²)"
    print(write_table("onnx", title, HEADER, rows, NOTES).read_text())
