"""Which algorithm ran? Convolutions as the sums of products that they are, at a few units of every call.

Winograd's and Fourier's ways are exact only beside the largest number of a sum, reduced precision not even
there; what is certified must be exact beside each number. Which of them a library takes depends on shapes,
precision and machine, so that the calls themselves are looked at.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from itertools import product

import torch
from torch import Tensor

from rankone.errors import refuse
from torch_backend.operators.convolution import Convolution
from torch_backend.operators.linear import Linear
from torch_backend.randomness import seeded
from torch_backend.rules.backward import Backward
from torch_backend.rules.sharing import BySign, Share

UNITS = 4  # of a call that are looked at
# Sums of n numbers that are not negative, in two orders, part by 2 n u at most; 4: for the ends.
UNIT_ROUNDOFF = 2.0**-53


@dataclass(frozen=True, eq=False)
class Witnessed(Linear):
    """A convolution W ≥ 0 or ≤ 0; ValueError where Wᵀ r, r ≥ 0, is not the sums of products that it is."""

    inner: Convolution = field(kw_only=True)

    def apply(self, x: Tensor) -> Tensor:
        return self.inner.apply(x)

    def adjoint(self, r: Tensor) -> Tensor:
        x = self.inner.adjoint(r)
        op = self.inner
        below = x[(0,) * (x.dim() - len(op.source))]
        above = r[(0,) * (r.dim() - len(op.target))]
        for number in torch.randint(below.numel(), (UNITS,), generator=seeded("witness")):
            unit = tuple(map(int, torch.unravel_index(number, op.source)))
            sums = [weights @ above[index] for index, weights in readers(op, unit)]
            terms = len(sums) * len(op.weight)
            expected = torch.stack(sums).sum() if sums else below.new_zeros(())
            found = below[unit]
            if bool((found - expected).abs() > (2 * terms + 4) * UNIT_ROUNDOFF * expected.abs()):
                refuse(
                    "convolution",
                    expected=f"sums of products in float64, {float(expected):.17g} at unit {unit}",
                    got=f"{float(found):.17g}, of another algorithm or precision",
                    do="certify on a CPU, without a library that replaces torch's convolutions",
                )
        return x

    def blend(self, a: float, b: float) -> Linear:
        return replace(self, inner=self.inner.part(a, b))


def readers(op: Convolution, unit: tuple[int, ...]) -> Iterator[tuple[tuple[slice | int, ...], Tensor]]:
    """The outputs that read an input unit (channel, *place): their channels and place, and their weights."""
    channel, *place = unit
    group, within = divmod(channel, op.weight.shape[1])
    size = len(op.weight) // op.groups
    channels = slice(group * size, (group + 1) * size)
    for tap in product(*map(range, op.weight.shape[2:])):
        there = [
            divmod(p + pad - t * d, s)
            for p, pad, t, d, s in zip(place, op.padding, tap, op.dilation, op.stride, strict=True)
        ]
        if all(rest == 0 and 0 <= at < n for (at, rest), n in zip(there, op.target[1:], strict=True)):
            yield (channels, *(at for at, _ in there)), op.weight[(channels, within, *tap)]


def witnessed(backward: Backward) -> Backward:
    """The same, with a look at each call of a convolution."""
    if not isinstance(backward, Share):
        return backward
    parts = tuple(replace(part, op=_witnessed(part.op)) for part in backward.parts)
    return replace(backward, parts=parts)


def _witnessed(op: Linear) -> Linear:
    match op:
        case Convolution():
            return Witnessed(op.in_shape, op.out_shape, op.bias, inner=op)
        case BySign():
            return replace(op, both=_witnessed(op.both))
    return op
