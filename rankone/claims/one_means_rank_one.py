"""Does a cosine of 1 at every location mean that C has rank one?"""

import numpy as np

from rankone.claims.exact import Matrix, cos_squared, exact, rank, show
from rankone.claims.record import Claim, Evidence, Verdict, check
from rankone.claims.sources import V1

C = exact([[1, 0, 2], [2, 0, 4], [0, 1, 1], [0, 3, 3]])
LOCATIONS = (slice(0, 2), slice(2, 4))
STARTS, SEED = 200, 48


def evidence(C: Matrix = C, least: int = -9) -> Evidence:
    """C, (4, 3): two locations of two channels; random starts with entries from `least` to 9."""
    rng = np.random.default_rng(SEED)
    starts = [exact(rng.integers(least, 10, 3)) for _ in range(STARTS)]
    maps = [C @ v for v in starts]
    pairs = list(zip(maps[::2], maps[1::2], strict=True))
    local = [cos_squared(x[at], y[at]) for x, y in pairs for at in LOCATIONS if any(x[at]) and any(y[at])]
    whole = [cos_squared(x, y) for x, y in pairs if any(x) and any(y)]
    return Evidence(
        f"exact arithmetic; {STARTS // 2} random pairs of starts, seed {SEED}",
        (
            check(
                local and all(c == 1 for c in local),
                f"C = {show(C)}, two locations of two channels: at each of them |cos| is exactly 1 for all "
                f"of {STARTS // 2} pairs of starts.",
            ),
            check(rank(C) > 1, f"The rank of C is {rank(C)}: as many as there are locations."),
            check(
                min(whole) < 1e-2,
                "How relevance is spread over locations depends on the start: as whole maps, the pairs have "
                f"cos² down to {float(min(whole)):.1e}.",
            ),
        ),
    )


CLAIM = Claim(
    id="one-means-rank-one",
    words="In the plots of the cosine similarity convergence a value of 1 means that C has rank one.",
    source=V1,
    section="section 3, figure 3",
    verdict=Verdict.FALSE,
    because="The cosine is taken along the channels, location by location. 1 everywhere means rank one at "
    "each location; C may then have as many dimensions as locations. It is true of dense layers.",
    evidence=evidence,
)
