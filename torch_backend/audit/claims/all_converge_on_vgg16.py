"""Do the modified backpropagation methods converge on VGG-16?"""

from rankone.claims.record import Claim, Evidence, Verdict, check
from rankone.claims.sources import V1
from torch_backend import methods
from torch_backend.audit.claims.convergence import (
    APART,
    CMP_A1B0,
    CONVERGED,
    VECTORS,
    Converged,
    convergence,
    ends,
    listed,
)
from torch_backend.audit.claims.networks import SMALL_VGG, VGG16

CONVERGING = {
    "z⁺": methods.z_plus,
    "Excitation BP": methods.excitation_backprop,
    "CMP α1β0": CMP_A1B0,
    "α2β1": methods.alpha2_beta1,
    "Guided BP": methods.guided_backprop,
}
OTHERS = {"α5β4": methods.alpha5_beta4, "LRP_z": methods.lrp_z, "gradient": methods.gradient}
BETWEEN = {"Deconv": methods.deconv}


def evidence(converged: Converged = convergence) -> Evidence:
    """CSC from the logits, read at conv1_1."""
    large, small = (ends(converged, network, CONVERGING) for network in (VGG16, SMALL_VGG))
    large_others, small_others = (ends(converged, network, OTHERS) for network in (VGG16, SMALL_VGG))
    one, other = (ends(converged, network, BETWEEN)["Deconv"] for network in (VGG16, SMALL_VGG))
    return Evidence(
        f"experiment: {VECTORS} random starts at the logits of {VGG16} and {SMALL_VGG}, median 1 − |cos| "
        f"over channels at conv1_1; below {CONVERGED:g} counts as converged",
        (
            check(
                all(level.converged for level in (large | small).values()),
                f"These do on both: {listed(large)} on {VGG16}, {listed(small)} on {SMALL_VGG}.",
            ),
            check(
                all(level.apart for level in [*large_others.values(), *small_others.values()]),
                f"These do not (above {APART:g}): {listed(large_others)} and {listed(small_others)}.",
            ),
            check(
                one.converged and other.apart,
                f"Deconv does on the large one, {one.median:.0e}, and not on the small one, "
                f"{other.median:.0e}.",
            ),
        ),
    )


CLAIM = Claim(
    id="all-converge-on-vgg16",
    words="On VGG-16 the relevance of the modified backpropagation methods converges: random starts become "
    "parallel on the way down.",
    source=V1,
    section="section 3, figure 3",
    verdict=Verdict.CONDITIONAL,
    because="On trained networks z⁺, Excitation BP, CMP α1β0, α2β1 and Guided BP do so in direction over "
    "channels; Deconv on one of two; α5β4 and LRP_z do not.",
    evidence=evidence,
)
