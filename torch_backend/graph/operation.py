"""What a call in the user's code means to the engine.

A handler (layers, arithmetic, routes) has the signature of the function it stands for; arguments that depend
on the image are Nodes. It returns an Operation to execute, a Node (the call changes nothing), or a tuple of
Operations (a function with several outputs). Whatever has no handler is known only through its derivative:
a Smooth function of one node, or a Product of several.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from torch import Tensor
from torch.fx.node import map_aggregate

from torch_backend.graph.node import Node
from torch_backend.operators.differentiable import Differentiable, Product, Smooth
from torch_backend.operators.layout import plain
from torch_backend.operators.operator import Operator
from torch_backend.operators.unweighted import Average, Function


@dataclass(frozen=True)
class Operation:
    """An operation to execute: its operator, what it reads, its value where that is known.

    inputs are Nodes, or Operations to execute first.
    """

    op: Operator
    inputs: tuple[Any, ...]
    value: Tensor | None = None


def tuple_of(value: int | tuple[int, ...], count: int) -> tuple[int, ...]:
    return (value,) * count if isinstance(value, int) else tuple(value) * (count if len(value) == 1 else 1)


def nodes_in(arguments: object) -> list[Node]:
    """The Nodes among (nested) arguments, in order, each once."""
    found: dict[int, Node] = {}
    map_aggregate(arguments, lambda a: found.setdefault(a.index, a) if isinstance(a, Node) else None)
    return list(found.values())


def constants(*arguments: object) -> bool:
    return not nodes_in(arguments)


def differentiable(
    function: Callable[..., Any],
    arguments: tuple,
    named: dict,
    known_as: type[Differentiable] | None = None,
) -> Any:
    """A call known only through its derivative: Smooth or Product, if nothing else. Several outputs: an
    Operation each.
    """
    inputs = nodes_in((arguments, named))

    def run(*values: Tensor) -> Any:
        known = {node.index: value for node, value in zip(inputs, values, strict=True)}
        fill = lambda a: known[a.index] if isinstance(a, Node) else a  # noqa: E731
        return function(*map_aggregate(arguments, fill), **map_aggregate(named, fill))

    known_as = known_as or (Smooth if len(inputs) == 1 else Product)
    output = run(*(plain(node.value) for node in inputs))
    if isinstance(output, tuple | list):
        return tuple(
            Operation(known_as(lambda *v, i=i: run(*v)[i]), tuple(inputs), part) if _is_real(part) else part
            for i, part in enumerate(output)
        )
    return Operation(known_as(run), tuple(inputs), output) if isinstance(output, Tensor) else output


def _is_real(part: object) -> bool:
    return isinstance(part, Tensor) and part.is_floating_point()


def of_each_image(
    function: Callable[[Tensor], Tensor], x: Node, known_as: type[Function] = Average
) -> Operation:
    """A linear function of each image with weights ≥ 0."""
    value = function(x.value)
    return Operation(known_as(x.shape, tuple(value.shape[1:]), function=function), (x,), value)
