"""Does αW⁺ + βW⁻ with α = β + 1 converge when β < 4?"""

from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from rankone.chain import Strand, random_chains
from rankone.claims.record import Claim, Evidence, Verdict, check
from rankone.claims.sources import V1
from rankone.ensembles import alpha_beta
from rankone.laws import critical_beta
from rankone.shapes import VGG16, Shapes, uniform

WIDTHS = (16, 64, 256, 512)
DEPTH, SAMPLES, VECTORS, SEED = 20, 4, 8, 28

#: Multiplications of VGG-16's chain: at width 512, and from 128 down to 64.
WIDE, NARROW = (3, 8), (12, 15)
LATE = (DEPTH // 2, DEPTH)

#: (width, β) → whether chains of that width converge at a tenth of a decade a multiplication or faster.
CONVERGES = {(512, 4.0): True, (512, 6.0): True, (64, 4.0): False, (32, 3.0): False}
FAST = 0.1

#: β → whether the median 1 − |cos| of VGG-16's chain is below a tenth, one factor above its input.
VGG = {3.0: True, 4.0: True, 6.0: True, 9.0: False}
BELOW = -1.0
STALLS = 5.0


def evidence(
    converges: Mapping[tuple[int, float], bool] = CONVERGES,
    widths: tuple[int, ...] = WIDTHS,
    alpha_minus_beta: float = 1,
    vgg: Mapping[float, bool] = VGG,
    stalls: float = STALLS,
) -> Evidence:
    """The critical β of a width, chains on both sides of it, and VGG-16's chain, narrow layers and all."""
    critical = {n: float(critical_beta(n)) for n in widths}
    ratios = [_alignment(n, beta, alpha_minus_beta) for n, beta in critical.items()]
    rates = {(n, beta): _slope(_curves([beta], uniform(n, DEPTH))[0], *LATE) for n, beta in converges}
    *ends, stalling = _curves([*vgg, stalls], VGG16)
    wide, narrow = (_slope(stalling, *part) for part in (WIDE, NARROW))
    return Evidence(
        f"experiment: {DEPTH} factors of one width, VGG-16 shapes; {SAMPLES} samples, seed {SEED}",
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
                    f"{rate:.2f} decades a multiplication: "
                    f"{'converges' if rate > FAST else 'does not, by mean alignment'}.",
                )
                for (n, beta), rate in rates.items()
            ),
            *(
                check(
                    (end[-2] < BELOW) == reached,
                    f"VGG-16's shapes, β = {beta:g}: the median 1 − |cos| is 10^{end[-2]:.1f} one factor "
                    "above the input.",
                )
                for end, (beta, reached) in zip(ends, vgg.items(), strict=True)
            ),
            check(
                wide > 2 * narrow,
                f"With β = {stalls:g} it falls {wide:.2f} decades a multiplication there at width 512, and "
                f"{narrow:.2f} from 128 down to 64: the narrow layers stall first.",
            ),
        ),
    )


def _alignment(n: int, beta: float, alpha_minus_beta: float) -> float:
    ensemble = alpha_beta(beta + alpha_minus_beta, beta)
    return n * ensemble.mean((n, n)) ** 2 / ensemble.variance((n, n))


def _slope(curve: NDArray[np.float64], first: int, last: int) -> float:
    """Decades by which a curve falls a multiplication, from the first to the last."""
    return float(curve[first] - curve[last]) / (last - first)


def _curves(betas: Sequence[float], shapes: Shapes) -> list[NDArray[np.float64]]:
    """Median log10(1 − |cos|) after 0, 1, … factors for each β, with common random numbers."""
    strands = [Strand(alpha_beta(beta + 1, beta)) for beta in betas]
    samples = [
        [
            [b.log10_distances() for b in bundles]
            for bundles in random_chains(strands, shapes, vectors=VECTORS, rng=rng)
        ]
        for rng in np.random.default_rng(SEED).spawn(SAMPLES)
    ]
    return list(np.median(samples, axis=(0, 3)).T)


CLAIM = Claim(
    id="beta-below-four",
    words="Chains of αW⁺ + βW⁻ with α = β + 1 still converge for β < 4.",
    source=V1,
    section="section 3, figure 4",
    verdict=Verdict.CONDITIONAL,
    because="By mean alignment, where the layers are wide enough: the critical β grows like the square root "
    "of the width. β = 3 fails at width 32, β = 6 converges at width 512. At VGG-16's widths β < 4 does, "
    "but 4 is no limit: β = 6 converges there, β = 9 does not.",
    evidence=evidence,
)
