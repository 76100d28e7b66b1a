"""Do the modified backpropagation methods give relevance to neurons that are not active?"""

import numpy as np

from rankone.claims.exact import Matrix, exact, identity, show
from rankone.claims.record import Claim, Evidence, Verdict, check
from rankone.claims.rules import alpha_beta, deconvolution, excitation, guided, z_plus, z_rule
from rankone.claims.sources import V1

LAYERS, WIDTH, SEED = 100, 6, 40
IDLE = exact([0, 0, 0, 1, 1, 1])
W = exact([[2, 1], [1, 3]])
H = exact([0, 1])


def evidence(idle: Matrix = IDLE, W: Matrix = W, h: Matrix = H) -> Evidence:
    """Random layers whose inputs are 0 where `idle`, (6,), is 0; one layer W (2, 2) at h (2,), h_1 = 0."""
    rng = np.random.default_rng(SEED)
    layers = [
        (exact(rng.integers(-3, 4, (5, WIDTH))), exact(rng.integers(1, 5, WIDTH)) * idle)
        for _ in range(LAYERS)
    ]
    unused = idle == 0
    given = [
        abs(Z[unused]).sum()
        for V, x in layers
        for Z in (z_rule(V, x), z_plus(V, x), alpha_beta(V, x, 2, 1), excitation(V, x))
    ]
    r = exact([1, 1])
    deconv = deconvolution(W, r)
    masked = guided(identity(2), h > 0, deconv)
    return Evidence(
        f"exact arithmetic; {LAYERS} random layers, seed {SEED}",
        (
            check(
                unused.any() and sum(given) == 0,
                f"LRP_z, z⁺, α2β1 and Excitation BP give exactly 0 to all inactive inputs of {LAYERS} random "
                "layers: every share has h_i as a factor.",
            ),
            check(
                h[0] == 0 and deconv[0] != 0,
                f"Deconv does: with W = {show(W)} at h = {show(h)} and r = {show(r)} it gives Wᵀ [r]⁺ = "
                f"{show(deconv)}, although the first input is 0.",
            ),
            check(
                (masked[h == 0] == 0).all() and (masked[h > 0] != 0).all(),
                "Guided BP sends the same signal down to there; its next mask takes it away from inactive "
                f"units: {show(masked)} is left.",
            ),
        ),
    )


CLAIM = Claim(
    id="inactive-get-relevance",
    words="Most modified backpropagation methods also give relevance to neurons that are not active.",
    source=V1,
    section="section 2",
    verdict=Verdict.FALSE,
    because="LRP_z, z⁺, αβ and Excitation BP share in proportion to h_i, which is 0 there; Guided BP masks. "
    "It is true of Deconv, which has no mask.",
    evidence=evidence,
)
