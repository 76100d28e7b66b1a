"""Relevance from one start layer, at one layer or several."""

from collections.abc import Sequence

from torch import Tensor

from rankone.errors import refuse
from torch_backend.graph.graph import Graph
from torch_backend.methods.method import Method
from torch_backend.propagation.sweep import sweep


def relevance(
    graph: Graph, method: Method, start: str, relevance: Tensor, at: str | Sequence[str]
) -> Tensor | dict[str, Tensor]:
    """Relevance at the layers `at` for the start relevance (V, B, *shape of the start layer's output).

    One name gives a tensor (V, B, *shape), a list gives a dict of them. "logits" is the output, "input"
    the image. ValueError: an unknown layer, a layer that no relevance from `start` reaches, a start
    relevance of the wrong shape, a node without a rule.
    """
    names = [at] if isinstance(at, str) else list(at)
    origin = graph.node(start)
    found = {
        layer: vectors[origin.name].clone()
        for layer, vectors in sweep(
            graph, method, lambda name: relevance if name == origin.name else None, names
        )
    }
    for name in names:
        if name not in found:
            refuse(
                "at",
                expected=f"layers that relevance from {start!r} reaches",
                got=repr(name),
                do="name a layer below",
            )
    return found[names[0]] if isinstance(at, str) else {name: found[name] for name in names}
