"""Does LRP_CMP change the local scale of trained networks' maps only, not their direction?"""

from collections.abc import Callable

from rankone.claims.record import Claim, Evidence, Verdict, check
from rankone.claims.sources import V1
from torch_backend.audit.claims.class_maps import Between, between_classes
from torch_backend.audit.claims.convergence import CMP_A1B0, CMP_A2B1, CONVERGED
from torch_backend.audit.claims.networks import SMALL_RESNET, SMALL_VGG, VGG16
from torch_backend.methods import Method

NETWORKS = (VGG16, SMALL_VGG, SMALL_RESNET)
Compared = Callable[[str, Method], tuple[Between, ...]]


def evidence(between: Compared = between_classes) -> Evidence:
    """The maps of two classes, layer by layer: cosine over channels at a location, and the local scales."""
    mild = {network: between(network, CMP_A1B0) for network in NETWORKS}
    steep = {network: between(network, CMP_A2B1) for network in NETWORKS}
    return Evidence(
        "experiment: LRP_CMP from the four likeliest logits; medians over images, pairs of classes and "
        "locations",
        (
            check(
                all(of[0].direction > 0.1 > CONVERGED > of[-1].direction for of in mild.values()),
                "α1β0: 1 − |cos| between classes over the channels of a location is "
                + "; ".join(f"{said(of)} on {network}" for network, of in mild.items())
                + ": in the end the direction is the same.",
            ),
            check(
                mild[VGG16][-1].scale > 0.1,
                f"The local scale is not: on {VGG16} 1 − cos of two classes' sums over channels is "
                f"{mild[VGG16][-1].scale:.2f} at the image.",
            ),
            check(
                all(
                    of[len(of) // 2].direction > 10 * mild[n][len(of) // 2].direction
                    for n, of in steep.items()
                ),
                "α2β1 keeps directions apart for longer: "
                + "; ".join(f"{said(of)} on {network}" for network, of in steep.items())
                + ".",
            ),
            check(
                steep[SMALL_RESNET][-1].direction > CONVERGED,
                f"On {SMALL_RESNET} they differ in direction at the image, too: "
                f"{steep[SMALL_RESNET][-1].direction:.0e}.",
            ),
        ),
    )


def said(of: tuple[Between, ...]) -> str:
    """At the uppermost layer with locations, halfway down, and at the image."""
    here = (of[0], of[len(of) // 2], of[-1])
    return ", ".join(f"{one.direction:.0e} at {one.layer}" for one in here)


CLAIM = Claim(
    id="cmp-direction-trained",
    words="LRP_CMP changes only the local scale of the relevance, not its direction.",
    source=V1,
    section="section 3",
    verdict=Verdict.CONDITIONAL,
    because="Of α1β0 in the convolutions and far enough below the dense layers, on trained networks. "
    "Right below them directions differ, and with α2β1 on a residual network down to the image.",
    evidence=evidence,
)
