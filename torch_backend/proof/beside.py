"""What is seen beside what is proved, on the same way: a sample of maps, and where relevance goes."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray

from rankone import contraction
from torch_backend.proof.network_proof import NetworkProof
from torch_backend.randomness import seeded

VECTORS = 3  # of a sample


@dataclass(frozen=True)
class Beside:
    """In float64, without error bounds. sampled: layer -> the largest 1 − cos of two whole maps of random
    non-negative starts; nan where one is zero. arrives, bias, lost: of relevance 1 that all columns share
    equally, what arrives at the image, what biases drew, what met 0/0.
    """

    sampled: dict[str, float]
    arrives: float
    bias: float
    lost: float


def beside(proof: NetworkProof, *, vectors: int = VECTORS, seed: int = 0) -> Beside:
    """A sample of `vectors` starts |v|, v ~ N(0, I), and the mean of all columns, go down to the image."""
    like = proof.start.value
    generator = seeded("non-negative", seed)
    samples = torch.randn(vectors, *proof.start.shape, generator=generator, dtype=like.dtype).abs().to(like)
    mean = proof.columns().mean(0, keepdim=True)
    sampled, bias, lost = {}, 0.0, 0.0
    for stretch in proof.way:
        step = stretch.prepared()
        samples = step.down(samples)
        sampled[stretch.bottom.name] = largest_deviation(samples.flatten(1).cpu().numpy())
        mean, books = step.booked(mean)
        bias, lost = bias + float(books.bias), lost + float(books.lost)
    return Beside(sampled, float(mean.sum()), bias, lost)


def largest_deviation(maps: NDArray[np.float64]) -> float:
    """1 − cos of the two maps that are farthest apart, of maps (V, n) ≥ 0; nan where one is zero."""
    if not maps.any(axis=1).all():
        return float("nan")
    return float(2 * np.sin(contraction.cone_angle(maps.T) / 2) ** 2)
