"""One backward pass for every start layer.

The vectors of all start layers above travel down together, as one batch, so that each layer is passed
once. Relevance is a tensor (V, B, *shape): V vectors for each of the B images.

Rules that share relevance out end in x ⊙ …, and the next one begins with a division by z. A backward function
with `scaled` (torch_backend.share.Share) leaves such factors (B, *shape), which all vectors have in common,
apart: they are multiplied with each other first, and with the vectors once.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass, replace

import torch
from torch import Tensor

from rankone.errors import refuse
from torch_backend.graph.graph import Graph
from torch_backend.graph.node import KINDS, Node
from torch_backend.graph.program import is_finite
from torch_backend.methods import Method
from torch_backend.operators.linear import arrange, fold
from torch_backend.propagation.malloc import kept_pages

# Bytes of relevance carried at once; measured as the fastest on two cores, and what fills a large card.
MEMORY = {"cpu": 1 << 26, "cuda": 1 << 32}


@dataclass(frozen=True, eq=False)
class Bundle:
    """Vectors of several start layers on the way down: r ⊙ scale, r (V₁ + V₂ + …, B, *shape).

    owned: nothing else refers to the memory of r, so that it may be overwritten. scale: (B, *shape), None
    for ones.
    """

    starts: tuple[str, ...]
    counts: tuple[int, ...]
    r: Tensor
    owned: bool
    scale: Tensor | None = None

    def product(self) -> Bundle:
        """The same with the scale multiplied in."""
        if self.scale is None:
            return self
        r = torch.mul(self.r, self.scale, out=self.r if self.owned else None)
        return replace(self, r=r, owned=True, scale=None)

    def by_start(self) -> dict[str, Tensor]:
        """The vectors of each start layer, as views."""
        return dict(zip(self.starts, self.r.split(self.counts), strict=True))

    def only(self, starts: Collection[str]) -> Bundle | None:
        """The vectors of some start layers."""
        kept = [i for i, start in enumerate(self.starts) if start in starts]
        if not kept:
            return None
        if len(kept) == kept[-1] - kept[0] + 1:  # next to each other: a view
            there = slice(kept[0], kept[-1] + 1)
            r = self.r.split(
                [sum(self.counts[: kept[0]]), sum(self.counts[there]), sum(self.counts[kept[-1] + 1 :])]
            )
            return replace(self, starts=self.starts[there], counts=self.counts[there], r=r[1])
        there = _stack({start: r for start, r in self.by_start().items() if start in starts})
        return replace(there, scale=self.scale)

    @property
    def bytes(self) -> int:
        return self.r.numel() * self.r.element_size()


def _stack(vectors: dict[str, Tensor]) -> Bundle:
    """The vectors of several start layers one after the other, in memory of their own."""
    parts = tuple(vectors.values())
    images, shape = parts[0].shape[1], parts[0].shape[2:]
    joined = torch.cat([arrange(fold(part, shape)) for part in parts]).reshape(-1, images, *shape)
    return Bundle(tuple(vectors), tuple(len(part) for part in parts), joined, owned=True)


def _sum(a: Bundle | None, b: Bundle) -> Bundle:
    """Relevance that reaches a node on two ways; the ways may carry different start layers."""
    if a is None:
        return b
    if not _same(a.scale, b.scale):
        a, b = a.product(), b.product()
    if (a.starts, a.counts) == (b.starts, b.counts):
        mine, other = (a, b) if a.owned else (b, a)
        return replace(mine, r=torch.add(mine.r, other.r, out=mine.r if mine.owned else None), owned=True)
    total = a.by_start()
    for start, r in b.by_start().items():
        total[start] = total[start] + r if start in total else r
    return replace(_stack(total), scale=a.scale)


def _same(a: Tensor | None, b: Tensor | None) -> bool:
    return a is b or (a is not None and b is not None and torch.equal(a, b))


@torch.no_grad()
def sweep(
    graph: Graph,
    method: Method,
    starts: Callable[[str], Tensor | None],
    at: Collection[str],
    memory: int | None = None,
) -> Iterator[tuple[str, dict[str, Tensor]]]:
    """Relevance at the layers `at` from all start layers, from the output down to the input.

    starts(name) is called once for each node on the way, from the output down; it gives the start relevance
    of that node's output, (V, B, *shape), or None. Yields (layer, {start layer: relevance (V, B, *shape)}),
    the start layer's own relevance included; the tensors are views and not to be changed.

    memory: bytes of relevance carried at once (default MEMORY), beside the recorded activations and one
    copy of the weights for each part of them that a rule uses (W⁺, W⁻). Where more would be carried, the
    start layers go down in groups, one after the other, and a layer is yielded once for each group. The
    vectors of one start layer always stay together.

    ValueError: an unknown layer in `at`; a node below a start layer for which the method has no rule (all
    such nodes are listed, before anything is computed); a start relevance of the wrong shape or not finite.
    """
    if not isinstance(method, Method):
        refuse(
            "method",
            expected="a chain (a Method)",
            got=getattr(method, "name", type(method).__name__),
            do="other methods have no relevance between layers: draw their maps (torch_backend.saliency)",
        )
    method = method.bind(graph)
    wanted: dict[int, list[str]] = {}
    for name in at:
        wanted.setdefault(graph.node(name).index, []).append(name)
    useful = _leads_to(graph, wanted)
    memory = memory or MEMORY.get(graph.nodes[0].value.device.type, MEMORY["cpu"])
    prepared: dict[int, Callable[[Tensor], Tensor]] = {}
    asked: set[int] = set()

    def descend(
        top: int, carried: dict[int, Bundle], *, final: bool
    ) -> Iterator[tuple[str, dict[str, Tensor]]]:
        for index in range(top, -1, -1):
            node = graph.nodes[index]
            if index not in useful:
                continue
            if final and index not in asked:
                asked.add(index)
                if (fresh := starts(node.name)) is not None:
                    _check_rules(graph, method, node, useful)
                    fresh = method.start(_check_start(node, fresh))
                    fresh = Bundle((node.name,), (len(fresh),), fresh, owned=False)
                    carried[index] = _sum(carried.get(index), fresh)
            above = list(dict.fromkeys(start for bundle in carried.values() for start in bundle.starts))
            if len(above) > 1 and _bytes_below(graph, node, carried) > memory:
                half = len(above) // 2
                for group, last in ((above[:half], False), (above[half:], final)):
                    yield from descend(index, _only(carried, group), final=last)
                return
            bundle = carried.pop(index, None)
            if bundle is None:
                continue
            if index in wanted:
                bundle = bundle.product()
            for name in wanted.get(index, ()):
                yield name, {start: method.read(node, r) for start, r in bundle.by_start().items()}
                bundle = replace(bundle, owned=False)
            if not any(i in useful for i in node.inputs):
                continue
            if index not in prepared:
                prepared[index] = _prepare(graph, method, node)
            backward = prepared.pop(index) if final else prepared[index]
            for i, below in zip(node.inputs, _step(node, backward, bundle), strict=True):
                if i in useful:
                    carried[i] = _sum(carried.get(i), below)

    with kept_pages():
        yield from descend(len(graph.nodes) - 1, {}, final=True)


def _bytes_below(graph: Graph, node: Node, carried: dict[int, Bundle]) -> int:
    """Bytes of relevance that are carried once the node is passed."""
    total = sum(bundle.bytes for bundle in carried.values())
    if node.index not in carried:
        return total
    inputs = sum(graph.nodes[i].value.numel() for i in node.inputs)
    return total + carried[node.index].bytes * max(0, inputs - node.value.numel()) // node.value.numel()


def _only(carried: dict[int, Bundle], starts: Collection[str]) -> dict[int, Bundle]:
    kept = {index: bundle.only(starts) for index, bundle in carried.items()}
    return {index: bundle for index, bundle in kept.items() if bundle is not None}


def _prepare(graph: Graph, method: Method, node: Node) -> Callable[[Tensor], Tensor]:
    """The node's rule at the recorded activations."""
    x = node.op.join(tuple(graph.nodes[i].value for i in node.inputs), node.value)
    return method.rule(node)(node.op, x, node.value)


def _step(node: Node, backward: Callable[[Tensor], Tensor], bundle: Bundle) -> tuple[Bundle, ...]:
    """The node's rule applied: a bundle for each of its inputs."""
    scale = None
    if hasattr(backward, "scaled"):
        r, scale = backward.scaled(bundle.r, bundle.scale, bundle.r if bundle.owned else None)
    else:
        bundle = bundle.product()
        r = (getattr(backward, "overwrite", backward) if bundle.owned else backward)(bundle.r)
    parts = node.op.split(r)
    scales = node.op.split(scale) if scale is not None else [None] * len(parts)
    source = None if bundle.owned else bundle.r.untyped_storage().data_ptr()
    apart = len({part.data_ptr() for part in parts}) == len(parts)
    return tuple(
        replace(
            bundle,
            r=part,
            owned=apart and 0 not in part.stride() and part.untyped_storage().data_ptr() != source,
            scale=None if scale is None else scale.reshape(part.shape[1:]),
        )
        for part, scale in zip(parts, scales, strict=True)
    )


def _leads_to(graph: Graph, wanted: Collection[int]) -> set[int]:
    """The nodes from which relevance flows to a wanted one."""
    useful: set[int] = set()
    for node in graph.nodes:
        if node.index in wanted or any(i in useful for i in node.inputs):
            useful.add(node.index)
    return useful


def _check_rules(graph: Graph, method: Method, start: Node, useful: set[int]) -> None:
    below, missing = {start.index}, []
    for node in reversed(graph.nodes[: start.index + 1]):
        if node.index in below and any(i in useful for i in node.inputs):
            below.update(node.inputs)
            if method.rule(node) is None:
                missing.append(f"{node.name} ({node.kind}, {node.label})")
    if missing:
        served = ", ".join(kind for kind in KINDS if getattr(method, kind, None))
        refuse(
            f"method {method.name}",
            expected="a network of nodes it has a rule for",
            got=f"{len(missing)} without: {', '.join(missing)}",
            do=f"take the gradient, or a network of {served}",
        )


def _check_start(node: Node, r: Tensor) -> Tensor:
    shape = tuple(node.value.shape)
    if not isinstance(r, Tensor):
        refuse(f"start relevance at {node.name}", expected="a tensor", got=type(r).__name__, do="convert it")
    if r.dim() != len(shape) + 1 or tuple(r.shape[1:]) != shape or not len(r):
        refuse(
            f"start relevance at {node.name}",
            expected=f"shape (V, {', '.join(map(str, shape))})",
            got=tuple(r.shape),
            do="give V vectors for each of the recorded images",
        )
    if not is_finite(r):
        refuse(
            f"start relevance at {node.name}", expected="finite values", got="NaN or infinity", do="clean it"
        )
    r = r.detach().to(node.value)
    return arrange(fold(r, node.shape)).reshape(r.shape)
