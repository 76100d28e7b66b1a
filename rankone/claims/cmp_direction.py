"""Does LRP_CMP change the local scale of the map only, not its direction?"""

from collections.abc import Callable

import numpy as np

from rankone.claims.conv_net import ConvNet, Floats, local_losses, propagated
from rankone.claims.record import Claim, Evidence, Verdict, check
from rankone.claims.rules import z_rule
from rankone.claims.sources import V1

NET = ConvNet()
LOGITS, SEED = 10, 31


def he_rows(rng: np.random.Generator, inputs: int) -> Floats:
    """The dense layer's weights, (LOGITS, inputs), N(0, 2/inputs)."""
    return rng.normal(0, (2 / inputs) ** 0.5, (LOGITS, inputs))


def evidence(net: ConvNet = NET, dense: Callable[[np.random.Generator, int], Floats] = he_rows) -> Evidence:
    """LRP_CMP on random weights: z in one dense layer with LOGITS outputs, z⁺ in the convolutions below."""
    rng = np.random.default_rng(SEED)
    h, Zs = net.z_plus_chain(rng)
    W = dense(rng, h.size)
    maps = [net.by_location(r) for r in propagated(Zs, z_rule(W, h) * (W @ h))]
    losses = [float(np.median(local_losses(r))) for r in maps]
    scales = maps[-1].sum(axis=2)
    spread = float(np.median(np.std(scales / abs(scales).mean(axis=0), axis=1)))
    return Evidence(
        f"experiment: one dense layer on {net.depth} convolutions, {net.channels} channels, He weights, "
        f"seed {SEED}",
        (
            check(
                spread > 0.1,
                "The local scale changes: at the input a location's relevance differs between logits "
                f"by {spread:.2f} of its mean size over the map (standard deviation over logits, median "
                "location).",
            ),
            check(
                losses[0] > 0.5 > 0.1 > losses[-1],
                "The local direction hardly does: between logits the median 1 − |cos| along the "
                f"channels is {losses[0]:.2f} under the dense layer and "
                f"{', '.join(f'{x:.0e}' for x in losses[1:])} after 1, …, {net.depth} convolutions.",
            ),
        ),
    )


CLAIM = Claim(
    id="cmp-direction",
    words="LRP_CMP changes only the local scale of the relevance, not its direction.",
    source=V1,
    section="section 3",
    verdict=Verdict.CONDITIONAL,
    because="On random weights and with z⁺ in the convolutions, some of them below the dense layers. "
    "What trained networks and α2β1 say: `cmp-direction-trained` (`rankone claims --networks`).",
    evidence=evidence,
)
