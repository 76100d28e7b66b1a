"""Do all methods but LRP α2β1 converge on trained residual networks, with and without a clip?"""

from dataclasses import replace

from rankone.claims.record import Claim, Evidence, Verdict, check
from rankone.claims.sources import V1
from rankone.results.protocol import corrected
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
from torch_backend.audit.claims.networks import RESNET50, SMALL_RESNET

CONVERGING = {
    "z⁺": methods.z_plus,
    "Excitation BP": methods.excitation_backprop,
    "CMP α1β0": CMP_A1B0,
    "Guided BP": methods.guided_backprop,
}
EXCEPTION = {"α2β1": methods.alpha2_beta1}
FURTHER = {"α5β4": methods.alpha5_beta4, "LRP_z": methods.lrp_z}
CLIPS = replace(corrected, clips_additions=True)
CLIPPED = {"α2β1": methods.as_published(methods.alpha2_beta1, CLIPS)}
NETWORKS = (RESNET50, SMALL_RESNET)


def evidence(converged: Converged = convergence) -> Evidence:
    """CSC from the logits, read at the first convolution; the clip of relevance at additions to [0, 1000]."""
    found = {network: ends(converged, network, CONVERGING) for network in NETWORKS}
    exception = {network: ends(converged, network, EXCEPTION)["α2β1"] for network in NETWORKS}
    clipped = {network: ends(converged, network, CLIPPED)["α2β1"] for network in NETWORKS}
    further = {network: ends(converged, network, FURTHER) for network in NETWORKS}
    return Evidence(
        f"experiment: {VECTORS} random starts at the logits of {RESNET50} and {SMALL_RESNET}, median 1 − "
        f"|cos| over channels at the first convolution; below {CONVERGED:g} counts as converged",
        (
            check(
                all(level.converged for of in found.values() for level in of.values()),
                "These converge: " + "; ".join(f"{listed(of)} on {name}" for name, of in found.items()) + ".",
            ),
            check(
                all(level.apart for level in exception.values()),
                f"α2β1 does not (above {APART:g}): {listed(exception)}.",
            ),
            check(
                all(level.converged for level in clipped.values()),
                f"With the reference implementation's clip at additions it does: {listed(clipped)}. So the "
                "exception is the rule's own, and the clip hides it.",
            ),
            check(
                all(level.apart for of in further.values() for level in of.values()),
                "It is not the only one: "
                + "; ".join(f"{listed(of)} on {name}" for name, of in further.items())
                + ".",
            ),
        ),
    )


CLAIM = Claim(
    id="resnet-a2b1-trained",
    words="On ResNet-50 all the modified backpropagation methods but LRP α2β1 converge.",
    source=V1,
    section="section 5, appendix A",
    verdict=Verdict.CONDITIONAL,
    because="On trained residual networks z⁺, Excitation BP, CMP α1β0 and Guided BP converge and α2β1 "
    "does not, if relevance is not clipped at additions; α5β4 and LRP_z are exceptions, too.",
    evidence=evidence,
)
