"""Is it the multipliers across signs that keep DeepLIFT RevealCancel from converging?"""

from rankone.claims.record import Claim, Evidence, Verdict, check
from rankone.claims.sources import ICML
from torch_backend.audit.claims.convergence import (
    APART,
    CONVERGED,
    REVEAL_CANCEL,
    VECTORS,
    WITHOUT_CROSS_TERMS,
    Converged,
    convergence,
)
from torch_backend.audit.claims.networks import LITE0, RESNET50, SMALL_RESNET, SMALL_VGG, VGG16

NETWORKS = (VGG16, RESNET50, LITE0, SMALL_VGG, SMALL_RESNET)


def evidence(converged: Converged = convergence) -> Evidence:
    """RevealCancel's multipliers, whole and where none goes from Δ⁺ to Δ⁻ or back."""
    whole = {network: converged(network, REVEAL_CANCEL)[-1] for network in NETWORKS}
    without = {network: converged(network, WITHOUT_CROSS_TERMS)[-1] for network in NETWORKS}
    return Evidence(
        f"experiment: {VECTORS} random starts at the logits, median 1 − |cos| over channels at the "
        "lowest layer of many channels",
        (
            check(
                all(level.apart for level in whole.values()),
                "With them: "
                + ", ".join(f"{level.median:.1g} on {network}" for network, level in whole.items())
                + f" (above {APART:g}).",
            ),
            check(
                all(level.converged for level in without.values()),
                "Without: "
                + ", ".join(f"{level.median:.0e} on {network}" for network, level in without.items())
                + f" (below {CONVERGED:g}).",
            ),
        ),
    )


CLAIM = Claim(
    id="cross-multipliers",
    words="DeepLIFT RevealCancel does not converge because of its multipliers between positive and negative "
    "contributions; without them it does.",
    source=ICML,
    section="section 3",
    verdict=Verdict.HOLDS,
    because="On each of five trained networks they make two decades or more; without them two chains of "
    "non-negative factors are left.",
    evidence=evidence,
)
