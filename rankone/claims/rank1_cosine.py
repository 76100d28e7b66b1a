"""If C has rank one, do all starts give cosine one?"""

from rankone.claims.exact import Matrix, exact, parallel, show
from rankone.claims.record import Claim, Evidence, Verdict, check
from rankone.claims.sources import V1

C = exact([[1, -2], [2, -4], [3, -6]])  # c γᵀ with c = (1, 2, 3), γ = (1, −2)
STARTS = exact([[1, 3], [2, 0]])
CANCELLED = exact([2, 1])


def evidence(C: Matrix = C, starts: Matrix = STARTS, cancelled: Matrix = CANCELLED) -> Evidence:
    """A rank-one C, two starts of opposite sign of γᵀv, and one with γᵀv = 0.

    C: (n, m); starts: (m, 2); cancelled: (m,).
    """
    x, y = (C @ starts).T
    return Evidence(
        "exact arithmetic",
        (
            check(
                parallel(x, y),
                f"C = {show(C)} sends two starts to {show(x)} and {show(y)}: |cos| is exactly 1.",
            ),
            check(
                x @ y < 0,
                f"Their inner product is {x @ y}: the signed cosine is −1, so the sign is not shared.",
            ),
            check(
                not any(C @ cancelled),
                f"The start {show(cancelled)} is sent to {show(C @ cancelled)}, which has no direction "
                "and no cosine.",
            ),
        ),
    )


CLAIM = Claim(
    id="rank1-cosine",
    words="If C = c γᵀ has rank one, C v has the same direction for every start v: the cosine "
    "similarity is one.",
    source=V1,
    section="section 3",
    verdict=Verdict.CONDITIONAL,
    because="For the absolute value of the cosine, and for starts with γᵀv ≠ 0. The signed cosine may be −1.",
    evidence=evidence,
)
