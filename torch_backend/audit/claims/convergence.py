"""How parallel random relevance from the logits becomes in the trained networks, measured once."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cache

import numpy as np
from torch import Tensor

from rankone.errors import Overflow
from torch_backend import methods
from torch_backend.audit.claims.networks import trained
from torch_backend.convergence.csc import CSC, csc
from torch_backend.convergence.statistics import Reading
from torch_backend.methods import Method

VECTORS, SEED = 3, 0
#: Images: sweeps of VECTORS vectors through VGG-16 are what the whole run takes longest for.
LARGE, SMALL = 2, 6

CONVERGED = 1e-3  # 1 − |cos|: directions within 2.6 degrees; what `rankone csc` calls collapsed
APART = 1e-2  # 8 degrees, a decade more

RESCALE = methods.deeplift_rescale().multipliers
REVEAL_CANCEL = methods.deeplift_reveal_cancel().multipliers
WITHOUT_CROSS_TERMS = methods.deeplift_without_cross_terms().multipliers
CMP_A1B0, CMP_A2B1 = methods.lrp_cmp(1, 0), methods.lrp_cmp(2, 1)
RECTGRAD = methods.rectgrad()


Converged = Callable[[str, Method], "tuple[Level, ...]"]


@dataclass(frozen=True)
class Level:
    """1 − |cos| over the channels of a location, at one layer.

    low, median, high: over images, of each image's median over pairs of starts and locations. null: the
    median of independent directions.
    """

    layer: str
    low: float
    median: float
    high: float
    null: float

    @property
    def converged(self) -> bool:
        """Half of all pairs agree within CONVERGED."""
        return self.median < CONVERGED

    @property
    def apart(self) -> bool:
        """Half of all pairs differ by more than APART."""
        return self.median > APART


@cache
def convergence(network: str, method: Method) -> tuple[Level, ...]:
    """From the layer below the logits to the lowest layer of many channels; in float64 where float32
    overflows.
    """
    net = trained(network)
    few = net.images[: LARGE if net.images[0].numel() > 32**2 * 3 else SMALL]
    try:
        found = _from_logits(network, method, few)
    except Overflow:
        found = _from_logits(network, method, few.double())
    return tuple(_level(reading) for reading in found.readings[1:] if reading.layer != "input")


def ends(converged: Converged, network: str, methods: Mapping[str, Method]) -> dict[str, Level]:
    """At the lowest layer of many channels, by the methods' names in words."""
    return {name: converged(network, method)[-1] for name, method in methods.items()}


def listed(found: Mapping[str, Level]) -> str:
    """Name and number, smallest first."""
    in_order = sorted(found.items(), key=lambda item: item[1].median)
    return ", ".join(f"{name} {level.median:.0e}" for name, level in in_order)


def _from_logits(network: str, method: Method, few: Tensor) -> CSC:
    return csc(trained(network).model, few, method, "logits", VECTORS, SEED)


def _level(reading: Reading) -> Level:
    medians = 10**reading.image_medians
    return Level(reading.layer, *np.nanquantile(medians, [0, 0.5, 1]).tolist(), 10 ** reading.null())
