"""Is it negative entries that keep a chain from converging?"""

import numpy as np

from rankone.chain import Strand, random_chains
from rankone.claims.exact import Matrix, exact, orthogonal, show
from rankone.claims.record import Claim, Evidence, Verdict, check
from rankone.claims.sources import V1
from rankone.ensembles import Ensemble, alpha_beta
from rankone.shapes import uniform

PERMUTATION = exact([[0, 0, 1], [1, 0, 0], [0, 1, 0]])
SIGNED = alpha_beta(7, 6)
WIDTH, NARROW, DEPTH, SAMPLES, VECTORS, SEED = 512, 64, 24, 3, 8, 52


def evidence(permutation: Matrix = PERMUTATION, signed: Ensemble = SIGNED, narrow: int = NARROW) -> Evidence:
    """Powers of a matrix without negative entries; chains of an ensemble with half of them negative."""
    powers = [np.linalg.matrix_power(permutation, k) for k in range(1, 10)]
    wide, thin = (_end(signed, width) for width in (WIDTH, narrow))
    force, weak = (_force(signed, width) for width in (WIDTH, narrow))
    return Evidence(
        f"exact arithmetic; {DEPTH} factors, {SAMPLES} samples, seed {SEED}",
        (
            check(
                (permutation >= 0).all() and all(map(orthogonal, powers)),
                f"Without any: the powers of {show(permutation)} have orthogonal columns for ever.",
            ),
            check(
                signed.alpha > 0 < signed.beta and force > 1 and wide < 0.01,
                f"With half of the entries negative: α{signed.alpha:g}β{signed.beta:g} at width {WIDTH}, "
                f"n μ²/σ² = {force:.2f}, ends {DEPTH} factors with a median 1 − |cos| of {wide:.0e}.",
            ),
            check(
                weak < 1 and thin > 0.1,
                f"The very same entries at width {narrow}, n μ²/σ² = {weak:.2f}, end with {thin:.2f}: their "
                "mean against their spread and the width decides, not their sign.",
            ),
        ),
    )


def _force(ensemble: Ensemble, n: int) -> float:
    """n μ²/σ²."""
    return n * ensemble.mean((n, n)) ** 2 / ensemble.variance((n, n))


def _end(ensemble: Ensemble, n: int) -> float:
    """Median 1 − |cos| after DEPTH factors of width n."""
    rngs = np.random.default_rng(SEED).spawn(SAMPLES)
    chains = [random_chains([Strand(ensemble)], uniform(n, DEPTH), vectors=VECTORS, rng=rng) for rng in rngs]
    return float(10 ** np.median([[b.log10_distances() for (b,) in chain][-1] for chain in chains]))


CLAIM = Claim(
    id="negative-entries",
    words="Negative entries play a vital role: they are what keeps a chain from converging.",
    source=V1,
    section="section 3, figure 4",
    verdict=Verdict.FALSE,
    because="They are neither needed (a permutation has none) nor enough (α7β6 converges at width 512). For "
    "random factors n μ²/σ² decides; negative entries matter as far as they lower the mean.",
    evidence=evidence,
)
