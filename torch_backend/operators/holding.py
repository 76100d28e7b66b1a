"""Factors that the image itself makes: normalisations by its own statistics, gates.

With the statistics, or the gate, held constant each is an affine map of single entries at the recorded image
(`held`). Its derivative is that of the whole function.
"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Tensor

from torch_backend.operators.linear import Diagonal
from torch_backend.operators.operator import Operator, Pullback


class Holding(Operator):
    """A function that is affine, entry by entry, once a factor that it makes of the image is held.

    Of its inputs the first carries relevance; the others, if any, make the factor only.
    """

    @abstractmethod
    def held(self, x: Any) -> HeldAffine:
        """The affine map at x."""


class HeldAffine(Diagonal):
    """An affine map with numbers for each image: weight and bias (B, *shape), or what broadcasts with it."""


# ---------------------------------------------------------------- normalisations


@dataclass(frozen=True, eq=False)
class Normalising(Holding):
    """γ and β of y = γ (x − μ) / σ + β, which broadcast with the shape: scale and shift."""

    kind = "norm"

    scale: Tensor
    shift: Tensor


@dataclass(frozen=True, eq=False)
class Norm(Normalising):
    """y = γ (x − μ) / σ + β, μ the mean and σ² = mean (x − μ)² + ε over groups of an image's numbers: layer,
    group and instance norms (Ba et al. 2016, Wu and He 2018, Ulyanov et al. 2016). Not centred, μ = 0: root
    mean square norms (Zhang and Sennrich 2019).

    average: the mean over each group, x (n, *shape) -> what broadcasts with x.
    """

    average: Callable[[Tensor], Tensor]
    eps: float
    centred: bool = field(default=True, kw_only=True)

    def statistics(self, x: Tensor) -> tuple[Tensor | float, Tensor]:
        """μ and σ."""
        mean = self.average(x) if self.centred else 0.0
        return mean, (self.average((x - mean).square()) + self.eps).sqrt()

    def forward(self, x: Tensor) -> Tensor:
        mean, deviation = self.statistics(x)
        return self.scale * ((x - mean) / deviation) + self.shift

    def held(self, x: Tensor) -> HeldNorm:
        """y = (γ / σ) x + β − γ μ / σ."""
        mean, deviation = self.statistics(x)
        shape, weight = tuple(x.shape[1:]), self.scale / deviation
        return HeldNorm(shape, shape, self.shift - weight * mean, weight=weight)

    def pullback(self, x: Tensor, y: Tensor) -> Pullback:
        """(γr − mean γr − x̂ mean (γr ⊙ x̂)) / σ, x̂ = (x − μ) / σ."""
        mean, deviation = self.statistics(x)
        normal = (x - mean) / deviation

        def pull(r: Tensor) -> Tensor:
            r = self.scale * r
            moved = normal * self._averages(r * normal)
            return (r - moved - (self._averages(r) if self.centred else 0.0)) / deviation

        return pull

    def _averages(self, r: Tensor) -> Tensor:
        """Of vectors (V, B, *shape)."""
        return self.average(r.flatten(0, 1)).unflatten(0, r.shape[:2])


@dataclass(frozen=True, eq=False)
class NormInSteps(Normalising):
    """The same where the network itself computes x − μ and 1 / σ: it reads x, x − μ and 1 / σ."""

    def join(self, inputs: tuple[Tensor, ...], y: Tensor | None = None) -> tuple[Tensor, ...]:
        return inputs

    def split(self, r: tuple[Tensor, ...]) -> tuple[Tensor, ...]:
        return r

    def forward(self, x: tuple[Tensor, Tensor, Tensor]) -> Tensor:
        _, centred, inverse = x
        return self.scale * (centred * inverse) + self.shift

    def held(self, x: tuple[Tensor, Tensor, Tensor]) -> HeldNorm:
        x, centred, inverse = x
        shape, weight = tuple(x.shape[1:]), self.scale * inverse
        return HeldNorm(shape, shape, self.shift - weight * (x - centred), weight=weight)

    def pullback(self, x: tuple[Tensor, Tensor, Tensor], y: Tensor) -> Pullback:
        _, centred, inverse = x

        def pull(r: Tensor) -> tuple[Tensor, ...]:
            r = self.scale * r
            return torch.zeros_like(r), r * inverse, (r * centred).sum_to_size(len(r), *inverse.shape)

        return pull


@dataclass(frozen=True, eq=False)
class HeldNorm(HeldAffine):
    """A normalisation with the statistics of each image."""

    kind = "norm"


# ---------------------------------------------------------------- gates


@dataclass(frozen=True, eq=False)
class Gate(Holding):
    """y = s ⊙ x, reading x and the gate s, which broadcasts with it."""

    kind = "gate"

    def join(self, inputs: tuple[Tensor, ...], y: Tensor | None = None) -> tuple[Tensor, ...]:
        return inputs

    def split(self, r: tuple[Tensor, ...]) -> tuple[Tensor, ...]:
        return r

    def forward(self, x: tuple[Tensor, Tensor]) -> Tensor:
        x, s = x
        return s * x

    def held(self, x: tuple[Tensor, Tensor]) -> HeldGate:
        x, s = x
        shape = tuple(x.shape[1:])
        return HeldGate(shape, shape, weight=s)

    def pullback(self, x: tuple[Tensor, Tensor], y: Tensor) -> Pullback:
        x, s = x
        return lambda r: (r * s, (r * x).sum_to_size(len(r), *s.shape))


@dataclass(frozen=True, eq=False)
class HeldGate(HeldAffine):
    """A gate with the values that it has for each image."""

    kind = "gate"
