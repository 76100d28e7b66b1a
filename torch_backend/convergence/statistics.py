"""What is read at one layer of relevance that started at another: statistics of 1 - |cos|, streamed.

Memory does not grow with the locations, and by three numbers with each image. Logarithms are to base ten.
"""

from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from rankone.errors import Overflow, refuse
from rankone.results.median import bootstrapped_median
from rankone.results.null import LOWEST, null_median, null_of_widths
from torch_backend.convergence.cosine import pairwise
from torch_backend.operators.layout import is_finite

BIN = 0.01  # decades: the resolution of the pooled quantiles


@dataclass(frozen=True, eq=False)
class Deviations:
    """1 - |cos| of many pairs of vectors, of one or more images.

    image_medians (images,) log10(1 - |cos|), the median over an image's pairs (and locations); nan: none
    histogram     counts of log10(1 - |cos|) over all images, pairs (and locations); bin k starts at
                  LOWEST + k BIN, the first bin holds everything below
    """

    image_medians: NDArray[np.float64]
    histogram: NDArray[np.int64]

    @property
    def median(self) -> float:
        """Median over images of each image's median, of log10(1 - |cos|); nan if every pair is missing."""
        return bootstrapped_median(self.image_medians).median

    def interval(self, level: float = 0.99) -> tuple[float, float]:
        """Bootstrap interval of `median`. The image is the unit: its pairs and locations are nested in it."""
        return bootstrapped_median(self.image_medians, level)[1:]

    def quantile(self, q: float) -> float:
        """Quantile of log10(1 - |cos|) pooled over images, pairs and locations, to BIN decades."""
        return LOWEST + BIN * (self._bin(q) + 0.5)

    def within(self, q: float) -> float:
        """What a share q of all pairs, so pooled, does not exceed: 1 - |cos|, by at most BIN too high."""
        return float(np.minimum(1.0, 10 ** (LOWEST + BIN * (self._bin(q) + 1))))

    def _bin(self, q: float) -> float:
        """The bin of a pooled quantile; nan if every pair is missing."""
        total = self.histogram.sum()
        return float(np.searchsorted(self.histogram.cumsum(), q * total)) if total else float("nan")


@dataclass(frozen=True, eq=False)
class Reading(Deviations):
    """How parallel the vectors from layer `start` are at layer `layer`: over channels, at each location.

    widths       (C + 1,) how many locations have 0, 1, ..., C channels that carry relevance
    missing      fraction of pairs without a cosine, because a vector is zero there
    negative     fraction of the others with a negative cosine
    whole        the same pairs' deviations over all channels and locations together: how relevance is spread
                 over locations counts, too
    units        (images,) how many units carry relevance, that is the dimension of a whole map
    """

    start: str
    layer: str
    widths: NDArray[np.int64]
    missing: float
    negative: float
    whole: Deviations
    units: NDArray[np.int64]

    def null(self, q: float = 0.5) -> float:
        """Quantile of log10(1 - |cos|) of independent directions in the channels that carry relevance.

        A location with one live channel has cosine one whatever happens: without this a sparse layer, or an
        input of three channels, would be mistaken for convergence. -inf where that is at least a share q.
        """
        return null_of_widths(self.widths, q)

    def whole_null(self) -> float:
        """`whole.median` of independent directions in the units that carry relevance; nan if none does."""
        units, images = np.unique(self.units[self.units > 0], return_counts=True)
        with np.errstate(divide="ignore"):  # one unit: log 0, parallel whatever happens
            logs = np.log10([null_median(int(n)) for n in units])
        return float(np.median(np.repeat(logs, images))) if len(units) else float("nan")


class Pool:
    """Running deviations of some pairs."""

    def __init__(self) -> None:
        self.image_medians: list[float] = []
        self.histogram = np.zeros(round(-LOWEST / BIN) + 1, dtype=np.int64)

    def add(self, deviations: Tensor) -> None:
        """Take in 1 - |cos| of further images, (pairs, B, L); NaN is left out."""
        for image in deviations.unbind(1):
            known = image[~image.isnan()]
            logs = known.double().clamp(min=10**LOWEST).log10()
            self.image_medians.append(_median(logs))
            self.histogram += _count(((logs - LOWEST) / BIN).long(), len(self.histogram))

    def join(self, other: "Pool") -> None:
        """Take in what another has, of further images."""
        self.image_medians += other.image_medians
        self.histogram += other.histogram

    def deviations(self) -> Deviations:
        return Deviations(np.array(self.image_medians), self.histogram)


class Tally:
    """Running statistics of one start at one layer."""

    def __init__(self, channels: int) -> None:
        self.widths = np.zeros(channels + 1, dtype=np.int64)
        self.units: list[int] = []
        self.local, self.whole = Pool(), Pool()
        self.pairs = self.missing = self.negative = 0

    def add(self, relevance: Tensor, what: str) -> None:
        """Take in relevance (V, B, C, *space) of further images."""
        if not is_finite(relevance):
            do = "start at a lower layer" if relevance.dtype == torch.float64 else "use float64 images"
            refuse(what, expected="finite numbers", got="NaN or infinity", do=do, kind=Overflow)
        found = pairwise(relevance)
        self.widths += _count(found.widths.flatten(), len(self.widths))
        self.units += found.widths.sum(1).tolist()
        self.pairs += found.deviations.numel()
        self.missing += int(found.deviations.isnan().sum())
        self.negative += int((found.signs < 0).sum())
        self.local.add(found.deviations)
        self.whole.add(found.whole[..., None])

    def join(self, other: "Tally") -> None:
        """Take in what another has, of further images."""
        self.widths += other.widths
        self.units += other.units
        self.pairs += other.pairs
        self.missing += other.missing
        self.negative += other.negative
        self.local.join(other.local)
        self.whole.join(other.whole)

    def reading(self, start: str, layer: str) -> Reading:
        known = self.pairs - self.missing
        return Reading(
            **vars(self.local.deviations()),
            start=start,
            layer=layer,
            widths=self.widths,
            missing=self.missing / self.pairs,
            negative=self.negative / known if known else float("nan"),
            whole=self.whole.deviations(),
            units=np.array(self.units),
        )


def _count(bins: Tensor, length: int) -> NDArray[np.int64]:
    return torch.bincount(bins, minlength=length).cpu().numpy()


def _median(x: Tensor) -> float:
    """The middle of x (n,), the mean of the two middle ones for even n, nan for n = 0."""
    if not len(x):
        return float("nan")
    middle = {(len(x) + 1) // 2, len(x) // 2 + 1}
    return float(np.mean([x.kthvalue(k).values.item() for k in middle]))
