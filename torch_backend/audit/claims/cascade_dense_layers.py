"""Cascade: which maps change once the dense layers of a VGG have random weights?"""

from collections.abc import Callable

from rankone.claims.record import Claim, Evidence, Verdict, check
from rankone.claims.sources import V1
from torch_backend import methods
from torch_backend.audit.claims.agreement import SMOOTH_GRAD, Agreement, destroyed, listed
from torch_backend.audit.claims.convergence import CMP_A1B0
from torch_backend.audit.claims.networks import SMALL_VGG, VGG16
from torch_backend.audit.subject import Examined

DENSE = "fc1"  # all weights from the output down to it
DROPPING = {"SmoothGrad": SMOOTH_GRAD, "LRP_z": methods.lrp_z}
STAYING = {
    "z⁺": methods.z_plus,
    "Excitation BP": methods.excitation_backprop,
    "CMP α1β0": CMP_A1B0,
    "α2β1": methods.alpha2_beta1,
    "Guided BP": methods.guided_backprop,
}
DROPPING_TOO = {
    "gradient": methods.gradient,
    "α5β4": methods.alpha5_beta4,
    "Deconv": methods.deconv,
    "DeepLIFT": methods.deeplift_rescale(),
}
LARGE = {"LRP_z": methods.lrp_z, "z⁺": methods.z_plus, "Guided BP": methods.guided_backprop}
Gone = Callable[[str, Examined, str], Agreement]


def evidence(gone: Gone = destroyed) -> Evidence:
    """The trained network's map with that of the network whose dense layers have random weights."""
    dropping, staying, dropping_too = (
        {name: gone(SMALL_VGG, method, DENSE) for name, method in some.items()}
        for some in (DROPPING, STAYING, DROPPING_TOO)
    )
    large = {name: gone(VGG16, method, DENSE) for name, method in LARGE.items()}
    return Evidence(
        "experiment: rank correlation of either sign, median over images with its exact 99 % interval; "
        "one draw of weights for all methods",
        (
            check(
                all(a.changed for a in dropping.values()) and large["LRP_z"].changed,
                f"These change: {listed(dropping)} on {SMALL_VGG}, LRP_z {large['LRP_z'].median:.2f} on "
                f"{VGG16}.",
            ),
            check(
                all(a.kept for a in staying.values()) and large["z⁺"].kept and large["Guided BP"].kept,
                f"These stay: {listed(staying)} on {SMALL_VGG}; z⁺ {large['z⁺'].median:.2f} and Guided BP "
                f"{large['Guided BP'].median:.2f} on {VGG16}.",
            ),
            check(
                all(a.changed for a in dropping_too.values()),
                f"They are not all that change: {listed(dropping_too)} on {SMALL_VGG}.",
            ),
        ),
    )


CLAIM = Claim(
    id="cascade-dense-layers",
    words="When the dense layers have random weights the maps of SmoothGrad and LRP_z change; those of "
    "the other methods stay.",
    source=V1,
    section="section 3, figure 2b",
    verdict=Verdict.CONDITIONAL,
    because="SmoothGrad's and LRP_z's change, z⁺'s, Excitation BP's, CMP's, α2β1's and Guided BP's stay. "
    "The gradient's, α5β4's, DeepLIFT's and, on the small VGG, Deconv's change as well.",
    evidence=evidence,
)
