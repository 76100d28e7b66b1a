"""Is Excitation BP the same rule as LRP α1β0?"""

import numpy as np

from rankone.claims.exact import Matrix, exact, show
from rankone.claims.record import Claim, Evidence, Verdict, check
from rankone.claims.rules import alpha_beta, excitation
from rankone.claims.sources import V1

LAYERS, SEED = 100, 25
W = exact([[1, -1]])
SIGNED = exact([1, -2])


def evidence(least_input: int = 0, signed: Matrix = SIGNED) -> Evidence:
    """Random layers with inputs from `least_input` to 4; one neuron, W (1, 2), at a `signed` input (2,)."""
    rng = np.random.default_rng(SEED)
    layers = [
        (exact(rng.integers(-3, 4, (5, 6))), exact(rng.integers(least_input, 5, 6))) for _ in range(LAYERS)
    ]
    ebp, lrp = excitation(W, signed), alpha_beta(W, signed, 1, 0)
    return Evidence(
        f"exact arithmetic; {LAYERS} random layers, seed {SEED}",
        (
            check(
                all((excitation(V, h) == alpha_beta(V, h, 1, 0)).all() for V, h in layers),
                f"For inputs ≥ 0 the two matrices are equal, entry by entry, in {LAYERS} random layers "
                "without bias: (w h)⁺ = w⁺ h.",
            ),
            check(
                (ebp != lrp).any(),
                f"For weights {show(W[0])} and the input {show(signed)} Excitation BP has the shares "
                f"{show(ebp[:, 0])}, LRP α1β0 {show(lrp[:, 0])}.",
            ),
        ),
    )


CLAIM = Claim(
    id="ebp-is-a1b0",
    words="Excitation BP is equal to LRP α1β0.",
    source=V1,
    section="section 2",
    verdict=Verdict.CONDITIONAL,
    because="For non-negative inputs, without biases, and from the same start: so behind every ReLU, "
    "but not at an input of normalised pixels, where (w h)⁺ and w⁺ h differ.",
    evidence=evidence,
)
