"""Relevance on the way down: the vectors of several start layers as one batch, and a factor they share."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, replace

import torch
from torch import Tensor

from torch_backend.operators.layout import arrange, fold


@dataclass(frozen=True, eq=False)
class Carried:
    """Vectors of several start layers on the way down: r ⊙ factor, r (V₁ + V₂ + …, B, *shape).

    owned: nothing else refers to the memory of r, so that it may be overwritten. factor: (B, *shape), None
    for ones.
    """

    starts: tuple[str, ...]
    counts: tuple[int, ...]
    r: Tensor
    owned: bool
    factor: Tensor | None = None

    def product(self) -> Carried:
        """The same with the factor multiplied in."""
        if self.factor is None:
            return self
        r = torch.mul(self.r, self.factor, out=self.r if self.owned else None)
        return replace(self, r=r, owned=True, factor=None)

    def by_start(self) -> dict[str, Tensor]:
        """The vectors of each start layer, as views."""
        return dict(zip(self.starts, self.r.split(self.counts), strict=True))

    def only(self, starts: Collection[str]) -> Carried | None:
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
        there = _one_after_the_other({start: r for start, r in self.by_start().items() if start in starts})
        return replace(there, factor=self.factor)

    def __add__(self, other: Carried) -> Carried:
        """Relevance that reaches a node on two ways; the ways may carry different start layers."""
        a, b = self, other
        if not _same(a.factor, b.factor):
            a, b = a.product(), b.product()
        if (a.starts, a.counts) == (b.starts, b.counts):
            mine, other = (a, b) if a.owned else (b, a)
            return replace(mine, r=torch.add(mine.r, other.r, out=mine.r if mine.owned else None), owned=True)
        total = a.by_start()
        for start, r in b.by_start().items():
            total[start] = total[start] + r if start in total else r
        return replace(_one_after_the_other(total), factor=a.factor)


def only(carried: dict[int, Carried], starts: Collection[str]) -> dict[int, Carried]:
    """The vectors of some start layers, wherever they have arrived."""
    kept = {index: there.only(starts) for index, there in carried.items()}
    return {index: there for index, there in kept.items() if there is not None}


def _one_after_the_other(vectors: dict[str, Tensor]) -> Carried:
    """The vectors of several start layers in memory of their own."""
    parts = tuple(vectors.values())
    images, shape = parts[0].shape[1], parts[0].shape[2:]
    joined = torch.cat([arrange(fold(part, shape)) for part in parts]).reshape(-1, images, *shape)
    return Carried(tuple(vectors), tuple(len(part) for part in parts), joined, owned=True)


def _same(a: Tensor | None, b: Tensor | None) -> bool:
    return a is b or (a is not None and b is not None and torch.equal(a, b))
