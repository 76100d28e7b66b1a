"""A method on random weights, with everything that the trained forward pass computed kept.

Masks, winners of poolings and activations stay the trained network's; only the weights that relevance is
handed down by are others. Where maps remain alike here, the forward pass alone makes them so, however little
the backward pass remembers (Binder et al. 2023, on top-down randomisation).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from torch_backend.graph.node import Node
from torch_backend.maps.saliency import Attribution
from torch_backend.methods import Method
from torch_backend.methods.wrapping import Wrapping, around
from torch_backend.operators.operator import Operator
from torch_backend.rules import Rule


def forward_alone(
    method: Method | Attribution, operators: Mapping[int, Operator]
) -> Method | Attribution | None:
    """The method with these operators at the nodes of these indices, for graphs of the trained network; a
    mean of a chain's maps likewise. None for what is no chain.
    """
    if isinstance(method, Method):
        return around(_OnWeights, method, operators=operators)
    if method.averages is None:
        return None
    chain, mean_of = method.averages
    return mean_of(around(_OnWeights, chain, operators=operators))


@dataclass(frozen=True, eq=False)
class _OnWeights(Wrapping):
    """Rules see these operators, and W'x + b' of the recorded x in y's place."""

    operators: Mapping[int, Operator] = field(kw_only=True)

    def rule(self, node: Node) -> Rule | None:
        op = self.operators.get(node.index)
        rule = self.inner.rule(node if op is None else replace(node, op=op))
        if op is None or rule is None:
            return rule
        return lambda _op, x, _y: rule(op, x, op.forward(x))
