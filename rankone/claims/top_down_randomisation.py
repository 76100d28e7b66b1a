"""Does randomisation from the top keep what the forward pass gives to the maps?"""

import numpy as np
from numpy.typing import NDArray

from rankone.claims.record import Claim, Evidence, Verdict, check
from rankone.claims.rules import positive, z_plus
from rankone.claims.sources import BINDER

WIDTH, BELOW, ABOVE, NETWORKS, SEED = 128, 2, 4, 20, 60
UNEVEN = 1.0  # standard deviation of the logarithm of a unit's gain

Floats = NDArray[np.float64]


def evidence(
    uneven: float = UNEVEN, kept: int = 0, above: int = ABOVE, lower: tuple[int, int] = (0, BELOW)
) -> Evidence:
    """BELOW layers of units with log-normal gains, `above` He layers on them; one logit is explained.

    All layers above but `kept` are redrawn; of those below first none (top-down), then all: `lower`.
    """
    top_down, everything = (np.median(_similarities(uneven, kept, above, k), axis=0) for k in lower)
    return Evidence(
        f"experiment: {NETWORKS} networks of {BELOW} + {above} layers of width {WIDTH}, seed {SEED}",
        (
            check(
                abs(top_down[0]) < 0.2,
                f"All {above} layers above a layer are redrawn. Its gradient keeps next to nothing: median "
                f"rank correlation over units, absolute values, {top_down[0]:+.2f}.",
            ),
            check(
                top_down[1] > 0.3,
                f"LRP_z's relevance, gradient ⊙ activation, has {top_down[1]:.2f}, over active units alone: "
                "the activations are those of before.",
            ),
            check(
                top_down[2] > 0.8,
                f"z⁺ has {top_down[2]:.2f}: above, it hardly tells units apart, so that its relevance is the "
                "activation.",
            ),
            check(
                abs(everything[1:]).max() < 0.2,
                f"With the {BELOW} layers below it redrawn, too, {everything[1]:+.2f} and "
                f"{everything[2]:+.2f} are left: what remained was the forward pass.",
            ),
        ),
    )


def _similarities(uneven: float, kept: int, above: int, redrawn: int) -> list[tuple[float, ...]]:
    """Rank correlations of |gradient|, |LRP_z| and z⁺ before and after, over the units active in both."""
    rows = []
    for rng in np.random.default_rng(SEED).spawn(NETWORKS):
        x = rng.uniform(0, 1, WIDTH)
        lower, upper = _uneven_layers(rng, BELOW, uneven), _layers(rng, above)
        other_lower = lower[: BELOW - redrawn] + _uneven_layers(rng, redrawn, uneven)
        other_upper = upper[:kept] + _layers(rng, above - kept)
        first, second = _explained(x, lower, upper), _explained(x, other_lower, other_upper)
        both = (first[1] != 0) & (second[1] != 0)
        pairs = zip(first, second, strict=True)
        rows.append(tuple(rank_correlation(a[both], b[both]) for a, b in pairs))
    return rows


def _explained(x: Floats, lower: list[Floats], upper: list[Floats]) -> tuple[Floats, Floats, Floats]:
    """|gradient|, |gradient ⊙ activation| and z⁺ relevance of one logit, between the two parts."""
    for W in lower:
        x = positive(W @ x)
    hs = [x]
    for W in upper:
        hs.append(positive(W @ hs[-1]))
    k = int(np.argmax(hs[-1]))
    gradient = relevance = np.eye(WIDTH)[k]
    for W, h, y in zip(upper[::-1], hs[-2::-1], hs[:0:-1], strict=True):
        gradient, relevance = W.T @ (gradient * (y > 0)), z_plus(W, h) @ relevance
    return abs(gradient), abs(gradient * x), relevance


def _layers(rng: np.random.Generator, depth: int) -> list[Floats]:
    return list(rng.normal(0, (2 / WIDTH) ** 0.5, (depth, WIDTH, WIDTH)))


def _uneven_layers(rng: np.random.Generator, depth: int, uneven: float) -> list[Floats]:
    return [np.exp(uneven * rng.standard_normal((WIDTH, 1))) * W for W in _layers(rng, depth)]


def rank_correlation(a: Floats, b: Floats) -> float:
    """Spearman's, with mean ranks where values are equal."""
    ranks = [np.searchsorted(np.sort(v), v, "left") + np.searchsorted(np.sort(v), v, "right") for v in (a, b)]
    return float(np.corrcoef(ranks[0], ranks[1])[0, 1])


CLAIM = Claim(
    id="top-down-randomisation",
    words="Top-down randomisation preserves the scales of the forward activations, so explanations can only "
    "be expected to differ to a certain extent.",
    source=BINDER,
    section="abstract",
    verdict=Verdict.HOLDS,
    because="Seen on random networks with uneven units: a relevance that has the activation as a factor "
    "keeps its order though every weight above is new, the gradient keeps next to nothing. So a similarity "
    "after top-down randomisation is to be read beside the share that the forward pass alone causes.",
    evidence=evidence,
)
