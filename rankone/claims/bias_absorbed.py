"""Can the bias be absorbed into the weights and be forgotten?"""

from collections.abc import Callable

import numpy as np

from rankone.claims.exact import Matrix, exact, show
from rankone.claims.record import Claim, Evidence, Verdict, check
from rankone.claims.rules import alpha_beta, positive, z_plus, z_rule
from rankone.claims.sources import V1

W = exact([[2, -1, 1], [-1, 3, 2]])
B = exact([2, -1])
H = exact([1, 2, 1])
DEPTH, WIDTH, SEED = 16, 64, 41

Biases = Callable[[np.random.Generator, int], Matrix]


def small_biases(rng: np.random.Generator, width: int) -> Matrix:
    """N(0, 0.1²), a tenth of the activations' size."""
    return rng.normal(0, 0.1, width)


def evidence(b: Matrix = B, extra: int = 1, biases: Biases = small_biases) -> Evidence:
    """One layer W at H with biases b (2,) and an `extra` input; the z⁺ chain of a network with `biases`."""
    W1, h1 = np.column_stack([W, b]), np.append(H, exact([extra]))
    rules = [z_rule(W1, h1), alpha_beta(W1, h1, 2, 1)], [z_rule(W, H, b), alpha_beta(W, H, 2, 1, b)]
    taken = z_plus(W1, h1)[-1]
    kept = _kept(biases)
    return Evidence(
        f"exact arithmetic; a ReLU network of {DEPTH} layers of width {WIDTH}, He weights, seed {SEED}",
        (
            check(
                (W1 @ h1 == W @ H + b).all()
                and all((big[:-1] == small).all() for big, small in zip(*rules, strict=True)),
                f"With an extra input of {extra} and the weights b = {show(b)} the layer puts out the same, "
                "and LRP_z and α2β1 are those with the bias in the denominators, row by row.",
            ),
            check(
                (taken > 0).any(),
                f"But the extra input is a unit like the others: z⁺ gives it {show(taken)} of what the two "
                "neurons hand on, and nothing below gets that back.",
            ),
            check(
                kept[-1] < 0.9 < kept[0] < 1,
                f"Through {DEPTH} random layers with biases a tenth as large as the activations "
                f"{100 * kept[0]:.0f} % of the relevance is left after one and {100 * kept[-1]:.0f} % at the "
                "input.",
            ),
        ),
    )


def _kept(biases: Biases) -> list[float]:
    """Share of the relevance of the top layer's active units that is left below each layer, from the top."""
    rng = np.random.default_rng(SEED)
    h, Zs = rng.uniform(0, 1, WIDTH), []
    for _ in range(DEPTH):
        V, b = rng.normal(0, (2 / WIDTH) ** 0.5, (WIDTH, WIDTH)), biases(rng, WIDTH)
        Zs.append(alpha_beta(V, h, 1, 0, b))
        h = positive(V @ h + b)
    r, kept = h / h.sum(), []
    for Z in reversed(Zs):
        r = Z @ r
        kept.append(float(r.sum()))
    return kept


CLAIM = Claim(
    id="bias-absorbed",
    words="Biases need no treatment of their own: they can be absorbed into the weights.",
    source=V1,
    section="section 2",
    verdict=Verdict.CONDITIONAL,
    because="The forward pass and the rules are the same, with an extra input of 1. That input then takes "
    "relevance in every layer, so what reaches the image is no longer all of it.",
    evidence=evidence,
)
