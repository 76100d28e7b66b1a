"""Are the w²-rule and the z^B-rule non-negative?"""

from collections.abc import Callable
from itertools import product

import numpy as np

from rankone.claims.exact import Matrix, exact, show
from rankone.claims.record import Claim, Evidence, Verdict, check
from rankone.claims.rules import w_squared, z_bounded
from rankone.claims.sources import V1

LAYERS, SEED = 100, 46
LOW, HIGH = exact([-2, -1, -3]), exact([1, 2, 2])
OUTSIDE = exact([2, 0, 0])


def evidence(
    low: Matrix = LOW,
    high: Matrix = HIGH,
    outside: Matrix = OUTSIDE,
    squared: Callable[[Matrix], Matrix] = w_squared,
) -> Evidence:
    """Random layers at corners, faces and the middle of a box, low and high (3,); a point `outside` of it."""
    rng = np.random.default_rng(SEED)
    layers = [exact(rng.integers(-3, 4, (4, 3))) for _ in range(LAYERS)]
    points = [exact(x) for x in product(*zip(low, (low + high) / 2, high, strict=True))]
    inside = [z_bounded(W, x, LOW, HIGH) for W in layers for x in points]
    beyond = [z_bounded(W, outside, LOW, HIGH) for W in layers]
    squares = [squared(W) for W in layers]
    columns = [set(Z.sum(axis=0)) for Z in (*squares, *inside)]
    return Evidence(
        f"exact arithmetic; {LAYERS} random layers, seed {SEED}",
        (
            check(
                all((Z >= 0).all() for Z in squares),
                f"w²: no share is negative in {LAYERS} random layers; squares over their sum.",
            ),
            check(
                all((Z >= 0).all() for Z in inside),
                f"z^B: none at any of {len(points)} points of the box from {show(LOW)} to {show(HIGH)}, its "
                "corners included: x w − l w⁺ − h w⁻ = (x − l) w⁺ + (h − x) |w⁻|. That is linear in each "
                "x_i, so the corners decide for the whole box.",
            ),
            check(
                all(sums <= {0, 1} for sums in columns),
                "Both conserve: every column sums to 1, or to 0 where a neuron has no weights or no share.",
            ),
            check(
                any((Z < 0).any() for Z in beyond),
                f"At {show(outside)}, outside the box, z^B has negative shares.",
            ),
        ),
    )


CLAIM = Claim(
    id="w2-zb-non-negative",
    words="The w²-rule and the z^B-rule of Deep Taylor Decomposition have non-negative matrices.",
    source=V1,
    section="section 2",
    verdict=Verdict.HOLDS,
    because="Always for w². For z^B where the input lies within its bounds, as it must for the rule to be "
    "defined: bounds that miss a pixel (those of raw pixels for normalised ones) break it.",
    evidence=evidence,
)
