"""Does a perfect score on DiFull show that a method depends on the decision?"""

from fractions import Fraction

import numpy as np

from rankone.claims.exact import Matrix, exact, least_cos_squared, show
from rankone.claims.record import Claim, Evidence, Verdict, check
from rankone.claims.rules import positive, z_plus
from rankone.claims.sources import RAO

X = exact([1, 3, 2, 1])
CELLS = 2
BOTTLENECK = (exact([[1, 2, 1, -1]]), exact([[2], [1], [1]]), exact([[1, 2, 1], [3, 1, -1]]))
SELECTING = (exact([[1, 2, -1, -2], [-1, -1, 3, 1]]), exact([[1, 0], [0, 1]]))


def evidence(
    narrow: tuple[Matrix, ...] = BOTTLENECK, wide: tuple[Matrix, ...] = SELECTING, crosstalk: int = 0
) -> Evidence:
    """Two cells, each seen by a copy of a network of its own; `crosstalk` is a weight between the cells."""
    blind, sharp = (disconnected(Ws, crosstalk) for Ws in (narrow, wide))
    classes = narrow[-1].shape[0]
    cell = blind[: len(X), :classes]
    return Evidence(
        "exact arithmetic",
        (
            check(
                set(scores(blind)) == {1},
                "z⁺ on two disconnected cells, a bottleneck of one unit in each: every class has its whole "
                f"relevance in its own cell, scores {show(scores(blind))}.",
            ),
            check(
                least_cos_squared(cell) == 1,
                f"Within the cell the {classes} classes have one and the same map, "
                f"{show(cell[:, 0])}: the cone of all maps has width 0.",
            ),
            check(
                set(scores(sharp)) == {1} and least_cos_squared(sharp[: len(X), :2]) < Fraction(1, 2),
                "A network without bottleneck has the same scores and two maps with cos² = "
                f"{least_cos_squared(sharp[: len(X), :2])}: the score does not tell the two cases apart.",
            ),
        ),
    )


def disconnected(Ws: tuple[Matrix, ...], crosstalk: int) -> Matrix:
    """z⁺ maps as columns, (CELLS·n, CELLS·classes), of copies of a network side by side at (X, X)."""
    h = np.concatenate([X] * CELLS)
    C = exact(np.eye(len(h), dtype=int))
    for W in Ws:
        V = exact(np.kron(np.eye(CELLS, dtype=int), W)) + crosstalk * exact(
            np.kron(1 - np.eye(CELLS, dtype=int), np.ones(W.shape, dtype=int))
        )
        C, h = C @ z_plus(V, h), positive(V @ h)
    return C


def scores(maps: Matrix) -> Matrix:
    """The localisation score of each column: its positive relevance inside its cell over all of it."""
    inside = np.kron(np.eye(CELLS, dtype=int), np.ones((len(X), maps.shape[1] // CELLS), dtype=int))
    return np.asarray((positive(maps) * inside).sum(axis=0) / positive(maps).sum(axis=0))


CLAIM = Claim(
    id="di-full",
    words="DiFull measures the faithfulness of attribution methods: it controls which parts of the input can "
    "influence the output, and tells possible from impossible attributions.",
    source=RAO,
    section="DiFull",
    verdict=Verdict.CONDITIONAL,
    because="One way: relevance in a disconnected cell is wrong. A perfect score says nothing on the "
    "classes that share a cell: a method of cone width 0, blind to the decision, has it.",
    evidence=evidence,
)
