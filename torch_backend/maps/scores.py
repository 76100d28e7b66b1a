"""How alike are two maps? Structural similarity, rank correlation, cosine, overlap of the highest pixels.

    for score in SCORES:
        score.name, score(a, b, protocol)  # (B, H, W), (B, H, W) -> (B,)

A pair with a map that cannot be compared (`condition`: zero, constant, not finite, one pixel) scores NaN.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, field

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
    prepare  (B, H, W) in float64, protocol -> what is known of each map by itself, (..., B, *)
    of       that of two times B maps, protocol -> (B,)
    """

    name: str
    meaning: str
    prepare: Callable[[Tensor, Protocol], Tensor]
    of: Callable[[Tensor, Tensor, Protocol], Tensor]

    def __call__(self, a: Tensor, b: Tensor, protocol: Protocol = corrected) -> Tensor:
        """The score of each pair of maps (B, H, W), float64 (B,); NaN where one cannot be compared.

        ValueError for what is no maps of one shape.
        """
        refuse_unlike_maps(a, b)
        return all_scores(Prepared.of(a, protocol, (self,)), Prepared.of(b, protocol, (self,)))[:, 0]


@dataclass(frozen=True, eq=False)
class Prepared:
    """Maps (B, H, W) of which is known what scores need of each map by itself: once, whatever they meet."""

    scores: tuple[Score, ...]
    protocol: Protocol
    known: tuple[Tensor, ...] = field(repr=False)
    fit: Tensor  # (B,): whether each can be compared

    @classmethod
    def of(
        cls, maps: Tensor, protocol: Protocol = corrected, scores: tuple[Score, ...] | None = None
    ) -> Prepared:
        """For all SCORES, if not for some. ValueError for what is no maps."""
        scores = SCORES if scores is None else scores
        fit = comparable(maps)
        m = torch.where(fit[:, None, None], maps.double(), _ramp(maps))
        known = (score.prepare(m, protocol) if fit.any() else m for score in scores)
        return cls(scores, protocol, tuple(known), fit)


def all_scores(a: Prepared, b: Prepared) -> Tensor:
    """Every score of each pair of B maps, (B, S) in float64; NaN where one cannot be compared."""
    fit = a.fit & b.fit
    if not fit.any():
        return torch.full((len(fit), len(a.scores)), torch.nan, dtype=torch.float64, device=fit.device)
    pairs = zip(a.scores, a.known, b.known, strict=True)
    found = torch.stack([score.of(x, y, a.protocol).double() for score, x, y in pairs], 1)
    return torch.where(fit[:, None], found, torch.nan)


def _ramp(maps: Tensor) -> Tensor:
    """Stands in for a map that cannot be compared, whose scores are not shown."""
    return torch.arange(maps[0].numel(), dtype=torch.float64, device=maps.device).view(maps.shape[1:])


def flipped(score: Score) -> Score:
    """max(score(a, b), score(a, −b)): a map and its negative count as the same.

    Where only one of the two is defined it is that one.
    """

    def prepare(maps: Tensor, protocol: Protocol) -> Tensor:
        return torch.stack([score.prepare(maps, protocol), score.prepare(-maps, protocol)])

    def of(a: Tensor, b: Tensor, protocol: Protocol) -> Tensor:
        return torch.fmax(score.of(a[0], b[0], protocol), score.of(a[0], b[1], protocol))

    meaning = f"{score.meaning}, or of the negative map if that is more"
    return Score(f"{score.name}_flip", meaning, prepare, of)


def similarity(a: Tensor, b: Tensor, protocol: Protocol) -> Tensor:
    """SSIM of normalised maps in windows of 5 × 5; orientation and data range are the protocol's."""
    return ssim(a, b, data_range=protocol.ssim_data_range)


def centred_ranks(maps: Tensor, _: Protocol) -> Tensor:
    """Average ranks, less their mean, as unit vectors: their cosine is Spearman's ρ (Amer. J. Psychol. 15,
    1904), in [-1, 1].
    """
    found = ranks(maps.flatten(1))
    return unit_vectors(found - (1 + found.shape[1]) / 2)


def directions(maps: Tensor, _: Protocol) -> Tensor:
    """All pixels as unit vectors (B, N), whose products are cosines, in [-1, 1]."""
    return unit_vectors(unit(maps).flatten(1))


def product(a: Tensor, b: Tensor, _: Protocol) -> Tensor:
    """aᵀb."""
    return (a * b).sum(1)


def top(maps: Tensor, _: Protocol) -> Tensor:
    """Which pixels are the highest, (B, N)."""
    return highest(maps.flatten(1))


def overlap(a: Tensor, b: Tensor, _: Protocol) -> Tensor:
    """|A ∩ B| / k, (B,) in [0, 1]: A and B the highest pixels of two maps, k the number in the larger set.

    Without ties k = ⌈N/20⌉ of N pixels, the top 5 %. Pixels of one value are in together or not at all: those
    that would make a set larger are left out. NaN where none is left, as the largest value is so common.
    """
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


def unit_vectors(x: Tensor) -> Tensor:
    """Rows of (B, N), each divided by its length."""
    return x / x.norm(dim=1, keepdim=True)


PLAIN = (
    Score("ssim", "structural similarity", normalised, similarity),
    Score("spearman", "rank correlation", centred_ranks, product),
    Score("cosine", "cosine", directions, product),
    Score("overlap", "overlap of the top 5 % of pixels", top, overlap),
)

SCORES = tuple(variant for score in PLAIN for variant in (score, flipped(score)))
