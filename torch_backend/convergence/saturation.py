"""From variances to what is measured: the median of 1 − |cos| of two vectors with a slow and a fast part.

At a location two vectors are a_k p̂ + e_k, a_k ~ N(0, K), e_k in d dimensions off p with variance ε in all.
For ε ≪ K the median of 1 − |cos| is 4.4 ε / K (8.79 / 2, of a sum of two Lévy variables); for ε ≫ K it is
that of independent directions in d dimensions. Between the two it is drawn.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor

from torch_backend.convergence.two_modes import Local
from torch_backend.randomness import seeded

DRAWS = 5_000  # their median is within 0.03 decades


def median_log10(law: Local, seed: int = 0, draws: int = DRAWS) -> float:
    """log10 of the median of 1 − |cos| over pairs and locations; nan where no relevance arrives, −inf where
    all is parallel.
    """
    known = (law.slow + law.rest > 0).nonzero().flatten()
    if not len(known):
        return math.nan
    generator = seeded("saturation", seed)
    place = known[torch.randint(len(known), (draws,), generator=generator)]
    d = law.dimension[place].double()
    a, b = law.slow[place].double().sqrt() * torch.randn(2, draws, generator=generator, dtype=torch.float64)
    first, second = (_chi(d - k, generator) for k in (0, 1))
    along = torch.randn(draws, generator=generator, dtype=torch.float64)
    size = (law.rest[place].double() / d).sqrt()
    sine2, cosine2 = _sine2(a, size * first, b, size * along, size * second)
    return float((sine2 / (1 + cosine2.sqrt())).median().log10())


def _sine2(a: Tensor, x: Tensor, b: Tensor, y: Tensor, z: Tensor) -> tuple[Tensor, Tensor]:
    """sin² and cos² between (a, x, 0) and (b, y, z), without cancellation."""
    lengths = (a.square() + x.square()) * (b.square() + y.square() + z.square())
    area = (a * y - b * x).square() + z.square() * (a.square() + x.square())
    return area / lengths, (a * b + x * y).square() / lengths


def _chi(degrees: Tensor, generator: torch.Generator) -> Tensor:
    """χ with real degrees of freedom, 0 where there are none."""
    some = degrees.clamp(min=1e-3) / 2
    drawn = torch._standard_gamma(some, generator=generator)
    return torch.where(degrees > 0, (2 * drawn).sqrt(), 0)
