"""Are the maps of modified backpropagation methods independent of the parameters of later layers?"""

from collections.abc import Callable

from rankone.claims.record import Claim, Evidence, Verdict, check
from rankone.claims.sources import V1
from torch_backend import methods
from torch_backend.audit.claims.agreement import Agreement, destroyed, listed, pattern_attribution_on
from torch_backend.audit.claims.cascade_dense_layers import Gone
from torch_backend.audit.claims.class_maps import cone_at_the_image
from torch_backend.audit.claims.networks import RESNET50, SMALL_RESNET, SMALL_VGG, VGG16
from torch_backend.audit.subject import Subject

LATER = {VGG16: "fc1", SMALL_VGG: "fc1", RESNET50: "dense", SMALL_RESNET: "dense"}
INDEPENDENT = {"z⁺": methods.z_plus, "Guided BP": methods.guided_backprop}
SIGNED = (SMALL_VGG, RESNET50, SMALL_RESNET)
SMALL = (SMALL_VGG, SMALL_RESNET)
NONE = 1e-9  # a share of a map that float64's rounding moves
LITTLE = 0.1  # a tenth of a map


def evidence(
    gone: Gone = destroyed,
    moved: Callable[[str], float] = cone_at_the_image,
    patterns: Callable[[str], Subject] = pattern_attribution_on,
) -> Evidence:
    """Dense layers with random weights; and what any class can move of a z⁺ map, all other things equal."""
    found = {
        name: {network: gone(network, method, stage) for network, stage in LATER.items()}
        for name, method in INDEPENDENT.items()
    }
    signed = {network: gone(network, methods.alpha5_beta4, LATER[network]) for network in SIGNED}
    deconv = {network: gone(network, methods.deconv, LATER[network]) for network in SMALL}
    attribution = {network: gone(network, patterns(network), LATER[network]) for network in SMALL}
    share = {network: moved(network) for network in LATER}
    kept: list[Agreement] = [a for of in (*found.values(), attribution) for a in of.values()]
    return Evidence(
        "experiment: rank correlation of either sign with the map of random weights in the dense layers, "
        "median over images with its exact 99 % interval; z⁺'s cones in float64",
        (
            check(
                all(a.kept for a in kept),
                "; ".join(f"{name}: {listed(of)}" for name, of in found.items())
                + f"; PatternAttribution: {listed(attribution)}.",
            ),
            check(
                all(a.changed for a in signed.values()),
                f"LRP α5β4 is not independent: {listed(signed)}.",
            ),
            check(
                all(a.changed for a in deconv.values()),
                f"Nor, on the small networks, is Deconv: {listed(deconv)}.",
            ),
            check(
                all(NONE < x < LITTLE for x in share.values()),
                "Nor is z⁺ strictly: another class moves up to "
                + ", ".join(f"{100 * x:.2g} % on {network}" for network, x in share.items())
                + " of its map.",
            ),
        ),
    )


CLAIM = Claim(
    id="ignore-later-layers",
    words="The explanations of modified backpropagation methods (Deep Taylor, LRP, Excitation BP, "
    "PatternAttribution, Deconv, Guided BP) are independent of the parameters of later layers.",
    source=V1,
    section="abstract",
    verdict=Verdict.CONDITIONAL,
    because="Nearly so of z⁺, which is inside Deep Taylor, of Guided BP and PatternAttribution. Not of "
    "LRP α5β4, and not of Deconv on small networks; on residual networks classes move some per cent of a "
    "z⁺ map.",
    evidence=evidence,
)
