"""Does αW⁺ + βW⁻ with α = β + 1 converge when β < 4?"""

from collections.abc import Mapping

import numpy as np

from rankone.chain import Strand, random_chains
from rankone.claims.record import Claim, Evidence, Verdict, check
from rankone.ensembles import alpha_beta
from rankone.laws import critical_beta
from rankone.shapes import uniform

WIDTHS = (16, 64, 256, 512)
DEPTH, SAMPLES, VECTORS, SEED = 12, 8, 8, 28

#: (width, β) → whether chains of that width converge at a tenth of a decade a multiplication or faster.
CONVERGES = {(512, 4.0): True, (512, 6.0): True, (64, 4.0): False, (32, 3.0): False}
FAST = 0.1


def evidence(
    converges: Mapping[tuple[int, float], bool] = CONVERGES,
    widths: tuple[int, ...] = WIDTHS,
    alpha_minus_beta: float = 1,
) -> Evidence:
    """The critical β of a width, and chains on both sides of it."""
    critical = {n: float(critical_beta(n)) for n in widths}
    ratios = [_alignment(n, beta, alpha_minus_beta) for n, beta in critical.items()]
    rates = {case: _decades(*case) for case in converges}
    return Evidence(
        f"experiment: uniform widths, {DEPTH} factors, {SAMPLES} samples, seed {SEED}",
        (
            check(
                np.allclose(ratios, 1, rtol=1e-12),
                "Mean alignment wins while n μ² > σ², which is β² + β + 1/2 < (n + 1)/(2π): for β below "
                f"{', '.join(f'{beta:.2f} (n = {n})' for n, beta in critical.items())}; n μ²/σ² = 1 there.",
            ),
            *(
                check(
                    (rate > FAST) == converges[n, beta],
                    f"Width {n}, β = {beta:g}, critical {float(critical_beta(n)):.2f}: 1 − |cos| falls "
                    f"{rate:.2f} decades a multiplication: {'converges' if rate > FAST else 'does not'}.",
                )
                for (n, beta), rate in rates.items()
            ),
        ),
    )


def _alignment(n: int, beta: float, alpha_minus_beta: float) -> float:
    ensemble = alpha_beta(beta + alpha_minus_beta, beta)
    return n * ensemble.mean((n, n)) ** 2 / ensemble.variance((n, n))


def _decades(n: int, beta: float) -> float:
    """Decades by which the median 1 − |cos| falls a multiplication, over the second half of the chain."""
    strands, shapes = [Strand(alpha_beta(beta + 1, beta))], uniform(n, DEPTH)
    rngs = np.random.default_rng(SEED).spawn(SAMPLES)
    samples = [
        [b.log10_distances() for (b,) in random_chains(strands, shapes, vectors=VECTORS, rng=rng)]
        for rng in rngs
    ]
    median = np.median(samples, axis=(0, 2))
    return float(median[DEPTH // 2] - median[DEPTH]) / (DEPTH - DEPTH // 2)


CLAIM = Claim(
    id="beta-below-four",
    words="Chains of αW⁺ + βW⁻ with α = β + 1 still converge for β < 4.",
    section="3, figure 4",
    verdict=Verdict.CONDITIONAL,
    because="Where the layers are wide enough: the critical β grows like the square root of the width. "
    "β = 3 fails at width 32, β = 6 converges at width 512. 4 is what the widths of VGG-16 make of it.",
    evidence=evidence,
)
