"""What was read of one call: an operation, before it is known which of its neighbours it folds with."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Any

from torch import Tensor

from torch_backend.graph.arrangement import Arrangement
from torch_backend.operators.layout import Shape
from torch_backend.operators.operator import Operator


@dataclass(eq=False)
class Step:
    """An operation that was carried out.

    what: the call, and its arguments other than tensors. tensor: the output as the model computed it,
    arranged as `arrangement` says; None if it was never computed on its own. shape: of one image's output.
    """

    op: Operator
    inputs: tuple[Step, ...]
    label: str
    what: tuple
    arrangement: Arrangement
    tensor: Tensor | None = field(default=None, repr=False)

    @property
    def shape(self) -> Shape:
        return self.arrangement.image

    @property
    def value(self) -> Tensor:
        """The model's output (B, *shape)."""
        return self.arrangement.to_images(self.tensor.detach())


@dataclass(frozen=True)
class Read:
    """A tensor among a call's arguments that depends on the images: the numbers of a step, arranged."""

    step: Step
    arrangement: Arrangement

    @property
    def shape(self) -> Shape:
        """Of one image's part."""
        return self.arrangement.image


@dataclass(frozen=True)
class Operation:
    """What a call means: `make(*arguments)` is its operator. inputs: Reads, or Operations that come first."""

    make: Callable[..., Operator]
    arguments: tuple[Any, ...]
    inputs: tuple[Read | Operation, ...]
    arrangement: Arrangement


@dataclass(frozen=True)
class Call:
    """A call as its handler sees it.

    function: ATen's operator. outputs: what it returned, several: as a tuple. arrangement: how the images are
    arranged in the first output, if they are as in what it reads.
    """

    function: Callable[..., Any]
    outputs: tuple[Any, ...]
    several: bool
    arrangement: Arrangement

    @property
    def image(self) -> Shape:
        """The shape of one image's part of the first output."""
        return self.arrangement.image


def leaves(arguments: Any) -> list[Any]:
    """What stands in (nested) arguments, in order; torch's own does more, and takes ten times as long."""
    if isinstance(arguments, dict):
        arguments = list(arguments.values())
    if not isinstance(arguments, list | tuple):
        return [arguments]
    found: list[Any] = []
    for part in arguments:
        found.extend(leaves(part) if isinstance(part, list | tuple | dict) else (part,))
    return found


def replaced(arguments: Any, f: Callable[[Any], Any]) -> Any:
    """The (nested) arguments with f of each."""
    if isinstance(arguments, list | tuple):
        return type(arguments)([replaced(part, f) for part in arguments])
    if isinstance(arguments, dict):
        return {key: replaced(part, f) for key, part in arguments.items()}
    return f(arguments)


def needed(steps: Iterable[Step], last: Step) -> list[Step]:
    """Those of the steps, in their order, on which the last one depends, itself included."""
    found, stack = {id(last)}, [last]
    while stack:
        for part in stack.pop().inputs:
            if id(part) not in found:
                found.add(id(part))
                stack.append(part)
    return [step for step in steps if id(step) in found]
