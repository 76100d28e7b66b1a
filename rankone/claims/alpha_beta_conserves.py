"""Does α − β = 1 make LRP_αβ conserve relevance?"""

from fractions import Fraction

from rankone.claims.exact import Matrix, exact, show
from rankone.claims.record import Claim, Evidence, Verdict, check
from rankone.claims.rules import alpha_beta
from rankone.claims.sources import V1

BETAS = (Fraction(0), Fraction(1, 2), Fraction(1), Fraction(4))
BOTH_SIGNS = exact([[1, -2, 3], [2, 2, -5], [-1, 4, -1]])
ONE_SIGN = exact([[1, 2, 1], [-1, -2, -1]])
BIAS = exact([1, -2, 3])
H = exact([1, 2, 1])


def evidence(both_signs: Matrix = BOTH_SIGNS, one_sign: Matrix = ONE_SIGN, bias: Matrix = BIAS) -> Evidence:
    """Neurons with contributions of both signs, of one sign only, and with biases; (m, 3) and (m,)."""
    sums = [alpha_beta(both_signs, H, b + 1, b).sum(axis=0) for b in BETAS]
    lone = alpha_beta(one_sign, H, 2, 1).sum(axis=0)
    biased = alpha_beta(both_signs, H, 2, 1, bias).sum(axis=0)
    return Evidence(
        "exact arithmetic",
        (
            check(
                all((total == 1).all() for total in sums),
                f"Neurons with contributions of both signs hand on exactly what they get, for β = "
                f"{', '.join(map(str, BETAS))} and α = β + 1.",
            ),
            check(
                (lone == exact([2, -1])).all(),
                "With α = 2, β = 1, neurons with only positive and only negative contributions hand on "
                f"{show(lone)} times what they get: α and −β.",
            ),
            check(
                (biased != 1).all(),
                f"Biases b = {show(bias)} in the denominators take their shares, positive or negative: "
                f"such neurons hand on {show(biased)} times what they get.",
            ),
        ),
    )


CLAIM = Claim(
    id="alpha-beta-conserves",
    words="With α − β = 1 the LRP_αβ rule conserves relevance.",
    source=V1,
    section="section 2",
    verdict=Verdict.CONDITIONAL,
    because="Where every neuron that gets relevance has contributions of both signs and no bias in the "
    "denominators. With one sign only it multiplies its relevance by α or by −β; a bias takes a share "
    "of either sign.",
    evidence=evidence,
)
