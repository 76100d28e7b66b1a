"""Do z⁺ maps ignore the decision, all things the network can say considered?"""

from collections.abc import Callable

from rankone.claims.record import Claim, Evidence, Verdict, check
from rankone.claims.sources import V1
from torch_backend import methods
from torch_backend.audit.claims.agreement import Agreement, Controls, controls, listed, other_class
from torch_backend.audit.claims.class_maps import cone_at_the_image
from torch_backend.audit.claims.networks import LITE0, RESNET50, SMALL_RESNET, SMALL_VGG, VGG16
from torch_backend.methods import Method

VGGS, RESIDUAL = (VGG16, SMALL_VGG), (RESNET50, SMALL_RESNET)
NETWORKS = (*VGGS, *RESIDUAL, LITE0)
IGNORED = 2e-3  # of a map: less than the eye or a rank correlation sees


def evidence(
    moved: Callable[[str], float] = cone_at_the_image,
    other: Callable[[str, Method], Agreement] = other_class,
    with_others: Callable[[str, Method], Controls] = controls,
) -> Evidence:
    """Every class at once, and one other class beside another image's map."""
    share = {network: moved(network) for network in (*VGGS, *RESIDUAL)}
    classes = {network: other(network, methods.z_plus) for network in NETWORKS}
    another = {network: with_others(network, methods.z_plus).another for network in NETWORKS}
    return Evidence(
        "z⁺; float64, all classes of two images; experiment: rank correlation of either sign, median "
        "over images with its exact 99 % interval",
        (
            check(
                max(share[network] for network in VGGS) < IGNORED,
                "Of all that arrives at the image no class moves more than "
                + ", ".join(f"{100 * share[network]:.2g} % on {network}" for network in VGGS)
                + ".",
            ),
            check(
                min(share[network] for network in RESIDUAL) > IGNORED,
                "On residual networks it does: up to "
                + ", ".join(f"{100 * share[network]:.1f} % on {network}" for network in RESIDUAL)
                + ".",
            ),
            check(
                all(a.kept for a in classes.values()),
                f"The order of pixels is that of another class everywhere: {listed(classes)}.",
            ),
            check(
                all(another[network] < classes[network].low for network in NETWORKS),
                "The map is the image's, not the class's: that of another image agrees by "
                + ", ".join(f"{x:.2f}" for x in another.values())
                + ".",
            ),
        ),
    )


CLAIM = Claim(
    id="decision-ignored",
    words="That the z⁺ rule converges to a rank-1 matrix explains why the network's actual decision is "
    "ignored.",
    source=V1,
    section="abstract",
    verdict=Verdict.CONDITIONAL,
    because="On trained VGGs the decision is ignored in every sense. On residual networks the order of "
    "pixels is the same for two classes, while several per cent of a map depend on the class.",
    evidence=evidence,
)
