"""Does LRP_CMP converge three to five convolutions below the dense layers?"""

from rankone.claims.record import Claim, Evidence, Verdict, check
from rankone.claims.sources import V1
from torch_backend.audit.claims.convergence import (
    APART,
    CMP_A1B0,
    CMP_A2B1,
    CONVERGED,
    VECTORS,
    Converged,
    Level,
    convergence,
)
from torch_backend.audit.claims.networks import SMALL_VGG, VGG16

NETWORKS = (VGG16, SMALL_VGG)
LEVELS = (0.1, APART, CONVERGED)


def evidence(converged: Converged = convergence) -> Evidence:
    """The convolutions that relevance has passed when 1 − |cos| first is below each level."""
    mild = {network: passed(converged(network, CMP_A1B0)) for network in NETWORKS}
    steep = {network: passed(converged(network, CMP_A2B1)) for network in NETWORKS}
    return Evidence(
        f"experiment: {VECTORS} random starts at the logits, median over channels; convolutions passed when "
        f"1 − |cos| is below {', '.join(f'{x:g}' for x in LEVELS)}",
        (
            check(
                all(3 <= n <= 5 for n in (of[APART] for of in mild.values())),
                f"α1β0: {listed(mild)}. Below {APART:g} it is within three to five.",
            ),
            check(
                all(of[APART] > 5 for of in steep.values()),
                f"α2β1 takes more: {listed(steep)}.",
            ),
        ),
    )


def passed(levels: tuple[Level, ...]) -> dict[float, float]:
    """By level; infinity: never. At the uppermost convolution's output none has been passed."""
    convolutions = [one.median for one in levels if one.layer.startswith("conv")]
    return {
        level: next((float(n) for n, median in enumerate(convolutions) if median < level), float("inf"))
        for level in LEVELS
    }


def listed(found: dict[str, dict[float, float]]) -> str:
    return "; ".join(
        f"{', '.join('never' if n == float('inf') else f'{n:.0f}' for n in of.values())} on {network}"
        for network, of in found.items()
    )


CLAIM = Claim(
    id="cmp-three-to-five",
    words="LRP_CMP converges after three to five convolutional layers.",
    source=V1,
    section="section 3",
    verdict=Verdict.CONDITIONAL,
    because="With α1β0 in the convolutions of trained VGGs, if 8 degrees count as converged. With α2β1 "
    "it takes more, or never does.",
    evidence=evidence,
)
