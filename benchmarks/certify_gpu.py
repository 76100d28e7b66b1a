"""Certify networks with 1,000 classes on a GPU, in float64, down to the image, and verify that on the CPU.

Run on a machine with a GPU: OPENBLAS_NUM_THREADS=1 python -m benchmarks.certify_gpu. Writes
benchmarks/results/certify_gpu.md. One thread for each product of matrices: the verifier has its own.
"""

import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import torch

from benchmarks.measure import median_time, time_of, write_table
from rankone.proof.verify_network import verify_network
from torch_backend import images, methods, models
from torch_backend.commands import certify
from torch_backend.commands.certify import Proof
from torch_backend.proof.all_columns import Room
from torch_backend.proof.stretch import products

NETWORKS = ("vgg16", "resnet50")  # with random weights
ROOM = Room(memory=40 * 10**9, work=0)
VERIFIER = 32 * 10**9  # bytes for its columns
GEMM_SIZE = 8192
LIMIT = "10"  # seconds that were asked for, of VGG-16
NOTES = (
    "{}, PyTorch {}. Certify: the network is traced and carried out in float64, all classes go down, pairs "
    "of them are compared where `all_columns` allows it, three random starts, the books. Floor: two flops "
    "for each weight and place that a class passes, at {:.0f} TFLOP/s, measured, of float64 matrix products. "
    "Verify: NumPy on the machine's CPU cores, from the files."
)


def seconds_of(function) -> float:
    """Until the GPU has done it, too."""

    def finished() -> None:
        function()
        torch.cuda.synchronize()

    return time_of(finished)


def gemm_rate() -> float:
    """Of a product of float64 matrices on the GPU, in floating-point operations a second."""
    a = torch.randn(GEMM_SIZE, GEMM_SIZE, dtype=torch.float64, device="cuda")
    return 2 * GEMM_SIZE**3 / median_time(lambda: (a @ a, torch.cuda.synchronize()))


def rows(name: str, rate: float, folder: Path) -> Iterator[tuple[object, ...]]:
    """What certifying one image takes, and verifying it."""
    network = models.load(name, "random").cuda()
    image = images.read("sample", images.preprocessing(name))[:1].cuda()
    done: list[Proof] = []

    def run() -> None:
        done[:] = [certify.measure(network, image, methods.z_plus, "logits", "input", ROOM)]

    first, again = (seconds_of(run) for _ in range(2))
    (proof,) = done
    columns = len(proof.of.columns())
    floor = 2 * columns * sum(products(node) for stretch in proof.of.way for node in stretch.nodes) / rate
    memory = f"{torch.cuda.max_memory_allocated() / 2**30:.0f}"
    says = certify.sentences(proof, ())[0]
    limit = LIMIT if name == "vgg16" else "-"
    yield (
        name,
        "certify, GPU",
        limit,
        f"{again:.1f} (first {first:.1f})",
        f"{again / floor:.1f}",
        memory,
        says,
    )
    path = folder / f"{name}.cert.json"
    seconds = time_of(lambda: certify.write_certificate(path, name, proof, ()))
    size = sum(file.stat().st_size for file in folder.glob(f"{name}.*")) / 2**30
    yield name, "write the files", "-", f"{seconds:.1f}", "-", "-", f"{size:.1f} GiB"
    said: list[str] = []
    seconds = time_of(lambda: said.append(verify_network(path, memory=VERIFIER)))
    yield name, "verify, CPU", "-", f"{seconds:.0f}", "-", "-", said[0]


if __name__ == "__main__":
    rate, found = gemm_rate(), []
    for name in sys.argv[1:] or NETWORKS:
        with tempfile.TemporaryDirectory() as folder:
            for row in rows(name, rate, Path(folder)):
                found.append(row)
                print(*row, flush=True)
                write_table(
                    "certify_gpu",
                    "Certificates on a GPU: random weights, one image, z⁺, 1,000 classes down to the image",
                    ("network", "step", "limit in s", "seconds", "times the GEMM floor", "GPU GiB", "says"),
                    found,
                    notes=NOTES.format(torch.cuda.get_device_name(), torch.__version__, rate / 1e12),
                )
