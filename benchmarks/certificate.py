"""Certify and verify the z⁺ factors of VGG-16's classifier head (25088-4096-4096-1000, float64).

Run: python -m benchmarks.certificate. Writes benchmarks/results/certificate.md, with the times over the GEMM
floor. Needs 1 GB of disk for the factors.
"""

import resource
import subprocess
import sys
import tempfile
from itertools import pairwise
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from benchmarks.measure import gemm_rate, time_of, write_table
from rankone.proof.certificate import certify, read_factors
from rankone.proof.verify import verify

WIDTHS = (25088, 4096, 4096, 1000)
SEED = 0
GIB = 2**30


def z_plus_factor(rng: np.random.Generator, inputs: int, outputs: int) -> NDArray[np.float64]:
    """Z of shape (inputs, outputs): x_i w⁺_ij / Σ_i x_i w⁺_ij with He weights and half-active inputs."""
    x = np.maximum(rng.standard_normal(inputs), 0)
    Z = np.maximum(rng.standard_normal((inputs, outputs)) * np.sqrt(2 / inputs), 0)
    Z *= x[:, None]
    Z /= Z.sum(axis=0)
    return Z


def write_head(path: Path) -> None:
    rng = np.random.default_rng(SEED)
    shapes = pairwise(WIDTHS)
    np.savez(path, **{f"Z{l}": z_plus_factor(rng, *shape) for l, shape in enumerate(shapes, start=1)})


def peak_memory() -> float:
    """GiB of resident memory that this process has reached."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024 / GIB


def main(command: str, folder: Path) -> None:
    """One command in a process of its own, for a peak memory of its own; prints seconds, GiB, words."""
    factors, certificate = folder / "head.npz", folder / "head.json"
    if command == "make":
        write_head(factors)
    elif command == "certify":
        seconds = time_of(lambda: certify(read_factors(factors), file=factors.name).write(certificate))
        print(f"{seconds} {peak_memory()} {certificate.name}")
    else:
        words: list[str] = []
        seconds = time_of(lambda: words.append(verify(certificate)))
        print(f"{seconds} {peak_memory()} {words[0]}")


def run(command: str, folder: str) -> str:
    arguments = [sys.executable, "-m", "benchmarks.certificate", command, folder]
    return subprocess.run(arguments, check=True, capture_output=True, text=True).stdout


if __name__ == "__main__":
    if len(sys.argv) == 3:
        main(sys.argv[1], Path(sys.argv[2]))
        sys.exit()
    n0, n1, n2, n3 = WIDTHS
    floor = 2 * (n1 * n2 * n3 + n0 * n1 * n3) / gemm_rate()
    rows = []
    with tempfile.TemporaryDirectory() as folder:
        run("make", folder)
        for command, limit in (("certify", 60), ("verify", 90)):
            seconds, memory, words = run(command, folder).split(maxsplit=2)
            numbers = [f"{float(x):.1f}" for x in (seconds, float(seconds) / floor, memory)]
            rows.append((command, limit, *numbers, words.strip()))
            print(*rows[-1])
    path = write_table(
        "certificate",
        "Certificate of a classifier head, 25088-4096-4096-1000 in float64",
        ("command", "limit in s", "seconds", "times the GEMM floor", "peak GiB", "says"),
        rows,
        notes=f"GEMM floor: the two products from the right, {floor:.1f} s at the rate measured beside. "
        "Seconds include reading and hashing the factors. Beyond the products: the Hilbert diameter and the "
        "total variation of 499,500 pairs of columns of 25,088 entries, 2.5e10 differences.",
    )
    print(path.read_text())
