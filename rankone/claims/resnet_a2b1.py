"""Do all z⁺-like methods but LRP α2β1 converge on ResNet-50, and is it the rule or a clip that decides?"""

import numpy as np

from rankone.claims.conv_net import Floats
from rankone.claims.record import Claim, Evidence, Verdict, check
from rankone.claims.sources import V1
from rankone.ensembles import alpha_beta
from rankone.similarity import one_minus_abs_cosine

WIDTH, DEPTH, STARTS, CHAINS, SEED = 32, 12, 8, 20, 32
CLIP = (0.0, 1000.0)
NO_CLIP = (-np.inf, np.inf)


def evidence(clip: tuple[float, float] = CLIP, steep: float = 4.0, mild: float = 1.0) -> Evidence:
    """Random αβ chains, α = β + 1, with an identity path, as residual blocks have, with and without a `clip`.

    steep, mild: the β of a rule that does not and of one that does converge on its own at this width.
    """
    free, clipped, own = (
        _median_cosine(*case) for case in ((steep, NO_CLIP), (steep, clip), (mild, NO_CLIP))
    )
    return Evidence(
        f"experiment: {CHAINS} chains of {DEPTH} random residual blocks of width {WIDTH}, seed {SEED}",
        (
            check(
                free < 0.6, f"α{steep + 1:g}β{steep:g} without a clip ends with a median |cos| of {free:.3f}."
            ),
            check(
                clipped > 0.95,
                f"With relevance clipped to [{clip[0]:g}, {clip[1]:g}] at every addition it ends with "
                f"{clipped:.3f}: the clip alone makes such a chain converge.",
            ),
            check(
                own > 0.95,
                f"α{mild + 1:g}β{mild:g} without a clip ends with {own:.4f}: the rule and the additions "
                "alone do not make it an exception.",
            ),
        ),
    )


def _median_cosine(beta: float, clip: tuple[float, float]) -> float:
    """Median |cos| of N(0, I) starts after blocks r ← clip(r/‖r‖ + Ar/‖Ar‖), A = (β + 1)W⁺ + βW⁻."""
    cosines = []
    for rng in np.random.default_rng(SEED).spawn(CHAINS):
        R = rng.standard_normal((STARTS, WIDTH))
        for _ in range(DEPTH):
            A = alpha_beta(beta + 1, beta).draw(rng, (WIDTH, WIDTH))
            R = np.clip(_unit(R) + _unit(R @ A), *clip)
        cosines.append(1 - one_minus_abs_cosine(R))
    return float(np.nanmedian(cosines))


def _unit(R: Floats) -> Floats:
    size = np.linalg.norm(R, axis=1, keepdims=True)
    return np.asarray(R / np.where(size > 0, size, 1))


CLAIM = Claim(
    id="resnet-a2b1",
    words="On ResNet-50 all the modified backpropagation methods but LRP α2β1 converge.",
    source=V1,
    section="section 5, appendix A",
    verdict=Verdict.CONDITIONAL,
    because="Not of random residual blocks: α2β1 converges in them, and with the reference "
    "implementation's clip of relevance to [0, 1000] at additions any rule does. It needs trained "
    "weights and no clip: `resnet-a2b1-trained` (`rankone claims --networks`).",
    evidence=evidence,
)
