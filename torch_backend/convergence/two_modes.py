"""The two-mode closure: what a network's factors, passed once, predict of 1 − |cos| from every start.

At each location relevance is R_i = p_i a + e_i, Q e = 0: a reference p that all starts share; a slow mode,
one number a for each location, which a layer only diffuses; and a fast one, the rest e, of entries that are
independent but for Q e = 0, with variance φ ρ_i (`Above.rho`), one φ for each location. From what
`reversed_chain` knows of each layer:

    a' = κ (a + ν) + ν'                          ν, ν' of variance φ N: what the mean row sees of the rest,
                                                 all places below alike, and each by itself
    φ' Σ (1 − q'_i) ρ'_i = S φ + (a − a')ᵀ M (a − a')     the rows' dispersion; gradients of a, which each
                                                 channel sees about its own centre

a is carried as Gaussian fields, scalars over the locations: neither a covariance of locations nor relevance
of the channels is ever made, but where a node has one location, as in dense layers: there R itself is
carried, for units of a dense layer are not independent. Without the second term of φ' this is the parents'
law (`without_slow_mode`). Starts are N(0, I).

Where it fails: in trained kernels, whose taps are alike, neighbouring locations do not have independent rests
(a correlation of 0.5 to 0.8 was seen in mri-vgg16 under every method). Where the slow mode makes the rest
anew in each layer, as under z⁺, that hardly matters; the gradient's rest is passed on, and is predicted to
vanish where it does not.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import torch
from torch import Tensor

from torch_backend.convergence.reversed_chain import ONES, RHO, Above, Meeting, Mixing, ReversedChain
from torch_backend.randomness import seeded

FIELDS = 32  # samples of the slow mode: 1 − |cos| to 0.1 decades at a location, its median far better


@dataclass(frozen=True, eq=False)
class Modes:
    """a (fields, L), φ (L,); which of the two variances of the node the rest has; its dimension (L,), of the
    directions that it has at a location. whole: R (fields, C) at a node of one location, else None.
    """

    slow: Tensor
    fast: Tensor
    variance: int
    dimension: Tensor
    whole: Tensor | None = None


@dataclass(frozen=True, eq=False)
class Local:
    """What the law says of a node, at each location with relevance (L,).

    slow: the variance of a; rest: that of what lies off p, over |p|²; dimension: of the directions that this
    rest has, ≥ 1: it is not spread evenly.
    """

    slow: Tensor
    rest: Tensor
    dimension: Tensor


def without_slow_mode(chain: ReversedChain) -> ReversedChain:
    """The same chain as if every channel saw the slow mode alike: the parents' law."""
    return replace(chain, mixings=tuple(replace(mixing, contrast=None) for mixing in chain.mixings))


@torch.no_grad()
def two_modes(chain: ReversedChain, start: int, seed: int = 0, fields: int = FIELDS) -> dict[int, Modes]:
    """The modes at every node that relevance of `start` (a node's index) reaches, by index."""
    generator = seeded("two modes", seed, start)
    modes = {start: _begin(chain.above[start], fields, generator)}
    for mixing in chain.mixings:
        readers = {meeting.reader for meeting in mixing.meetings} | {mixing.same_as}
        if mixing.index < start and not readers.isdisjoint(modes):
            modes[mixing.index] = _below(mixing, chain.above, modes, generator)
    return modes


def _begin(there: Above, fields: int, generator: torch.Generator) -> Modes:
    """N(0, I): a of variance |Q|², φ ρ = 1."""
    p = there.p
    if p.shape[1] == 1:
        return _of_whole(there, _normal(p.new_empty(fields, len(p)), generator))
    slow = there.weights.square().sum(0).sqrt() * _normal(p.new_empty(fields, p.shape[1]), generator)
    return Modes(slow, p.new_ones(p.shape[1]), ONES, _participation(there, ONES))


def _of_whole(here: Above, R: Tensor) -> Modes:
    """The modes of R (fields, C) at one location."""
    slow, rest = _parted(here, R[:, :, None])
    size = rest.square().mean(0).sum(0)
    G = rest[:, :, 0] @ rest[:, :, 0].T
    between = (G.square().sum() - G.diagonal().square().sum()) / (len(G) * (len(G) - 1))
    dimension = (size.square() / between).nan_to_num(1).clamp(1, len(here.p))
    return Modes(slow, _scale(here, size), RHO, dimension, R)


def _parted(here: Above, R: Tensor) -> tuple[Tensor, Tensor]:
    """a (fields, L) and e (fields, C, L) of R (fields, C, L)."""
    slow = (here.weights * R).sum(1)
    return slow, R - here.p * slow[:, None]


def _below(mixing: Mixing, above: dict[int, Above], modes: dict[int, Modes], generator) -> Modes:
    if mixing.same_as is not None:
        return modes[mixing.same_as]
    here = above[mixing.index]
    meetings = [meeting for meeting in mixing.meetings if meeting.reader in modes]
    whole = [meeting for meeting in meetings if modes[meeting.reader].whole is not None]
    spread = [meeting for meeting in meetings if modes[meeting.reader].whole is None]
    handed = [_handed_down(meeting, modes[meeting.reader].whole, here) for meeting in whole]
    if not spread and here.p.shape[1] == 1:
        return _of_whole(here, sum(handed)[:, :, 0])
    slow, size = (
        here.p.new_zeros(len(modes[meetings[0].reader].slow), here.p.shape[1]),
        here.p.new_zeros(len(here.p[0])),
    )
    if handed:
        slow, rest = _parted(here, sum(handed))
        size = rest.square().mean(0).sum(0)
    seen = [_seen(meeting, modes[meeting.reader], generator) for meeting in spread]
    noise = torch.zeros_like(size)
    for meeting, values in zip(spread, seen, strict=True):
        upper = modes[meeting.reader]
        slow.index_add_(1, meeting.low, meeting.kappa * values)
        noise.index_add_(0, meeting.low, meeting.own[upper.variance] * upper.fast[meeting.up])
        size.index_add_(0, meeting.low, meeting.scatter[upper.variance] * upper.fast[meeting.up])
    dimension = _participation(here, RHO)
    if mixing.contrast is not None and spread:
        gradients, of_gradients = _gradients(mixing.contrast, spread, seen, slow)
        dimension = _together(size, dimension, gradients, of_gradients)
        size = size + gradients
    slow += noise.sqrt() * _normal(slow, generator)
    return Modes(slow, _scale(here, size), RHO, dimension)


def _handed_down(meeting: Meeting, R: Tensor, here: Above) -> Tensor:
    """Z R: (fields, C above) at one place -> (fields, C, L) below."""
    below = here.p.new_zeros(*here.p.shape, len(R))
    for tap in meeting.taps:
        if len(tap.low) == 1:
            below[:, tap.low[0]] += tap.down(R.T)  # all fields at the one pair
        else:
            for k, r in enumerate(R):
                below[..., k].index_add_(1, tap.low, tap.down(r[:, None].expand(-1, len(tap.low))))
    return below.movedim(-1, 0)


def _seen(meeting: Meeting, upper: Modes, generator: torch.Generator) -> Tensor:
    """a + ν of the place above of each pair, (fields, n)."""
    deviation = (upper.fast * meeting.shared[upper.variance]).sqrt()
    return (upper.slow + deviation * _normal(upper.slow, generator))[:, meeting.up]


def _gradients(
    contrast: Tensor, meetings: Sequence[Meeting], seen: Sequence[Tensor], slow: Tensor
) -> tuple[Tensor, Tensor]:
    """⟨(a − a')ᵀ M (a − a')⟩ = tr M K over the fields, and how many directions it has, (tr M K)² / tr (M K)²;
    (L,) each.
    """
    differences = slow.new_zeros(len(slow), len(contrast), slow.shape[1])
    for meeting, values in zip(meetings, seen, strict=True):
        differences[:, meeting.slot, meeting.low] = values - slow[:, meeting.low]
    K = torch.einsum("ksl,ktl->stl", differences, differences) / len(slow)
    MK = torch.einsum("stl,tul->sul", contrast, K)
    size = MK.diagonal().sum(1).clamp(min=0)
    square = torch.einsum("stl,tsl->l", MK, MK)
    return size, (size.square() / square).nan_to_num(1).clamp(min=1)


def _together(a: Tensor, of_a: Tensor, b: Tensor, of_b: Tensor) -> Tensor:
    """The dimension of two independent parts of sizes a and b."""
    return ((a + b).square() / (a.square() / of_a + b.square() / of_b)).nan_to_num(1).clamp(min=1)


def _off(here: Above, variance: int) -> Tensor:
    """Σ (1 − q_i) ρ_i (L,): the variance of independent entries without their part along p."""
    q = here.weights * here.p
    return ((1 - q) * here.variance(variance)).sum(0).clamp(min=0)


def _scale(here: Above, size: Tensor) -> Tensor:
    """φ for a rest of that size."""
    total = _off(here, RHO)
    return torch.where(total > 0, size / total, 0)


def _participation(here: Above, variance: int) -> Tensor:
    """(Σρ)² / Σρ² (L,): how many independent entries count, less one, which p takes."""
    rho = here.variance(variance)
    return (rho.sum(0).square() / rho.square().sum(0) - 1).nan_to_num(1).clamp(min=1)


def _normal(like: Tensor, generator: torch.Generator) -> Tensor:
    return torch.randn(like.shape, generator=generator, dtype=torch.float32).to(like)


def local(here: Above, modes: Modes) -> Local:
    """What the modes say of a node; locations that p does not reach are left out."""
    live = here.squared > 0
    rest = modes.fast * _off(here, modes.variance) / here.squared
    return Local(modes.slow.square().mean(0)[live], rest[live], modes.dimension[live])
