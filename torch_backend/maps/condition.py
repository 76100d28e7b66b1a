"""Can a map be compared at all? One that is zero, constant or not finite has no similarity to anything."""

from enum import StrEnum

import torch
from torch import Tensor

from torch_backend.maps.normalising import percentiles, refuse_other_than_maps

#: Pixels that differ by less than this many units in the last place of the largest differ by rounding.
ROUNDING = 8


class Condition(StrEnum):
    """What a map is; the first that fits, in this order.

    ONE_PIXEL   it has one pixel, or all its pixels but one are equal
    SPARSE      its percentiles 0.5 and 99.5 are equal: it has no normalised form, and no SSIM
    """

    NOT_FINITE = "not finite"
    ONE_PIXEL = "one pixel"
    ZERO = "zero"
    CONSTANT = "constant"
    SPARSE = "sparse"
    FINE = "fine"


def condition(maps: Tensor) -> tuple[Condition, ...]:
    """What each of the maps (B, H, W) is: B conditions. ValueError for what is no maps.

    A map is constant when its pixels differ by no more than rounding in its own precision.
    """
    refuse_other_than_maps("maps", maps)
    m = maps.double().flatten(1)
    low, high = percentiles(maps)
    rounding = ROUNDING * torch.finfo(maps.dtype).eps * m.abs().amax(1)
    holds = {
        Condition.NOT_FINITE: ~m.isfinite().all(1),
        Condition.ONE_PIXEL: one_differs(m),
        Condition.ZERO: (m == 0).all(1),
        Condition.CONSTANT: m.amax(1) - m.amin(1) <= rounding,
        Condition.SPARSE: low == high,
        Condition.FINE: torch.ones_like(low, dtype=torch.bool),
    }
    first = torch.stack(list(holds.values())).int().argmax(0)
    return tuple(list(holds)[i] for i in first.tolist())


def comparable(maps: Tensor) -> Tensor:
    """Which of the maps (B, H, W) can be compared with others, (B,): those that are fine, and sparse ones."""
    fit = [c in (Condition.FINE, Condition.SPARSE) for c in condition(maps)]
    return torch.tensor(fit, dtype=torch.bool, device=maps.device)


def one_differs(m: Tensor) -> Tensor:
    """Whether all numbers of a row of (B, N) but one are equal, (B,)."""
    if m.shape[1] == 1:
        return torch.ones_like(m[:, 0], dtype=torch.bool)
    (largest, second), (smallest, second_smallest) = (m.topk(2, largest=up).values.T for up in (True, False))
    return (largest != smallest) & ((second == smallest) | (second_smallest == largest))
