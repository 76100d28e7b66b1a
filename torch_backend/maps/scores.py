"""How alike are two maps? Structural similarity, rank correlation, cosine, overlap of the highest pixels.

    for score in SCORES:
        score.name, score(a, b, protocol)  # (B, H, W), (B, H, W) -> (B,)

A pair with a map that cannot be compared (`condition`: zero, constant, not finite, one pixel) scores NaN.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor

from rankone.results.protocol import Protocol, corrected
from torch_backend.maps.condition import comparable
from torch_backend.maps.normalising import normalised, unit
from torch_backend.maps.ssim import refuse_unlike_maps, ssim

TOP = 0.05  # the share of pixels whose overlap is counted


@dataclass(frozen=True)
class Score:
    """A similarity of maps; 1 for equal ones.

    name     as in a table's column
    meaning  in words, for a caption
    of       (B, H, W), (B, H, W), protocol -> (B,), for maps that can be compared
    """

    name: str
    meaning: str
    of: Callable[[Tensor, Tensor, Protocol], Tensor]

    def __call__(self, a: Tensor, b: Tensor, protocol: Protocol = corrected) -> Tensor:
        """The score of each pair of maps (B, H, W), float64 (B,); NaN where one cannot be compared.

        ValueError for what is no maps of one shape.
        """
        refuse_unlike_maps(a, b)
        fit = comparable(a) & comparable(b)
        scores = torch.full_like(fit, torch.nan, dtype=torch.float64)
        if fit.any():
            scores[fit] = self.of(a[fit].double(), b[fit].double(), protocol)
        return scores


def flipped(score: Score) -> Score:
    """max(score(a, b), score(a, −b)): a map and its negative count as the same.

    Where only one of the two is defined it is that one.
    """

    def of(a: Tensor, b: Tensor, protocol: Protocol) -> Tensor:
        return torch.fmax(score.of(a, b, protocol), score.of(a, -b, protocol))

    return Score(f"{score.name}_flip", f"{score.meaning}, or of the negative map if that is more", of)


def structural_similarity(a: Tensor, b: Tensor, protocol: Protocol) -> Tensor:
    """SSIM of normalised maps in windows of 5 × 5; orientation and data range are the protocol's."""
    a, b = normalised(a, protocol), normalised(b, protocol)
    return ssim(a, b, window=5, data_range=protocol.ssim_data_range)


def rank_correlation(a: Tensor, b: Tensor) -> Tensor:
    """Spearman's ρ (Amer. J. Psychol. 15, 1904), (B,) in [-1, 1]: the correlation of average ranks."""
    a, b = (ranks(m.flatten(1)) for m in (a, b))
    middle = (1 + a.shape[1]) / 2
    return _cosine(a - middle, b - middle)


def cosine(a: Tensor, b: Tensor) -> Tensor:
    """aᵀb / (|a| |b|) over all pixels, (B,) in [-1, 1]."""
    return _cosine(unit(a).flatten(1), unit(b).flatten(1))


def overlap(a: Tensor, b: Tensor) -> Tensor:
    """|A ∩ B| / k, (B,) in [0, 1]: A and B the highest pixels of a and b, k the number in the larger set.

    Without ties k = ⌈N/20⌉ of N pixels, the top 5 %. Pixels of one value are in together or not at all: those
    that would make a set larger are left out. NaN where none is left, as the largest value is so common.
    """
    a, b = highest(a.flatten(1)), highest(b.flatten(1))
    k = torch.maximum(a.sum(1), b.sum(1))
    return torch.where(a.any(1) & b.any(1), (a & b).sum(1).double() / k, torch.nan)


def highest(x: Tensor) -> Tensor:
    """The largest numbers of each row of (B, N), at most ⌈N/20⌉ and closed under ties: bool (B, N)."""
    k = math.ceil(TOP * x.shape[1])
    *_, least, next_one = x.topk(min(k + 1, x.shape[1])).values.split(1, dim=1)
    return torch.where(least == next_one, x > least, x >= least)


def ranks(x: Tensor) -> Tensor:
    """Ranks from 1 to N within each row of (B, N); equal numbers have the mean of their ranks."""
    order = x.argsort(1)
    ordered = x.gather(1, order)
    place = torch.arange(1, x.shape[1] + 1, device=x.device, dtype=x.dtype).expand_as(x)
    steps = ordered[:, 1:] != ordered[:, :-1]
    ends = torch.ones_like(steps[:, :1])
    first = torch.where(torch.cat([ends, steps], 1), place, 0).cummax(1).values
    last = torch.where(torch.cat([steps, ends], 1), place, torch.inf).flip(1).cummin(1).values.flip(1)
    return torch.zeros_like(x).scatter(1, order, (first + last) / 2)


def _cosine(a: Tensor, b: Tensor) -> Tensor:
    return (a * b).sum(1) / (a.norm(dim=1) * b.norm(dim=1))


def _always(of: Callable[[Tensor, Tensor], Tensor]) -> Callable[[Tensor, Tensor, Protocol], Tensor]:
    """A score that no protocol changes."""
    return lambda a, b, _: of(a, b)


PLAIN = (
    Score("ssim", "structural similarity", structural_similarity),
    Score("spearman", "rank correlation", _always(rank_correlation)),
    Score("cosine", "cosine", _always(cosine)),
    Score("overlap", "overlap of the top 5 % of pixels", _always(overlap)),
)

SCORES = tuple(variant for score in PLAIN for variant in (score, flipped(score)))
