"""If n independent starts all give cos = 1, is C of rank one?"""

from itertools import product

import numpy as np

from rankone.claims.exact import Matrix, exact, identity, parallel, rank, show
from rankone.claims.record import Claim, Evidence, Verdict, check
from rankone.claims.sources import V1

C = exact([[1, 1, 0], [0, 0, 1]])
STARTS = exact([[1, 0], [0, 1], [0, 0]])
BASIS = identity(3)


def evidence(C: Matrix = C, starts: Matrix = STARTS, basis: Matrix = BASIS) -> Evidence:
    """A 2 × 3 counterexample, and the true converse over all 729 matrices of its shape with entries −1, 0, 1.

    C: (n, m); starts: (m, n), its columns the starts v_i; basis: (m, k), the starts of the true converse.
    """
    v, w = starts.T
    small = [exact(np.reshape(entries, C.shape)) for entries in product((-1, 0, 1), repeat=C.size)]
    blind = [D for D in small if _all_parallel(D @ basis)]
    return Evidence(
        "exact arithmetic",
        (
            check(rank(starts) == 2, f"v1 = {show(v)} and v2 = {show(w)} are n = 2 independent starts."),
            check(
                parallel(C @ v, C @ w) and (C @ v) @ (C @ w) > 0,
                f"C = {show(C)}, n × m = 2 × 3, sends them to {show(C @ v)} and {show(C @ w)}: cos is "
                "exactly 1.",
            ),
            check(rank(C) > 1, f"The rank of C is {rank(C)} all the same."),
            check(
                blind and all(rank(D) == 1 for D in blind),
                f"With a basis of all of R^m and no C v_i = 0 the converse is true: of all {len(small)} "
                f"matrices with entries −1, 0, 1, {len(blind)} pass the test, and every one of them has "
                "rank 1.",
            ),
        ),
    )


def _all_parallel(images: Matrix) -> bool:
    first, *others = images.T
    return all(parallel(first, other) for other in others)


CLAIM = Claim(
    id="rank1-converse",
    words="If n linearly independent vectors v_i all have cos(C v_i, C v_j) = 1, then C, n × m with n ≤ m, "
    "has rank one.",
    source=V1,
    section="section 3",
    verdict=Verdict.FALSE,
    because="n starts do not span R^m: what C does to the other m − n directions is never seen. True "
    "for starts that span all of R^m and are not sent to zero; N(0, I) starts do so once there are m "
    "of them.",
    evidence=evidence,
)
