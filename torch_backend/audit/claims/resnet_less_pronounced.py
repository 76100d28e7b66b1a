"""Are the results on residual networks similar to those on VGG-16, but less pronounced?"""

from collections.abc import Callable

from rankone.claims.record import Claim, Evidence, Verdict, check
from rankone.claims.sources import V1
from torch_backend import methods
from torch_backend.audit.claims.class_maps import cone_at_the_image
from torch_backend.audit.claims.convergence import Converged, convergence
from torch_backend.audit.claims.networks import RESNET50, SMALL_RESNET, SMALL_VGG, VGG16

PAIRS = ((VGG16, RESNET50), (SMALL_VGG, SMALL_RESNET))
FACTOR = 10  # what counts as less: no accident of images, whose numbers differ by 2 or 3


def evidence(
    moved: Callable[[str], float] = cone_at_the_image, converged: Converged = convergence
) -> Evidence:
    """z⁺: what any class can move of the whole map, and how parallel random starts become."""
    share = {network: moved(network) for pair in PAIRS for network in pair}
    end = {network: converged(network, methods.z_plus)[-1].median for network in share}
    return Evidence(
        "float64, all classes of two images; and CSC from the logits",
        (
            check(
                all(share[residual] > FACTOR * share[vgg] for vgg, residual in PAIRS),
                "The largest share of the z⁺ map at the image that another class can move: "
                + ", ".join(f"{network} {100 * x:.2g} %" for network, x in share.items())
                + ".",
            ),
            check(
                max(share.values()) < 0.2,
                "Similar: four fifths of the map stay on every network, whatever the class "
                f"({100 * (1 - max(share.values())):.0f} % at the least).",
            ),
            check(
                all(end[residual] > FACTOR * end[vgg] for vgg, residual in PAIRS),
                "Random starts, 1 − |cos| over channels at the lowest layer: "
                + ", ".join(f"{network} {x:.0e}" for network, x in end.items())
                + ".",
            ),
        ),
    )


CLAIM = Claim(
    id="resnet-less-pronounced",
    words="On ResNet-50 the results are similar, but less pronounced.",
    source=V1,
    section="section 3, appendix A",
    verdict=Verdict.HOLDS,
    because="z⁺ leaves any class one to four decades more to say on residual networks than on a VGG.",
    evidence=evidence,
)
