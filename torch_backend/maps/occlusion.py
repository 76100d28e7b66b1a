"""Occlusion (Zeiler and Fergus 2014): how far the logit falls when a window is covered. No chain."""

from collections.abc import Sequence
from itertools import product
from math import ceil

import torch
from torch import Tensor

from rankone.errors import refuse
from torch_backend.graph.graph import Graph
from torch_backend.maps.saliency import Attribution


def occlusion(window: int, stride: int | None = None, fill: float = 0.0, *, batch: int = 64) -> Attribution:
    """f(x) - f(x with a window covered), for windows `stride` apart, averaged over those that cover a pixel.

    window  side in pixels; all channels are covered with the value `fill`
    stride  step in pixels, at most `window` (default: half of it), so that each pixel is covered
    batch   covered images at once
    Maps are (B, 1, *space). ValueError: sides or steps out of range.
    """
    stride = max(1, window // 2) if stride is None else stride
    for name, value, most in (("window", window, None), ("stride", stride, window), ("batch", batch, None)):
        if isinstance(value, bool) or not isinstance(value, int) or value < 1 or (most and value > most):
            refuse(
                name,
                expected="an integer >= 1" + (f" and <= window = {most}" if most else ""),
                got=repr(value),
                do="give whole pixels, such as window=8, stride=4" if name != "batch" else "leave it out",
            )

    def maps(graph: Graph, images: Tensor, targets: Tensor) -> Tensor:
        return torch.stack([one_map(graph, x, t) for x, t in zip(images, targets, strict=True)])

    def one_map(graph: Graph, image: Tensor, target: Tensor) -> Tensor:
        """(1, *space)."""
        covers = masks(image.shape[1:], window, stride).to(image.device)  # (n, *space)
        logit = graph.outputs(image[None])[0, target]
        falls = [
            logit - graph.outputs(torch.where(some[:, None], fill, image))[:, target]
            for some in covers.split(batch)
        ]
        covers = covers.to(image)
        return (torch.tensordot(torch.cat(falls).to(image), covers, 1) / covers.sum(0))[None]

    return Attribution(f"occlusion:{window}:{stride}", maps, contributes=True)


def masks(space: Sequence[int], window: int, stride: int) -> Tensor:
    """True inside each window, (n, *space); the last window of an axis may reach beyond the image."""
    corners = [[i * stride for i in range(1 + ceil(max(0, n - window) / stride))] for n in space]
    found = torch.zeros(*map(len, corners), *space, dtype=torch.bool)
    for place in product(*(range(len(c)) for c in corners)):
        inside = tuple(slice(c[i], c[i] + window) for c, i in zip(corners, place, strict=True))
        found[(*place, *inside)] = True
    return found.flatten(0, len(space) - 1)
