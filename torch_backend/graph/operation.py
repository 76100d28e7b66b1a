"""What a call in the user's code means to the engine.

A handler (call_layers, call_arithmetic, call_routes) has the signature of the function it stands for;
arguments that depend on the image are Nodes. It returns a Call (one operation to execute), a Node (the
call changes nothing), or a tuple of Calls (a function with several outputs). Whatever has no handler is
known only through its derivative: kind "smooth" (of one node) or "product" (of several).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from torch import Tensor
from torch.fx.node import map_aggregate

from torch_backend.graph.node import Node
from torch_backend.operators.nonlinear import Differentiable, plain
from torch_backend.operators.unweighted import Function


@dataclass(frozen=True)
class Call:
    """An operation to execute: its kind, its operator, what it reads, its value where that is known.

    inputs are Nodes, or Calls to execute first.
    """

    kind: str
    op: Any
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
    function: Callable[..., Any], arguments: tuple, named: dict, kind: str | None = None
) -> Any:
    """A call known only through its derivative. Several outputs: a Call each."""
    inputs = nodes_in((arguments, named))

    def run(*values: Tensor) -> Any:
        known = {node.index: value for node, value in zip(inputs, values, strict=True)}
        fill = lambda a: known[a.index] if isinstance(a, Node) else a  # noqa: E731
        return function(*map_aggregate(arguments, fill), **map_aggregate(named, fill))

    kind = kind or ("smooth" if len(inputs) == 1 else "product")
    output = run(*(plain(node.value) for node in inputs))
    if isinstance(output, tuple | list):
        return tuple(
            Call(kind, Differentiable(lambda *v, i=i: run(*v)[i]), tuple(inputs), part)
            if _is_real(part)
            else part
            for i, part in enumerate(output)
        )
    return Call(kind, Differentiable(run), tuple(inputs), output) if isinstance(output, Tensor) else output


def _is_real(part: object) -> bool:
    return isinstance(part, Tensor) and part.is_floating_point()


def averaging(function: Callable[[Tensor], Tensor], x: Node, kind: str = "average") -> Call | Node:
    """A linear function of each image with weights ≥ 0."""
    value = function(x.value)
    return Call(kind, Function(x.shape, tuple(value.shape[1:]), function=function), (x,), value)
