"""Does a trained network whose maps cannot tell classes apart pass DiFull?"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor, nn

from rankone.claims.record import Claim, Evidence, Verdict, check
from rankone.claims.sources import RAO
from torch_backend import methods
from torch_backend.audit.claims.networks import SMALL_VGG, trained
from torch_backend.graph.graph import trace
from torch_backend.methods import Method
from torch_backend.propagation.relevance import relevance

CELLS, PAIRS = 2, 6
ALIKE = 1e-3  # total variation: of a map at most a thousandth moves


class Grid(nn.Module):
    """DiFull: the network on each cell of an image (B, C, H, CELLS · W); its logits side by side."""

    def __init__(self, network: nn.Module) -> None:
        super().__init__()
        self.network = network

    def forward(self, images: Tensor) -> Tensor:
        return torch.cat([self.network(cell) for cell in images.chunk(CELLS, dim=3)], dim=1)


@dataclass(frozen=True)
class Score:
    """localised: the least share of a class's positive relevance that is inside its own cell; moved: the
    largest total variation between the maps of two classes of one cell, each adding up to 1.
    """

    localised: float
    moved: float


def on_a_grid(method: Method) -> Score:
    """Over pairs of images side by side."""
    net = trained(SMALL_VGG)
    images = torch.cat(net.images[: CELLS * PAIRS].split(PAIRS), dim=3).double()
    graph = trace(Grid(net.model).eval(), images)
    logits = graph.nodes[-1].value
    each = torch.eye(logits.shape[1], dtype=logits.dtype)[:, None].expand(-1, len(images), -1)
    maps = relevance(graph, method, "logits", each, "input").sum(2)  # (V, B, H, CELLS · W)
    cells = torch.stack(maps.clamp(min=0).chunk(CELLS, dim=3), 2).flatten(3)  # (V, B, cell, H · W)
    own = cells.unflatten(0, (CELLS, -1))  # (cell of the class, classes, B, cell, H · W)
    inside = torch.stack([own[k, :, :, k] for k in range(CELLS)])
    localised = inside.sum(3) / own.sum((3, 4))
    p = inside / inside.sum(3, keepdim=True)
    moved = max(float(torch.cdist(q.transpose(0, 1), q.transpose(0, 1), p=1).max()) / 2 for q in p)
    return Score(float(np.nanmin(localised.numpy())), moved)


def evidence(of: Callable[[Method], Score] = on_a_grid) -> Evidence:
    """Every class of every cell, relevance 1 at its logit."""
    z_plus, gradient = of(methods.z_plus), of(methods.gradient)
    return Evidence(
        f"float64: {SMALL_VGG} on {PAIRS} grids of {CELLS} cells, disconnected, all classes",
        (
            check(
                z_plus.localised == 1,
                "z⁺ passes: every class has all its relevance in its own cell, score 1.",
            ),
            check(
                z_plus.moved < ALIKE,
                f"Within the cell no two of its classes differ in more than {100 * z_plus.moved:.1g} % "
                "of the map.",
            ),
            check(
                gradient.localised == 1 and gradient.moved > 100 * z_plus.moved,
                f"The gradient has the same score, and maps that differ in {100 * gradient.moved:.0f} %: "
                "the score does not tell the two apart.",
            ),
        ),
    )


CLAIM = Claim(
    id="di-full-trained",
    words="DiFull measures the faithfulness of attribution methods: it controls which parts of the input can "
    "influence which outputs.",
    source=RAO,
    section="abstract",
    verdict=Verdict.CONDITIONAL,
    because="It measures between cells. On a trained VGG, too, z⁺ has a perfect score with maps that say "
    "nothing of the class within a cell.",
    evidence=evidence,
)
