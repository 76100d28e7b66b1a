"""Two protocols for the same measurements: what the paper publishes, and what this project corrects of it.

Whatever a protocol decides is a field, and who measures asks for the field, never for the name.
"""

from dataclasses import asdict, dataclass

import numpy as np

from rankone.errors import refuse


@dataclass(frozen=True)
class Protocol:
    """The decisions that differ.

    name                 as in --protocol
    self_pairs           figure 4: each vector is paired with itself, too, and the mean of |cos| is taken over
                         a sample's pairs; else the median over pairs of different vectors
    chain_precision      figure 4: of the running products
    largest_channel      saliency maps of derivatives: the largest magnitude of a pixel's channels; else their
                         sum
    upside_down          saliency maps in [0, 1], as SSIM compares them: the largest value at 0; else at 1
    ssim_data_range      SSIM: the range that its constants are shares of; maps in [0, 1] have the range 1
    draws_glorot         cascade: weights uniform as Glorot's; else normal as He's
    draws_for_each_method  random classes and weights: other ones for each method; else the same for all
    whole_bias           αβ and z⁺: the whole bias in both denominators; else its positive part in that of the
                         positive contributions, its negative part in the other
    pools_locations      convergence: |cos| of all images' pairs and locations is one sample, and what has no
                         direction is left out of it; else 1 − |cos|, the median over images of each one's
    clips_additions      αβ: relevance that comes down from an addition is clipped to [0, 1000]
    """

    name: str
    self_pairs: bool
    chain_precision: type[np.floating]
    largest_channel: bool
    upside_down: bool
    ssim_data_range: float
    draws_glorot: bool
    draws_for_each_method: bool
    whole_bias: bool
    pools_locations: bool
    clips_additions: bool

    @property
    def decisions(self) -> dict[str, str]:
        """Its fields as text: a part of the key of what is measured under it."""
        return {name: str(value) for name, value in asdict(self).items()}


#: Pairs of different vectors and their median; derivatives as the paper's text has them; the range of maps in
#: [0, 1] is 1.
corrected = Protocol(
    "corrected",
    self_pairs=False,
    chain_precision=np.float32,
    largest_channel=False,
    upside_down=False,
    ssim_data_range=1.0,
    draws_glorot=False,
    draws_for_each_method=False,
    whole_bias=False,
    pools_locations=False,
    clips_additions=False,
)

#: As the paper's code: each vector is paired with itself, too; of derivatives the largest channel; maps are
#: upside down, and SSIM's range is what scikit-image 0.16 takes for any floating-point image: from -1 to 1.
paper = Protocol(
    "paper",
    self_pairs=True,
    chain_precision=np.float64,
    largest_channel=True,
    upside_down=True,
    ssim_data_range=2.0,
    draws_glorot=True,
    draws_for_each_method=True,
    whole_bias=True,
    pools_locations=True,
    clips_additions=True,
)

PROTOCOLS = (corrected, paper)


def named(name: str) -> Protocol:
    """The protocol of that name; ValueError, with the names there are, for any other."""
    found = {protocol.name: protocol for protocol in PROTOCOLS}
    if name not in found:
        do = f"take {corrected.name} unless you compare with published numbers"
        refuse("protocol", expected=" or ".join(found), got=repr(name), do=do)
    return found[name]
