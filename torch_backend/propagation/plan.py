"""The plan of a sweep: which start layers go down together, from shapes and counts, before any computation.

All vectors go down as one batch while their relevance fits the memory. Where more would be carried, the start
layers part into two halves, and each goes its own leg from there, one after the other. A half may part again;
start layers that have not been reached yet join the second.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field

from torch_backend.graph.node import Node


@dataclass(frozen=True)
class Leg:
    """A stretch of the way: the nodes top, …, end. With halves it stops at `end` before passing it, and they
    go on there; without, `end` is 0, the image.

    starts: names of the start layers that it begins with. joined: those that join on the way, or at `end`.
    last: no later leg passes these nodes, so that what was prepared for them can go.
    """

    top: int
    end: int
    starts: tuple[str, ...]
    joined: tuple[str, ...]
    last: bool
    halves: tuple[Leg, ...] = field(default=(), repr=False)

    @property
    def nodes(self) -> range:
        """The indices top, …, end."""
        return range(self.top, self.end - 1, -1)


def plan(nodes: Sequence[Node], counts: Mapping[str, int], useful: Collection[int], memory: int) -> Leg:
    """The legs of a sweep over the `useful` nodes, so that at most about `memory` bytes of relevance are
    carried, unless one start layer needs more: its vectors always stay together.

    counts: name of a start layer -> vectors that are carried from there.
    """
    bytes_of = {
        node.index: node.value.numel() * node.value.element_size() for node in nodes if node.index in useful
    }

    def bytes_below(arrived: Mapping[int, tuple[str, ...]], node: Node) -> int:
        """Bytes of relevance once the node is passed."""
        size = {i: sum(counts[s] for s in starts) * bytes_of[i] for i, starts in arrived.items()}
        here = size.get(node.index, 0)
        inputs = sum(nodes[i].value.numel() for i in node.inputs)
        return sum(size.values()) + here * max(0, inputs - node.value.numel()) // node.value.numel()

    def leg(top: int, arrived: dict[int, tuple[str, ...]], joins: Collection[str], *, last: bool) -> Leg:
        begins = _starts(arrived)
        joined: list[str] = []
        for node in reversed(nodes[: top + 1]):
            if node.index not in useful:
                continue
            if node.name in joins and node.name not in begins:
                joined.append(node.name)
                arrived[node.index] = (*arrived.get(node.index, ()), node.name)
            above = _starts(arrived)
            if len(above) > 1 and bytes_below(arrived, node) > memory:
                half = len(above) // 2
                below = set(joins) - set(above)
                halves = (
                    leg(node.index, _only(arrived, above[:half]), (), last=False),
                    leg(node.index, _only(arrived, above[half:]), below, last=last),
                )
                return Leg(top, node.index, begins, tuple(joined), last, halves)
            starts = arrived.pop(node.index, ())
            for i in node.inputs:
                if starts and i in useful:
                    arrived[i] = tuple(dict.fromkeys((*arrived.get(i, ()), *starts)))
        return Leg(top, 0, begins, tuple(joined), last)

    return leg(len(nodes) - 1, {}, counts, last=True)


def _starts(arrived: Mapping[int, tuple[str, ...]]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(start for starts in arrived.values() for start in starts))


def _only(arrived: Mapping[int, tuple[str, ...]], kept: Collection[str]) -> dict[int, tuple[str, ...]]:
    some = {i: tuple(start for start in starts if start in kept) for i, starts in arrived.items()}
    return {i: starts for i, starts in some.items() if starts}
