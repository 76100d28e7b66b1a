"""Do the roots of Deep Taylor Decomposition lie in the linear region of the image, in a trained VGG-16?"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor

from rankone.claims.record import Claim, Evidence, Verdict, check
from rankone.claims.sources import SIXT_2022
from torch_backend.audit.claims.networks import VGG16, trained
from torch_backend.graph.node import Node
from torch_backend.randomness import seeded

IMAGES, NEURONS, SEED = 2, 40, 0
MOST = 0.7  # of the neurons; 40 of them tell it to 0.07


@dataclass(frozen=True)
class Roots:
    """Shares of active neurons of a convolution whose z⁺ root lies outside: another neuron of their own layer
    changes its state; an input is negative, which no rectifier puts out.
    """

    layer: str
    another_state: float
    negative: float


def of_all_layers() -> tuple[Roots, ...]:
    """The convolutions but the first, whose inputs are pixels, from the image up."""
    net = trained(VGG16)
    graph = net.graph.record(net.images[:IMAGES])
    convolutions = [node for node in graph.nodes if node.kind == "convolution"][1:]
    return tuple(of_layer(node.name.removesuffix(".pre"), node, graph.x(node)) for node in convolutions)


def of_layer(layer: str, node: Node, x: Tensor) -> Roots:
    """Neurons (image, channel, place) of the 3 × 3 convolution of x (B, C, H, W), drawn from the active ones
    with whole windows around them.
    """
    weight, bias = node.op.weight, node.op.bias
    inner = node.value[:, :, 2:-2, 2:-2]
    active = (inner > 0).nonzero()
    drawn = torch.randperm(len(active), generator=seeded("roots", SEED, layer))[:NEURONS]
    states = [
        root_of(x, weight, bias, *place) for place in (active[drawn] + torch.tensor([0, 0, 2, 2])).tolist()
    ]
    another_state, negative = torch.tensor(states, dtype=torch.double).mean(0).tolist()
    return Roots(layer, another_state, negative)


def root_of(
    x: Tensor, weight: Tensor, bias: Tensor, image: int, j: int, row: int, column: int
) -> tuple[bool, bool]:
    """Whether the root a − t a ⊙ 1[w_j > 0], t = (w_jᵀa + b_j) / (w_j⁺)ᵀa, of neuron j's window a changes
    the state of another neuron whose window meets it, and whether it is negative somewhere.
    """
    around = x[image, :, row - 2 : row + 3, column - 2 : column + 3].double()
    w, b = weight.double(), bias.double().flatten()
    a = around[:, 1:4, 1:4]
    t = ((w[j] * a).sum() + b[j]) / (w[j].clamp(min=0) * a).sum()
    root = around.clone()
    root[:, 1:4, 1:4] = a - t * a * (w[j] > 0)
    before, after = (F.conv2d(some[None], w, b)[0] > 0 for some in (around, root))
    changed = before != after
    changed[j, 1, 1] = False  # j itself is at its threshold, up to rounding
    return bool(changed.any()), bool(t > 1)


def evidence(roots: Callable[[], tuple[Roots, ...]] = of_all_layers) -> Evidence:
    """z⁺ roots of active neurons, layer by layer from the image."""
    found = roots()
    least = min(found, key=lambda one: one.another_state)
    return Evidence(
        f"experiment: {NEURONS} active neurons of each convolution of {VGG16} but the first, {IMAGES} "
        f"images, seed {SEED}",
        (
            check(
                least.another_state > MOST,
                "Another neuron of the same layer changes its state on the way to the root for "
                + ", ".join(f"{100 * one.another_state:.0f} %" for one in found)
                + f" of the neurons, {found[0].layer} to {found[-1].layer}.",
            ),
            check(
                max(one.negative for one in found) == 0,
                "It is the region that they leave, not the domain: no input of any root is negative.",
            ),
        ),
    )


CLAIM = Claim(
    id="roots-trained",
    words="The root points of Deep Taylor Decomposition do not lie in the linear region of the input.",
    source=SIXT_2022,
    section="abstract",
    verdict=Verdict.HOLDS,
    because="In a trained VGG-16 most z⁺ roots change the state of another neuron of their own layer.",
    evidence=evidence,
)
