"""Does randomising the last layer flip the sign of a z⁺ map?"""

from fractions import Fraction

from rankone.claims.exact import Matrix, exact, parallel, show
from rankone.claims.record import Claim, Evidence, Verdict, check
from rankone.claims.rules import positive, z_plus
from rankone.claims.sources import V1

X = exact([1, 2, 1])
BODY = (exact([[1, 1, -1], [2, -1, 1]]), exact([[1, 1]]), exact([[1], [2]]))  # a bottleneck of one unit
TRAINED = exact([[2, 1]])
RANDOMISED = exact([[1, -3]])


def evidence(
    trained: Matrix = TRAINED, randomised: Matrix = RANDOMISED, body: tuple[Matrix, ...] = BODY
) -> Evidence:
    """z⁺ maps of one logit, r_n = f_k(x), under two last layers (1, 2) on the same `body`."""
    (f, r), (g, s) = (_explained(W, body) for W in (trained, randomised))
    return Evidence(
        "exact arithmetic",
        (
            check(
                f > 0 and (r >= 0).all(), f"Trained last layer {show(trained)}: f_k(x) = {f}, map {show(r)}."
            ),
            check(
                g < 0 and (s <= 0).all(),
                f"Randomised last layer {show(randomised)}: f_k(x) = {g}, map {show(s)}.",
            ),
            check(
                parallel(r, s),
                f"The second map is exactly {Fraction(s.sum()) / Fraction(r.sum())} times the first: "
                "this body has a bottleneck of one unit, so its chain has rank one, and only scale and "
                "sign are left to change.",
            ),
        ),
    )


def _explained(last: Matrix, body: tuple[Matrix, ...]) -> tuple[Fraction, Matrix]:
    h, Zs = X, []
    for W in body:
        Zs.append(z_plus(W, h))
        h = positive(W @ h)
    r = z_plus(last, h) @ (last @ h)
    for Z in reversed(Zs):
        r = Z @ r
    return Fraction((last @ h)[0]), r


CLAIM = Claim(
    id="logit-sign",
    words="The maps flip their sign when the last layer is randomised, as the logit may become negative.",
    source=V1,
    section="section 3",
    verdict=Verdict.HOLDS,
    because="The start is r_n = f_k(x) and z⁺ is linear in it, with non-negative weights: the map has "
    "the sign of the logit. Absolute similarities (|cos|, flipped SSIM) do not see it.",
    evidence=evidence,
)
