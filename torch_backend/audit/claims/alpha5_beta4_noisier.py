"""Are the maps of LRP α5β4 noisier than those of smaller β?"""

from collections.abc import Callable

from rankone.claims.record import Claim, Evidence, Verdict, check
from rankone.claims.sources import V1
from torch_backend import methods
from torch_backend.audit.claims.agreement import roughness
from torch_backend.audit.claims.networks import RESNET50, SMALL_RESNET, SMALL_VGG, VGG16
from torch_backend.methods import Method

CALMER = {"z⁺": methods.z_plus, "α2β1": methods.alpha2_beta1}
NOISIER = (RESNET50, SMALL_VGG, SMALL_RESNET)
MORE = 0.1  # of the correlation of neighbours: more than images of one network differ by


def evidence(rough: Callable[[str, Method], float] = roughness) -> Evidence:
    """1 − the correlation of neighbouring pixels: 0 smooth, 1 white noise, more: signs alternate."""
    noisy = {network: rough(network, methods.alpha5_beta4) for network in (*NOISIER, VGG16)}
    calm = {network: {name: rough(network, m) for name, m in CALMER.items()} for network in noisy}
    return Evidence(
        "experiment: maps of the predicted class, 1 − the correlation of a pixel with its neighbours (white "
        "noise has 1), median over images",
        (
            check(
                all(noisy[network] > max(calm[network].values()) + MORE for network in NOISIER),
                "More than with smaller β: "
                + "; ".join(listed(network, calm[network], noisy[network]) for network in NOISIER)
                + ".",
            ),
            check(
                abs(noisy[VGG16] - calm[VGG16]["α2β1"]) < MORE < noisy[VGG16] - calm[VGG16]["z⁺"],
                f"With β = 1 maps can be as noisy: {listed(VGG16, calm[VGG16], noisy[VGG16])}.",
            ),
        ),
    )


def listed(network: str, calm: dict[str, float], noisy: float) -> str:
    return f"{network} " + ", ".join(f"{name} {x:.2f}" for name, x in (calm | {"α5β4": noisy}).items())


CLAIM = Claim(
    id="alpha5-beta4-noisier",
    words="With β = 4 the maps of LRP αβ are noisier than with smaller β.",
    source=V1,
    section="section 3, figure 1",
    verdict=Verdict.CONDITIONAL,
    because="Neighbouring pixels have less in common on three of four trained networks; on the fourth, a "
    "VGG-16, those of α2β1 have as little.",
    evidence=evidence,
)
