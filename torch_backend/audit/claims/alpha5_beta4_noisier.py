"""Are the maps of LRP α5β4 noisier than those of smaller β?"""

from collections.abc import Callable

from rankone.claims.record import Claim, Evidence, Verdict, check
from rankone.claims.sources import V1
from torch_backend import methods
from torch_backend.audit.claims.agreement import roughness
from torch_backend.audit.claims.networks import RESNET50, SMALL_RESNET, SMALL_VGG, VGG16
from torch_backend.methods import Method

CALMER = {"z⁺": methods.z_plus, "α2β1": methods.alpha2_beta1}
NETWORKS = (VGG16, RESNET50, SMALL_VGG, SMALL_RESNET)


def evidence(rough: Callable[[str, Method], float] = roughness) -> Evidence:
    """1 − the correlation of neighbouring pixels: 0 smooth, 1 white noise, more: signs alternate."""
    noisy = {network: rough(network, methods.alpha5_beta4) for network in NETWORKS}
    calm = {network: {name: rough(network, m) for name, m in CALMER.items()} for network in NETWORKS}
    listed = "; ".join(
        f"{network}: "
        + ", ".join(f"{name} {value:.2f}" for name, value in (of | {"α5β4": noisy[network]}).items())
        for network, of in calm.items()
    )
    most = max(noisy.values())
    return Evidence(
        "experiment: maps of the predicted class, 1 − the correlation of a pixel with its neighbours, median "
        "over images",
        (
            check(
                all(noisy[network] > max(of.values()) for network, of in calm.items()),
                f"On every network more than with smaller β: {listed}.",
            ),
            check(
                most > 0.5,
                f"It comes as near to white noise, which has 1, as {most:.2f}.",
            ),
        ),
    )


CLAIM = Claim(
    id="alpha5-beta4-noisier",
    words="With β = 4 the maps of LRP αβ are noisier than with smaller β.",
    source=V1,
    section="section 3, figure 1",
    verdict=Verdict.HOLDS,
    because="Neighbouring pixels have less in common on each of four trained networks.",
    evidence=evidence,
)
