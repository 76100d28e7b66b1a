"""A method on random weights, with everything that the trained forward pass computed kept.

Masks, winners of poolings and activations stay the trained network's; only the weights that relevance is
handed down by are others. Where maps remain alike here, the forward pass alone makes them so, however little
the backward pass remembers (Binder et al. 2023, on top-down randomisation).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, fields, replace

from torch import Tensor

from torch_backend.graph.graph import Graph
from torch_backend.graph.node import Node
from torch_backend.maps.saliency import Attribution
from torch_backend.methods import Method
from torch_backend.operators.operator import Operator
from torch_backend.rules import Rule


def forward_alone(
    method: Method | Attribution, operators: Mapping[int, Operator]
) -> Method | Attribution | None:
    """The method with these operators at the nodes of these indices, for graphs of the trained network; a
    mean of a chain's maps likewise. None for what is no chain.
    """
    if isinstance(method, Attribution):
        if method.averages is None:
            return None
        inner, averaged = method.averages
        return averaged(on_weights(inner, operators))
    return on_weights(method, operators)


def on_weights(method: Method, operators: Mapping[int, Operator]) -> Method:
    """The chain whose rules see these operators, and W'x + b' of the recorded x in y's place."""
    said = {f.name: getattr(method, f.name) for f in fields(Method)}
    return _OnWeights(**said, inner=method, operators=operators)


@dataclass(frozen=True, eq=False)
class _OnWeights(Method):
    inner: Method = field(kw_only=True)
    operators: Mapping[int, Operator] = field(kw_only=True)

    def bind(self, graph: Graph) -> Method:
        return replace(self, inner=self.inner.bind(graph))

    def start(self, r: Tensor) -> Tensor:
        return self.inner.start(r)

    def read(self, node: Node, r: Tensor) -> Tensor:
        return self.inner.read(node, r)

    def rule(self, node: Node) -> Rule | None:
        op = self.operators.get(node.index)
        if op is None:
            return self.inner.rule(node)
        rule = self.inner.rule(replace(node, op=op))
        return rule and (lambda _, x, y: rule(op, x, op.forward(x)))
