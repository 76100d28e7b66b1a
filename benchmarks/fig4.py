"""Figure 4 with 20 samples, beside the reference way and beside its floor: python -m benchmarks.fig4

Reference way: as the paper's code does it, every curve for itself: float64, for each factor a fresh normal
matrix from NumPy's legacy generator, the product, all cosines by a normalised product.
Floor: the random numbers and the matrix products of the figure, on as many threads, and nothing else.
"""

import argparse
import os
import sys
from functools import partial
from multiprocessing.pool import ThreadPool

import numpy as np
from threadpoolctl import threadpool_limits

from benchmarks.measure import gemm_rate, side_by_side, time_of, write_table
from rankone.chain import PANEL
from rankone.shapes import VGG16
from simulations import fig4

REFERENCE_SAMPLES = 2  # its time is proportional to the samples; 20 take minutes


def reference(samples: int) -> None:
    """All curves of figure 4, one after the other, in the published way."""
    rng = np.random.RandomState(0)
    for curve in fig4.CURVES * samples:
        ensemble, step = curve.strand
        R = rng.normal(size=(fig4.PROBES, VGG16[0][0]))
        for shape in VGG16:
            R = R @ ensemble.of(rng.normal(size=shape))
            if step is fig4.rectified:
                R = np.maximum(R, 0)
            norm = np.linalg.norm(R, axis=1, keepdims=True)
            R /= np.where(norm > 0, norm, 1)
            np.nanmean(np.abs(R @ R.T))


def numbers(sequence: np.random.SeedSequence) -> None:
    """One sample's random numbers."""
    walk(sequence, 0)


def numbers_and_products(sequence: np.random.SeedSequence) -> None:
    """One sample's random numbers and matrix products."""
    walk(sequence, len(fig4.STRANDS))


def walk(sequence: np.random.SeedSequence, products: int) -> None:
    rng = np.random.Generator(np.random.SFC64(sequence))
    for n, m in VGG16:
        R = np.ones((fig4.PROBES, n), np.float32)
        width = min(m, max(1, PANEL // n))
        panel = np.empty((n, width), np.float32)
        for _ in range(0, m, width):
            rng.standard_normal(dtype=np.float32, out=panel)
            for _ in range(products):
                R @ panel


def on_cores(cores: int, work, samples: int) -> None:
    with threadpool_limits(1, user_api="blas"), ThreadPool(cores) as pool:
        pool.map(work, np.random.SeedSequence(0).spawn(samples))


def over(floor: float, seconds: float) -> tuple[str, str]:
    return f"{floor:.2f}", f"time/floor {seconds / floor:.2f}"


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--samples", type=int, default=fig4.SAMPLES)
    samples = parser.parse_args().samples
    published = time_of(lambda: reference(REFERENCE_SAMPLES)) * samples / REFERENCE_SAMPLES
    flops = 2 * samples * len(fig4.STRANDS) * fig4.PROBES * sum(n * m for n, m in VGG16)
    rows = [("reference way", "all", f"{published:.1f}", "")]
    for cores in (1, os.cpu_count() or 1):
        seconds = side_by_side(
            {
                "ours": partial(fig4.simulate, samples, seed=0, threads=cores),
                "floor": partial(on_cores, cores, numbers_and_products, samples),
                "numbers": partial(on_cores, cores, numbers, samples),
            }
        )
        with threadpool_limits(cores, user_api="blas"):
            peak = seconds["numbers"] + flops / gemm_rate(np.float32)
        ours = seconds["ours"]
        rows += [
            ("rankone (float32, no floor on 1 − |cos|)", cores, f"{ours:.2f}", f"{published / ours:.1f}×"),
            ("floor: the same numbers and products", cores, *over(seconds["floor"], ours)),
            ("… of which the random numbers", cores, f"{seconds['numbers']:.2f}", ""),
            ("numbers, and flops at a square GEMM's rate", cores, *over(peak, ours)),
        ]
    notes = (
        f"The reference was run with {REFERENCE_SAMPLES} samples; its time is scaled to {samples}. "
        f"It simulates {len(fig4.CURVES)} curves, rankone {len(fig4.STRANDS)}: non-negative is α = 1, β = 0."
    )
    path = write_table(
        "fig4", f"Figure 4, {samples} samples", ("way", "cores", "seconds", "rankone against it"), rows, notes
    )
    sys.stdout.write(path.read_text())


if __name__ == "__main__":
    main()
