"""Moves that come to less than was written: moves of moves, what does nothing, paddings of an image."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from itertools import accumulate, zip_longest
from math import prod

import torch
import torch.nn.functional as F

from torch_backend.graph.kept import Kept
from torch_backend.graph.step import Step, needed
from torch_backend.operators.convolution import Convolution
from torch_backend.operators.layout import Shape
from torch_backend.operators.linear import Diagonal
from torch_backend.operators.max_pool import MaxPool, PaddingBelow, with_padding_below
from torch_backend.operators.operator import Operator
from torch_backend.operators.unweighted import Gather, Padding, Rearrangement, Reshape


def simplify(steps: Sequence[Step], last: Step, kept: Kept) -> Step:
    """Changes the steps; the last one that does something is returned."""
    for step in needed(steps, last):
        (below,) = step.inputs if len(step.inputs) == 1 else (None,)
        match step.op:
            case Reshape() if isinstance(below.op, Reshape):
                step.op, step.inputs = Reshape(below.op.in_shape, step.op.out_shape), below.inputs
            case Reshape() | Rearrangement() if isinstance(below.op, Gather):
                _pick_from_picked(step, below)
            case Gather() if any(isinstance(part.op, Gather) for part in step.inputs):
                _pick_from_all_that_is_picked(step)
            case Padding() if isinstance(below.op, Padding):
                pads = _sum_of_pads(step.op.pad, below.op.pad)
                step.op, step.inputs = padding(below.op.in_shape, step.op.out_shape, pads), below.inputs
        if isinstance(step.op, Gather) and len(step.inputs) == 1:
            step.op = as_padding(step.op) or step.op
    last = bypassed(steps, last)
    for step in steps:
        if isinstance(step.op, Convolution):
            _fold_padding(step, kept)
        if isinstance(step.op, MaxPool):
            _pad_in_the_pooling(step, steps)
    return last


def bypassed(steps: Sequence[Step], last: Step) -> Step:
    """Steps that do nothing are no longer read; the last one that does something."""
    instead: dict[int, Step] = {}
    for step in steps:
        step.inputs = tuple(instead.get(id(part), part) for part in step.inputs)
        if _does_nothing(step.op):
            instead[id(step)] = step.inputs[0]
        elif _undoes(step):
            instead[id(step)] = step.inputs[0].inputs[0]
    return instead.get(id(last), last)


def _does_nothing(op: Operator) -> bool:
    match op:
        case Diagonal():
            return bool((op.weight == 1).all()) and not bool(op.bias.any())
        case Reshape():
            return op.in_shape == op.out_shape
        case Gather():
            return (
                len(op.shapes) == 1
                and op.shapes[0] == op.out_shape
                and torch.equal(op.index.cpu(), torch.arange(len(op.index)))
            )
    return False


def _undoes(step: Step) -> bool:
    """Whether it moves the numbers of a move back to where they were."""
    op, (below, *_) = step.op, step.inputs or (None,)
    if not (
        type(op) is Rearrangement and type(below.op) is Rearrangement and op.out_shape == below.op.in_shape
    ):
        return False
    numbers = torch.arange(float(prod(op.out_shape))).view(1, *op.out_shape)
    return torch.equal(op.apply(below.op.apply(numbers)), numbers)


def _pick_from_picked(step: Step, below: Step) -> None:
    """Numbers of numbers that were picked; inputs of which nothing is left are no longer read."""
    where = step.op.apply(torch.arange(1.0, len(below.op.index) + 1).view(1, *below.op.out_shape)).long() - 1
    index = torch.where(where < 0, -1, below.op.index.cpu()[where]).flatten()
    ends = list(accumulate(map(prod, below.op.shapes)))
    used = [
        bool(((index >= end - prod(s)) & (index < end)).any())
        for s, end in zip(below.op.shapes, ends, strict=True)
    ]
    used[0] = used[0] or not any(used)
    for shape, end, keep in reversed(list(zip(below.op.shapes, ends, used, strict=True))):
        if not keep:
            index = torch.where(index >= end, index - prod(shape), index)
    shapes = tuple(s for s, keep in zip(below.op.shapes, used, strict=True) if keep)
    index = index.to(below.op.index.device)
    step.op = Gather((sum(map(prod, shapes)),), step.op.out_shape, index=index, shapes=shapes)
    step.inputs = tuple(part for part, keep in zip(below.inputs, used, strict=True) if keep)


def _pick_from_all_that_is_picked(step: Step) -> None:
    """Numbers of several tensors, of which some were picked themselves: picked from what those read."""
    parts = [
        (part.inputs, part.op.index.cpu()) if isinstance(part.op, Gather) else ((part,), None)
        for part in step.inputs
    ]
    sources = list({id(source): source for inputs, _ in parts for source in inputs}.values())
    sizes = [prod(source.shape) for source in sources]
    begins = dict(zip(map(id, sources), accumulate([0, *sizes[:-1]]), strict=True))
    where = []
    for inputs, index in parts:
        numbers = torch.cat([torch.arange(prod(s.shape)) + begins[id(s)] for s in inputs])
        where.append(numbers if index is None else torch.where(index < 0, -1, numbers[index]))
    picked = step.op.index.cpu()
    index = torch.where(picked < 0, -1, torch.cat(where)[picked]).to(step.op.index.device)
    shapes = tuple(source.shape for source in sources)
    step.inputs = tuple(sources)
    step.op = Gather((sum(sizes),), step.op.out_shape, index=index, shapes=shapes)


def as_padding(op: Gather) -> Padding | None:
    """Numbers that were picked, if they are an image with zeros around it."""
    (image,), index = op.shapes, op.index.cpu().view(op.out_shape)
    if len(image) != len(op.out_shape) or bool((index >= 0).sum() != prod(image)):
        return None
    places = (index >= 0).nonzero()
    low, high = places.amin(0), places.amax(0) + 1
    inside = index[tuple(slice(a, b) for a, b in zip(low, high, strict=True))]
    if inside.shape != image or not torch.equal(inside.flatten(), torch.arange(prod(image))):
        return None
    ends = zip(low.tolist(), (torch.tensor(op.out_shape) - high).tolist(), strict=True)
    return padding(image, op.out_shape, [n for both in reversed(list(ends)) for n in both])


def padding(image: Shape, padded: Shape, pad: Sequence[int]) -> Padding:
    while pad[-2:] == [0, 0]:
        pad = pad[:-2]
    return Padding(image, padded, function=lambda v: F.pad(v, pad), pad=tuple(pad))


def _sum_of_pads(a: Shape, b: Shape) -> list[int]:
    return [m + n for m, n in zip_longest(a, b, fillvalue=0)]


def _fold_padding(step: Step, kept: Kept) -> None:
    """Zeros around the image, into the convolution that reads them."""
    (below,) = step.inputs
    if isinstance(below.op, Padding):
        padded = kept(with_padding, step.op, below.op.in_shape, below.op.pad)
        if padded is not None:
            step.op, step.inputs = padded, below.inputs


def with_padding(layer: Convolution, in_shape: Shape, pad: Shape) -> Convolution | None:
    """The convolution of an image with `pad` zeros before and after it along each axis, from the last one on.

    Where there are more on one side, zeros in the kernel make up for the difference. None where it cannot.
    """
    axes = len(layer.stride)
    ends = [(pad[2 * k], pad[2 * k + 1]) if 2 * k < len(pad) else (0, 0) for k in reversed(range(axes))]
    differences = [abs(a - b) % d for (a, b), d in zip(ends, layer.dilation, strict=True)]
    if min(pad, default=0) < 0 or len(pad) > 2 * axes or any(differences):
        return None
    longer = [
        (max(0, b - a) // d, max(0, a - b) // d) for (a, b), d in zip(ends, layer.dilation, strict=True)
    ]
    weight = F.pad(layer.weight, [n for both in reversed(longer) for n in both])
    padding = tuple(p + max(both) for p, both in zip(layer.padding, ends, strict=True))
    return replace(layer, in_shape=in_shape, weight=weight, padding=padding)


def _pad_in_the_pooling(step: Step, steps: Sequence[Step]) -> None:
    """What no maximum chooses, around the image, into the max-pooling that reads it."""
    (below,) = step.inputs
    view = below if isinstance(below.op, Reshape) and _is_read_once(below, steps) else None
    padding = view.inputs[0] if view else below
    if not isinstance(padding.op, PaddingBelow):
        return
    image, n = padding.inputs[0].shape, len(padding.op.pad) // 2
    if view and view.op.in_shape[-n:] != view.op.out_shape[-n:]:
        return
    image = (*step.op.in_shape[:-n], *image[-n:])
    pooling = with_padding_below(step.op, image, padding.op)
    if pooling is None:
        return
    step.op, step.inputs, step.what = pooling, padding.inputs, (*padding.what, *step.what)
    if view:  # of the image before it is padded, as one-dimensional pooling has it
        view.op, view.inputs, view.tensor = Reshape(padding.inputs[0].shape, image), padding.inputs, None
        view.arrangement = replace(view.arrangement, shape=(view.arrangement.count, *image))
        step.inputs = (view,)
    _pad_in_the_pooling(step, steps)


def _is_read_once(step: Step, steps: Sequence[Step]) -> bool:
    return sum(step in other.inputs for other in steps) == 1
