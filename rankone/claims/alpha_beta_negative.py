"""Can LRP_αβ give negative relevance?"""

from fractions import Fraction

import numpy as np

from rankone.claims.exact import Matrix, exact, show
from rankone.claims.record import Claim, Evidence, Verdict, check
from rankone.claims.rules import alpha_beta
from rankone.claims.sources import V1

W = exact([[1, -1, 2]])
H = exact([1, 2, 1])
ALPHA, BETA = Fraction(2), Fraction(1)
DEPTH, WIDTH, SEED = 6, 64, 45


def evidence(W: Matrix = W, mean: float = 0.0) -> Evidence:
    """One neuron, W (1, 3), at h = H; one unit of a random network with weights of the given `mean`."""
    Z = alpha_beta(W, H, ALPHA, BETA)[:, 0]
    r = _map(mean)
    negative, size = float((r < 0).mean()), float(abs(r).sum())
    return Evidence(
        f"exact arithmetic; a ReLU network of {DEPTH} layers of width {WIDTH}, He weights, seed {SEED}",
        (
            check(
                (Z < 0).any() and Z.sum() == 1,
                f"α{ALPHA}β{BETA} shares relevance 1 among contributions {show((W * H)[0])} as {show(Z)}: "
                f"they sum to {Z.sum()}, and one is negative.",
            ),
            check(
                negative > 0.1 and size > 1,
                f"In a random network {100 * negative:.0f} % of the map of relevance 1 is negative, and its "
                f"absolute values sum to {size:.1f}.",
            ),
        ),
    )


def _map(mean: float) -> Matrix:
    rng = np.random.default_rng(SEED)
    h, Zs = rng.uniform(0, 1, WIDTH), []
    for _ in range(DEPTH):
        V = rng.normal(mean, (2 / WIDTH) ** 0.5, (WIDTH, WIDTH))
        Zs.append(alpha_beta(V, h, float(ALPHA), float(BETA)))
        h = np.maximum(V @ h, 0)
    r = np.eye(WIDTH)[np.argmax(h)]
    for Z in reversed(Zs):
        r = Z @ r
    return np.asarray(r)


CLAIM = Claim(
    id="alpha-beta-negative",
    words="LRP_αβ with β > 0 can give negative relevance: its matrices are not non-negative.",
    source=V1,
    section="section 2",
    verdict=Verdict.HOLDS,
    because="Every negative contribution gets −β times its share. So the theorems on non-negative products "
    "do not speak of it; what makes it converge is the mean of its entries (see beta-below-four).",
    evidence=evidence,
)
