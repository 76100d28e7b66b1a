"""Must Deep Taylor Decomposition converge when the network is deep enough?"""

from collections.abc import Callable
from fractions import Fraction

from rankone.claims.exact import Matrix, cos_squared, exact, identity, orthogonal, show
from rankone.claims.record import Claim, Evidence, Verdict, check
from rankone.claims.rules import positive, z_plus
from rankone.claims.slow_mixing import mixing, summable
from rankone.claims.sources import V1

CYCLE = exact([[0, 0, 1], [1, 0, 0], [0, 1, 0]])
X = exact([3, 1, 2])
DEPTH = 100


def mixing_less_and_less(n: int) -> Matrix:
    """[[1, a_n], [a_n, 1]] with Σ a_n < ∞."""
    return mixing(summable(n))


def evidence(W: Matrix = CYCLE, layer: Callable[[int], Matrix] = mixing_less_and_less) -> Evidence:
    """z⁺ chains of two ReLU networks without biases: equal layers W, (3, 3), and positive layers, (2, 2)."""
    C = z_plus_chain([W] * DEPTH, X)
    positive_chain = [layer(n) for n in range(1, DEPTH + 1)]
    cos = float(cos_squared(*z_plus_chain(positive_chain, exact([1, 1])).T)) ** 0.5
    return Evidence(
        "exact arithmetic",
        (
            check(
                orthogonal(C) and (C.sum(axis=0) == 1).all(),
                f"{DEPTH} ReLU layers with W = {show(W)} at x = {show(X)}: all units are active, "
                f"relevance is conserved, and C = {show(C)}: three starts, three disjoint maps. A "
                "product of permutations is a permutation.",
            ),
            check(
                all((V > 0).all() for V in positive_chain) and cos < 3 / 5,
                f"Positive weights do not rescue it: {DEPTH} layers [[1, a_n], [a_n, 1]] with a_n = "
                f"1/(2(n+1)² − 1), all units equally active, leave cos = {cos:.4f} < 3/5 (see "
                "nonneg-enough: for ever).",
            ),
        ),
    )


def z_plus_chain(Ws: list[Matrix], x: Matrix) -> Matrix:
    """C = Z_1 Z_2 … of the network h ← [W h]⁺ at x."""
    C, h = identity(len(x)), x
    for W in Ws:
        C, h = C @ z_plus(W, h), positive(W @ h)
        h = h / Fraction(h.sum())
    return C


CLAIM = Claim(
    id="dtd-necessarily",
    words="Deep Taylor Decomposition necessarily converges to rank one when the network is deep enough.",
    source=V1,
    section="section 2",
    verdict=Verdict.FALSE,
    because="Depth alone mixes nothing: layers that select, or that mix less and less, keep the starts "
    "apart for ever. True when the layers keep mixing: Σ (1 − τ) = ∞ over blocks.",
    evidence=evidence,
)
