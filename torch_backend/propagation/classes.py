"""Classes of an output over space (B, C, *space), as of segmentation: a class is the sum of its map, or of a
region of it.

    start = class_start(logits, class_sums(logits, region).argmax(1), region)
    relevance(graph, method, "logits", start, at="input")

Relevance starts as 1 wherever the sum reads: it is the start of the network that returns the sums.
"""

from __future__ import annotations

import torch
from torch import Tensor

from rankone.errors import refuse


def class_sums(logits: Tensor, region: Tensor | None = None) -> Tensor:
    """The sums over the region: (B, C, *space) -> (B, C); (B, C) as they are.

    region: a mask (*space) of zeros and ones, or booleans; None: everywhere. ValueError: see `class_start`.
    """
    inside = _mask(logits, region)
    return (logits * inside).flatten(2).sum(2) if logits.dim() > 2 else logits


def class_start(logits: Tensor, classes: Tensor, region: Tensor | None = None) -> Tensor:
    """1 at one class of each image, over the region: logits (B, C, *space), classes (B,) in 0 … C − 1 ->
    (1, B, C, *space).

    ValueError: other classes; a region of another shape than *space, without any place, or where there is no
    space.
    """
    whole = isinstance(classes, Tensor) and classes.dtype == torch.int64 and classes.shape == logits.shape[:1]
    if not whole or not bool(((classes >= 0) & (classes < logits.shape[1])).all()):
        expected = f"{len(logits)} numbers of classes, int64, from 0 to {logits.shape[1] - 1}"
        got = classes.tolist() if whole else getattr(classes, "shape", type(classes).__name__)
        refuse("classes", expected=expected, got=got, do="give one for each image, as argmax(1) does")
    one_hot = torch.nn.functional.one_hot(classes, logits.shape[1]).to(logits)
    return (one_hot.view(*one_hot.shape, *[1] * (logits.dim() - 2)) * _mask(logits, region))[None]


def _mask(logits: Tensor, region: Tensor | None) -> Tensor:
    """1 inside and 0 outside, (*space)."""
    space = tuple(logits.shape[2:])
    if region is None:
        return torch.ones(space).to(logits)
    if not space:
        refuse("region", expected="an output over space", got="one without", do="leave the region out")
    if not isinstance(region, Tensor):
        refuse(
            "region", expected="a tensor", got=type(region).__name__, do="convert it: torch.as_tensor(region)"
        )
    if tuple(region.shape) != space or not bool(region.any()):
        got = f"{tuple(region.shape)}" if tuple(region.shape) != space else "an empty one"
        refuse(
            "region", expected=f"a mask {space}, as the output's space", got=got, do="draw it at that size"
        )
    return region.bool().to(logits)
