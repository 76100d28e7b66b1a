"""How alike two maps are, beside what maps that have nothing in common would be.

A number such as "SSIM .8" says nothing by itself: heavy-tailed maps reach it by chance. Its null is the same
score of maps with the same marginals and the same smoothness that are independent (maps.null).
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

import torch
from torch import Tensor

from rankone.results.protocol import Protocol, corrected
from torch_backend.audit.hidden import Hidden, done
from torch_backend.maps.null import surrogates
from torch_backend.maps.scores import Prepared, all_scores

SURROGATES = 3  # of each map; the median of their scores is the null


class Comparison(NamedTuple):
    """B references with K other maps each (classes, or draws); S scores in the order of SCORES.

    scores (K, B, S)  NaN where a map of the pair cannot be compared
    null (K, B, S)    the same between the other map and independent ones like the reference
    fine (K, B)       whether both maps of the pair can be compared at all
    maps (K, B, H, W) the other maps
    """

    scores: Tensor
    null: Tensor
    fine: Tensor
    maps: Tensor


@dataclass(frozen=True, eq=False)
class Reference:
    """The maps (B, H, W) that others are compared with, and independent ones like them."""

    maps: Prepared
    independent: tuple[Prepared, ...] = field(repr=False)

    @classmethod
    def of(
        cls,
        maps: Tensor,
        names: Sequence[str],
        protocol: Protocol = corrected,
        seed: int = 0,
        hides: Sequence[Hidden] = (),
    ) -> Reference:
        """names: of the images; the null's numbers are drawn from them and the seed. hides: what was done to
        the maps, and is done to independent ones.
        """
        drawn = surrogates(maps, seed=seed, names=names, count=SURROGATES)
        independent = (Prepared.of(done(hides, some), protocol) for some in drawn)
        return cls(Prepared.of(maps, protocol), tuple(independent))

    def scores(self, maps: Tensor) -> Tensor:
        """All SCORES with maps (B, H, W): (B, S)."""
        return all_scores(self.maps, Prepared.of(maps, self.maps.protocol))

    def compare(self, maps: Tensor) -> Comparison:
        """With maps (B, H, W), K = 1."""
        other = Prepared.of(maps, self.maps.protocol)
        null = torch.stack([all_scores(some, other) for some in self.independent]).nanmedian(0).values
        fine = self.maps.fit & other.fit
        return Comparison(all_scores(self.maps, other)[None], null[None], fine[None], maps[None])


def joined(comparisons: Iterable[Comparison]) -> Comparison:
    """Those with the same references as one."""
    return Comparison(*(torch.cat(parts) for parts in zip(*comparisons, strict=True)))
