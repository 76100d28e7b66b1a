"""What folds: constant affine maps into the linear layers beside them, sums of sums into one.

The same function has the same relevance however it was written: a batch norm as a module, a function or a
product and a sum, a normalisation of the pixels inside the network or in its weights, zeros around an image
by an operation or by the convolution. What does not fold stays a node of kind "affine".
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from math import prod

import torch
from torch import Tensor

from torch_backend.graph.arithmetic import make_diagonal
from torch_backend.graph.attention import weighted_sums_as_products
from torch_backend.graph.gates import below_gates, into_gates
from torch_backend.graph.kept import Kept
from torch_backend.graph.simplifying import bypassed, simplify
from torch_backend.graph.step import Step, needed
from torch_backend.operators.convolution import Convolving
from torch_backend.operators.holding import Normalising
from torch_backend.operators.layout import Shape
from torch_backend.operators.linear import Dense, Diagonal, Linear
from torch_backend.operators.operator import Operator, Route
from torch_backend.operators.unweighted import Average, Concatenation, Gather, Reshape, Sum

Layer = Convolving | Dense | Diagonal | Normalising
Readers = dict[int, list[Step]]


def fold(steps: Sequence[Step], last: Step, kept: Kept) -> list[Step]:
    """The steps on which the last one depends, in order, those that fold in one; changes the steps given."""
    last = simplify(_added(needed(steps, last), kept), last, kept)
    steps = needed(steps, last)
    weighted_sums_as_products(steps, _readers(steps))
    readers = _readers(steps := needed(below_gates(steps, _readers(steps), kept), last))
    for step in steps:
        if isinstance(step.op, Diagonal):
            _fold_down(step, readers, kept)
    steps = needed(steps, last)
    steps = into_gates(steps, _readers(steps))
    steps, last = _behind_what_joins(needed(steps, last), last, kept)
    readers = _readers(steps)
    for step in reversed(steps):
        if isinstance(step.op, Diagonal) and step is not last:
            _fold_up(step, last, readers, kept)
    last = bypassed(steps, last)
    readers = _readers(steps := needed(steps, last))
    for step in steps:
        if isinstance(step.op, Sum):
            _flatten(step, readers)
    return needed(steps, last)


def _readers(steps: Sequence[Step]) -> Readers:
    found: Readers = {id(step): [] for step in steps}
    for step in steps:
        for part in dict.fromkeys(step.inputs):
            found[id(part)].append(step)
    return found


# ---------------------------------------------------------------- affine maps


def _fold_down(step: Step, readers: Readers, kept: Kept) -> None:
    """The affine map d of this step into the layer that it alone reads, through what only moves numbers."""
    d, (below,) = step.op, step.inputs
    if isinstance(below.op, Sum) and len(readers[id(below)]) == 1:
        _fold_into_the_parts(step, below, readers, kept)
        return
    moved: list[Step] = []
    layer = below
    while _permutes(layer) and len(readers[id(layer)]) == 1:
        moved.append(layer)
        d = kept(
            make_diagonal,
            layer.inputs[0].shape,
            *(_moved_back(layer.op, _full(c, d)) for c in (d.weight, d.bias)),
        )
        (layer,) = layer.inputs
    if not isinstance(layer.op, Layer) or len(readers[id(layer)]) > 1:
        return
    folded = kept(after, layer.op, d)
    if folded is None:
        return
    for other in (layer, *moved):
        other.tensor = None
    layer.op = folded
    _take_over(step, below, readers)
    if isinstance(step.op, Diagonal):
        _fold_down(step, readers, kept)


def _fold_into_the_parts(step: Step, total: Step, readers: Readers, kept: Kept) -> None:
    """The factor of an affine map d of a sum into all layers that it adds up; what d adds stays."""
    layers = list({id(part): part for part in total.inputs}.values())
    if bool((step.op.weight == 1).all()) or not all(
        isinstance(part.op, Layer) and readers[id(part)] == [total] for part in layers
    ):
        return
    d, factor = step.op, kept(make_diagonal, step.op.in_shape, step.op.weight, torch.zeros(()))
    folded = [kept(after, part.op, factor) for part in layers]
    if None in folded:
        return
    for part, op in zip((*layers, total), (*folded, total.op), strict=True):
        part.op, part.tensor = op, None
    if bool(d.bias.any()):
        step.op = kept(make_diagonal, d.in_shape, torch.ones(()), d.bias)
    else:
        _take_over(step, total, readers)


def _take_over(step: Step, below: Step, readers: Readers) -> None:
    """The step, whose own operation has gone, is what it read: its numbers are the new ones."""
    step.op, step.inputs, step.label = below.op, below.inputs, below.label
    for part in below.inputs:
        readers[id(part)] = [step if reader is below else reader for reader in readers[id(part)]]


def _fold_up(step: Step, last: Step, readers: Readers, kept: Kept) -> None:
    """The affine map of this step into all layers that read it, if nothing else does."""
    absorbed = _absorbed(step, step.op, last, readers, kept)
    if absorbed is None:
        return
    for other, op in absorbed:
        if op is None:
            other.tensor = None
        else:
            other.op = op
    (below,) = step.inputs
    for reader in readers[id(step)]:
        reader.inputs = tuple(below if part is step else part for part in reader.inputs)
    readers[id(below)] = [r for r in readers[id(below)] if r is not step] + readers[id(step)]


def _absorbed(
    step: Step, d: Diagonal, last: Step, readers: Readers, kept: Kept
) -> list[tuple[Step, Linear | None]] | None:
    """The layers above the step with d in their weights, and the moves (None) between; None if one cannot."""
    found: list[tuple[Step, Linear | None]] = []
    for reader in readers[id(step)]:
        if reader is last and not isinstance(reader.op, Convolving | Dense):
            return None
        if isinstance(reader.op, Convolving | Dense):
            layer = kept(before, reader.op, d)
            if layer is None:
                return None
            found.append((reader, layer))
        elif isinstance(reader.op, Route) and isinstance(reader.op, Linear) and len(reader.inputs) == 1:
            numbers = (_moved(reader.op, _full(c, d)) for c in (d.weight, d.bias))
            above = _absorbed(reader, kept(make_diagonal, reader.op.out_shape, *numbers), last, readers, kept)
            if above is None:
                return None
            found += [(reader, None), *above]
        else:
            return None
    return found


def _full(c: Tensor, d: Diagonal) -> Tensor:
    """One number for each entry, as a batch of one."""
    return c.expand(1, *d.in_shape).contiguous()


def _moved(op: Linear, c: Tensor) -> Tensor:
    """Where the numbers of one image go."""
    return op.apply(op.join((c,)))[0]


def _moved_back(op: Linear, c: Tensor) -> Tensor:
    """Where the numbers of one image came from."""
    (x,) = op.split(op.adjoint(c))
    return x.reshape(len(c), *op.in_shape if not isinstance(op, Gather) else op.shapes[0])[0]


def _permutes(step: Step) -> bool:
    """Whether every number that it reads comes out once."""
    op = step.op
    if not (isinstance(op, Route) and isinstance(op, Linear)) or len(step.inputs) != 1:
        return False
    ones = torch.ones(1, *op.out_shape)
    return torch.Size(op.in_shape).numel() == ones.numel() and bool((op.adjoint(ones) == 1).all())


def after(layer: Layer, d: Diagonal) -> Operator | None:
    """d ∘ layer: weights w ⊙ W, bias w ⊙ b + s; None if w differs within a channel."""
    if isinstance(layer, Diagonal):
        return replace(layer, weight=d.weight * layer.weight, bias=d.weight * layer.bias + d.bias)
    if isinstance(layer, Normalising):
        return replace(layer, scale=d.weight * layer.scale, shift=d.weight * layer.shift + d.bias)
    axis = _channels(layer)
    w = along(d.weight, layer.out_shape, axis)
    if w is None:
        return None
    shape = w.shape + (1,) * (-axis - 1)
    bias = d.bias + torch.zeros_like(w.view(shape))
    if layer.bias is not None:
        bias = layer.bias * w.view(shape) + bias
    weight = layer.weight
    if bool((w != 1).any()):
        weight = weight * w.view(-1, *[1] * (weight.dim() - 1))
    return replace(layer, weight=weight, bias=_bias(layer, bias))


def before(layer: Convolving | Dense, d: Diagonal) -> Linear | None:
    """layer ∘ d: weights W ⊙ w, bias b + W s; None if w differs within a channel."""
    w = along(d.weight, layer.in_shape, _channels(layer))
    if w is None:
        return None
    bias = layer.bias
    if bool(d.bias.any()):
        shift = layer.apply(_full(d.bias, d))[0]
        bias = _bias(layer, shift if bias is None else bias + shift)
    weight = layer.weight
    if isinstance(layer, Convolving):
        w = w.view(layer.groups, 1, -1).expand(-1, len(weight) // layer.groups, -1).flatten(0, 1)
        w = w.view(*weight.shape[:2], *[1] * (weight.dim() - 2))
    return replace(layer, weight=weight * w, bias=bias)


def _channels(layer: Convolving | Dense) -> int:
    """The axis of the channels, from the end."""
    return -1 if isinstance(layer, Dense) else -1 - len(layer.stride)


def _bias(layer: Convolving | Dense, bias: Tensor) -> Tensor:
    """The bias with one number for each channel, if that is all it has."""
    axis = _channels(layer)
    each = along(bias, layer.out_shape, axis)
    return bias if each is None else each.view(-1, *[1] * (-axis - 1))


def along(t: Tensor, shape: Shape, axis: int) -> Tensor | None:
    """t, broadcast to the shape, as a function of this axis alone; None if it differs along others."""
    if t.numel() == 1:
        return t.reshape(1).expand(shape[axis])
    if t.numel() == shape[axis] and t.dim() >= -axis and t.shape[axis] == shape[axis]:
        return t.flatten()
    rows = t.expand(shape).movedim(axis, 0).flatten(1)
    return rows[:, 0] if bool((rows == rows[:, :1]).all()) else None


def _behind_what_joins(steps: list[Step], last: Step, kept: Kept) -> tuple[list[Step], Step]:
    """Affine maps of parts that are joined, as one map of the whole; the steps, and the last of them."""
    readers = _readers(steps)
    found: list[Step] = []
    for step in steps:
        found.append(step)
        if not isinstance(step.op, Concatenation):
            continue
        apart = [isinstance(p.op, Diagonal) and readers[id(p)] == [step] for p in step.inputs]
        if any(apart):
            whole = _affine_of_the_whole(step, apart, kept)
            for reader in readers[id(step)]:
                reader.inputs = tuple(whole if part is step else part for part in reader.inputs)
            readers[id(whole)] = readers[id(step)]
            last = whole if last is step else last
            found.append(whole)
    return needed(found, last), last


def _affine_of_the_whole(step: Step, apart: Sequence[bool], kept: Kept) -> Step:
    """The map behind the concatenation, which from now on joins what the maps of its parts (`apart`) read."""
    maps = [
        part.op if own else kept(make_diagonal, part.op.out_shape, torch.ones(()), torch.zeros(()))
        for part, own in zip(step.inputs, apart, strict=True)
    ]
    numbers = (
        torch.cat([_full(c, d)[0] for c, d in zip(column, maps, strict=True)], step.op.axis)
        for column in ([d.weight for d in maps], [d.bias for d in maps])
    )
    op = kept(make_diagonal, step.op.out_shape, *numbers)
    whole = Step(op, (step,), step.label, (), step.arrangement, step.tensor)
    step.tensor = None
    step.inputs = tuple(p.inputs[0] if own else p for p, own in zip(step.inputs, apart, strict=True))
    return whole


# ---------------------------------------------------------------- sums


def _added(steps: list[Step], kept: Kept) -> list[Step]:
    """Tensors that are stacked to be summed as the addition that this is, and h + h as 2 h."""
    readers, found = _readers(steps), []
    for step in steps:
        (below,) = step.inputs if len(step.inputs) == 1 else (None,)
        if isinstance(step.op, Diagonal) and isinstance(below.op, Average) and readers[id(below)] == [step]:
            found += _summed_stack(step, below, readers)
        if isinstance(step.op, Sum) and len({id(part) for part in step.inputs}) == 1:
            count = torch.tensor(float(len(step.inputs)), dtype=torch.float64)
            step.op = kept(make_diagonal, step.shape, count, torch.zeros(()))
            step.inputs = step.inputs[:1]
        found.append(step)
    return found


def _summed_stack(step: Step, mean: Step, readers: Readers) -> list[Step]:
    """The steps in front of k times the mean of k stacked parts, which from now on adds them up."""
    (stack,), seen = mean.inputs, [mean]
    if isinstance(stack.op, Reshape) and readers[id(stack)] == [mean]:
        (stack,), seen = stack.inputs, [stack, mean]
    parts, k = stack.inputs, len(stack.inputs)
    same_size = all(prod(part.shape) == prod(step.shape) for part in parts)
    if not (isinstance(stack.op, Concatenation) and readers[id(stack)] == seen[:1] and same_size):
        return []
    if bool((step.op.weight != k).any()) or bool(step.op.bias.any()):
        return []
    generator = torch.Generator().manual_seed(0)
    values = [torch.randn(1, *part.shape, generator=generator) for part in parts]
    joined = torch.cat(values, stack.op.axis)
    for above in seen:
        joined = above.op.apply(joined)
    if not torch.allclose(joined.flatten(), sum(value.flatten() for value in values) / k, atol=1e-5):
        return []
    shaped = [Step(Reshape(p.shape, step.shape), (p,), step.label, (), step.arrangement) for p in parts]
    step.op, step.inputs = Sum(step.shape, step.shape, None, k), tuple(shaped)
    return shaped


def _flatten(step: Step, readers: Readers) -> None:
    """A sum that alone reads another sum takes its parts."""
    parts: list[Step] = []
    for part in step.inputs:
        nested = isinstance(part.op, Sum) and readers[id(part)] == [step] and step.inputs.count(part) == 1
        parts.extend(part.inputs if nested else (part,))
    step.op, step.inputs = replace(step.op, count=len(parts)), tuple(parts)
