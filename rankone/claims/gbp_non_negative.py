"""Are the outputs of Guided BP non-negative?"""

from collections.abc import Callable

import numpy as np

from rankone.claims.exact import Matrix, exact, show
from rankone.claims.record import Claim, Evidence, Verdict, check
from rankone.claims.rules import guided, positive
from rankone.claims.sources import V1

W = exact([[1, -1]])
DEPTH, WIDTH, SEED = 6, 128, 26


def evidence(W: Matrix = W, mean: float = 0.0, rectified: Callable[[Matrix], Matrix] = positive) -> Evidence:
    """One neuron, W (1, 2), with relevance 1; then a random network with weights of the given `mean`."""
    start = exact([1])
    r = guided(W, start > 0, start)
    rng = np.random.default_rng(SEED)
    Ws = rng.normal(mean, (2 / WIDTH) ** 0.5, (DEPTH, WIDTH, WIDTH))
    hs = [rng.uniform(0, 1, WIDTH)]
    for V in Ws:
        hs.append(positive(V @ hs[-1]))
    g = np.eye(WIDTH)[np.argmax(hs[-1])]
    least = np.inf
    for V, h in zip(Ws[::-1], hs[:0:-1], strict=True):
        least = min(least, rectified(g).min())
        g = guided(V, h > 0, g)
    negative = float((g < 0).mean())
    return Evidence(
        f"exact arithmetic; a ReLU network of {DEPTH} layers of width {WIDTH}, He weights, seed {SEED}",
        (
            check(
                least >= 0,
                "What a ReLU hands on is non-negative, by definition: the least of all [r_(l+1)]⁺ is "
                f"{least:g}.",
            ),
            check(
                (r < 0).any(),
                f"r_(l+1) = [1]⁺ = 1 through W = {show(W)} gives r_l = Wᵀ [r_(l+1)]⁺ = {show(r)}.",
            ),
            check(
                negative > 0.25,
                f"{100 * negative:.0f} % of the map of a random network is negative at its input.",
            ),
        ),
    )


CLAIM = Claim(
    id="gbp-non-negative",
    words="The ReLU makes the outputs of Guided BP non-negative.",
    source=V1,
    section="section 2",
    verdict=Verdict.CONDITIONAL,
    because="Of the ReLU's own output, [r_(l+1)]⁺, it is true. What leaves the layer, r_l = Wᵀ [r_(l+1)]⁺, "
    "and so the map, is as signed as W.",
    evidence=evidence,
)
