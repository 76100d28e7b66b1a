"""Is the jump of the cosine at the input an effect of its three channels?"""

import numpy as np

from rankone.chain import Strand, random_chains
from rankone.claims.record import Claim, Evidence, Verdict, check
from rankone.claims.sources import V1
from rankone.ensembles import Ensemble, vanilla
from rankone.results.null import null_median
from rankone.shapes import VGG16, Shape

BODY = VGG16[6:-1]
SAMPLES, VECTORS, SEED = 30, 16, 29


def evidence(channels: int = 3, control: int = 64, ensemble: Ensemble = vanilla) -> Evidence:
    """Random chains through VGG-16's convolution widths; a last factor to `channels`, or to `control`."""
    before, three = _medians(ensemble, (64, channels))
    same_before, wide = _medians(ensemble, (64, control))
    null, wide_null = 1 - null_median(channels), 1 - null_median(control)
    return Evidence(
        f"experiment: vanilla chains, {len(BODY) + 1} factors, {SAMPLES} samples, seed {SEED}",
        (
            check(
                abs(null - 1 / 2) < 1e-12,
                f"Independent directions in {channels} dimensions have median |cos| = {null:.3f} (cos "
                f"is uniform on [−1, 1]), in {control} dimensions {wide_null:.3f}.",
            ),
            check(
                three - before > 0.2,
                f"A last random factor from 64 to {channels} channels raises the median |cos| from "
                f"{before:.3f} to {three:.3f}.",
            ),
            check(
                before == same_before and abs(wide - before) < 0.05,
                f"From the same vectors a last factor from 64 to {control} channels leads from "
                f"{same_before:.3f} to {wide:.3f}: no jump. The number of channels makes it.",
            ),
        ),
    )


def _medians(ensemble: Ensemble, last: Shape) -> tuple[float, float]:
    """Median |cos| before and after the last factor."""
    rngs = np.random.default_rng(SEED).spawn(SAMPLES)
    samples = [
        [
            b.log10_distances()
            for (b,) in random_chains([Strand(ensemble)], (*BODY, last), vectors=VECTORS, rng=rng)
        ]
        for rng in rngs
    ]
    before, after = 1 - np.median(10 ** np.array(samples), axis=(0, 2))[-2:]
    return float(before), float(after)


CLAIM = Claim(
    id="input-jump",
    words="The jump of the cosine similarity at the input comes from its having only three channels.",
    source=V1,
    section="section 3",
    verdict=Verdict.HOLDS,
    because="In random chains the jump appears with three channels and not with 64. So a curve says "
    "something at a layer only next to its null: median |cos| = 0.5 for three channels.",
    evidence=evidence,
)
