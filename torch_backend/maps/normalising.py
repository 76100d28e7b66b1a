"""Maps in [0, 1], to be compared and drawn: percentiles 0.5 and 99.5 at the ends, the rest clipped."""

import math

import torch
from torch import Tensor

from rankone.errors import refuse
from rankone.results.protocol import Protocol, corrected

TAIL = 0.005  # the share of pixels that is clipped at either end


def normalised(maps: Tensor, protocol: Protocol = corrected) -> Tensor:
    """(m − p0.5) / (p99.5 − p0.5) of each map (B, H, W), clipped to [0, 1], in float64.

    Upside down, as the paper's code has it: (m − p99.5) / (p0.5 − p99.5). A map whose two percentiles
    are equal, such as a constant one, has no such form: all NaN. ValueError for what is no maps.
    """
    refuse_other_than_maps("maps", maps)
    m = unit(maps)
    low, high = (p[:, None, None] for p in percentiles(m))
    bottom, top = (high, low) if protocol.upside_down else (low, high)
    span = torch.where(top == bottom, torch.nan, top - bottom)
    return ((m - bottom) / span).clamp(0, 1)


def percentiles(maps: Tensor) -> tuple[Tensor, Tensor]:
    """The percentiles 0.5 and 99.5 of each map (B, H, W), as NumPy interpolates them: (B,) and (B,)."""
    m = maps.double().flatten(1)
    return _percentile(m), -_percentile(-m)


def unit(maps: Tensor) -> Tensor:
    """Maps (B, H, W) in float64, in units of their largest magnitude: squares stay in float64's range."""
    m = maps.double()
    largest = m.abs().amax((1, 2), keepdim=True)
    return m / torch.where(largest == 0, 1, largest)


def refuse_other_than_maps(name: str, maps: Tensor) -> None:
    """ValueError unless `maps` are (B, H, W) in float32 or float64, with at least one pixel."""
    if not isinstance(maps, Tensor):
        refuse(name, expected="a tensor (B, H, W)", got=type(maps).__name__, do="give torch tensors")
    if maps.dtype not in (torch.float32, torch.float64):
        refuse(name, expected="float32 or float64", got=maps.dtype, do="convert them")
    if maps.dim() != 3 or 0 in maps.shape[1:]:
        do = "reduce channels first: saliency(..., reduce=reduction(method, protocol))"
        refuse(name, expected="maps (B, H, W) with at least one pixel", got=tuple(maps.shape), do=do)


def _percentile(m: Tensor) -> Tensor:
    """The value at `TAIL` of the way through sorted rows of (B, N), linear between neighbours: (B,)."""
    last = m.shape[1] - 1
    part, below = math.modf(TAIL * last)
    smallest = m.topk(min(int(below) + 2, last + 1), largest=False).values
    return torch.lerp(smallest[:, int(below)], smallest[:, -1], part)
