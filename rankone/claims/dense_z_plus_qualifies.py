"""Do the z⁺ matrices of dense layers meet the theorem's conditions?"""

from collections.abc import Callable
from itertools import pairwise

import numpy as np

from rankone.claims.exact import Matrix
from rankone.claims.record import Claim, Evidence, Verdict, check
from rankone.claims.rules import positive, z_plus
from rankone.claims.sources import V1

WIDTHS, SEED = (192, 160, 128, 96), 22

Network = Callable[[np.random.Generator], list[Matrix]]


def he_network(rng: np.random.Generator) -> list[Matrix]:
    """Dense layers of the given widths, weights N(0, 2/n), no biases."""
    return [rng.normal(0, (2 / n) ** 0.5, (m, n)) for n, m in pairwise(WIDTHS)]


def selective_network(rng: np.random.Generator) -> list[Matrix]:
    """Each neuron has one positive weight, from its own predecessor: z⁺ never mixes, at any width."""
    return [2 * np.eye(m, n) - rng.uniform(0.1, 1, (m, n)) / n for n, m in pairwise(WIDTHS)]


def evidence(network: Network = he_network, selective: Network = selective_network) -> Evidence:
    """The matrices Z⁺ of a random dense ReLU network, as they are and restricted to the active units."""
    hs, Zs = _backward(network, np.random.default_rng(SEED))
    active = [Z[np.ix_(h > 0, k > 0)] for Z, h, k in zip(Zs, hs[:-1], hs[1:], strict=True)]
    idle = sum(int((h <= 0).sum()) for h in hs[1:-1])
    pairs = [A @ B for A, B in pairwise(active)]
    ks, Ss = _backward(selective, np.random.default_rng(SEED))
    last = np.linalg.multi_dot(Ss)[:, ks[-1] > 0]
    zeros = [float((Z == 0).mean()) for Z in active]
    return Evidence(
        f"experiment: dense ReLU layers {' → '.join(map(str, WIDTHS))}, He weights, seed {SEED}",
        (
            check(
                not any(Z.shape[0] == Z.shape[1] for Z in Zs),
                f"No matrix is square: {', '.join('{} × {}'.format(*Z.shape) for Z in Zs)}.",
            ),
            check(
                all((Z == 0).all(axis=1).any() for Z in Zs[1:]),
                f"Each matrix above the input has zero rows, one per inactive unit ({idle} in all).",
            ),
            check(
                min(zeros) > 0.1,
                f"Between active units {100 * min(zeros):.0f} to {100 * max(zeros):.0f} % of the "
                "entries are zero: no single factor is positive.",
            ),
            check(
                all((P > 0).all() for P in pairs),
                "After restriction to active units the products of two neighbours have no zero at all "
                f"({sum(P.size for P in pairs)} entries): τ < 1 there.",
            ),
            check(
                all((h > 0).any() for h in ks) and (np.count_nonzero(last, axis=0) == 1).all(),
                "That is a fact about weights of random sign, not a theorem: where each neuron has a "
                f"single positive weight, every column of the product of all {len(Ss)} layers has one "
                "entry, and nothing mixes.",
            ),
        ),
    )


def _backward(network: Network, rng: np.random.Generator) -> tuple[list[Matrix], list[Matrix]]:
    Ws = network(rng)
    hs: list[Matrix] = [rng.uniform(0.1, 1, size=Ws[0].shape[1:])]
    for W in Ws:
        hs.append(positive(W @ hs[-1]))
    return hs, [z_plus(W, h) for W, h in zip(Ws, hs[:-1], strict=True)]


CLAIM = Claim(
    id="dense-z-plus-qualifies",
    words="The z⁺ matrices of dense layers fulfil the conditions of the theorem.",
    source=V1,
    section="section 2",
    verdict=Verdict.FALSE,
    because="They are rectangular, with zero rows for inactive units and zeros for negative weights. What is "
    "true: after restriction to active units products of two wide random layers are positive; weights can "
    "prevent it.",
    evidence=evidence,
)
