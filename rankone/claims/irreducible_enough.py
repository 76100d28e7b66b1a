"""Do products of irreducible non-negative matrices converge to rank one?"""

import numpy as np

from rankone.claims.exact import Matrix, exact, identity, least_cos_squared, orthogonal, show
from rankone.claims.record import Claim, Evidence, Verdict, check
from rankone.claims.sources import V1

CYCLE = exact([[0, 0, 1], [1, 0, 0], [0, 1, 0]])
PRIMITIVE = (CYCLE + identity(3)) / 2
POWER = 20


def evidence(A: Matrix = CYCLE, primitive: Matrix = PRIMITIVE) -> Evidence:
    """The powers of an irreducible cycle A, and those of a primitive matrix; both (n, n)."""
    n = len(A)
    powers = [np.linalg.matrix_power(A, k) for k in range(1, n + 1)]
    mixed = least_cos_squared(np.linalg.matrix_power(primitive, POWER))
    return Evidence(
        "exact arithmetic",
        (
            check(
                (A >= 0).all() and (np.linalg.matrix_power(identity(n) + A, n - 1) > 0).all(),
                f"A = {show(A)} is non-negative and irreducible: (I + A)^{n - 1} is positive.",
            ),
            check(
                (powers[-1] == identity(n)).all() and all(map(orthogonal, powers)),
                f"A^{n} = I, and the columns of A, …, A^{n} are orthogonal: no power of A is any closer "
                "to rank one than A, however deep the chain.",
            ),
            check(
                mixed > 1 - 1e-9,
                f"Primitive is enough for powers: with M = {show(primitive)} the smallest cos² between "
                f"columns of M^{POWER} is 1 − {float(1 - mixed):.1e}.",
            ),
        ),
    )


CLAIM = Claim(
    id="irreducible-enough",
    words="A product of square irreducible non-negative matrices converges to a matrix of rank one.",
    source=V1,
    section="section 2",
    verdict=Verdict.FALSE,
    because="A cyclic permutation is irreducible. True for blocks B_i of the product with Birkhoff "
    "coefficients τ(B_i) < 1 and Σ (1 − τ(B_i)) = ∞; for powers of one irreducible matrix that means: "
    "primitive.",
    evidence=evidence,
)
