"""Which of the recorded numbers stand in a tensor: views share memory, and writing in place changes them all.

A tensor is known by its memory and its place in it. What was written since, into the whole or a part, is
looked up when the tensor is read.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from math import prod
from typing import Any

import torch
from torch import Tensor

from torch_backend.graph.arrangement import Arrangement
from torch_backend.operators.layout import Shape

Place = tuple[int, tuple[int, ...], tuple[int, ...], torch.dtype]  # offset, shape, strides


def place(t: Tensor) -> Place:
    return t.storage_offset(), tuple(t.shape), t.stride(), t.dtype


@dataclass(frozen=True, eq=False)
class Entry:
    """The content that a place has from now on. tensor: kept, so that its memory is not given to another."""

    tensor: Tensor
    place: Place
    content: Any
    written: bool


@dataclass(eq=False)
class Memory:
    """All places with recorded content, by the memory they are in, in the order of time."""

    entries: dict[int, list[Entry]] = field(default_factory=dict)

    def put(self, t: Tensor, content: Any, *, written: bool = False) -> None:
        """t holds the content; written: its memory has changed, and all that overlaps with it."""
        self.entries.setdefault(memory_of(t), []).append(Entry(t, place(t), content, written))

    def contents(self, t: Tensor) -> list[Any]:
        """Everything that stands, or stood, in the tensor's memory."""
        return [entry.content for entry in self.entries.get(memory_of(t), ())]

    def is_pieced(self, t: Tensor) -> bool:
        """Whether other tensors have been written over parts of t."""
        entries = list(self.history(t))
        return bool(entries) and (len(entries) > 1 or entries[0].place != place(t))

    def history(self, t: Tensor) -> Iterator[Entry]:
        """The entry of this very place, if there is one, and everything that was written over it since."""
        here = self.entries.get(memory_of(t), [])
        wanted = place(t)
        since = next((i for i in reversed(range(len(here))) if here[i].place == wanted), -1)
        if since >= 0:
            yield here[since]
        for entry in here[since + 1 :]:
            if entry.written and bool((positions(entry, t) >= 0).any()):
                yield entry


def positions(entry: Entry, t: Tensor) -> Tensor:
    """For every number of t its position in the entry's tensor, row by row; -1 where it is not of it."""
    size = t.untyped_storage().nbytes() // t.element_size()
    offset, shape, strides, _ = entry.place
    numbers, found = torch.arange(size), torch.full((size,), -1)
    inside = numbers.as_strided(shape, strides, offset).reshape(-1)
    found[inside] = torch.arange(len(inside))
    return found[numbers.as_strided(t.shape, t.stride(), t.storage_offset())]


def picked(
    t: Tensor, here: Arrangement, later: Sequence[tuple[Entry, int | None]], below: Shape | None
) -> Tensor | None:
    """Where one image's numbers of t, arranged as `here`, come from: their positions in a row of what was in
    it (`below`, None for constants) and of all that was written since, each with its numbers in front of the
    first image's, or None for constants; -1 where a constant stands. None if images take from each other.
    """
    count = here.count
    if here.parts is None:
        return None
    first = 0 if below is None else prod(below)
    index = (
        torch.arange(prod(here.image)).expand(count, -1)
        if first
        else torch.full((count, prod(here.image)), -1)
    )
    images = torch.arange(count)[:, None]
    for entry, outer in later:
        there = Arrangement(entry.place[1], here.outer if outer is None else outer, count)
        if there.parts is None:
            return None
        numbers = torch.arange(count * prod(there.image)).view(count, *there.image)
        at = positions(entry, t)
        at = here.to_images(torch.where(at >= 0, there.from_images(numbers).reshape(-1)[at], -1)).reshape(
            count, -1
        )
        each = prod(there.image)
        if bool(((at >= 0) & (at // each != images)).any()):
            return None
        index = torch.where(at >= 0, first + at % each if outer is not None else -1, index)
        first += 0 if outer is None else each
    return index[0] if bool((index == index[0]).all()) else None


def memory_of(t: Tensor) -> int:
    """What views of the same memory share."""
    return t.untyped_storage()._cdata
