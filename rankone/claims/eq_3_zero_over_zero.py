"""Is the z⁺-rule, as its equation is written, defined for every neuron?"""

from collections.abc import Callable

import numpy as np

from rankone.claims.exact import Matrix, exact, show
from rankone.claims.record import Claim, Evidence, Verdict, check
from rankone.claims.rules import contributions, positive, z_plus
from rankone.claims.sources import V1

W = exact([[-1, -2]])
B = exact([4])
H = exact([1, 1])
LAYERS, SEED = 200, 42


def evidence(
    W: Matrix = W,
    b: Matrix = B,
    h: Matrix = H,
    rule: Callable[[Matrix, Matrix], Matrix] = z_plus,
    highest_bias: int = 0,
) -> Evidence:
    """One neuron, W (1, 2), b (1,), h (2,); random layers with biases from −3 to `highest_bias`."""
    y, parts = positive(W @ h + b), positive(contributions(W, h)).sum(axis=0)
    lost = 1 - rule(W, h).sum(axis=0)
    rng = np.random.default_rng(SEED)
    layers = [
        (
            exact(rng.integers(-3, 4, (5, 3))),
            exact(rng.integers(-3, highest_bias + 1, 5)),
            exact(rng.integers(0, 4, 3)),
        )
        for _ in range(LAYERS)
    ]
    active = [(V @ x + c > 0, positive(contributions(V, x)).sum(axis=0) > 0) for V, c, x in layers]
    defined = [on[alive] for alive, on in active]
    idle = sum(int((~on).sum()) for _, on in active)
    return Evidence(
        f"exact arithmetic; {LAYERS} random layers, seed {SEED}",
        (
            check(
                (y > 0).all() and (parts == 0).all(),
                f"With weights {show(W[0])}, bias {b[0]} and h = {show(h)} a neuron is active, "
                f"{y[0]}, and no contribution is positive: Σ_k z_kj⁺ = 0, and every share is 0/0.",
            ),
            check(
                (lost == 1).all(),
                "Read as 0, as implementations do, the shares lose all of that neuron's relevance: it hands "
                f"on {1 - lost[0]}.",
            ),
            check(
                all(on.all() for on in defined) and idle > 0,
                "Where no bias is positive it cannot happen to an active neuron: all "
                f"{sum(map(len, defined))} active ones of {LAYERS} random layers have a positive "
                f"contribution ({idle} inactive ones have none).",
            ),
        ),
    )


CLAIM = Claim(
    id="eq-3-zero-over-zero",
    words="The z⁺-rule is z_ij⁺ / Σ_k z_kj⁺, for every neuron j.",
    source=V1,
    section="section 2, eq. 3",
    verdict=Verdict.CONDITIONAL,
    because="Where some contribution is positive. Without biases that is every active neuron; a positive "
    "bias can make a neuron active alone, and its shares are then 0/0.",
    evidence=evidence,
)
