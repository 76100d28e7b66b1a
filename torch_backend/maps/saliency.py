"""Saliency maps: one number for each pixel, for one class of each image.

    saliency(model, images, methods.z_plus)                           # the predicted classes, (B, C, H, W)
    saliency(model, images, smooth_grad(), targets, reduce=largest_magnitude)                  # (B, H, W)

Two kinds of methods give maps. A `Method` is a chain: it hands something down layer by layer, and has a CSC.
An `Attribution` is any other function of network, images and classes (SmoothGrad, Integrated Gradients,
Grad-CAM, Occlusion), which has none.

A chain starts from the one class alone: from 1 where it carries derivatives (gradient, deconvolution, guided
backpropagation, RectGrad, DeepLIFT), from the logit's value where it shares the logit out (LRP, deep Taylor,
excitation backpropagation, PatternNet, PatternAttribution): `Method.from_logit`.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from rankone.errors import refuse
from rankone.results.protocol import Protocol, corrected, named
from torch_backend.graph.graph import Graph, trace
from torch_backend.methods import Method
from torch_backend.propagation.malloc import kept_pages
from torch_backend.propagation.relevance import relevance

Reduction = Callable[[Tensor], Tensor]


@dataclass(frozen=True, eq=False)
class Attribution:
    """A way to a saliency map that is no chain of factors.

    maps         (graph, images (B, *shape), targets (B,)) -> (B, C, *space), the graph traced with images of
                 this shape; C = 1 where channels have no maps of their own
    contributes  whether the maps are shares of the output, not derivatives by the pixels
    averages     where it is a mean of maps of a chain: that chain's method, and the same mean for another
    """

    name: str
    maps: Callable[[Graph, Tensor, Tensor], Tensor]
    contributes: bool
    averages: tuple[Method, Callable[[Method], Attribution]] | None = None


def saliency(
    model: nn.Module,
    images: Tensor,
    method: Method | Attribution,
    targets: Tensor | None = None,
    *,
    reduce: Reduction | None = None,
    batch: int = 16,
) -> Tensor:
    """Maps (B, C, *space) of images (B, C, *space), or `reduce`d over their channels, (B, *space).

    targets  classes (B,), 0 ≤ target < number of logits; None: the predicted ones
    reduce   largest_magnitude, sum_of_magnitudes, plain_sum, or `reduction(method, protocol)`
    batch    images at once; does not change the maps
    ValueError: targets that are no classes, a model without one logit per class, and whatever `trace` and
    the method refuse.
    """
    graph = trace(model, images[:1] if isinstance(images, Tensor) else images)
    if isinstance(batch, bool) or not isinstance(batch, int) or batch < 1:
        refuse("batch", expected="an integer >= 1", got=repr(batch), do="leave it out")
    if not isinstance(method, Method | Attribution):
        refuse(
            "method",
            expected="a Method or an Attribution",
            got=type(method).__name__,
            do="take one of torch_backend.methods",
        )
    targets = explained_classes(graph, images, targets, batch)
    with kept_pages():
        maps = torch.cat(
            [
                maps_of(graph.record(some), method, classes)
                for some, classes in zip(images.split(batch), targets.split(batch), strict=True)
            ]
        )
    return maps if reduce is None else reduce(maps)


def maps_of(graph: Graph, method: Method | Attribution, targets: Tensor) -> Tensor:
    """Maps (B, C, *space) of the recorded images for their `targets` (B,)."""
    if isinstance(method, Attribution):
        return method.maps(graph, graph.nodes[0].value, targets)
    return chain_maps(graph, method, targets)


def chain_maps(graph: Graph, method: Method, targets: Tensor) -> Tensor:
    """What a chain hands down to the recorded images from the logits of their `targets` (B,): (B, *shape)."""
    logits = graph.nodes[-1].value
    one_hot = torch.nn.functional.one_hot(targets, logits.shape[1]).to(logits)
    start = one_hot * logits if method.said("from_logit") else one_hot
    return relevance(graph, method, "logits", start[None], "input")[0]


# ---------------------------------------------------------------- channels


def largest_magnitude(maps: Tensor) -> Tensor:
    """max_c |m_c|: (B, C, *space) -> (B, *space)."""
    return maps.abs().amax(1)


def sum_of_magnitudes(maps: Tensor) -> Tensor:
    """Σ_c |m_c|: (B, C, *space) -> (B, *space)."""
    return maps.abs().sum(1)


def plain_sum(maps: Tensor) -> Tensor:
    """Σ_c m_c: (B, C, *space) -> (B, *space)."""
    return maps.sum(1)


def reduction(method: Method | Attribution, protocol: Protocol | str = corrected) -> Reduction:
    """How a protocol, or the one of that name, makes one number of a pixel's channels.

    Contributions are summed. Derivatives: the sum of magnitudes as the paper says (corrected), the largest
    magnitude as its code has it (paper). ValueError for another name.
    """
    protocol = named(protocol) if isinstance(protocol, str) else protocol
    if contributes(method):
        return plain_sum
    return largest_magnitude if protocol.largest_channel else sum_of_magnitudes


def contributes(method: Method | Attribution) -> bool:
    """Whether its maps are shares of the output (LRP, gradient ⊙ input, DeepLIFT, …), not derivatives."""
    return method.contributes if isinstance(method, Attribution) else method.said("contributes")


# ---------------------------------------------------------------- classes


def explained_classes(graph: Graph, images: Tensor, targets: Tensor | None = None, batch: int = 16) -> Tensor:
    """`targets` (B,), or without any the predicted classes of images (B, ...), `batch` images at once.

    ValueError: a model without one logit for each class, targets that are no classes.
    """
    if len(graph.nodes[-1].shape) != 1:
        refuse(
            "model",
            expected="logits (B, classes)",
            got=f"(B, {', '.join(map(str, graph.nodes[-1].shape))})",
            do="wrap it to return its logits only",
        )
    if targets is None:
        return torch.cat([graph.record(some).nodes[-1].value.argmax(1) for some in images.split(batch)])
    number = graph.nodes[-1].shape[0]
    right = (
        isinstance(targets, Tensor)
        and targets.shape == images.shape[:1]
        and not (targets.is_floating_point() or targets.is_complex() or targets.dtype == torch.bool)
    )
    if not right or bool(((targets < 0) | (targets >= number)).any()):
        got = (
            targets.tolist()
            if isinstance(targets, Tensor) and targets.numel() < 20
            else type(targets).__name__
        )
        refuse(
            "targets",
            expected=f"{len(images)} integers from 0 to {number - 1}, one class for each image",
            got=got,
            do="give a tensor of classes, or None for the predicted ones",
        )
    return targets.to(images.device, torch.long)
