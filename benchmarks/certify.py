"""Certify and verify networks for one image: z⁺, all classes, with the times over the floor.

Run: python -m benchmarks.certify. Writes benchmarks/results/certify.md. Needs the extra zoo, 2 GB of disk.
"""

import resource
import subprocess
import sys
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import NamedTuple

import torch
from torch import Tensor, nn

from benchmarks.measure import gemm_rate, time_of, write_table
from rankone.proof.verify_network import verify_network
from torch_backend import images, methods, models
from torch_backend.commands import certify
from torch_backend.proof.all_columns import Room
from torch_backend.proof.stretch import products

WIDTHS = (25088, 4096, 4096, 1000)  # VGG-16's classifier head
GIB = 2**30
ROOM = Room(memory=45 * 10**8, work=0)


@dataclass(frozen=True)
class Case:
    """A network and an image, down to which layer all classes are computed, and what was asked for."""

    opened: Callable[[], tuple[nn.Module, Tensor]]
    until: str
    seconds: int


def of_zoo(name: str, place: int) -> Callable[[], tuple[nn.Module, Tensor]]:
    def opened() -> tuple[nn.Module, Tensor]:
        return models.load(name), images.read("sample", images.preprocessing(name))[place, None]

    return opened


def head() -> tuple[nn.Module, Tensor]:
    """VGG-16's head with He weights, and a half-active input."""
    torch.manual_seed(0)
    layers: list[nn.Module] = []
    for n, m in pairwise(WIDTHS):
        dense = nn.Linear(n, m)
        nn.init.kaiming_normal_(dense.weight)
        layers += [dense, nn.ReLU()]
    return nn.Sequential(*layers[:-1]).eval(), torch.randn(1, WIDTHS[0]).clamp(min=0)


CASES = {
    "mri-vgg16, 4 classes": Case(of_zoo("mri-vgg16", 3), "input", 60),
    "moderation-resnet50, 2 classes": Case(of_zoo("moderation-resnet50", 1), "input", 60),
    "imagenet-lite0, 1,000 classes": Case(of_zoo("imagenet-lite0", 0), "input", 600),
    "VGG-16's head, 1,000 classes": Case(head, "input", 60),
}


def peak_memory() -> float:
    """GiB of resident memory that this process has reached."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024 / GIB


def main(command: str, name: str, path: Path) -> None:
    """One command in a process of its own; prints seconds, GiB, multiplications, words."""
    case, words, work = CASES[name], [""], [0]
    if command == "certify":
        network, image = case.opened()

        def run() -> None:
            proof = certify.measure(network, image, methods.z_plus, "logits", case.until, ROOM)
            certify.write_certificate(path, name, proof, ())
            columns = len(proof.of.columns())
            work[0] = columns * sum(products(node) for stretch in proof.of.way for node in stretch.nodes)
            words[0] = certify.sentences(proof, ())[0]

    else:

        def run() -> None:
            words[0] = verify_network(path)

    seconds = time_of(run)
    print(seconds, peak_memory(), work[0], words[0])


class Said(NamedTuple):
    """What a command said: seconds, GiB, multiplications of weights, words."""

    seconds: float
    memory: float
    work: float
    words: str


def run(command: str, name: str, path: Path) -> Said:
    arguments = [sys.executable, "-m", "benchmarks.certify", command, name, str(path)]
    said = subprocess.run(arguments, check=True, capture_output=True, text=True).stdout
    *numbers, words = said.split(maxsplit=3)
    return Said(*map(float, numbers), words.strip())


if __name__ == "__main__":
    if sys.argv[1:2] in (["certify"], ["verify"]):
        main(sys.argv[1], sys.argv[2], Path(sys.argv[3]))
        sys.exit()
    rows: list[tuple[object, ...]] = []

    def add(name: str, command: str, limit: float, floor: float, said: Said) -> None:
        times = f"{said.seconds:.1f}", f"{said.seconds / floor:.1f}", f"{said.memory:.1f}"
        rows.append((name, command, f"{limit:.0f}", *times, said.words))
        print(*rows[-1], flush=True)

    for name in sys.argv[1:] or CASES:
        with tempfile.TemporaryDirectory() as folder:
            path, rate = Path(folder) / "it.cert.json", gemm_rate()
            done = run("certify", name, path)
            floor = 2 * done.work / rate
            add(name, "certify", CASES[name].seconds, floor, done)
            add(name, "verify", 2 * done.seconds, floor, run("verify", name, path))
    path = write_table(
        "certify",
        "Certificates of networks, one image, z⁺, all classes down to the image",
        ("network", "command", "limit in s", "seconds", "times the GEMM floor", "peak GiB", "says"),
        rows,
        notes="Floor: two flops for each weight and place that a class passes, at the rate of NumPy's matrix "
        "products in float64, measured beside. Certify: the network is traced and carried out in float64, "
        "all classes go down, five random starts for comparison, the books; files are written. Verify: NumPy "
        "alone, from the files. Limits: what was asked for; verification twice the time of certifying.",
    )
    print(path.read_text())
