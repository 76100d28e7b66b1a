"""Where relevance starts: how many vectors at which layers, known before any is made."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from torch import Tensor

from rankone.errors import refuse
from torch_backend.graph.graph import Graph
from torch_backend.graph.node import Node
from torch_backend.operators.layout import arrange, fold, is_finite


@dataclass(frozen=True)
class Starts:
    """The start relevance of some layers.

    counts: name of the node -> V, how many vectors start there. vectors: name -> (V, B, *shape of the node's
    output); called once for each, when the sweep reaches it, so that they need not exist at the same time.
    """

    counts: Mapping[str, int]
    vectors: Callable[[str], Tensor]

    def named(self, graph: Graph) -> Starts:
        """The same under the nodes' own names ("logits" is the last one's); ValueError for an unknown one."""
        given = {graph.node(name).name: name for name in self.counts}
        counts = {name: self.counts[own] for name, own in given.items()}
        return Starts(counts, lambda name: self.vectors(given[name]))

    def at(self, node: Node) -> Tensor:
        """The node's start relevance with the precision, device and memory order of its value.

        ValueError: it is not (V, B, *shape) with V as announced, or not finite.
        """
        r = self.vectors(node.name)
        _check_shape(node, r)
        if len(r) != self.counts[node.name]:
            refuse(
                f"start relevance at {node.name}",
                expected=f"{self.counts[node.name]} vectors, as `counts` says",
                got=len(r),
                do="give as many as were announced",
            )
        if not is_finite(r):
            refuse(
                f"start relevance at {node.name}",
                expected="finite values",
                got="NaN or infinity",
                do="start from other vectors, or mend what makes these",
            )
        r = r.detach().to(node.value)
        return arrange(fold(r, node.shape)).reshape(r.shape)


def asked(starts: Callable[[str], Tensor | None], nodes: Sequence[Node]) -> Starts:
    """Starts from a function name -> relevance or None, called once for each node, from the output down.

    ValueError for a start relevance of the wrong shape.
    """
    given = {node.name: starts(node.name) for node in reversed(nodes)}
    for node in reversed(nodes):
        if given[node.name] is not None:
            _check_shape(node, given[node.name])
    return Starts({name: len(r) for name, r in given.items() if r is not None}, given.pop)


def _check_shape(node: Node, r: Tensor) -> None:
    shape = tuple(node.value.shape)
    what = f"start relevance at {node.name}"
    if not isinstance(r, Tensor):
        refuse(what, expected="a tensor", got=type(r).__name__, do="convert it with torch.as_tensor")
    if r.dim() != len(shape) + 1 or tuple(r.shape[1:]) != shape or not len(r):
        refuse(
            what,
            expected=f"shape (V, {', '.join(map(str, shape))})",
            got=tuple(r.shape),
            do="give V vectors for each of the recorded images",
        )
