"""Are Z⁺ and Z⁻ the positive and the negative entries of LRP_z's matrix Z?"""

import numpy as np

from rankone.claims.exact import Matrix, exact, parallel, show
from rankone.claims.record import Claim, Evidence, Verdict, check
from rankone.claims.rules import positive, z_plus, z_rule
from rankone.claims.sources import V1

W = exact([[2, -3]])
H = exact([1, 1])
LAYERS, SEED = 100, 44


def evidence(W: Matrix = W, h: Matrix = H, least_weight: int = -3) -> Evidence:
    """One neuron, W (1, 2), at h (2,); random layers with weights from `least_weight` to 3."""
    Z, plus = z_rule(W, h)[:, 0], z_plus(W, h)[:, 0]
    rng = np.random.default_rng(SEED)
    layers = [
        (exact(rng.integers(least_weight, 4, (5, 6))), exact(rng.integers(1, 5, 6))) for _ in range(LAYERS)
    ]
    columns = [
        (positive(x), y)
        for V, k in layers
        for x, y, z in zip(z_rule(V, k).T, z_plus(V, k).T, V @ k, strict=True)
        if z > 0
    ]
    equal = sum(bool((x == y).all()) for x, y in columns)
    return Evidence(
        f"exact arithmetic; {LAYERS} random layers, seed {SEED}",
        (
            check(
                (W @ h < 0).all() and (positive(Z) != plus).any() and not parallel(positive(Z), plus),
                f"Contributions {show((W * h)[0])} sum to {(W @ h)[0]}: Z has the column {show(Z)}, "
                f"with the positive part {show(positive(Z))}; z⁺ has {show(plus)}. The sum's sign swaps the "
                "parts.",
            ),
            check(
                all(parallel(x, y) for x, y in columns) and 0 < equal < len(columns) / 2,
                f"Where z_j > 0, as behind a ReLU, the two point the same way, in all {len(columns)} such "
                f"columns of {LAYERS} random layers, but Z's part is Σ z⁺/z_j times as large: they are equal "
                f"in {equal}.",
            ),
        ),
    )


CLAIM = Claim(
    id="z-plus-part",
    words="Z⁺ and Z⁻ are the positive and the negative entries of LRP_z's matrix Z.",
    source=V1,
    section="section 2",
    verdict=Verdict.FALSE,
    because="Each has a denominator of its own, Σ z⁺ or Σ z⁻, where Z has z_j. For active neurons the "
    "positive parts agree up to a factor per neuron; for z_j < 0 they are swapped.",
    evidence=evidence,
)
