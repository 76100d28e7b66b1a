"""Random logit: do the maps stay the same when another class is explained?"""

from collections.abc import Callable

from rankone.claims.record import Claim, Evidence, Verdict, check
from rankone.claims.sources import V1
from torch_backend import methods
from torch_backend.audit.claims.agreement import KEPT, Agreement, Controls, controls, listed, other_class
from torch_backend.audit.claims.networks import LITE0, RESNET50, SMALL_RESNET, SMALL_VGG, VGG16
from torch_backend.methods import Method

NETWORKS = (VGG16, RESNET50, LITE0, SMALL_VGG, SMALL_RESNET)
Other = Callable[[str, Method], Agreement]


def evidence(
    other: Other = other_class, with_others: Callable[[str, Method], Controls] = controls
) -> Evidence:
    """The map of the predicted class with that of one other class, drawn for each image."""
    found = {network: _of(other, network) for network in NETWORKS}
    z_plus, guided, middle, lrp_z, gradient = (
        {network: of[k] for network, of in found.items()} for k in range(5)
    )
    strangers = {network: with_others(network, methods.gradient).another for network in NETWORKS}
    return Evidence(
        "experiment: rank correlation of either sign of the maps of two classes, median over images with its "
        "exact 99 % interval",
        (
            check(
                all(a.kept for a in [*z_plus.values(), *guided.values()]),
                f"z⁺: {listed(z_plus)}. Guided BP: {listed(guided)}.",
            ),
            check(
                all(a.changed for a in lrp_z.values()),
                f"LRP_z: {listed(lrp_z)} (below {KEPT}).",
            ),
            check(
                all(a.changed for a in gradient.values()),
                f"The gradient: {listed(gradient)}; with another image's map "
                f"{', '.join(f'{x:.2f}' for x in strangers.values())}: on slices and digits magnitudes of "
                "gradients are alike anyway.",
            ),
            check(
                middle[SMALL_VGG].kept and not middle[VGG16].kept and not middle[RESNET50].kept,
                f"α2β1 lies between: {listed(middle)}.",
            ),
        ),
    )


def _of(other: Other, network: str) -> list[Agreement]:
    asked = (
        methods.z_plus,
        methods.guided_backprop,
        methods.alpha2_beta1,
        methods.lrp_z,
        methods.gradient,
    )
    return [other(network, method) for method in asked]


CLAIM = Claim(
    id="maps-keep-with-class",
    words="The maps do not change when the logit of another class is explained.",
    source=V1,
    section="section 3, figure 2a",
    verdict=Verdict.CONDITIONAL,
    because="On trained networks: of z⁺ and Guided BP; not of LRP_z and the gradient. α2β1 keeps them on "
    "one VGG of two.",
    evidence=evidence,
)
