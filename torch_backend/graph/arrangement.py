"""Where the images stand in a tensor of a forward pass.

Most tensors are (B, ...). Others are (B·T, ...), as the rows of a product, or (T, B, ...), as attention and
recurrent networks have it. Read row by row they are all (outer, B, inner), and a view leaves that as it is.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from math import prod

from torch import Tensor

from torch_backend.operators.layout import Shape


@dataclass(frozen=True)
class Arrangement:
    """A tensor of this shape with `count` images, `outer` numbers in front of each one's first.

    parts: (before, a, m, after): the images are in an axis of a·B·m, between the axes before and after it;
    None if they are cut into pieces.
    """

    shape: Shape
    outer: int
    count: int

    @cached_property
    def parts(self) -> tuple[Shape, int, int, Shape] | None:
        found = []
        for k, size in enumerate(self.shape):
            before = prod(self.shape[:k])
            a, rest = divmod(self.outer, before) if before else (0, 1)
            if rest or not a or size % (a * self.count) or size < a * self.count:
                continue
            found.append((self.shape[:k], a, size // (a * self.count), self.shape[k + 1 :]))
        return min(found, key=lambda parts: parts[1:3], default=None)  # of one image, any axis may be its own

    @property
    def is_plain(self) -> bool:
        """Whether the tensor is (B, ...)."""
        return self.outer == 1 and self.shape[:1] == (self.count,) and len(self.shape) > 1

    @cached_property
    def image(self) -> Shape:
        """The shape of one image's part, (1,) for a single number."""
        before, a, m, after = self.parts
        return (*before, *(n for n in (a, m) if n != 1), *after) or (1,)

    def to_images(self, t: Tensor) -> Tensor:
        """(n, *image), for any number n of images in t."""
        if self.is_plain:
            return t
        before, a, m, after = self.parts
        n = t.shape[len(before)] // (a * m) if m else self.count
        t = t.reshape(*before, a, n, m, *after).movedim(len(before) + 1, 0)
        return t.reshape(n, *self.image)

    def from_images(self, v: Tensor) -> Tensor:
        """The inverse: (n, *image) -> the tensor."""
        if self.is_plain:
            return v
        before, a, m, after = self.parts
        t = v.reshape(len(v), *before, a, m, *after).movedim(0, len(before) + 1)
        return t.reshape(*before, a * len(v) * m, *after)


def arrangements(shape: Shape, count: int) -> Iterator[Arrangement]:
    """All that a tensor of this shape may have, those with an axis of the images' own first."""
    axes = [(prod(shape[:k]), size) for k, size in enumerate(shape)]
    alone = [before for before, size in axes if size == count]
    merged = [
        before * a
        for before, size in axes
        if size and size % count == 0
        for a in range(1, size // count + 1)
        if (size // count) % a == 0
    ]
    for outer in dict.fromkeys(alone + merged):
        arrangement = Arrangement(tuple(shape), outer, count)
        if arrangement.parts is not None:
            yield arrangement
