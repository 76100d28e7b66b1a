"""How much of a trained network's map does the forward pass alone keep, under top-down randomisation?"""

from rankone.claims.record import Claim, Evidence, Verdict, check
from rankone.claims.sources import BINDER
from torch_backend import methods
from torch_backend.audit.claims.agreement import KEPT, Agreement, destroyed
from torch_backend.audit.claims.cascade_dense_layers import Gone
from torch_backend.audit.claims.networks import SMALL_RESNET, SMALL_VGG

ALL = {SMALL_VGG: "conv1_1", SMALL_RESNET: "0"}  # the stage where the last weights are destroyed
METHODS = {
    "z⁺": methods.z_plus,
    "Guided BP": methods.guided_backprop,
    "gradient": methods.gradient,
    "LRP_z": methods.lrp_z,
}
TRACE = 0.1  # of a rank correlation: what independent maps of LRP_z reach, too


def evidence(gone: Gone = destroyed) -> Evidence:
    """All weights drawn at random: in the whole network; and in the backward pass alone."""
    found = {
        name: {network: gone(network, method, stage) for network, stage in ALL.items()}
        for name, method in METHODS.items()
    }
    return Evidence(
        f"experiment: rank correlation of either sign with the trained map, all weights drawn at random, on "
        f"{SMALL_VGG} and {SMALL_RESNET}; median over images",
        (
            check(
                all(a.alone > KEPT for a in found["z⁺"].values()),
                "With the trained forward pass and not one trained weight in the backward pass z⁺ gives "
                f"the trained network's map: {alone(found['z⁺'])}.",
            ),
            check(
                all(a.median < a.alone - 0.2 for a in found["z⁺"].values()),
                f"With the forward pass random as well it does not: {whole(found['z⁺'])}.",
            ),
            check(
                all(
                    a.alone > 3 * a.null and a.alone < KEPT
                    for n in ("Guided BP", "gradient")
                    for a in found[n].values()
                ),
                f"Of Guided BP ({alone(found['Guided BP'])}) and the gradient "
                f"({alone(found['gradient'])}) the forward pass keeps a part.",
            ),
            check(
                all(abs(a.alone) < TRACE for a in found["LRP_z"].values()),
                f"Of the signed map of LRP_z it keeps nothing: {alone(found['LRP_z'])}.",
            ),
        ),
    )


def alone(of: dict[str, Agreement]) -> str:
    return " and ".join(f"{a.alone:.2f}" for a in of.values())


def whole(of: dict[str, Agreement]) -> str:
    return " and ".join(f"{a.median:.2f}" for a in of.values())


CLAIM = Claim(
    id="top-down-trained",
    words="Top-down randomisation preserves the scales of the forward activations, so explanations can only "
    "be expected to differ to a certain extent.",
    source=BINDER,
    section="abstract",
    verdict=Verdict.CONDITIONAL,
    because="On trained networks it is so of z⁺, whose whole map the forward pass keeps, and in part of "
    "Guided BP and the gradient; LRP_z's signed map has no such floor. A similarity is to be read beside "
    "that share.",
    evidence=evidence,
)
