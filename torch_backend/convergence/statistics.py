"""What is read at one layer of relevance that started at another: statistics of 1 - |cos|, streamed.

Memory does not grow with the locations, and by one number with each image. Logarithms are to base ten.
"""

from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from rankone.errors import refuse
from rankone.results.median import bootstrapped_median
from rankone.results.null import LOWEST, null_of_widths
from torch_backend.convergence.cosine import pairwise
from torch_backend.operators.layout import is_finite

BIN = 0.01  # decades: the resolution of the pooled quantiles


@dataclass(frozen=True, eq=False)
class Reading:
    """How parallel the vectors from layer `start` are at layer `layer`.

    image_medians (images,) log10(1 - |cos|), the median over an image's pairs and locations; nan: all missing
    histogram    counts of log10(1 - |cos|) over all images, pairs and locations; bin k starts at
                 LOWEST + k BIN, the first bin holds everything below
    widths       (C + 1,) how many locations have 0, 1, ..., C channels that carry relevance
    missing      fraction of pairs without a cosine, because a vector is zero there
    negative     fraction of the others with a negative cosine
    """

    start: str
    layer: str
    image_medians: NDArray[np.float64]
    histogram: NDArray[np.int64]
    widths: NDArray[np.int64]
    missing: float
    negative: float

    @property
    def median(self) -> float:
        """Median over images of each image's median, of log10(1 - |cos|); nan if every pair is missing."""
        return bootstrapped_median(self.image_medians).median

    def interval(self, level: float = 0.99) -> tuple[float, float]:
        """Bootstrap interval of `median`. The image is the unit: its pairs and locations are nested in it."""
        return bootstrapped_median(self.image_medians, level)[1:]

    def quantile(self, q: float) -> float:
        """Quantile of log10(1 - |cos|) pooled over images, pairs and locations, to BIN decades."""
        total = self.histogram.sum()
        if not total:
            return float("nan")
        return LOWEST + BIN * (float(np.searchsorted(self.histogram.cumsum(), q * total)) + 0.5)

    def null(self, q: float = 0.5) -> float:
        """Quantile of log10(1 - |cos|) of independent directions in the channels that carry relevance.

        A location with one live channel has cosine one whatever happens: without this a sparse layer, or an
        input of three channels, would be mistaken for convergence. -inf where that is at least a share q.
        """
        return null_of_widths(self.widths, q)


class Tally:
    """Running statistics of one start at one layer."""

    def __init__(self, channels: int) -> None:
        self.widths = np.zeros(channels + 1, dtype=np.int64)
        self.image_medians: list[float] = []
        self.histogram = np.zeros(round(-LOWEST / BIN) + 1, dtype=np.int64)
        self.pairs = self.missing = self.negative = 0

    def add(self, relevance: Tensor, what: str) -> None:
        """Take in relevance (V, B, C, *space) of further images."""
        if not is_finite(relevance):
            refuse(what, expected="finite numbers", got="NaN or infinity", do="use float64 images")
        deviations, signs, widths = pairwise(relevance)  # (pairs, B, L), the same, (B, L)
        self.widths += _count(widths.flatten(), len(self.widths))
        self.pairs += deviations.numel()
        self.negative += int((signs < 0).sum())
        for image in deviations.unbind(1):
            known = image[~image.isnan()]
            self.missing += image.numel() - known.numel()
            logs = known.double().clamp(min=10**LOWEST).log10()
            self.image_medians.append(_median(logs))
            self.histogram += _count(((logs - LOWEST) / BIN).long(), len(self.histogram))

    def reading(self, start: str, layer: str) -> Reading:
        known = self.pairs - self.missing
        return Reading(
            start,
            layer,
            np.array(self.image_medians),
            self.histogram,
            self.widths,
            missing=self.missing / self.pairs,
            negative=self.negative / known if known else float("nan"),
        )


def _count(bins: Tensor, length: int) -> NDArray[np.int64]:
    return torch.bincount(bins, minlength=length).cpu().numpy()


def _median(x: Tensor) -> float:
    """The middle of x (n,), the mean of the two middle ones for even n, nan for n = 0."""
    if not len(x):
        return float("nan")
    middle = {(len(x) + 1) // 2, len(x) // 2 + 1}
    return float(np.mean([x.kthvalue(k).values.item() for k in middle]))
