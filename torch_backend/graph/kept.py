"""Operators with weights, kept between batches by what their weights are, so that W⁺ is made once."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor

from torch_backend.operators.operator import Operator

WORDS = 512  # of eight bytes, summed at memory's speed
WEIGHTED = (torch.float32, torch.float64)
FEW = 1 << 16  # bytes, which are sooner looked at one by one


class Kept:
    """`kept(make, *arguments)` is `make(*arguments)`, carried out once for arguments of the same content.

    Tensors among the arguments reach `make` detached and in the images' precision. What says that they are
    the same is a checksum over all their bits: a weight that was written to, in whatever way, is another.
    """

    def __init__(self, like: Tensor) -> None:
        self.dtype, self.device = like.dtype, like.device
        self.operators: dict[tuple, Operator] = {}
        self.keys: dict[int, tuple] = {}
        self.read: dict[int, tuple[Tensor, int]] = {}

    def __call__(self, make: Callable[..., Operator], *arguments: Any) -> Operator:
        key = (make, *(self._key(a) for a in arguments))
        if key not in self.operators:
            self.operators[key] = op = make(*(self.cast(a) for a in arguments))
            self.keys.setdefault(id(op), key)
        return self.operators[key]

    def begin(self) -> None:
        """Another batch: weights may have changed since."""
        self.read.clear()

    def _key(self, argument: Any) -> Any:
        if isinstance(argument, Operator):
            return self.keys[id(argument)]
        if not isinstance(argument, Tensor):
            return argument
        if id(argument) not in self.read:
            self.read[id(argument)] = argument, checksum(argument)
        return tuple(argument.shape), str(argument.dtype), self.read[id(argument)][1]

    def cast(self, argument: Any) -> Any:
        """A constant in the images' precision."""
        if not isinstance(argument, Tensor):
            return argument
        return argument.detach().to(self.device, self.dtype if argument.is_floating_point() else None)


def checksum(t: Tensor) -> int:
    """A number that changes with any bit of t, and with the order and the signs of its entries: sums of its
    rows as integers, which no change of one entry leaves alone, and weighted ones.
    """
    flat = t.detach().contiguous().view(-1)
    data = flat.view(torch.uint8)
    whole = len(data) // (8 * WORDS) * 8 * WORDS if len(data) > FEW else 0
    words = data[:whole].view(torch.int64).view(-1, WORDS).sum(1)
    parts = [words, data[whole:]]
    if whole and t.dtype in WEIGHTED:
        rows = flat[: whole // t.element_size()].view(len(words), -1)
        generator = torch.Generator().manual_seed(0)
        parts.append(rows @ torch.rand(rows.shape[1], generator=generator).to(rows))
    return hash(tuple(part.numpy(force=True).tobytes() for part in parts))
