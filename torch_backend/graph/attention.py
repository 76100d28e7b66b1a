"""Attention written as a product: it is no gate, so that it is refused like the same in matrix products.

Two signs: the softmax is of products of what the image makes (of queries and keys), or its weights add up to
one over the places over which the products are then summed. Branches that are weighted and added up, as in
selective kernels (Li et al. 2019), are not places; nor is what a softmax of a squeeze weighs, which has seen
no places (split attention, Zhang et al. 2020).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from math import prod

import torch
from torch import Tensor

from torch_backend.graph.step import Step
from torch_backend.operators.convolution import Convolving
from torch_backend.operators.differentiable import Product, Smooth
from torch_backend.operators.holding import Gate
from torch_backend.operators.linear import Dense, Diagonal
from torch_backend.operators.operator import Route
from torch_backend.operators.unweighted import Average, Concatenation

ATEN = torch.ops.aten
MATRIX_PRODUCTS = {ATEN.bmm.default, ATEN.mm.default}
# Of weights that a network computes in half precision, relative to 1.
ONE = 1e-2

Readers = dict[int, list[Step]]


def is_of_products(softmax: Step) -> bool:
    """Whether what the softmax reads is made of products of what the image makes, by no layer in between."""
    seen, stack = set(), list(softmax.inputs)
    while stack:
        step = stack.pop()
        of_itself = isinstance(step.op, Smooth) and step.what[0] in MATRIX_PRODUCTS
        if of_itself or isinstance(step.op, Product | Gate):
            return True
        if id(step) not in seen and not isinstance(step.op, Convolving | Dense):
            seen.add(id(step))
            stack += step.inputs
    return False


def weighted_sums_as_products(steps: Sequence[Step], readers: Readers) -> None:
    """Gates whose weights add up to one over the places over which their products are summed are no gates."""
    for step in steps:
        if isinstance(step.op, Gate) and any(_add_up(step, read) for read in _summed(step, readers)):
            step.op = Product(torch.mul)


def _summed(step: Step, readers: Readers) -> Iterator[list[Step]]:
    """Ways from the step to an average that reads it, by what moves and scales."""
    for reader in readers[id(step)]:
        if isinstance(reader.op, Average):
            yield [reader]
        elif isinstance(reader.op, Route | Diagonal) and len(reader.inputs) == 1:
            yield from ([reader, *above] for above in _summed(reader, readers))


def _add_up(gate: Step, way: Sequence[Step]) -> bool:
    x, s = gate.inputs
    if not _comes_from_a_softmax(s) or _is_of_a_squeeze(s):
        return False
    weights = _value(s)
    total = weights.expand(len(weights), *gate.shape)
    for step in way:
        if not isinstance(step.op, Diagonal):
            total = step.op.apply(total)
    terms = prod(way[-1].inputs[0].shape) // prod(way[-1].shape)
    one = total * terms / (total * terms).mean()
    varies = bool((weights - weights.mean()).abs().max() > 0)
    return terms > 1 and varies and bool(((one - 1).abs() < ONE).all()) and not _are_branches(x, terms)


def _comes_from_a_softmax(step: Step) -> bool:
    if step.what and step.what[0] == ATEN._softmax.default:
        return True
    passes = isinstance(step.op, Route | Diagonal)
    return passes and any(map(_comes_from_a_softmax, step.inputs))


def _is_of_a_squeeze(step: Step) -> bool:
    """Whether all that it reads is maps (C, H, W), averaged to one number for each channel on the way."""
    stack, seen = [step], set()
    while stack:
        step = stack.pop()
        of_maps = isinstance(step.op, Average) and len(step.inputs[0].shape) > 2
        if of_maps and prod(step.shape[1:]) == 1:
            continue
        if not step.inputs:
            return False
        if id(step) not in seen:
            seen.add(id(step))
            stack += step.inputs
    return True


def _are_branches(x: Step, count: int) -> bool:
    """Whether it is so many tensors side by side."""
    while isinstance(x.op, Route | Diagonal) and len(x.inputs) == 1:
        (x,) = x.inputs
    return isinstance(x.op, Concatenation) and len(x.inputs) == count


def _value(step: Step) -> Tensor:
    if step.tensor is not None:
        return step.value
    return step.op.forward(step.op.join(tuple(map(_value, step.inputs))))
