"""How fast do chains of αW⁺ + βW⁻ tend to rank one? Decades a multiplication, simulated and predicted.

    python simulations/phase_diagram.py [--out DIR] [--seed S] [--samples N]

Square factors of αW⁺ + βW⁻, α = β + 1, W ~ N(0, 1), multiply independent N(0, I) rows. *Measured* is by how
much E[log10 sin²θ] of their pairs falls a multiplication, from the SETTLED-th to the DEPTH-th one. Once rows
are nearly parallel, that is the fall of log10(1 − |cos|). While they are nearly orthogonal (for about n
multiplications of a vanilla chain) the median of 1 − |cos| hardly moves, but E[ln sin²θ] falls by ψ(n/2) −
ψ((n−1)/2) from the first multiplication on, so one statistic serves both mechanisms. It is compared with the
moment state at the same multiplications and with the rate law for great depth. Neither has a free parameter.

Writes phase_diagram.csv, .png and .pdf in about 20 s on two cores.
"""

import argparse
import os
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from threadpoolctl import threadpool_limits
from tqdm import tqdm

from paper_figs import phase_diagram as figure
from rankone import laws
from rankone.chain import Strand, random_chains
from rankone.ensembles import alpha_beta
from rankone.errors import one_line, refuse
from rankone.results.table import Row
from rankone.results.tables import PHASE_DIAGRAM
from rankone.shapes import uniform

WIDTHS = tuple(2**k for k in range(3, 12))
BETAS = tuple(k / 2 for k in range(29))
VECTORS = 4
SETTLED, DEPTH = 12, 36
WIDE, MOST = 2048, 6  # width n gets WIDE/n times as many chains as width WIDE, up to MOST times
DRAWS = 2000


def measured(width: int, betas: Sequence[float], seed: np.random.SeedSequence) -> NDArray[np.float64]:
    """Decades a multiplication for every β, (betas,): means over one chain's pairs; all β share its W."""
    strands = [Strand(alpha_beta(beta + 1, beta)) for beta in betas]
    chains = random_chains(strands, uniform(width, DEPTH), vectors=VECTORS, rng=np.random.default_rng(seed))
    bundles = [b for k, b in enumerate(chains) if k in (SETTLED, DEPTH)]
    return fall(*(np.array([b.log10_distances() for b in at]) for at in bundles)).mean(axis=-1)


def moment_state(width: int, beta: float, seed: np.random.SeedSequence) -> float:
    """What `measured` estimates, by the law."""
    mean, variance = moments(width, beta)
    rng = np.random.default_rng(seed)
    law = laws.moment_state(mean, variance, uniform(width, DEPTH), draws=DRAWS, rng=rng)
    return float(fall(law[SETTLED], law[DEPTH]).mean())


def fall(first: NDArray[np.float64], last: NDArray[np.float64]) -> NDArray[np.float64]:
    """Decades of sin²θ = (1 − |cos|)(1 + |cos|) a multiplication, from log10(1 − |cos|) at its two ends."""
    first, last = (d + np.log10(2 - 10**d) for d in (first, last))
    return (first - last) / (DEPTH - SETTLED)


def moments(width: int, beta: float) -> tuple[float, float]:
    ensemble, shape = alpha_beta(beta + 1, beta), (width, width)
    return ensemble.mean(shape), ensemble.variance(shape)


def study(widths: Sequence[int], betas: Sequence[float], *, samples: int, seed: int) -> Iterator[list[Row]]:
    """The rows of each width as they become known, widest first; the number of cores changes no number."""
    widths = sorted(widths, reverse=True)
    pool = ThreadPoolExecutor(os.cpu_count())
    try:
        with threadpool_limits(1, user_api="blas"):
            chains = {n: samples * min(max(WIDE // n, 1), MOST) for n in widths}
            rates = {
                n: [pool.submit(measured, n, betas, s) for s in seeds(seed, n, chains[n])] for n in widths
            }
            for n in widths:
                yield rows_of_width(n, betas, np.array([rate.result() for rate in rates[n]]), seed)
    finally:
        pool.shutdown(cancel_futures=True)


def rows_of_width(width: int, betas: Sequence[float], rates: NDArray[np.float64], seed: int) -> list[Row]:
    """One row for each β, from the rates (chains, betas)."""
    errors = rates.std(axis=0, ddof=1) / np.sqrt(len(rates))
    law_seeds = seeds(seed + 1, width, len(betas))
    return [
        {
            "width": width,
            "alpha": beta + 1,
            "beta": beta,
            "settled": SETTLED,
            "depth": DEPTH,
            "chains": len(rates),
            "measured": rate,
            "error": error,
            "moment_state": moment_state(width, beta, law_seed),
            "rate_law": float(laws.decades_per_multiplication(*moments(width, beta), width)),
            "critical_beta": float(laws.critical_beta(width)),
        }
        for beta, rate, error, law_seed in zip(betas, rates.mean(axis=0), errors, law_seeds, strict=True)
    ]


def seeds(seed: int, width: int, count: int) -> list[np.random.SeedSequence]:
    return np.random.SeedSequence([seed, width]).spawn(count)


def main(arguments: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--out", type=Path, default=Path("out/phase_diagram"), help="where to write")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--samples", type=int, default=2, help="independent chains at the greatest width")
    options = parser.parse_args(arguments)
    if options.samples < 2:
        refuse(
            "samples", expected=">= 2", got=options.samples, do="give two or more: one chain shows no error"
        )
    if options.seed < 0:
        refuse("seed", expected="an integer >= 0", got=options.seed, do="give 0 or more")
    options.out.mkdir(parents=True, exist_ok=True)

    by_width = study(WIDTHS, BETAS, samples=options.samples, seed=options.seed)
    progress = tqdm(by_width, total=len(WIDTHS), unit="width", desc="phase diagram")
    rows = [row for of_width in progress for row in of_width]
    ordered = sorted(rows, key=lambda row: (row["width"], row["beta"]))
    table = PHASE_DIAGRAM.write(options.out / "phase_diagram.csv", ordered)
    print(*figure.draw(table), sep="\n")
    print(agreement(rows))


def agreement(rows: Sequence[Row]) -> str:
    """How far the simulation is from the two laws, in decades per multiplication."""
    measured, state, rate, beta, critical = (
        np.array([row[c] for row in rows])
        for c in ("measured", "moment_state", "rate_law", "beta", "critical_beta")
    )
    settled = np.abs(beta / critical - 1) > 0.25
    return "\n".join(
        f"|simulated − {name}|: median {np.median(gap):.4f}, "
        f"95 % below {np.quantile(gap, 0.95):.4f}, largest {gap.max():.3f} decades"
        for name, gap in (
            ("moment state", np.abs(measured - state)),
            ("rate law (β more than 25 % from critical)", np.abs(measured - rate)[settled]),
        )
    )


if __name__ == "__main__":
    with one_line("phase_diagram"):
        main()
