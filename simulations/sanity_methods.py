"""Which methods and layers the paper's sanity checks are about, and which of them a short run takes."""

from collections.abc import Collection
from math import prod

from torch_backend.audit.stages import stages
from torch_backend.commands.subjects import ALL as EVERY
from torch_backend.graph.graph import Graph

GRAD_CAM = "grad_cam"  # of the last layer with space in it
#: Those of the paper, of its ICML version, and two controls.
ALL = (*(name for name in EVERY if name not in ("z_plus", "occlusion")), GRAD_CAM, "occlusion")
#: Those that decide the paper's claims.
DECIDING = (
    "gradient",
    "smooth_grad:3",
    "deconv",
    "guided_backprop",
    "rectgrad",
    "pattern_attribution",
    "deep_taylor",
    "lrp_z",
    "alpha_beta:1:0",
    "alpha_beta:2:1",
    "alpha_beta:5:4",
    "lrp_cmp:1:0",
    "deeplift_rescale",
    "contrastive_excitation_backprop",
    GRAD_CAM,
)
#: The same without those that take longest on a VGG-16, and α1β0, which is Deep Taylor above the first layer.
DECIDING_ON_VGG = tuple(
    name
    for name in DECIDING
    if name not in ("smooth_grad:3", "pattern_attribution", "alpha_beta:1:0", "alpha_beta:2:1")
)

#: The paper's, output first, between a network's first stage and its last.
VGG_STAGES = ("fc1", "conv5_3", "conv5_1", "conv4_3", "conv4_1", "conv3_1", "conv2_1")
RESNET_STAGES = ("block5_2", "block4_6", "block4_1", "block3_3", "block3_1", "block2_2")


def stages_of(graph: Graph, wanted: Collection[str]) -> tuple[str, ...]:
    """The network's first stage, those that are wanted, its last: output first."""
    names = [stage.name for stage in stages(graph)]
    return tuple(name for k, name in enumerate(names) if name in wanted or k in (0, len(names) - 1))


def spelled(methods: Collection[str], graph: Graph) -> list[str]:
    """The methods as on a command line, Grad-CAM with its layer."""
    return [f"{name}:{last_with_space(graph)}" if name == GRAD_CAM else name for name in methods]


def last_with_space(graph: Graph) -> str:
    """The last layer whose output has several places; the first layer where none has."""
    spacious = [name for name in graph.layers if prod(graph.node(name).shape[1:]) > 1]
    return [graph.layers[0], *spacious][-1]
