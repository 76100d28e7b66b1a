"""Is it alignment with the input that makes maps insensitive, rather than a collapse to rank one?"""

from fractions import Fraction

import numpy as np

from rankone.claims.exact import Matrix, cos_squared, exact, show
from rankone.claims.record import Claim, Evidence, Verdict, check
from rankone.claims.rules import positive, z_plus
from rankone.claims.sources import ZHENG

X = exact([1, 1, 1, 1])
MIXING = (exact([[1, 1, 0, 0], [1, 1, 0, 0]]), exact([[1, 2], [2, 1]]))
PERMUTING = (exact([[1, 1, 0, 0], [0, 0, 1, 1]]), exact([[0, 1], [1, 0]]))
REDRAWN = exact([[1, 0], [0, 1]])
TRIPLES, DIMENSION, SEED = 2000, 4, 58
ROUNDING = 1e-12  # of cosines


def evidence(
    mixing: tuple[Matrix, ...] = MIXING, permuting: tuple[Matrix, ...] = PERMUTING, sign: int = 1
) -> Evidence:
    """Two networks of two classes, (2, 4) and (2, 2), at X; random maps and inputs, one of either `sign`."""
    mixed, permuted = maps(mixing), maps(permuting)
    aligned = [[cos_squared(r, X) for r in C.T] for C in (mixed, permuted)]
    redrawn = [maps((network[0], REDRAWN)) for network in (mixing, permuting)]
    kept = [
        [cos_squared(a, b) for a, b in zip(C.T, D.T, strict=True)]
        for C, D in zip((mixed, permuted), redrawn, strict=True)
    ]
    slack = _slack(sign)
    return Evidence(
        f"exact arithmetic; {TRIPLES} random triples in {DIMENSION} dimensions, seed {SEED}",
        (
            check(
                {c for cosines in aligned for c in cosines} == {Fraction(1, 2)},
                f"Two networks whose z⁺ maps are equally aligned with the input {show(X)}: cos² = 1/2 for "
                "both classes of both.",
            ),
            check(
                cos_squared(*mixed.T) == 1 and set(kept[0]) == {1},
                f"The one that mixes has one map for both classes, {show(mixed[:, 0])}, and another top "
                "layer changes nothing.",
            ),
            check(
                cos_squared(*permuted.T) == 0 and set(kept[1]) == {0},
                f"The one that permutes has {show(permuted[:, 0])} and {show(permuted[:, 1])}, and another "
                "top layer changes the maps altogether: cosine 0.",
            ),
            check(
                slack > -ROUNDING,
                "What alignment does give: two maps with a cosine of at least a with the input have one of "
                f"at least 2a² − 1 with each other (least slack {slack:.1e}); nothing at a² = 1/2, as above.",
            ),
        ),
    )


def maps(network: tuple[Matrix, ...]) -> Matrix:
    """z⁺ maps of the logits, as columns."""
    C, h = exact(np.eye(len(X), dtype=int)), X
    for W in network:
        C, h = C @ z_plus(W, h), positive(W @ h)
    return C


def _slack(sign: int) -> float:
    """Least cos(u, v) − (2a² − 1), a the smaller cosine of u and of v with x, over random triples."""
    rng = np.random.default_rng(SEED)
    triples = rng.standard_normal((TRIPLES, 3, DIMENSION)) + 1
    u, v, x = (triples / np.linalg.norm(triples, axis=2, keepdims=True)).swapaxes(0, 1)
    a = np.minimum(np.vecdot(u, x), sign * np.vecdot(v, x))
    return float((np.vecdot(u, v) - (2 * a**2 - 1))[a > 0].min())


CLAIM = Claim(
    id="input-alignment",
    words="Modified backpropagation methods achieve alignment with the input, which reduces their "
    "sensitivity to the randomisation of weights.",
    source=ZHENG,
    section="abstract",
    verdict=Verdict.CONDITIONAL,
    because="Only alignment near 1 does: cos ≥ 2a² − 1. At a² = 1/2 one network is blind to class and top "
    "layer, because it mixes, and another is not, because it permutes: there the collapse decides.",
    evidence=evidence,
)
