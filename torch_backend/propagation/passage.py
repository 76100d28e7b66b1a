"""How a node hands relevance down: a rule bound to the node and its recorded activations.

The only caller of rules: sweep, ledger and ChainOperator walk with what stands here.
"""

from __future__ import annotations

from collections.abc import Callable, Collection
from dataclasses import dataclass, replace
from typing import TypeVar

from torch import Tensor

from torch_backend.graph.graph import Graph
from torch_backend.graph.node import Node
from torch_backend.methods.method import Method
from torch_backend.operators.operator import Operator
from torch_backend.propagation.carried import Carried
from torch_backend.rules.backward import Backward, as_backward

Relevance = TypeVar("Relevance", Tensor, Carried)


@dataclass(frozen=True, eq=False)
class Passage:
    """Relevance of a node's output (V, B, *shape) -> relevance of each of its inputs."""

    op: Operator
    backward: Backward

    def __call__(self, r: Tensor) -> tuple[Tensor, ...]:
        return self.op.split(self.backward(r))

    def carry(self, above: Carried) -> tuple[Carried, ...]:
        """The same for relevance r ⊙ factor, with the memory of `above` where it is owned."""
        memory = above.r if above.owned else None
        r, factor = self.backward.factored(above.r, above.factor, memory)
        parts = self.op.split(r)
        factors = self.op.split(factor) if factor is not None else [None] * len(parts)
        given = None if above.owned else above.r.untyped_storage().data_ptr()
        apart = len({part.data_ptr() for part in parts}) == len(parts)
        return tuple(
            replace(
                above,
                r=part,
                owned=apart and 0 not in part.stride() and part.untyped_storage().data_ptr() != given,
                factor=None if factor is None else factor.reshape(part.shape[1:]),
            )
            for part, factor in zip(parts, factors, strict=True)
        )


def prepare(graph: Graph, method: Method, node: Node) -> Passage:
    """The node's rule at the recorded activations; what depends on them only is computed here, once."""
    return Passage(node.op, as_backward(method.rule(node)(node.op, graph.x(node), node.value)))


def hand_down(
    node: Node,
    passage: Callable[[Relevance], tuple[Relevance, ...]],
    arrived: dict[int, Relevance],
    useful: Collection[int],
) -> tuple[Relevance, ...]:
    """What has arrived at the node goes down to its inputs, where it adds to what came on other ways.

    arrived: index of a node -> its relevance so far; the node's own is taken out, and its useful inputs' is
    added to. useful: the indices from which a layer is reached that is asked for. Returns the piece of each
    input, useful or not.
    """
    parts = passage(arrived.pop(node.index))
    for i, part in zip(node.inputs, parts, strict=True):
        if i in useful:
            arrived[i] = arrived[i] + part if i in arrived else part
    return parts
