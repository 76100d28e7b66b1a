"""Do the vectors align more and more with every factor?"""

from fractions import Fraction
from itertools import pairwise

import numpy as np

from rankone.claims.exact import Matrix, cos_squared, exact, least_cos_squared, show
from rankone.claims.record import Claim, Evidence, Verdict, check
from rankone.claims.sources import V1

A = exact([[2, 1], [1, 2]])
SIGNED = exact([[2, 2], [-2, -1]])
STRETCH = exact([[10, 1], [1, 100]])
PAIR = exact([[10, 10], [1, 2]])
CHAINS, DEPTH, WIDTH, SEED = 40, 6, 4, 47


def evidence(signed: Matrix = SIGNED, pair: Matrix = PAIR, least_entry: int = 1) -> Evidence:
    """Two signed starts, a non-negative `pair`, columns (2, 2); chains of entries from `least_entry` to 5."""
    before, after = cos_squared(*signed.T), cos_squared(*(A @ signed).T)
    wide, wider = cos_squared(*pair.T), cos_squared(*(STRETCH @ pair).T)
    ratio, next_ratio = cross_ratio(*pair.T), cross_ratio(*(STRETCH @ pair).T)
    rng = np.random.default_rng(SEED)
    chains = [exact(rng.integers(least_entry, 6, (DEPTH, WIDTH, WIDTH))) for _ in range(CHAINS)]
    cones = [[least_cos_squared(P) for P in _prefixes(chain)] for chain in chains]
    starts = [exact(rng.integers(-5, 6, (WIDTH, 2))) + Fraction(1, 3) for _ in range(CHAINS)]
    falls = sum(_falls(chain, v) for chain, v in zip(chains, starts, strict=True))
    return Evidence(
        f"exact arithmetic; {CHAINS} random chains of {DEPTH} factors, seed {SEED}",
        (
            check(
                after < before,
                f"The positive matrix {show(A)} sends the starts {show(signed[:, 0])} and "
                f"{show(signed[:, 1])}, cos² = {before}, to a pair with cos² = {after}: further apart.",
            ),
            check(
                falls > 0,
                f"With signed starts in random positive chains |cos| falls in {falls} of {CHAINS * DEPTH} "
                "steps.",
            ),
            check(
                (pair >= 0).all() and wider < wide and next_ratio <= ratio,
                f"Even of non-negative starts it may: {show(STRETCH)} takes {show(pair[:, 0])} and "
                f"{show(pair[:, 1])} from cos² = {float(wide):.3f} to {float(wider):.3f}. Hilbert's "
                f"distance is what cannot grow: its e^d goes from {ratio} to {float(next_ratio):.3f}.",
            ),
            check(
                all(x <= y for cone in cones for x, y in pairwise(cone)),
                "True is: at one layer, the smallest cosine of all maps of non-negative starts never falls "
                f"when a factor is added above, in any of the {CHAINS} chains.",
            ),
        ),
    )


def cross_ratio(x: Matrix, y: Matrix) -> Fraction:
    """e^d of Hilbert's distance of two positive vectors: max x_i/y_i · max y_i/x_i."""
    return Fraction(max(x / y) * max(y / x))


def _prefixes(chain: Matrix) -> list[Matrix]:
    """Z_1, Z_1 Z_2, …"""
    prefixes = [chain[0]]
    for Z in chain[1:]:
        prefixes.append(prefixes[-1] @ Z)
    return prefixes


def _falls(chain: Matrix, starts: Matrix) -> int:
    """In how many steps cos² of the two columns of `starts` falls."""
    cos2 = [cos_squared(*starts.T)]
    for Z in chain[::-1]:
        starts = Z @ starts
        cos2.append(cos_squared(*starts.T))
    return sum(y < x for x, y in pairwise(cos2))


CLAIM = Claim(
    id="align-more-and-more",
    words="With every multiplication the vectors align more and more.",
    source=V1,
    section="section 2",
    verdict=Verdict.FALSE,
    because="Step by step the cosine of a pair may fall, and does for signed starts, which the experiments "
    "use. What is monotone: Hilbert's distance of non-negative vectors, and the cone of all maps at one "
    "layer.",
    evidence=evidence,
)
