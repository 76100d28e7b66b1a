"""The null of a score: what it is between a map and one that has nothing to do with it, but looks the same.

    drawn = surrogates(b, seed=0, names=[digest(image) for image in images], count=9)
    null(score, a, drawn, protocol)  # (B,): the score to beat

Scores do not depend on the order of a pair: one draw of surrogates of a map serves all maps that it is
compared with.

A surrogate of a map has exactly its values, each as often, and nearly its power spectrum, hence its
smoothness, at other places: iterated amplitude-adjusted Fourier surrogates (Schreiber and Schmitz, Phys. Rev.
Lett. 77, 635, 1996), in two dimensions.

The spectrum is that of the map mirrored at its edges, (2H, 2W), from which a surrogate is cut: without the
mirror a Fourier transform takes opposite edges for neighbours, and what jumps there is noise everywhere.
A surrogate is alike everywhere: those of a map that is large in the middle only are not. What all maps
of a network share in this way is seen in the map of another image (`controls`).
"""

from collections.abc import Sequence

import torch
from torch import Tensor

from rankone.errors import refuse
from rankone.results.protocol import Protocol, corrected
from torch_backend.maps.normalising import refuse_other_than_maps
from torch_backend.maps.scores import Score
from torch_backend.randomness import seeded

# On maps of trained networks the null of SSIM moves by 0.01 at most between two and eight.
ITERATIONS = 4


def surrogates(maps: Tensor, *, seed: int, names: Sequence[str], count: int) -> Tensor:
    """`count` surrogates of each map (B, H, W): (count, B, H, W) in float64.

    seed, names  what they are drawn from: one name for each map, such as its image's digest. They depend on
                 the map, its name and the seed only, not on the batch; equal names have equal phases, so that
                 methods can be compared in pairs
    A map with a number that is not finite has none: all NaN. ValueError for what is no maps, for names that
    are not one for each map, and for a count below 1.
    """
    refuse_other_than_maps("maps", maps)
    if len(names) != len(maps):
        refuse("names", expected=f"one for each of {len(maps)} maps", got=len(names), do="give image digests")
    if isinstance(count, bool) or not isinstance(count, int) or count < 1:
        refuse("count", expected="an integer >= 1", got=repr(count), do="ask for nine")
    each = [_of_one(m, seed, name, count) for m, name in zip(maps.double(), names, strict=True)]
    return torch.stack(each, 1) if each else maps.double().expand(count, *maps.shape)


def null(score: Score, a: Tensor, drawn: Tensor, protocol: Protocol = corrected) -> Tensor:
    """The median over surrogates of b of their score with a: a (B, H, W), drawn (count, B, H, W) -> (B,).

    NaN where a pair has no score. ValueError for other shapes.
    """
    return torch.stack([score(a, b, protocol) for b in drawn]).quantile(0.5, 0)


def _of_one(m: Tensor, seed: int, name: str, count: int) -> Tensor:
    """(count, H, W) from (H, W)."""
    if not m.isfinite().all():
        return torch.full((count, *m.shape), torch.nan, dtype=m.dtype, device=m.device)
    H, W = m.shape
    mirrored = torch.cat([m, m.flip(0)], 0)
    mirrored = torch.cat([mirrored, mirrored.flip(1)], 1)
    amplitudes, values = torch.fft.rfft2(mirrored).abs(), mirrored.flatten().sort().values
    generator = seeded("surrogate", seed, name)
    x = torch.randn(count, 2 * H, 2 * W, dtype=m.dtype, generator=generator).to(m.device)
    for _ in range(ITERATIONS):
        x = with_values(with_amplitudes(x, amplitudes), values)
    return with_values(with_amplitudes(x, amplitudes)[:, :H, :W], m.flatten().sort().values)


def with_amplitudes(x: Tensor, amplitudes: Tensor) -> Tensor:
    """The phases of x (..., H, W) with the given amplitudes of Fourier coefficients (H, W // 2 + 1)."""
    return torch.fft.irfft2(amplitudes * torch.fft.rfft2(x).sgn(), s=x.shape[-2:])


def with_values(x: Tensor, values: Tensor) -> Tensor:
    """The sorted `values` (H W,) in the order of the numbers of x (..., H, W)."""
    order = x.flatten(-2).argsort(-1)
    return torch.zeros_like(x).flatten(-2).scatter(-1, order, values.expand_as(order)).view_as(x)
