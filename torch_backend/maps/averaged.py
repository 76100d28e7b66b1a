"""Maps averaged over many images near one: SmoothGrad, Integrated Gradients. Means of chains, no chains."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor

from rankone.errors import refuse
from torch_backend import methods
from torch_backend.graph.graph import Graph
from torch_backend.maps.saliency import Attribution, chain_maps, contributes
from torch_backend.methods import Method
from torch_backend.randomness import digest, spelled


def smooth_grad(
    method: Method = methods.gradient,
    samples: int = 50,
    noise: float = 0.15,
    *,
    bounds: tuple[float, float] | None = None,
    seed: int = 0,
    batch: int = 10,
) -> Attribution:
    """SmoothGrad (Smilkov et al. 2017): the mean map of x + σ ε, ε ~ N(0, I).

    samples  how many ε
    noise    σ as a fraction of the image's range max - min, or of `bounds`, those of every valid input
    seed     the ε of an image are drawn from (seed, its digest), whatever batch it is in
    batch    noisy images at once
    The target stays that of the clean image. ValueError: arguments out of range.
    """
    _check_count("samples", samples)
    _check_count("batch", batch)
    if not 0 <= noise < float("inf"):
        refuse("noise", expected="a number >= 0", got=noise, do="0.15 is the paper's")
    if bounds is not None and not bounds[0] < bounds[1]:
        refuse("bounds", expected="(low, high) with low < high", got=bounds, do="give the inputs' range")

    def one_map(graph: Graph, image: Tensor, target: Tensor) -> Tensor:
        low, high = bounds or (image.min(), image.max())
        epsilon = torch.randn(samples, *image.shape, generator=generator_of(seed, image)).to(image)
        noisy = image + noise * (high - low) * epsilon
        weights = torch.full((samples,), 1 / samples)
        return weighted_sum(graph, method, noisy, weights, target, batch)

    def maps(graph: Graph, images: Tensor, targets: Tensor) -> Tensor:
        return torch.stack([one_map(graph, image, t) for image, t in zip(images, targets, strict=True)])

    def of(other: Method) -> Attribution:
        return smooth_grad(other, samples, noise, bounds=bounds, seed=seed, batch=batch)

    name = f"smooth_grad:{method.name}:{samples}:{noise:g}"
    return Attribution(name, maps, contributes(method), averages=(method, of))


def integrated_gradients(
    baseline: Tensor | None = None, method: Method = methods.gradient, steps: int = 50, *, batch: int = 10
) -> Attribution:
    """Integrated Gradients (Sundararajan et al. 2017): (x - x⁰) ⊙ ∫₀¹ ∇f(x⁰ + α (x - x⁰)) dα.

    baseline  x⁰ (1, *image shape); None: zeros
    method    what is integrated in the gradient's place
    steps     points of the Gauss-Legendre rule: exact for polynomials in α up to degree 2 steps - 1
    batch     points at once
    The pixels of a map sum to f(x) - f(x⁰), up to the error of the rule. ValueError: arguments out of range.
    """
    _check_count("steps", steps)
    _check_count("batch", batch)
    nodes, lengths = np.polynomial.legendre.leggauss(steps)  # on [-1, 1]
    alpha, weights = torch.from_numpy((1 + nodes) / 2), torch.from_numpy(lengths / 2)

    def one_map(graph: Graph, image: Tensor, origin: Tensor, target: Tensor) -> Tensor:
        difference = image - origin
        path = origin + alpha.to(image).reshape(-1, *[1] * image.dim()) * difference
        return difference * weighted_sum(graph, method, path, weights, target, batch)

    def maps(graph: Graph, images: Tensor, targets: Tensor) -> Tensor:
        origin = _baseline(baseline, images)
        return torch.stack(
            [one_map(graph, image, origin, t) for image, t in zip(images, targets, strict=True)]
        )

    def of(other: Method) -> Attribution:
        return integrated_gradients(baseline, other, steps, batch=batch)

    name = f"integrated_gradients:{method.name}:{steps}"
    return Attribution(name, maps, contributes=True, averages=(method, of))


def weighted_sum(
    graph: Graph, method: Method, images: Tensor, weights: Tensor, target: Tensor, batch: int
) -> Tensor:
    """Σ weights ⊙ maps of many images, all for one class: (*shape)."""
    total = torch.zeros_like(images[0])
    for some, weight in zip(images.split(batch), weights.to(images).split(batch), strict=True):
        maps = chain_maps(graph.record(some), method, target.expand(len(some)))
        total += torch.tensordot(weight, maps, 1)
    return total


def generator_of(seed: int, image: Tensor) -> torch.Generator:
    """The generator of an image's noise, whatever batch the image is in."""
    return spelled(f"smooth_grad {seed} {digest(image)}")


def _baseline(baseline: Tensor | None, images: Tensor) -> Tensor:
    if baseline is None:
        return torch.zeros_like(images[0])
    if not isinstance(baseline, Tensor) or baseline.shape != (1, *images.shape[1:]):
        refuse(
            "baseline",
            expected=f"one image (1, {', '.join(map(str, images.shape[1:]))})",
            got=tuple(baseline.shape) if isinstance(baseline, Tensor) else type(baseline).__name__,
            do="give one for all images",
        )
    return baseline[0].to(images)


def _check_count(name: str, value: int) -> None:
    if isinstance(value, bool) or not isinstance(value, int) or value < 1:
        refuse(name, expected="an integer >= 1", got=repr(value), do="give at least one")
