"""Patterns estimated from images: the direction of the signal that each unit reads (Kindermans et al. 2018).

patterns = estimate_patterns(graph, batches)          # any iterable of images (B, *image shape)
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace

import torch
from torch import Tensor

from rankone.errors import refuse
from torch_backend.graph import paths
from torch_backend.graph.graph import Graph
from torch_backend.graph.node import Node
from torch_backend.graph.paths import LAYERS
from torch_backend.methods.patterns import Patterns
from torch_backend.operators.layout import full_precision
from torch_backend.operators.linear import Dense, Weighted

REGIMES = ("relu", "linear")
# wᵀcov(x, y) below this many roundings of its terms is taken for 0: a unit that does not vary has no pattern.
ROUNDINGS = 64


def estimate_patterns(graph: Graph, batches: Iterable[Tensor], regime: str = "relu") -> Patterns:
    """Patterns of all convolutions (over their patches) and dense layers, from images (B, *image shape).

    regime  "linear": a = cov(x, y) / wᵀcov(x, y), where wᵀcov(x, y) = var(y) (Kindermans et al., S_a)
            "relu": the positive half-space, a = c / wᵀc with c = E₊[xy] - E₊[x] E[y] and E₊ the mean where
            y > 0 (S_a+-), in layers whose sign a rectifier reads; "linear" in the others

    Sums of products run in the graph's precision within a batch, with y centred on its mean in the first
    batch, and in float64 from batch to batch; memory does not grow with the number of images.
    ValueError: an unknown regime, no images, images of another shape than traced.
    """
    if regime not in REGIMES:
        refuse(
            "regime", expected=" or ".join(REGIMES), got=repr(regime), do="take relu where rectifiers follow"
        )
    nodes = [node for node in graph.nodes if isinstance(node.op, LAYERS)]
    rectified = paths.rectified(graph.nodes) if regime == "relu" else set()
    sums: dict[str, Sums] = {}
    for images in batches:
        recorded = graph.record(images)
        for node in nodes:
            x, y = recorded.x(recorded.nodes[node.index]), recorded.nodes[node.index].value
            if node.name not in sums:
                sums[node.name] = Sums.none(node, y)
            sums[node.name] = sums[node.name].add(
                node, x, y, y > 0 if node.index in rectified else torch.ones_like(y)
            )
    if not sums:
        refuse(
            "batches",
            expected="at least one batch of images",
            got="none",
            do="pass images like those the network was trained on",
        )
    return Patterns(regime, {node.name: sums[node.name].pattern(node) for node in nodes})


@dataclass(frozen=True, eq=False)
class Sums:
    """Sums over images and locations, float64; + stands for the half-space, c for a constant near E[y].

    count, y        (C,) number of y, and Σ (y - c)
    count_plus      (C,) number of y in the half-space
    x_plus, xy_plus in the weights' shape: Σ₊ x and Σ₊ x (y - c)
    """

    centre: Tensor
    count: Tensor
    y: Tensor
    count_plus: Tensor
    x_plus: Tensor
    xy_plus: Tensor

    @staticmethod
    def none(node: Node, y: Tensor) -> Sums:
        channels = _by_channel(node, y).mean(1)
        zero, weights = torch.zeros_like(channels).double(), torch.zeros_like(node.op.weight).double()
        return Sums(channels, zero, zero, zero, weights, weights)

    def add(self, node: Node, x: Tensor, y: Tensor, half_space: Tensor) -> Sums:
        plus = half_space.to(y)
        centred = y - self.centre.reshape(-1 if isinstance(node.op, Dense) else (-1, *[1] * (y.dim() - 2)))
        return Sums(
            self.centre,
            self.count + _by_channel(node, y).shape[1],
            self.y + _by_channel(node, centred).double().sum(1),
            self.count_plus + _by_channel(node, plus).double().sum(1),
            self.x_plus + products(node.op, x, plus).double(),
            self.xy_plus + products(node.op, x, plus * centred).double(),
        )

    def pattern(self, node: Node) -> Tensor:
        """a = c / wᵀc, c = E₊[xy] - E₊[x] E[y]."""
        w = node.op.weight.double().flatten(1)
        mean = (self.y / self.count)[:, None]
        xy, x = (s.flatten(1) / self.count_plus.clamp(min=1)[:, None] for s in (self.xy_plus, self.x_plus))
        c, terms = xy - x * mean, xy.abs() + (x * mean).abs()
        wc, scale = (w * c).sum(1, keepdim=True), (w.abs() * terms).sum(1, keepdim=True)
        varies = wc.abs() > ROUNDINGS * torch.finfo(node.op.weight.dtype).eps * scale
        a = torch.where(varies, c / torch.where(varies, wc, 1), 0)
        return a.reshape(node.op.weight.shape).to(node.op.weight)


def products(op: Weighted, x: Tensor, g: Tensor) -> Tensor:
    """Σ g xᵀ over images and locations, in the shape of the weights W: the derivative of ⟨g, Wx⟩ by W."""
    x = x.contiguous()  # torch 2.15: one channels-last image, groups, float64 gave a wrong derivative by W
    weight = op.weight.clone().requires_grad_()
    with torch.enable_grad(), full_precision(x):
        (total,) = torch.autograd.grad(replace(op, weight=weight).apply(x), weight, g)
    return total


def _by_channel(node: Node, y: Tensor) -> Tensor:
    """(C, everything else)."""
    return y.movedim(-1 if isinstance(node.op, Dense) else 1, 0).flatten(1)
