"""One backward pass for every start layer.

The vectors of all start layers above travel down together, as one batch, so that each layer is passed once
(once for each group of them, where memory is short). Relevance is a tensor (V, B, *shape): V vectors for each
of the B images. What goes down with what is planned first (propagation.plan), then the nodes are passed
(propagation.passage).

Rules that share relevance out end in x ⊙ …, and the next one begins with a division by z. Such factors
(B, *shape), which all vectors have in common, stay apart (Backward.factored): they are multiplied with each
other first, and with the vectors once.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass, field, replace

import torch
from torch import Tensor

from rankone.errors import refuse
from torch_backend.graph.graph import Graph
from torch_backend.graph.node import Node
from torch_backend.graph.paths import leads_to, reached_from
from torch_backend.methods.method import Method, as_chain
from torch_backend.propagation.carried import Carried, only
from torch_backend.propagation.holding import held
from torch_backend.propagation.malloc import computed_in_kept_pages
from torch_backend.propagation.passage import Passage, hand_down, prepare
from torch_backend.propagation.plan import Leg, plan
from torch_backend.propagation.starts import Starts, asked

# Bytes of relevance carried at once; measured as the fastest on two cores, and what fills a large card.
CARRIED_BYTES = {"cpu": 1 << 26, "cuda": 1 << 32}

Found = tuple[str, dict[str, Tensor]]


def sweep(
    graph: Graph,
    method: Method,
    starts: Callable[[str], Tensor | None] | Starts,
    at: Collection[str],
    memory: int | None = None,
) -> Iterator[Found]:
    """Relevance at the layers `at` from all start layers, from the output down to the input.

    starts: a function that is called once for each node on the way, from the output down, before anything is
    computed; it gives the start relevance of that node's output, (V, B, *shape), or None. Or a `Starts`,
    whose vectors are made one start layer at a time. Yields (layer, {start layer: relevance
    (V, B, *shape)}), the start layer's own relevance included; the tensors are views and not to be changed.

    memory: bytes of relevance carried at once (default CARRIED_BYTES), beside the recorded activations, what
    rules prepare, and one copy of the weights for each part of them that a rule uses (W⁺, W⁻). Where more
    would be carried, the start layers go down in groups (the legs of propagation.plan), one after the other,
    and a layer is yielded once for each group. The vectors of one start layer always stay together.

    ValueError, from the first layer on: something else than a Method; an unknown layer in `at`; a node that
    relevance would have to pass and for which the method has no rule (all such nodes are listed, before any
    relevance is computed); a start relevance of the wrong shape. When a start layer is reached: a start
    relevance that is not finite, or not as many vectors as were announced.
    """
    return computed_in_kept_pages(_swept(graph, method, starts, at, memory))


@torch.no_grad()
def _swept(
    graph: Graph,
    method: Method,
    starts: Callable[[str], Tensor | None] | Starts,
    at: Collection[str],
    memory: int | None,
) -> Iterator[Found]:
    method = as_chain(method).bind(graph)
    graph = held(graph, method)
    read: dict[int, list[str]] = {}
    for name in at:
        read.setdefault(graph.node(name).index, []).append(name)
    useful = leads_to(graph.nodes, read)
    on_the_way = [node for node in graph.nodes if node.index in useful]
    starts = starts.named(graph) if isinstance(starts, Starts) else asked(starts, on_the_way)
    counts = {node.name: starts.counts[node.name] for node in on_the_way if node.name in starts.counts}
    _check_rules(graph, method, counts, useful)
    if memory is None:
        memory = CARRIED_BYTES.get(graph.nodes[0].value.device.type, CARRIED_BYTES["cpu"])
    leg = plan(graph.nodes, {name: method.carries * count for name, count in counts.items()}, useful, memory)
    yield from _Walk(graph, method, starts, read, useful).down(leg, {})


@dataclass(frozen=True, eq=False)
class _Walk:
    """All legs of a sweep. read: index of a node -> the names under which it is asked for; useful: the nodes
    on the way; passages: what was prepared, kept between legs.
    """

    graph: Graph
    method: Method
    starts: Starts
    read: Mapping[int, list[str]]
    useful: Collection[int]
    passages: dict[int, Passage] = field(default_factory=dict)

    def down(self, leg: Leg, arrived: dict[int, Carried]) -> Iterator[Found]:
        """One leg and its halves, with what has arrived where it begins."""
        for index in leg.nodes:
            node = self.graph.nodes[index]
            if node.name in leg.joined:
                fresh = _begin(self.method, self.starts, node)
                arrived[index] = arrived[index] + fresh if index in arrived else fresh
            if leg.halves and index == leg.end:
                break
            if index not in arrived:
                continue
            if index in self.read:
                yield from self._found(node, arrived)
            if self.useful.isdisjoint(node.inputs):
                del arrived[index]
            else:
                hand_down(node, self._passage(node, leg).carry, arrived, self.useful)
        for half in leg.halves:
            yield from self.down(half, only(arrived, half.starts))

    def _found(self, node: Node, arrived: dict[int, Carried]) -> Iterator[Found]:
        """What has arrived at a node that is read; the caller's, so that it is not overwritten."""
        there = arrived[node.index].product()
        arrived[node.index] = replace(there, owned=False)
        for name in self.read[node.index]:
            yield name, {start: self.method.read(node, r) for start, r in there.by_start().items()}

    def _passage(self, node: Node, leg: Leg) -> Passage:
        if node.index not in self.passages:
            self.passages[node.index] = prepare(self.graph, self.method, node)
        return self.passages.pop(node.index) if leg.last else self.passages[node.index]


def _begin(method: Method, starts: Starts, node: Node) -> Carried:
    """What goes down from a start layer; ValueError unless the method carries as many vectors as it says."""
    r = method.start(starts.at(node))
    announced = method.carries * starts.counts[node.name]
    if len(r) != announced:
        refuse(
            f"method {method.name}",
            expected=f"a start that makes {announced} vectors of {starts.counts[node.name]}",
            got=len(r),
            do="set the method's `carries` to the number that its `start` makes of one",
        )
    return Carried((node.name,), (len(r),), r, owned=False)


def _check_rules(graph: Graph, method: Method, starts: Collection[str], useful: Collection[int]) -> None:
    """ValueError that lists every node without a rule that relevance would have to pass."""
    below = reached_from(graph.nodes, {graph.node(start).index for start in starts})
    missing = [
        f"{node.name} ({node.kind}, {node.label})"
        for node in reversed(graph.nodes)
        if node.index in below and not useful.isdisjoint(node.inputs) and method.rule(node) is None
    ]
    if missing:
        refuse(
            f"method {method.name}",
            expected="a network of nodes it has a rule for",
            got=f"{len(missing)} without: {', '.join(missing)}",
            do=f"take the gradient, or a network of {', '.join(method.serves)}",
        )
