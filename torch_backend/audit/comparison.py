"""How alike two maps are, beside what maps that have nothing in common would be.

A number such as "SSIM .8" says nothing by itself: heavy-tailed maps reach it by chance. Its null is the same
score of maps with the same marginals and the same smoothness that are independent (maps.null).
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import NamedTuple

import torch
from torch import Tensor

from rankone.results.protocol import Protocol, corrected
from torch_backend.maps.condition import comparable
from torch_backend.maps.null import surrogates
from torch_backend.maps.scores import SCORES

SURROGATES = 1  # of each map; the median over images is what is shown


class Comparison(NamedTuple):
    """B references with K other maps each (classes, or draws); S scores in the order of SCORES.

    scores (K, B, S)  NaN where a map of the pair cannot be compared
    null (K, B, S)    the same between the reference and an independent map like the other one
    fine (K, B)       whether the other map can be compared at all
    maps (K, B, H, W) the other maps
    """

    scores: Tensor
    null: Tensor
    fine: Tensor
    maps: Tensor


def compare(
    reference: Tensor, maps: Tensor, keys: Sequence[str], protocol: Protocol = corrected, seed: int = 0
) -> Comparison:
    """Maps (B, H, W) with their references (B, H, W), K = 1; keys: B names, under which the null's numbers are
    drawn.
    """
    independent = surrogates(maps, seed=seed, names=keys, count=SURROGATES)
    null = torch.stack([scored(reference, some, protocol) for some in independent]).nanmedian(0).values
    return Comparison(scored(reference, maps, protocol)[None], null[None], comparable(maps)[None], maps[None])


def joined(comparisons: Iterable[Comparison]) -> Comparison:
    """Those of the same references as one."""
    return Comparison(*(torch.cat(parts) for parts in zip(*comparisons, strict=True)))


def scored(a: Tensor, b: Tensor, protocol: Protocol = corrected) -> Tensor:
    """All SCORES of maps (B, H, W) with maps (B, H, W): (B, S)."""
    return torch.stack([score(a, b, protocol) for score in SCORES], 1)
