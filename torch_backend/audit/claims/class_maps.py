"""How the maps of a network's classes differ, layer by layer: direction over channels, and local scale."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache

import torch
from torch import Tensor

from torch_backend.audit.claims.networks import trained
from torch_backend.convergence.cosine import pairwise
from torch_backend.methods import Method, z_plus
from torch_backend.proof.class_cone import class_cones
from torch_backend.propagation.malloc import kept_pages
from torch_backend.propagation.relevance import relevance

#: Classes compared, the most likely first; images.
CLASSES, LARGE, SMALL = 4, 2, 6


@dataclass(frozen=True)
class Between:
    """Two classes' relevance at a layer: medians over images, pairs of classes (and locations).

    direction  1 − |cos| over the channels of a location
    scale      1 − cos of the local scales, the sums over channels, of all locations: in [0, 2]; 0: one class
               has the other's, times a positive number
    """

    layer: str
    direction: float
    scale: float


@cache
@kept_pages()
def between_classes(network: str, method: Method) -> tuple[Between, ...]:
    """From the layer below the logits to the image, along the layers that have locations."""
    net = trained(network)
    few = net.images[: LARGE if net.images[0].numel() > 32**2 * 3 else SMALL]
    graph = net.graph.record(few)
    logits = graph.nodes[-1].value
    likely = logits.topk(min(CLASSES, logits.shape[1])).indices.T  # (V, B)
    start = torch.nn.functional.one_hot(likely, logits.shape[1]) * logits
    places = [name for name in graph.layers if graph.node(name).value.dim() == 4]
    found = relevance(graph, method, "logits", start, ["input", *places])
    return tuple(compared(layer, found[layer]) for layer in [*reversed(places), "input"])


def compared(layer: str, r: Tensor) -> Between:
    """r (V, B, C, H, W), V classes."""
    direction = pairwise(r).deviations.transpose(0, 1).flatten(1).nanmedian(1).values
    return Between(layer, float(direction.median()), float(unlike(r.sum(2).flatten(2)).median()))


def unlike(r: Tensor) -> Tensor:
    """The median over pairs of 1 − cos of vectors r (V, B, N): (B,)."""
    u = torch.nn.functional.normalize(r.double(), dim=2)
    a, b = torch.triu_indices(len(u), len(u), 1)
    return ((u[a] - u[b]).square().sum(2) / 2).nanmedian(0).values


@cache
@kept_pages()
def cone_at_the_image(network: str) -> float:
    """The largest share of the z⁺ map at the image that moves between two classes; of two images."""
    net = trained(network)
    each = (class_cones(net.model, image[None], z_plus, "input") for image in net.images[:LARGE])
    return max(cone.total_variation for (cone,) in each)
