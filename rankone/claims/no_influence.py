"""Once the product has rank one, can any later layer change the direction of the map?"""

import numpy as np

from rankone.claims.exact import Matrix, exact, parallel, rank, show
from rankone.claims.record import Claim, Evidence, Verdict, check
from rankone.claims.sources import V1

DIRECTION = exact([1, 2, 5])
GAMMA = exact([3, -1, 2])
C = np.outer(DIRECTION, GAMMA)
MATRICES, SEED = 100, 23


def evidence(direction: Matrix = DIRECTION, C: Matrix = C) -> Evidence:
    """C = c γᵀ, (n, m), times random later factors of any sign, (m, k); `direction` is c, (n,)."""
    rng = np.random.default_rng(SEED)
    products = [C @ exact(rng.integers(-3, 4, size=(C.shape[1], 4))) for _ in range(MATRICES)]
    columns = [column for P in products for column in P.T]
    alive = [column for column in columns if any(column)]
    return Evidence(
        f"exact arithmetic; {MATRICES} random later factors, seed {SEED}",
        (
            check(rank(C) == 1, f"C = {show(C)} has rank one: C = c γᵀ."),
            check(
                alive and all(parallel(column, direction) for column in alive),
                f"C A = c (Aᵀγ)ᵀ: all {len(alive)} non-zero columns of {MATRICES} products C A are "
                f"multiples of c = {show(direction)}; the other {len(columns) - len(alive)} are zero.",
            ),
        ),
    )


CLAIM = Claim(
    id="no-influence",
    words="Once the product is C = c γᵀ, the layers above only scale the saliency map.",
    source=V1,
    section="section 2",
    verdict=Verdict.HOLDS,
    because="By associativity: (c γᵀ) A = c (Aᵀγ)ᵀ. The scale may be negative, or zero: then there is "
    "no map.",
    evidence=evidence,
)
