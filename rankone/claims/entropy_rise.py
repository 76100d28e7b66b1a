"""Does a rise of a map's entropy under full randomisation show that the method is sensitive to parameters?"""

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from rankone.claims.record import Claim, Evidence, Verdict, check
from rankone.claims.sources import HEDSTROEM

PIXELS, BINS, MAPS, SEED = 4096, 100, 50, 59
NOISE = 0.05
TRAINED, RANDOM = 10.0, 0.02  # the logit before and after

Floats = NDArray[np.float64]
Order = Callable[[np.random.Generator, Floats], Floats]


def permuted(rng: np.random.Generator, c: Floats) -> Floats:
    """The values of c at other pixels."""
    return rng.permutation(c)


def evidence(noise: float = NOISE, unscaled: float = 0.0, order: Order = permuted) -> Evidence:
    """Maps f_k(x)·c + noise; the same without noise, plus `unscaled`·c²; c in another `order`."""
    rng = np.random.default_rng(SEED)
    c = np.exp(rng.standard_normal(PIXELS))
    trained, random = (
        [f * c + noise * rng.standard_normal(PIXELS) for _ in range(MAPS)] for f in (TRAINED, RANDOM)
    )
    rises = _rises(trained, random)
    silent = _rises([TRAINED * c], [RANDOM * c + unscaled * c**2])
    orders = [order(rng, c) for _ in range(MAPS)]
    sensitive, alike = _rises([c] * MAPS, orders), [_correlation(c, m) for m in orders]
    return Evidence(
        f"experiment: {MAPS} maps of {PIXELS} pixels, {BINS} bins, seed {SEED}",
        (
            check(
                rises.min() > 0.1,
                f"A method with the same direction for every model, f_k(x)·c and noise of {noise:g}, "
                f"passes: when randomisation takes the logit from {TRAINED:g} to {RANDOM:g}, the entropy of "
                f"its histogram rises by {100 * rises.min():.0f} to {100 * rises.max():.0f} %, in all "
                f"{MAPS} maps.",
            ),
            check(
                abs(silent).max() == 0,
                "It is the noise that rises: without it the histogram of a multiple of c is that of c, and "
                "the rise exactly 0.",
            ),
            check(
                abs(sensitive).max() == 0 and max(map(abs, alike)) < 0.1,
                "A method whose map is c in an order that the parameters choose fails: its rise is exactly "
                f"0, though no two maps are alike (correlations within ±{max(map(abs, alike)):.2f}).",
            ),
        ),
    )


def entropy(m: Floats) -> float:
    """−Σ p ln p of the histogram of a map's values in BINS equal bins from its least to its largest."""
    p = np.histogram(m, BINS)[0] / m.size
    return float(-(p[p > 0] * np.log(p[p > 0])).sum())


def _rises(before: list[Floats], after: list[Floats]) -> Floats:
    """(H(after) − H(before)) / H(before), map by map."""
    return np.array([entropy(b) / entropy(a) - 1 for a, b in zip(before, after, strict=True)])


def _correlation(a: Floats, b: Floats) -> float:
    return float(np.corrcoef(a, b)[0, 1])


CLAIM = Claim(
    id="entropy-rise",
    words="The rise of a map's entropy once all parameters are randomised (eMPRT) tells whether the method "
    "is sensitive to them.",
    source=HEDSTROEM,
    section="eMPRT",
    verdict=Verdict.FALSE,
    because="It sees the histogram of values, not where they stand. A map of constant direction passes by "
    "its noise as the logit shrinks; one that moves every value to another pixel fails.",
    evidence=evidence,
)
