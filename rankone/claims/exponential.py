"""Is the convergence to rank one exponentially fast?"""

from collections.abc import Sequence
from fractions import Fraction
from itertools import combinations
from math import log, log1p

import numpy as np

from rankone.claims.exact import Matrix, exact
from rankone.claims.record import Claim, Evidence, Verdict, check
from rankone.claims.slow_mixing import OffDiagonal, contrast, divergent, products
from rankone.claims.sources import V1

DEPTH, WIDTH, FACTORS, SEED = 200, 4, 40, 21
LOW, HIGH = 1, 4
TAU = Fraction(HIGH - LOW, HIGH + LOW)


def random_factors(low: int = LOW, high: int = HIGH) -> list[Matrix]:
    """FACTORS square matrices of integers from `low` to `high`."""
    rng = np.random.default_rng(SEED)
    return [exact(rng.integers(low, high + 1, size=(WIDTH, WIDTH))) for _ in range(FACTORS)]


def evidence(off_diagonal: OffDiagonal = divergent, factors: Sequence[Matrix] | None = None) -> Evidence:
    """A positive chain that converges like 1/N², and one with sup τ < 1, which converges exponentially.

    Entries between a and b have cross-ratios of at most (b/a)², hence τ = tanh(Δ/4) ≤ (b − a)/(b + a).
    """
    rho = [contrast(P) for P in products(off_diagonal, DEPTH)]
    loss = [2 * r**2 / (1 + r**2) for r in rho]
    diameters = [_diameter(C) for C in _prefixes(random_factors() if factors is None else factors)]
    bound = [float(TAU) ** k * 2 * log(HIGH / LOW) for k in range(len(diameters))]
    return Evidence(
        f"exact arithmetic; {FACTORS} random factors, seed {SEED}",
        (
            check(
                all(x == Fraction(2, (N + 1) ** 2 + 1) for N, x in enumerate(loss, start=1)),
                "Not always: the positive factors [[1, a_n], [a_n, 1]] with a_n = 1/(2n + 1) converge "
                f"to rank one, and 1 − cos = 2/((N+1)² + 1) exactly, for N = 1, …, {DEPTH} (this run: "
                f"{float(loss[9]):.1e} after 10, {float(loss[-1]):.1e} after {DEPTH} factors).",
            ),
            check(
                all(d <= b * (1 + 1e-12) for d, b in zip(diameters, bound, strict=True)),
                f"With sup τ < 1 it is: for {WIDTH} × {WIDTH} factors with entries from {LOW} to "
                f"{HIGH}, τ ≤ {TAU}, and the projective diameter after N factors stays below "
                f"({TAU})^(N−1) · 2 ln {HIGH} for N = 1, …, {len(diameters)} (this run, N = "
                f"{len(diameters)}: {diameters[-1]:.1e} ≤ {bound[-1]:.1e}).",
            ),
        ),
    )


def _prefixes(factors: Sequence[Matrix]) -> list[Matrix]:
    prefixes = [factors[0]]
    for factor in factors[1:]:
        prefixes.append(prefixes[-1] @ factor)
    return prefixes


def _diameter(C: Matrix) -> float:
    """Δ(C) = ln of the largest cross-ratio of two columns; the ratio minus one is exact."""
    ratios = (
        max(x / y for x, y in zip(left, right, strict=True))
        * max(y / x for x, y in zip(left, right, strict=True))
        for left, right in combinations(C.T, 2)
    )
    return log1p(float(max(ratios) - 1))


CLAIM = Claim(
    id="exponential",
    words="The convergence to rank one is exponentially fast.",
    source=V1,
    section="section 2",
    verdict=Verdict.CONDITIONAL,
    because="When the Birkhoff coefficients of the factors (or of blocks of bounded length) stay below "
    "some q < 1. Without such a bound a product may converge to rank one as slowly as one likes.",
    evidence=evidence,
)
