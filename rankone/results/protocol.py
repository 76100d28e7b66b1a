"""Two protocols for the same measurements: what the paper publishes, and what this project corrects of it.

Whatever a protocol decides is a field, and who measures asks for the field, never for the name.
"""

from dataclasses import dataclass
from typing import Literal

import numpy as np

from rankone.errors import refuse


@dataclass(frozen=True)
class Protocol:
    """The decisions that differ.

    name                 as in --protocol
    chain_summary        figure 4: which pairs of a sample's vectors count, and their statistic
    chain_precision      figure 4: of the running products
    derivative_channels  saliency maps of derivatives: one number of a pixel's channels
    """

    name: str
    chain_summary: Literal["median of different pairs", "mean with self-pairs"]
    chain_precision: type[np.floating]
    derivative_channels: Literal["sum of magnitudes", "largest magnitude"]


#: Pairs of different vectors and their median; derivatives as the paper's text has them.
corrected = Protocol("corrected", "median of different pairs", np.float32, "sum of magnitudes")

#: As the paper's code: each vector is paired with itself, too; of derivatives the largest channel.
paper = Protocol("paper", "mean with self-pairs", np.float64, "largest magnitude")

PROTOCOLS = (corrected, paper)


def named(name: str) -> Protocol:
    """The protocol of that name; ValueError, with the names there are, for any other."""
    found = {protocol.name: protocol for protocol in PROTOCOLS}
    if name not in found:
        do = f"take {corrected.name} unless you compare with published numbers"
        refuse("protocol", expected=" or ".join(found), got=repr(name), do=do)
    return found[name]
