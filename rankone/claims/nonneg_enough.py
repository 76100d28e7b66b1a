"""Does a product of non-negative matrices converge to rank one because they are non-negative?"""

from fractions import Fraction

from rankone.claims.exact import Matrix, cos_squared, identity, orthogonal, show
from rankone.claims.record import Claim, Evidence, Verdict, check
from rankone.claims.slow_mixing import OffDiagonal, contrast, products, summable
from rankone.claims.sources import V1

IDENTITY = identity(2)
DEPTH = 200


def evidence(A: Matrix = IDENTITY, off_diagonal: OffDiagonal = summable) -> Evidence:
    """The identity, and positive 2 × 2 matrices whose off-diagonal entries a_n have a finite sum."""
    chain = list(products(off_diagonal, DEPTH))
    closed_form = all(contrast(P) == Fraction(N + 2, 2 * (N + 1)) for N, P in enumerate(chain, start=1))
    cos = [float(cos_squared(*P.T)) ** 0.5 for P in chain]
    return Evidence(
        "exact arithmetic",
        (
            check(
                (A >= 0).all() and (A @ A == A).all() and orthogonal(A),
                f"A = {show(A)} is non-negative, A^N = A, and its columns are orthogonal.",
            ),
            check(
                all((P > 0).all() for P in chain) and closed_form and max(cos) < 3 / 5,
                "Positive entries do not help: A_n = [[1, a_n], [a_n, 1]] with a_n = 1/(2(n+1)² − 1) "
                f"has contrast ρ_N = (N+2)/(2(N+1)) > 1/2, equal to the product for N = 1, …, {DEPTH}. "
                "The induction step equates two ratios of polynomials of degree at most 4 in N, so "
                "agreement at this many N proves it for all. The cosine of the two columns stays below "
                f"3/5 for ever (this run, N = {DEPTH}: {cos[-1]:.4f}).",
            ),
        ),
    )


CLAIM = Claim(
    id="nonneg-enough",
    words="As the matrices of the z⁺-rule are non-negative, their product converges to a matrix of rank one.",
    source=V1,
    section="section 2",
    verdict=Verdict.FALSE,
    because="The identity is non-negative, and even positive factors may stop mixing too soon (Σ a_n < "
    "∞). What is needed: blocks B_i of the product with τ(B_i) < 1 and Σ (1 − τ(B_i)) = ∞.",
    evidence=evidence,
)
