"""Where one state ends and another begins: every threshold, with the reason for its size.

The measurements that the reasons name are those of benchmarks/results/known_methods.md, which
benchmarks/known_methods.py makes.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True)
class Threshold:
    """A number and why it is that one."""

    value: float
    why: str


#: Of the class, weights and image questions: (s − n) / (1 − n) of a score s and its null n, 0 for unrelated
#: maps and 1 for the same map (Cohen's κ, Educ. Psychol. Meas. 20, 1960).
SAME = Threshold(
    0.9,
    "agreement beyond chance from which two maps count as the same. Asked for another class, gradients, "
    "DeepLIFT, deconvolution and occlusion have 0.2 to 0.6 in the median over images of trained networks, "
    "LRP_z 0.2 to 0.7, guided backpropagation, z⁺, Deep Taylor and Excitation BP 0.99 and more; near 0.9 lie "
    "α2β1, 0.93 to 1.00, and PatternAttribution, 0.84 and 1.00",
)
#: The same null n, from which on a score says nothing.
NO_ROOM = Threshold(
    0.9,
    "a score whose null is higher leaves less than a tenth of its range between unrelated maps and the same "
    "map: it cannot tell one from the other",
)
#: Of the class question, where all classes are bounded: the share of the map that moves.
MOVES = Threshold(
    0.1,
    "share of a map: no reader sees a tenth of a map elsewhere. Between all classes of trained networks z⁺ "
    "and Excitation BP move at most 0.073, while of unrelated maps with the same values 0.29 and more lies "
    "elsewhere",
)
#: Of the collapse question: 1 − |cos|.
PARALLEL = Threshold(
    1e-3,
    "1 − |cos|: directions within 2.6 degrees. Where it is read, independent directions have 0.55 to 0.91, "
    "the gradient, LRP_z, DeepLIFT and deconvolution 0.033 to 0.46, chains without negative entries at most "
    "5.4e-6",
)
#: Of the repeat and batch questions: ‖m − m'‖/‖m‖.
GAP = Threshold(
    1 / 256,
    "one grey level of an 8-bit picture: what is smaller cannot be seen. Rounding in float32 makes at most "
    "2.1e-6 of it in the methods of the table",
)
#: Of all intervals.
LEVEL = Threshold(
    0.95,
    "of the exact interval for the median over images (order statistics): both of its ends must lie on one "
    "side of the threshold. It takes six images; at 99 % it would take eight",
)
#: Of pairs of maps.
UNDEFINED = Threshold(
    0.5, "share of images without a number from which on a median over the others would be of a selection"
)

THRESHOLDS: Mapping[str, Threshold] = {
    "same": SAME,
    "no_room": NO_ROOM,
    "moves": MOVES,
    "parallel": PARALLEL,
    "gap": GAP,
    "level": LEVEL,
    "undefined": UNDEFINED,
}
