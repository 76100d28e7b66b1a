"""Are the maps of all modified backpropagation methods but DeepLIFT independent of later layers?"""

from rankone.claims.record import Claim, Evidence, Verdict, check
from rankone.claims.sources import ICML
from torch_backend import methods
from torch_backend.audit.claims.agreement import destroyed, listed
from torch_backend.audit.claims.cascade_dense_layers import Gone
from torch_backend.audit.claims.ignore_later_layers import LATER
from torch_backend.audit.claims.networks import RESNET50, SMALL_RESNET, SMALL_VGG

RESCALE, REVEAL_CANCEL = methods.deeplift_rescale(), methods.deeplift_reveal_cancel()
OTHERS = (SMALL_VGG, RESNET50, SMALL_RESNET)
SMALL = (SMALL_VGG, SMALL_RESNET)


def evidence(gone: Gone = destroyed) -> Evidence:
    """Dense layers with random weights."""
    rescale = {network: gone(network, RESCALE, stage) for network, stage in LATER.items()}
    reveal = {network: gone(network, REVEAL_CANCEL, LATER[network]) for network in SMALL}
    signed = {network: gone(network, methods.alpha5_beta4, LATER[network]) for network in OTHERS}
    rectified = {network: gone(network, methods.rectgrad(), LATER[network]) for network in OTHERS}
    return Evidence(
        "experiment: rank correlation of either sign with the map of random weights in the dense layers, "
        "median over images with its exact 99 % interval",
        (
            check(
                all(a.changed for a in rescale.values()),
                f"DeepLIFT with Rescale depends on them: {listed(rescale)}.",
            ),
            check(
                any(a.changed for a in reveal.values()) and any(not a.changed for a in reveal.values()),
                f"RevealCancel does so on one network and hardly on another: {listed(reveal)}.",
            ),
            check(
                all(a.changed for a in signed.values()),
                f"So does LRP α5β4: {listed(signed)}.",
            ),
            check(
                rectified[SMALL_RESNET].changed,
                f"RectGrad does on {SMALL_RESNET}: {listed(rectified)}.",
            ),
        ),
    )


CLAIM = Claim(
    id="all-but-deeplift",
    words="The explanations of all the methods but DeepLIFT (Deep Taylor, LRP, Excitation BP, "
    "PatternAttribution, Deconv, RectGrad, Guided BP) are independent of the parameters of later layers.",
    source=ICML,
    section="abstract",
    verdict=Verdict.FALSE,
    because="DeepLIFT depends on them, but so do LRP α5β4 and, on a residual network, RectGrad.",
    evidence=evidence,
)
