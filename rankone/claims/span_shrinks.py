"""Does the cone spanned by the columns shrink with every factor?"""

import numpy as np

from rankone.claims.exact import Matrix, exact, least_cos_squared, show
from rankone.claims.record import Claim, Evidence, Verdict, check
from rankone.claims.sources import V1

A = exact([[3, 1, 0], [1, 2, 1], [0, 0, 1]])
CYCLE = exact([[0, 0, 1], [1, 0, 0], [0, 1, 0]])
PAIRS, WIDTH, SEED = 200, 4, 20


def evidence(A: Matrix = A, permutation: Matrix = CYCLE, least_entry: int = 0) -> Evidence:
    """A product with an irreducible permutation, and random pairs with entries from `least_entry` to 3."""
    before, after = least_cos_squared(A), least_cos_squared(A @ permutation)
    rng = np.random.default_rng(SEED)
    changes = [
        least_cos_squared(B @ D) - least_cos_squared(B)
        for B, D in ((_without_zero_column(rng, least_entry) for _ in "BD") for _ in range(PAIRS))
    ]
    return Evidence(
        f"exact arithmetic; {PAIRS} random pairs of {WIDTH} × {WIDTH} matrices, seed {SEED}",
        (
            check(
                after == before and sorted(map(show, A.T)) == sorted(map(show, (A @ permutation).T)),
                f"P = {show(permutation)} is irreducible; the columns of A P are those of A = {show(A)} "
                f"in another order, so the cone is the same and its smallest cos² stays {before}.",
            ),
            check(
                min(changes) >= 0,
                f"It never grows: the columns of B D lie in the cone of B. In {PAIRS} random pairs the "
                f"smallest cos² never fell; it rose in {sum(change > 0 for change in changes)}.",
            ),
        ),
    )


def _without_zero_column(rng: np.random.Generator, least_entry: int) -> Matrix:
    while True:
        B = exact(rng.integers(least_entry, 4, size=(WIDTH, WIDTH)))
        if (B != 0).any(axis=0).all():
            return B


CLAIM = Claim(
    id="span-shrinks",
    words="Irreducibility ensures that the span of the columns shrinks in every iteration.",
    source=V1,
    section="section 2",
    verdict=Verdict.FALSE,
    because="An irreducible permutation leaves the cone as it is. What is true of every non-negative "
    "factor without zero columns: the cone never grows. A positive factor shrinks it.",
    evidence=evidence,
)
