"""Do the roots of Deep Taylor Decomposition lie in the linear region of the input?"""

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from rankone.claims.record import Claim, Evidence, Verdict, check
from rankone.claims.rules import positive
from rankone.claims.sources import SIXT_2022

WIDTH, DEPTH, NETWORKS, SEED = 64, 5, 10, 56

Floats = NDArray[np.float64]
Layer = Callable[[np.random.Generator], Floats]


def he_layer(rng: np.random.Generator) -> Floats:
    """N(0, 2/WIDTH) weights."""
    return rng.normal(0, (2 / WIDTH) ** 0.5, (WIDTH, WIDTH))


def selecting_layer(_: np.random.Generator) -> Floats:
    """Each neuron reads one input of its own."""
    return np.eye(WIDTH)


def evidence(layer: Layer = he_layer, selecting: Layer = selecting_layer, along: float = 1.0) -> Evidence:
    """The z⁺ roots of all active neurons of random networks without biases, layer by layer from the input.

    along: how far to go towards the root; 1 reaches it.
    """
    own, above, error = _by_layer(layer, along)
    stay, stay_above, _ = _by_layer(selecting, along)
    return Evidence(
        f"experiment: {NETWORKS} ReLU networks of {DEPTH} layers of width {WIDTH}, He weights, seed {SEED}",
        (
            check(
                error < 1e-12,
                "The root of neuron j, a − t a ⊙ 1[w_j > 0] with t = w_jᵀa / (w_j⁺)ᵀa, is where neuron j "
                f"reaches 0 (to {error:.0e}).",
            ),
            check(
                min(own) > 0.7,
                "It leaves the region: another neuron of j's own layer changes its state for "
                f"{', '.join(f'{100 * share:.0f} %' for share in own)} of the active neurons of layers 1, "
                f"…, {DEPTH}, and one there or above for "
                f"{', '.join(f'{100 * share:.0f} %' for share in above)}.",
            ),
            check(
                max(stay + stay_above) == 0,
                "It need not: where each neuron reads one input of its own, no root leaves.",
            ),
        ),
    )


def root(W: Floats, a: Floats, j: int) -> Floats:
    """The z⁺ root of the active neuron j of [W a]⁺, W (m, n), a (n,) ≥ 0: along a where w_j > 0."""
    direction = a * (W[j] > 0)
    return np.asarray(a - (W[j] @ a) / (W[j] @ direction) * direction)


def _by_layer(layer: Layer, along: float) -> tuple[list[float], list[float], float]:
    """Shares of active neurons whose root changes another one of their layer, or of it and those above.

    Then the largest |w_jᵀ root_j|.
    """
    own: list[list[bool]] = [[] for _ in range(DEPTH)]
    above: list[list[bool]] = [[] for _ in range(DEPTH)]
    error = 0.0
    for rng in np.random.default_rng(SEED).spawn(NETWORKS):
        a, Ws = rng.uniform(0, 1, WIDTH), [layer(rng) for _ in range(DEPTH)]
        for l, W in enumerate(Ws):
            at_a = _signs(Ws[l:], a)
            for j in np.flatnonzero(at_a[0] > 0):
                at_root = a + along * (root(W, a, int(j)) - a)
                changed = _signs(Ws[l:], at_root) * at_a < 0
                changed[0, j] = False  # j itself is at its threshold, up to rounding
                own[l].append(bool(changed[0].any()))
                above[l].append(bool(changed.any()))
                error = max(error, abs(float(W[j] @ at_root)))
            a = positive(W @ a)
    return [float(np.mean(c)) for c in own], [float(np.mean(c)) for c in above], error


def _signs(Ws: list[Floats], a: Floats) -> Floats:
    """The sign of every W a, (layers, WIDTH), from the input a of the first: 0 is on the edge."""
    signs = []
    for W in Ws:
        signs.append(np.sign(W @ a))
        a = positive(W @ a)
    return np.array(signs)


CLAIM = Claim(
    id="roots-leave-region",
    words="The root points of Deep Taylor Decomposition do not lie in the linear region of the input.",
    source=SIXT_2022,
    section="abstract",
    verdict=Verdict.CONDITIONAL,
    because="On random weights for nearly all of them: most z⁺ roots change the state of another neuron of "
    "their own layer already. It is no law: layers that select keep their roots inside.",
    evidence=evidence,
)
