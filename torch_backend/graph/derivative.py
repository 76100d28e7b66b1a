"""What is known of a call that has no other meaning: its derivative, which autograd has."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

import torch
from torch import Tensor

from torch_backend.graph.arrangement import Arrangement, arrangements
from torch_backend.graph.step import Call, Operation, Read, leaves, replaced
from torch_backend.operators.differentiable import Differentiable, Mixed, Product, Smooth


def known_by_derivative(
    call: Call, args: tuple, kwargs: dict, cast: Callable[[Any], Any], known_as: type[Differentiable] | None
) -> tuple[Operation | None, ...]:
    """An Operation for each output: Smooth or Product, if nothing else; Mixed where images meet.

    cast: constants -> what they are in the images' precision.
    """
    reads = list({id(r.step): r for r in leaves((args, kwargs)) if isinstance(r, Read)}.values())

    def run(given: tuple, i: int, *values: Tensor) -> Tensor:
        of = {id(r.step): v for r, v in zip(reads, values, strict=True)}
        fill = lambda a: a.arrangement.from_images(of[id(a.step)]) if isinstance(a, Read) else a  # noqa: E731
        args, kwargs = replaced(given, fill)
        output = call.function(*args, **kwargs)
        return output[i] if call.several else output

    given = args, kwargs
    later = replaced(given, lambda a: a if isinstance(a, Read) else cast(a))
    known_as = known_as or (Smooth if len(reads) == 1 else Product)
    found: list[Operation | None] = []
    for i, output in enumerate(call.outputs):
        certain = not any(a.name.startswith("dim") for a in call.function._schema.arguments)
        y = arranged(reads, partial(run, given, i), tuple(output.shape), certain) if is_real(output) else None
        if y is None:
            found.append(mixed(reads) if is_real(output) else None)
        else:
            make = partial(known_as, lambda *v, i=i, y=y: y.to_images(run(later, i, *v)))
            found.append(Operation(make, (), tuple(reads), y))
    return tuple(found)


def mixed(reads: list[Read]) -> Operation:
    return Operation(Mixed, (), tuple(reads), reads[0].arrangement)


def is_real(output: Any) -> bool:
    return isinstance(output, Tensor) and output.is_floating_point()


def arranged(
    reads: list[Read], function: Callable[..., Tensor], shape: tuple[int, ...], certain: Any
) -> Arrangement | None:
    """How the images are arranged in what the function of these values returns; None if it mixes them.

    certain: whether it takes no axis, so that (B, ...) goes to (B, ...).
    """
    count = reads[0].arrangement.count
    if (certain or count == 1) and all(r.arrangement.is_plain for r in reads) and shape[:1] == (count,):
        return Arrangement(shape, 1, count)
    values = [r.step.value.clone() for r in reads]
    for value in values:
        value[0] = torch.nan
    touched = function(*values).isnan()
    for y in arrangements(shape, count):
        first, *others = y.to_images(touched)
        if bool(first.any()) and not any(bool(other.any()) for other in others):
            return y
    return None
