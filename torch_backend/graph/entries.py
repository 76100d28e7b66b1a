"""Functions of single numbers that take several steps: x g(x), x / g(x), however g is written.

Two factors are functions of the same entries where both come from one step by functions of single numbers,
additions, products, and moves that bring the same number of it to the same place of both.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial, reduce
from math import prod

import torch
from torch import Tensor

from torch_backend.graph.step import Call, Operation, Read, Step
from torch_backend.operators.differentiable import Product, Smooth
from torch_backend.operators.entrywise import Activation, Bending
from torch_backend.operators.linear import Diagonal, Linear
from torch_backend.operators.operator import Route
from torch_backend.operators.unweighted import Gather, Reshape, Sum

ATEN = torch.ops.aten
# Functions of one number, which are read by their derivative alone.
SINGLE = {
    ATEN.pow.Tensor_Scalar,
    ATEN.exp.default,
    ATEN.expm1.default,
    ATEN.log1p.default,
    ATEN.abs.default,
    ATEN.sqrt.default,
    ATEN.rsqrt.default,
    ATEN.reciprocal.default,
}
Binary = Callable[[Tensor, Tensor], Tensor]


@dataclass(frozen=True)
class CommonEntries:
    """Factors a and b of one step; places: which of its numbers each of them reads, in order."""

    a: Step
    b: Step
    common: Step
    places: tuple[Tensor, Tensor]


def common_entries(a: Read, b: Read) -> CommonEntries | None:
    """None unless some entry of both factors is a function of one number of a common step."""
    plain = a.arrangement.is_plain and b.arrangement.is_plain and len(a.shape) == len(b.shape)
    if a.step is b.step or not (plain or a.arrangement == b.arrangement):
        return None
    below_a, below_b = _below(a.step), _below(b.step)
    for common in below_a:
        if not any(_is_same(common, other) for other in below_b):
            continue
        places = _places(a.step, common), _places(b.step, common)
        if None not in places and bool(((places[0] == places[1]) & (places[0] >= 0)).any()):
            return CommonEntries(a.step, b.step, common, places)
    return None


def activation(call: Call, entries: CommonEntries, binary: Binary) -> Operation | None:
    """One function of single numbers, if it is 0 at 0 and each of them is read once."""
    index, other = entries.places
    picked = index.flatten()
    if not torch.equal(index, other) or bool((picked < 0).any()) or len(picked.unique()) < len(picked):
        return None
    common, y = entries.common, call.arrangement
    if index[0].shape != torch.Size(y.image):
        return None
    where = Read(common, y if common.shape == y.image else common.arrangement)
    if not torch.equal(picked, torch.arange(prod(common.shape))):
        gather = partial(Gather, (prod(common.shape),), y.image, index=picked, shapes=(common.shape,))
        where = Operation(gather, (), (where,), y)
    elif common.shape != y.image:
        where = Operation(Reshape, (common.shape, y.image), (where,), y)

    def function(x: Tensor) -> Tensor:
        numbers = x.new_zeros(len(x), prod(common.shape)).index_copy(1, picked.to(x.device), x.flatten(1))
        given = numbers.unflatten(1, common.shape)
        return binary(*(_carried_out(factor, common, given) for factor in (entries.a, entries.b)))

    zeros = torch.zeros(1, *y.image).to(call.outputs[0])
    if not torch.equal(function(zeros), zeros):
        return None
    return Operation(partial(Activation, function), (), (where,), y)


def _below(step: Step) -> list[Step]:
    """The step and those it is made of, number by number: what reads stands before what is read."""
    found: list[Step] = []
    seen: set[int] = set()

    def visit(step: Step) -> None:
        if id(step) not in seen:
            seen.add(id(step))
            if _is_entrywise(step):
                for part in step.inputs:
                    visit(part)
            found.append(step)

    visit(step)
    return found[::-1]


def _is_entrywise(step: Step) -> bool:
    match step.op:
        case Bending() | Diagonal() | Sum():
            return True
        case Route():
            return len(step.inputs) == 1 and isinstance(step.op, Linear)
        case Smooth() | Product():
            return step.arrangement.is_plain and (_is_single(step) or _is_product(step))
    return False


def _is_single(step: Step) -> bool:
    return len(step.inputs) == 1 and step.what[0] in SINGLE


def _is_product(step: Step) -> bool:
    """Entry by entry, of nothing else than what it reads."""
    if step.what != (ATEN.mul.Tensor,) or any(
        part.shape != step.shape or part.tensor is None for part in step.inputs
    ):
        return False
    factors = [part.value for part in step.inputs] * (3 - len(step.inputs))
    return step.tensor is not None and torch.equal(step.value, reduce(torch.mul, factors))


def _is_same(a: Step, b: Step) -> bool:
    """One step, or the same computation carried out twice."""
    if a is b:
        return True
    alike = type(a.op) is type(b.op) and a.what == b.what and a.arrangement == b.arrangement
    if not alike or len(a.inputs) != len(b.inputs) or not a.inputs:
        return False
    numbers = None not in (a.tensor, b.tensor) and torch.equal(a.tensor, b.tensor)
    return (a.op is b.op or numbers) and all(map(_is_same, a.inputs, b.inputs))


def _places(step: Step, common: Step) -> Tensor | None:
    """Which number of the common step each entry is a function of, (1, *shape), -1: of none; None if it is a
    function of others, too.
    """
    known: dict[int, Tensor | None] = {}

    def of(step: Step) -> Tensor | None:
        if id(step) not in known:
            known[id(step)] = found(step)
        return known[id(step)]

    def found(step: Step) -> Tensor | None:
        if _is_same(step, common):
            return torch.arange(prod(step.shape)).view(1, *step.shape)
        parts = [of(part) for part in step.inputs] if _is_entrywise(step) else []
        if not parts or any(part is None for part in parts):
            return None
        first = parts[0]
        if isinstance(step.op, Route):
            return step.op.apply(step.op.join((first + 1.0,)).double()).long() - 1
        return first if all(torch.equal(first, part) for part in parts) else None

    return of(step)


def _carried_out(step: Step, common: Step, given: Tensor) -> Tensor:
    """The step's numbers where the common step has the given ones."""
    known: dict[int, Tensor] = {}

    def of(step: Step) -> Tensor:
        if id(step) not in known:
            known[id(step)] = found(step)
        return known[id(step)]

    def found(step: Step) -> Tensor:
        if _is_same(step, common):
            return given
        values = tuple(of(part) for part in step.inputs)
        return (
            reduce(torch.add, values) if isinstance(step.op, Sum) else step.op.forward(step.op.join(values))
        )

    return of(step)
