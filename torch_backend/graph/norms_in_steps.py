"""Normalisations that a network writes out: x − μ times, or divided by, a function of means of its squares.

So are root mean square norms, local and global response norms, unit vectors, and layer norms of older
exporters.
"""

from __future__ import annotations

from functools import partial

import torch

from torch_backend.graph.arithmetic import expanded
from torch_backend.graph.step import Call, Operation, Read, Step
from torch_backend.operators.differentiable import Product
from torch_backend.operators.entrywise import Bending, Entrywise
from torch_backend.operators.holding import NormInSteps
from torch_backend.operators.linear import Diagonal
from torch_backend.operators.operator import Route
from torch_backend.operators.unweighted import Average, Sum

ATEN = torch.ops.aten
POWERS = {ATEN.pow.Tensor_Scalar, ATEN.sqrt.default, ATEN.rsqrt.default, ATEN.reciprocal.default}
# Of the numbers that they read, as squares do.
SIZES = {ATEN.linalg_vector_norm.default, ATEN.std.correction, ATEN.var.correction}


def divided_by_size(call: Call, x: Read, size: Read) -> Operation | None:
    """x / size(x); None if the divisor is something else."""
    if not _measures(size.step, {id(x.step), id(_uncentred(x.step))}):
        return None
    size = expanded(call, size)
    if size is None:
        return None
    return _norm(call, x, Operation(partial(Entrywise, torch.reciprocal), (), (size,), call.arrangement))


def times_inverse_size(call: Call, x: Read, inverse: Read) -> Operation | None:
    """x ⊙ s(x); None if s is not made of the squares of x, or of x before its mean was taken away."""
    if not _measures(inverse.step, {id(x.step), id(_uncentred(x.step))}):
        return None
    inverse = expanded(call, inverse)
    return None if inverse is None else _norm(call, x, inverse)


def _norm(call: Call, x: Read, inverse: Read | Operation) -> Operation | None:
    if x.arrangement != call.arrangement:
        return None
    uncentred = Read(_uncentred(x.step), x.arrangement)
    numbers = torch.ones(()), torch.zeros(())
    return Operation(NormInSteps, numbers, (uncentred, x, inverse), call.arrangement)


def _uncentred(step: Step) -> Step:
    """x for a step x − mean of x, else the step itself."""
    if isinstance(step.op, Sum) and len(step.inputs) == 2:
        for x, negative in (step.inputs, step.inputs[::-1]):
            if _is_minus_mean_of(negative, x):
                return x
    return step


def _is_minus_mean_of(step: Step, x: Step) -> bool:
    sign = 1
    while isinstance(step.op, Diagonal | Route) and len(step.inputs) == 1:
        if isinstance(step.op, Diagonal):
            if bool(step.op.bias.any()) or not bool((step.op.weight.abs() == 1).all()):
                return False
            sign = sign * step.op.weight.mean()
        (step,) = step.inputs
    return isinstance(step.op, Average) and step.inputs[0] is x and bool(sign == -1)


def _measures(step: Step, wanted: set[int], *, averaged: bool = False) -> bool:
    """Whether the step's numbers are made of nothing but averages of the squares of a wanted step's.

    averaged: whether what reads the step averages.
    """
    if len(step.inputs) == 1 and id(step.inputs[0]) in wanted and _squares(step, averaged=averaged):
        return True
    passes = isinstance(step.op, Route | Average | Diagonal | Bending | Sum | Product)
    known = passes or (step.what and step.what[0] in POWERS)
    averaged = averaged or isinstance(step.op, Average)
    return bool(known and step.inputs) and all(
        _measures(part, wanted, averaged=averaged) for part in step.inputs
    )


def _squares(step: Step, *, averaged: bool) -> bool:
    function, *numbers = step.what or (None,)
    if function in SIZES:
        return True
    return averaged and (
        (function == ATEN.pow.Tensor_Scalar and numbers == [2])
        or (function == ATEN.mul.Tensor and not isinstance(step.op, Diagonal))
    )
