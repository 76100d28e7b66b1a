"""Contraction coefficients at 4096 × 4096 over their floors, structure at 10,000 × 10,000 with 1e6 entries.

    python -m benchmarks.contraction

Writes benchmarks/results/contraction.md. The floor of a diameter is the arithmetic on all cores on data that
never leave the cache: for max − min NumPy's subtraction, maximum and minimum in float32, for Σ|·| SciPy's
compiled loop in float64.
"""

import os
import resource
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import numpy as np
from scipy import sparse
from scipy.spatial.distance import cdist, pdist

from benchmarks.measure import gemm_rate, median_time, time_of, write_table
from rankone import contraction, structure

N = 4096
CACHED = (16, N)  # float32: 512 KiB of operand and buffer; float64: 512 KiB
SPARSE_N, ENTRIES = 10_000, 1_000_000
HEAVY_COLUMNS, HEAVY_ENTRIES = 150, 6_600  # the hard case of scrambling: no row is quickly refused


def cached_rate(differences: int, pass_over_cache: Callable[[], Callable[[], object]]) -> float:
    """Differences a second, all cores together, each with data of its own that stay in its cache."""
    repeats, cores = 200, len(os.sched_getaffinity(0))

    def work(_: int) -> None:
        one_pass = pass_over_cache()
        for _ in range(repeats):
            one_pass()

    def on_all_cores() -> None:
        with ThreadPoolExecutor(cores) as pool:
            list(pool.map(work, range(cores)))

    return cores * repeats * differences / median_time(on_all_cores)


def numpy_oscillations() -> Callable[[], object]:
    """max − min of the differences between a tile and a point, float32."""
    tile, point, buffer = (np.ones(shape, np.float32) for shape in (CACHED, N, CACHED))

    def one_pass() -> None:
        np.subtract(tile, point, out=buffer)
        np.maximum.reduce(buffer, axis=1)
        np.minimum.reduce(buffer, axis=1)

    return one_pass


def scipy_sums() -> Callable[[], object]:
    """Σ|·| of the differences between a tile and itself, float64."""
    tile = np.ones(CACHED)
    return lambda: cdist(tile, tile, "cityblock")


def plain_diameter(A: np.ndarray) -> float:
    """The obvious way: one column against all later ones, whole columns at a time, one core."""
    logs = np.ascontiguousarray(np.log(A).T)
    return max(float(np.ptp(logs[i + 1 :] - logs[i], axis=1).max()) for i in range(len(logs) - 1))


def sparse_patterns(rng: np.random.Generator) -> dict[str, sparse.csr_array]:
    n = SPARSE_N
    uniform = sparse.random_array((n, n), density=ENTRIES / n**2, format="csr", rng=rng)
    columns = rng.choice(n, HEAVY_COLUMNS, replace=False)
    rows = np.concatenate([rng.choice(n, HEAVY_ENTRIES, replace=False) for _ in columns])
    places = (rows, np.repeat(columns, HEAVY_ENTRIES))
    heavy = sparse.csr_array((np.ones(rows.size), places), shape=(n, n))
    return {"uniform": uniform, "heavy columns": heavy}


def main() -> None:
    rng = np.random.default_rng(0)
    pair_rows = N * (N - 1) / 2 * N
    tile_rows, m = CACHED
    osc = cached_rate(tile_rows * m, numpy_oscillations)
    l1 = cached_rate(tile_rows * tile_rows * m, scipy_sums)
    plain = np.exp(rng.random((N, N)))
    half_normal = np.abs(rng.standard_normal((N, N)))
    product = half_normal @ np.abs(rng.standard_normal((N, N)))
    shares = half_normal / half_normal.sum(axis=1, keepdims=True)
    gemm = gemm_rate()

    rows: list[tuple[object, ...]] = []

    def timed(what: str, function: Callable[[], object], floor: float | None) -> None:
        seconds = time_of(function)
        over = "" if floor is None else f"{floor:.2f}"
        ratio = "" if floor is None else f"{seconds / floor:.2f}"
        rows.append((what, f"{seconds:.2f}", over, ratio))
        print(*rows[-1], sep="  ", flush=True)

    floor = pair_rows / osc
    Δ = contraction.projective_diameter
    timed("projective_diameter, exp(uniform): no pair can be skipped", lambda: Δ(plain), floor)
    timed("the same, one column against all later ones", lambda: plain_diameter(plain), floor)
    timed("projective_diameter, half-normal", lambda: Δ(half_normal), floor)
    timed("projective_diameter, product of two half-normal", lambda: Δ(product), floor)
    floor = pair_rows / l1
    timed("dobrushin_coefficient, half-normal rows", lambda: contraction.dobrushin_coefficient(shares), floor)
    timed("the same, scipy.spatial.distance.pdist", lambda: pdist(shares, "cityblock").max() / 2, floor)
    timed("hajnal_lambda, half-normal rows", lambda: contraction.hajnal_lambda(shares), floor)
    timed("cone_angle", lambda: contraction.cone_angle(product), 2 * N**3 / gemm)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20

    for name, pattern in sparse_patterns(rng).items():
        for function in (
            structure.is_irreducible,
            structure.is_primitive,
            structure.is_scrambling,
            structure.is_markov,
        ):
            timed(
                f"{function.__name__}, {name}: {function(pattern)}", lambda f=function, p=pattern: f(p), None
            )
        timed(
            f"zero_one_pattern of three, {name}", lambda p=pattern: structure.zero_one_pattern([p] * 3), None
        )
    write_table(
        "contraction",
        f"Contraction at {N} × {N}, structure at {SPARSE_N} × {SPARSE_N} with about {ENTRIES:.0e} entries",
        ("what", "seconds", "floor, seconds", "times the floor"),
        rows,
        f"Floor of a diameter: {pair_rows:.2e} differences (all pairs, all rows) at the rate in cache on all "
        f"cores, {osc:.2e}/s for max − min (NumPy, float32) and {l1:.2e}/s for Σ|·| (SciPy, float64). Below "
        f"1: pairs that the triangle inequality rules out are skipped. "
        f"Floor of cone_angle: one {N}³ matrix product at "
        f"{gemm / 1e9:.0f} GFLOP/s. Peak memory up to here, operands included: {peak:.2f} GiB.",
    )


if __name__ == "__main__":
    main()
