"""Kernel, stride, padding and dilation of a pooling, found out by asking the function itself.

torch has a dozen spellings of a pooling; what they have in common is which numbers each window reads. A plane
of ones on one axis, zeros elsewhere, tells which windows reach it.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from itertools import pairwise
from math import prod

import torch
from torch import Tensor

from torch_backend.operators.layout import Shape

PLANES = 1 << 24  # numbers asked at once


@dataclass(frozen=True)
class Window:
    """Of one axis: place o of the output reads o·stride − before + t·dilation, t = 0 … kernel − 1."""

    kernel: int
    stride: int
    before: int
    after: int
    dilation: int

    def reach(self, n: int, m: int) -> Tensor:
        """Which of n places each of m windows reads: (m, n), booleans."""
        places = torch.arange(m)[:, None] * self.stride - self.before
        taps = places + torch.arange(self.kernel) * self.dilation
        return (taps[:, :, None] == torch.arange(n)).any(1)


def windows(
    function: Callable[[Tensor], Tensor], in_shape: Shape, out_shape: Shape, axes: int
) -> tuple[Window, ...] | None:
    """The windows over the last `axes` axes of a pooling (n, *in_shape) -> (n, *out_shape), which keeps those
    in front; None if it is none, or has windows of several sizes.
    """
    if len(in_shape) != len(out_shape) or in_shape[:-axes] != out_shape[:-axes]:
        return None
    one = (1,) * (len(in_shape) - axes)  # each channel is pooled by itself
    below, above = (*one, *in_shape[-axes:]), (*one, *out_shape[-axes:])
    found = [
        _window(_reach(function, below, above, axis), below[axis], above[axis]) for axis in range(-axes, 0)
    ]
    return None if None in found else tuple(window for window in found if window)


def _reach(function: Callable[[Tensor], Tensor], in_shape: Shape, out_shape: Shape, axis: int) -> Tensor:
    """Which places along an axis the windows along it read: (m, n), booleans."""
    n, m = in_shape[axis], out_shape[axis]
    rows = []
    for places in torch.arange(n).split(max(1, PLANES // prod(in_shape))):
        planes = torch.zeros(len(places), *in_shape, dtype=torch.float64)
        planes.movedim(axis, 1)[torch.arange(len(places)), places] = 1
        rows.append((function(planes) > 0).movedim(axis, -1).reshape(len(places), -1, m).any(1))
    return torch.cat(rows).T


def _window(reach: Tensor, n: int, m: int) -> Window | None:
    """The window with this reach, if one has it."""
    read = [row.nonzero().flatten().tolist() for row in reach]
    if not all(read):
        return None
    kernel = max(map(len, read))
    dilation = max((b - a for row in read for a, b in pairwise(row)), default=1)
    whole = [o for o, row in enumerate(read) if len(row) == kernel]
    ends = [row[0] for row in read], [row[-1] for row in read]
    strides = {b - a for end in ends for a, b in pairwise(end)} - {0} or {
        n
    }  # a single window: no further one
    for stride in sorted(strides):
        before = whole[0] * stride - read[whole[0]][0]
        after = max(0, (m - 1) * stride + dilation * (kernel - 1) + 1 - n - before)
        window = Window(kernel, stride, before, after, dilation)
        if before >= 0 and torch.equal(window.reach(n, m), reach):
            return window
    return None
