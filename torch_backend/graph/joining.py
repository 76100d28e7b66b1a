"""Tensors joined to one, constants among them: handlers with ATen's signatures (see table)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from functools import partial
from itertools import accumulate
from math import prod

import torch
from torch import Tensor

from torch_backend.graph.arithmetic import Part, affine
from torch_backend.graph.arrangement import Arrangement
from torch_backend.graph.step import Call, Operation, Read
from torch_backend.operators.unweighted import Concatenation, Gather, Reshape


def concatenate(call: Call, tensors, dim=0) -> Part:
    """Tensors one after the other."""
    axis = dim % len(call.arrangement.shape)
    if axis == 0:
        return None
    return joined(call, [t for t in tensors if 0 not in t.shape], axis - len(call.arrangement.shape))


def stack(call: Call, tensors, dim=0) -> Part:
    """Tensors side by side, on an axis of their own."""
    shape = tuple(call.outputs[0].shape)
    axis, one = dim % len(shape), next(t.arrangement for t in tensors if isinstance(t, Read))
    if any(isinstance(t, Read) and t.arrangement != one for t in tensors) or one.parts[1:3] != (1, 1):
        return None
    in_front = axis <= len(one.parts[0])
    y = Arrangement(shape, one.outer * (len(tensors) if in_front else 1), one.count)
    each = Arrangement((*shape[:axis], 1, *shape[axis + 1 :]), one.outer, one.count)
    parts = [
        Operation(Reshape, (t.shape, each.image), (t,), each) if isinstance(t, Read) else t.unsqueeze(axis)
        for t in tensors
    ]
    return joined(replace(call, arrangement=y), parts, axis - (not in_front) - len(y.image))


def joined(call: Call, parts: Sequence[Read | Operation | Tensor], behind: int) -> Part:
    """The parts along an axis of one image, counted from the end; constants are the same for all images."""
    y = call.arrangement
    if len(parts) == 1:
        return parts[0]
    reads = tuple(part for part in parts if not isinstance(part, Tensor))
    if len(reads) < len(parts) and not y.is_plain:
        return None
    if len(reads) == len(parts):
        sizes = tuple(part.arrangement.image[behind] for part in parts)
        return Operation(Concatenation, (y.image, y.image, None, behind, sizes), reads, y)
    shapes = tuple(part.arrangement.image for part in reads)
    ends = accumulate(map(prod, shapes))
    numbers = iter(
        [torch.arange(end - prod(shape), end).view(shape) for shape, end in zip(shapes, ends, strict=True)]
    )
    index = [torch.full(p.shape[1:], -1) if isinstance(p, Tensor) else next(numbers) for p in parts]
    index = torch.cat(index, behind).flatten().to(call.outputs[0].device)
    gather = partial(Gather, (sum(map(prod, shapes)),), y.image, index=index, shapes=shapes)
    constants = [
        p if isinstance(p, Tensor) else call.outputs[0].new_zeros(p.arrangement.shape) for p in parts
    ]
    return affine(call, Operation(gather, (), reads, y), 1.0, torch.cat(constants, behind))
