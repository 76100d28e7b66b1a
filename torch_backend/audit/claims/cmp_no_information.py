"""Do the vectors that LRP_CMP hands down contain no information about the decision?"""

from rankone.claims.record import Claim, Evidence, Verdict, check
from rankone.claims.sources import V1
from torch_backend import methods
from torch_backend.audit.claims.class_maps import Between, between_classes
from torch_backend.audit.claims.cmp_direction_trained import Compared
from torch_backend.audit.claims.convergence import CMP_A1B0, CONVERGED
from torch_backend.audit.claims.networks import SMALL_RESNET, SMALL_VGG, VGG16

KEEPING = (VGG16, SMALL_RESNET)
FACTOR = 10  # a decade more than z⁺


def evidence(between: Compared = between_classes) -> Evidence:
    """Local scales, the sums over the channels of each location at the image, of two classes."""
    cmp = {network: between(network, CMP_A1B0)[-1] for network in (*KEEPING, SMALL_VGG)}
    whole = {network: between(network, methods.z_plus)[-1] for network in cmp}
    return Evidence(
        "experiment: LRP_CMP α1β0 and z⁺ from the four likeliest logits; medians over images and pairs "
        "of classes",
        (
            check(
                all(one.direction < CONVERGED for one in cmp.values()),
                "The direction over channels says next to nothing: 1 − |cos| between two classes at a "
                f"location of the image is {listed(cmp, 'direction')}.",
            ),
            check(
                all(cmp[n].scale > FACTOR * whole[n].scale and cmp[n].scale > CONVERGED for n in KEEPING),
                "The scale from place to place does: 1 − cos of two classes' maps, summed over channels, is "
                f"{listed({n: cmp[n] for n in KEEPING}, 'scale')}; under z⁺ "
                f"{listed({n: whole[n] for n in KEEPING}, 'scale')}.",
            ),
            check(
                cmp[SMALL_VGG].scale < CONVERGED,
                f"On {SMALL_VGG}, whose last map has 2 × 2 locations, that is lost as well: "
                f"{cmp[SMALL_VGG].scale:.0e}.",
            ),
        ),
    )


def listed(found: dict[str, Between], name: str) -> str:
    return ", ".join(f"{getattr(one, name):.0e} on {network}" for network, one in found.items())


CLAIM = Claim(
    id="cmp-no-information",
    words="The relevance vectors of LRP_CMP contain hardly any information about the decision.",
    source=V1,
    section="section 5",
    verdict=Verdict.CONDITIONAL,
    because="True of each vector's direction over channels. The local scale, which the claim leaves out, "
    "does depend on the class wherever the dense layers read more than a few places.",
    evidence=evidence,
)
