"""Figure 4: chains of random matrices with VGG-16's shapes collapse to rank one, simulated and predicted.

    python simulations/fig4.py --out out/fig4 [--samples 20] [--seed 0] [--protocol corrected|paper]
                               [--probes 32] [--weights FILE.npz] [--weights-step rectified|linear]

N(0, 1) vectors (the probes) are multiplied by 16 random factors, Z16 first, Z1 last. 1 − |cos| of a pair says
how parallel it becomes: 0 where nothing is left of where the two started but sign and scale. Each factor of
each sample is *one* standard normal matrix that all ensembles of both panels share (common random numbers);
samples are independent, and the numbers do not depend on the number of cores. Two protocols summarise the
same pairs:

corrected   pairs of different vectors, the median over pairs and samples with its 95 % interval; float32
            products, whose accuracy has no floor (rankone.chain)
paper       what the paper's code computes: float64, 1 − the mean |cos| over all pairs *and* each probe with
            itself, then the median over samples; a subtraction, so 0 where a double cannot show more

Theory, with no free parameter: the moment-state law, and for ReLU the wide-limit recursion (rankone.laws). It
is the median pair's under both protocols: a mean of 1 − |cos| follows the worst pairs, up to a decade above.

--weights adds a chain of your own: Z1, Z2, … of C = Z1 Z2 …, Z1 nearest the input, as `rankone certify` takes
them, or their transposes W1, W2, … from output to input. `chain_of_sample` is the way back: the factors of a
simulated chain, to be certified.

Writes fig4.csv, fig4.png and fig4.pdf in about 10 s on two cores.
"""

import argparse
import os
from collections.abc import Callable, Sequence
from multiprocessing.pool import ThreadPool
from pathlib import Path
from typing import NamedTuple, NoReturn

import numpy as np
from numpy.typing import NDArray
from threadpoolctl import threadpool_limits
from tqdm import tqdm

from paper_figs import chains as figure
from rankone import laws
from rankone.chain import Step, Strand, linear, random_chains, rectified, running_products, written_out
from rankone.ensembles import Ensemble, alpha_beta, non_negative, positive, stochastic, vanilla
from rankone.errors import one_line, refuse
from rankone.pattern import refuse_gaps
from rankone.results import protocol
from rankone.results.arrays import read_arrays
from rankone.results.median import clustered_median
from rankone.results.null import null_median
from rankone.results.table import Row
from rankone.results.tables import FIG4
from rankone.shapes import VGG16, Shapes
from rankone.similarity import finite_matrix

SAMPLES = 20
PROBES = 32
ALPHA_BETA = ((1, 0), (2, 1), (3, 2), (4, 3), (5, 4), (10, 9))
DRAWS = 10_000  # of the moment-state law: its median is then known to 0.02 decades or better
STEPS = {"linear": linear, "rectified": rectified}
ORDERS = {"Z": "input to the output", "W": "output to the input"}  # of one's own matrices, by their letter

Floats = NDArray[np.float64]


class Curve(NamedTuple):
    """One curve of the figure; α and β only where they are its name."""

    panel: str
    ensemble: str
    strand: Strand
    alpha: float | str = ""
    beta: float | str = ""


CURVES = (
    Curve("a", "vanilla", Strand(vanilla)),
    Curve("a", "relu", Strand(vanilla, rectified)),
    Curve("a", "stochastic", Strand(stochastic)),
    Curve("a", "positive", Strand(positive)),
    Curve("a", "non_negative", Strand(non_negative)),
    *(Curve("b", "alpha_beta", Strand(alpha_beta(a, b)), a, b) for a, b in ALPHA_BETA),
)
STRANDS = tuple(
    dict.fromkeys(curve.strand for curve in CURVES)
)  # non_negative is α = 1, β = 0: simulated once


def simulate(
    samples: int,
    *,
    seed: int,
    probes: int = PROBES,
    shapes: Shapes = VGG16,
    dtype: type = np.float32,
    threads: int | None = None,
) -> Floats:
    """log10(1 − |cos|) of every pair: (samples, depth + 1, STRANDS, pairs), NaN where a vector has died.

    threads: samples simulated at a time, one for each core by default; no number depends on it.
    """

    def sample(rng: np.random.Generator) -> list[list[Floats]]:
        chains = random_chains(STRANDS, shapes, vectors=probes, rng=rng, dtype=dtype)
        return [[bundle.log10_distances() for bundle in bundles] for bundles in chains]

    rngs = generators(seed, samples)
    # Samples are what runs in parallel. BLAS threads under each of them would fight: seven times slower.
    with threadpool_limits(1, user_api="blas"), ThreadPool(threads or os.cpu_count()) as pool:
        return np.array(list(tqdm(pool.imap(sample, rngs), total=samples, desc="figure 4", unit="sample")))


def chain_of_sample(
    sample: int,
    ensemble: Ensemble,
    *,
    seed: int,
    probes: int = PROBES,
    shapes: Shapes = VGG16,
    dtype: type = np.float32,
) -> tuple[Floats, list[Floats]]:
    """The probes (probes, n_k) and the factors [Z1, …, Zk] that `simulate` multiplies in sample 0, 1, …"""
    rng = generators(seed, sample + 1)[sample]
    return written_out(ensemble, shapes, vectors=probes, rng=rng, dtype=dtype)


def generators(seed: int, samples: int) -> list[np.random.Generator]:
    """One for each sample, the same however many there are."""
    sequences = np.random.SeedSequence(seed).spawn(samples)
    return [np.random.Generator(np.random.SFC64(sequence)) for sequence in sequences]


def simulate_weights(
    factors: Sequence[Floats], samples: int, *, seed: int, probes: int = PROBES, step: Step = rectified
) -> Floats:
    """The same for one's own [Z1, Z2, …], (samples, depth + 1, pairs): samples differ in the probes only."""
    rng = np.random.default_rng(np.random.SeedSequence(seed, spawn_key=(samples,)))
    starts = rng.standard_normal((samples, probes, factors[-1].shape[1]))
    return np.array([[b.log10_distances() for b in running_products(R, factors, step)] for R in starts])


def median_of_pairs(x: Floats) -> Floats:
    """Median, low, high of 1 − |cos|, each (steps,), from log10 of it, x (samples, steps, pairs)."""
    return 10 ** np.array([clustered_median(at_step) for at_step in x.swapaxes(0, 1)]).T


def median_of_means(x: Floats) -> Floats:
    """The same by the paper's code: per sample 1 − nanmean |cos|, each living probe with itself included."""
    known = np.isfinite(x) | np.isneginf(x)
    different = known.sum(axis=2)
    alive = (1 + np.sqrt(1 + 8 * different)) / 2  # a(a − 1)/2 pairs of different living vectors
    cosines = np.where(known, 1 - 10**x, 0).sum(axis=2)
    with np.errstate(invalid="ignore"):
        means = np.where(different > 0, 1 - (cosines + alive) / (different + alive), np.nan)
    return np.array([clustered_median(at_step[:, None]) for at_step in means.T]).T


def summary_of(chosen: protocol.Protocol) -> Callable[[Floats], Floats]:
    return median_of_means if chosen.self_pairs else median_of_pairs


def theory(strand: Strand, shapes: Shapes = VGG16, *, seed: int = 0) -> Floats:
    """Median of 1 − |cos| of a pair after 0, 1, … factors, by law."""
    ensemble, step = strand
    if step is rectified:  # exactly orthogonal is the median of the signed cosine of two starts
        return np.array([null_median(shapes[0][0]), *laws.relu_law(0.0, len(shapes))[1:]])
    moments = [(ensemble.mean(shape), ensemble.variance(shape)) for shape in shapes]
    return moment_state_median(moments, shapes, seed)


def moment_state_median(moments: Sequence[tuple[float, float]], shapes: Shapes, seed: int) -> Floats:
    means, variances = np.transpose(moments)
    rng = np.random.default_rng(seed)
    return 10 ** np.median(laws.moment_state(means, variances, shapes, draws=DRAWS, rng=rng), axis=1)


def rows_of(curve: Curve, summary: Floats, law: Floats) -> list[Row]:
    """The rows of the table FIG4."""
    return [
        {
            "panel": curve.panel,
            "ensemble": curve.ensemble,
            "alpha": curve.alpha,
            "beta": curve.beta,
            "multiplications": k,
            "median": median,
            "low": low,
            "high": high,
            "theory": expected,
        }
        for k, ((median, low, high), expected) in enumerate(zip(summary.T, law, strict=True))
    ]


def load_weights(path: Path) -> list[Floats]:
    """[Z1, Z2, …] of an .npz file that holds them, or their transposes W1, W2, … from output to input.

    ValueError if the file holds anything else.
    """
    arrays = read_arrays(path)
    letter = min(arrays, default="")[:1]
    names = [f"{letter}{k}" for k in range(1, len(arrays) + 1)]
    if letter not in ORDERS or sorted(names) != sorted(arrays):
        expected, got = "arrays W1, W2, … or Z1, Z2, …", ", ".join(arrays) or "none"
        refuse(str(path), expected=expected, got=got, do="name them Z1, Z2, … from input to output")
    matrices = [finite_matrix(name, arrays[name]) for name in names]
    refuse_gaps(matrices, letter=letter, order=ORDERS[letter])
    return matrices if letter == "Z" else [W.T for W in reversed(matrices)]


def rows_of_weights(options: argparse.Namespace) -> list[Row]:
    """The curve "learned"; its theory, if steps are linear, from the mean and variance of each matrix."""
    factors, step = load_weights(options.weights), STEPS[options.weights_step]
    x = simulate_weights(factors, options.samples, seed=options.seed, probes=options.probes, step=step)
    law = np.full(len(factors) + 1, np.nan)
    if step is linear:
        downwards = [Z.T for Z in reversed(factors)]
        moments, shapes = [(W.mean(), W.var()) for W in downwards], tuple(W.shape for W in downwards)
        law = moment_state_median(moments, shapes, seed=0)
    summarise = summary_of(protocol.named(options.protocol))
    return rows_of(Curve("a", "learned", Strand(vanilla, step)), summarise(x), law)


def run(options: argparse.Namespace) -> None:
    for name, least in (("samples", 1), ("probes", 2), ("seed", 0)):
        if (value := getattr(options, name)) < least:
            refuse(f"--{name}", expected=f"an integer >= {least}", got=value, do=f"give {least} or more")
    chosen = protocol.named(options.protocol)
    summarise = summary_of(chosen)
    options.out.mkdir(parents=True, exist_ok=True)
    learned = rows_of_weights(options) if options.weights else []

    x = simulate(options.samples, seed=options.seed, probes=options.probes, dtype=chosen.chain_precision)
    distances = {strand: x[:, :, k] for k, strand in enumerate(STRANDS)}
    rows = [
        row
        for curve in CURVES
        for row in rows_of(curve, summarise(distances[curve.strand]), theory(curve.strand))
    ] + learned
    table = FIG4.write(options.out / "fig4.csv", rows)
    print(agreement(rows))
    print(f"pairs without a direction (dead vectors), left out: {np.isnan(x).mean():.2%}")
    print(table, *figure.draw(table), sep="\n")


def agreement(rows: Sequence[Row]) -> str:
    """For each curve the largest distance of theory from simulation, and the interval's half-width there."""
    lines = ["largest |theory − simulated median| in decades (± half the 95 % interval there)"]
    for key in dict.fromkeys((row["ensemble"], row["alpha"], row["beta"]) for row in rows):
        mine = [row for row in rows if (row["ensemble"], row["alpha"], row["beta"]) == key]
        with np.errstate(divide="ignore", invalid="ignore"):
            columns = ("median", "low", "high", "theory")
            median, low, high, law = np.log10([[row[c] for row in mine] for c in columns])
            gap = np.abs(law - median)
        if not np.isfinite(gap).any():
            continue
        k = np.argmax(np.where(np.isfinite(gap), gap, -1))
        name = " ".join(str(part) for part in key if part != "")
        lines.append(f"{name:17s} {gap[k]:6.3f} ± {(high[k] - low[k]) / 2:.3f} after {k} multiplications")
    return "\n".join(lines)


class Parser(argparse.ArgumentParser):
    """An ArgumentParser that refuses with one line."""

    def error(self, message: str) -> NoReturn:
        self.exit(2, f"fig4: {message}\n")


def main(arguments: Sequence[str] | None = None) -> None:
    parser = Parser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", type=Path, default=Path("out/fig4"), metavar="DIR", help="where to write")
    parser.add_argument("--samples", type=int, default=SAMPLES, metavar="N", help="independent chains")
    parser.add_argument("--seed", type=int, default=0, metavar="S")
    parser.add_argument("--protocol", default="corrected", metavar="corrected|paper")
    parser.add_argument("--probes", type=int, default=PROBES, metavar="V", help="vectors per sample")
    parser.add_argument("--weights", type=Path, metavar="FILE", help="your chain: Z1, Z2, … or W1, W2, …")
    parser.add_argument(
        "--weights-step", choices=STEPS, default="rectified", help="as in the paper, or linear"
    )
    run(parser.parse_args(arguments))


if __name__ == "__main__":
    with one_line("fig4"):
        main()
