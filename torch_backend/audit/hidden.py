"""What a tool hides: what it does to its maps before anyone sees them.

A map of absolute values cannot say for from against, one divided by its largest number cannot say how much.
What independent maps would score, the null, has to be asked of maps that hide the same: whatever a tool does
to its maps is done to their surrogates, too. What is declared is checked: doing it once more must change
nothing (|·| of absolute values are these values).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field

import torch
from torch import Tensor

from rankone.errors import refuse

#: A tool that divides by 1e-7 + max in float32, and a float32 sum, leave less than this of a map's largest.
AS_DECLARED = 1e-4


@dataclass(frozen=True)
class Hidden:
    """One thing. said: what is hidden and how, in words; done: the same to other maps (B, H, W) -> (B, H, W),
    each by itself; doing it twice is doing it once.
    """

    said: str
    done: Callable[[Tensor], Tensor] = field(repr=False)


def divided_by_largest(maps: Tensor) -> Tensor:
    """m / max |m| of each map (B, H, W); a map of zeros stays."""
    largest = maps.abs().amax((1, 2), keepdim=True)
    return maps / torch.where(largest == 0, 1, largest)


def stretched(maps: Tensor) -> Tensor:
    """(m − min) / (max − min) of each map (B, H, W); a constant one becomes 0."""
    low, high = maps.amin((1, 2), keepdim=True), maps.amax((1, 2), keepdim=True)
    return (maps - low) / torch.where(high == low, 1, high - low)


magnitudes = Hidden("the sign: absolute values are taken", torch.abs)
negative_part = Hidden("what speaks against the class: negative numbers become 0", torch.relu)
magnitude = Hidden("how much it is: each map is divided by its largest magnitude", divided_by_largest)
range_ = Hidden("how much it is, and where 0 is: each map is stretched to [0, 1]", stretched)
channels = Hidden("which colour it is: channels are added up", lambda maps: maps)


def done(hides: Iterable[Hidden], maps: Tensor) -> Tensor:
    """All of it to the maps (B, H, W), one after the other."""
    for hidden in hides:
        maps = hidden.done(maps)
    return maps


def refuse_other_than_declared(hides: Iterable[Hidden], maps: Tensor) -> None:
    """ValueError for maps (B, H, W) in which something is seen that is said to be hidden. Of what is not
    finite nothing is said here.
    """
    largest = maps.abs().amax((1, 2), keepdim=True)
    for hidden in hides:
        change = (hidden.done(maps) - maps).abs()
        if bool((change > AS_DECLARED * largest).any()):
            refuse(
                "hides",
                expected=f"maps that hide {hidden.said}",
                got="maps that change when that is done to them once more",
                do="declare what the tool does to its maps, no more",
            )
