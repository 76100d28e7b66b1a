"""Corrupted data for the claims of other papers, before and since."""

from fractions import Fraction

import numpy as np

from rankone.claims.di_full import BOTTLENECK, SELECTING
from rankone.claims.exact import exact as E
from rankone.claims.input_alignment import MIXING, PERMUTING
from rankone.claims.roots_leave_region import he_layer, selecting_layer


def one_head_for_all(rng, classes, *shape):
    """Every class has the same weights."""
    return np.broadcast_to(rng.standard_normal(shape), (classes, *shape))


BREAKS = {
    "image-recovery": [
        {"head": one_head_for_all},
        {"channels": 2},
        {"seen_by_deconv": lambda H: H > 0},
        {"winner": np.argmin},
    ],
    "di-full": [{"crosstalk": 1}, {"narrow": SELECTING}, {"wide": BOTTLENECK}],
    "dtd-locally-constant": [
        {"near": E([-3, -1, -2])},
        {"step": Fraction(100)},
        {"shrink": Fraction(1)},
    ],
    "roots-leave-region": [{"along": 0.5}, {"layer": selecting_layer}, {"selecting": he_layer}],
    "top-down-randomisation": [
        {"kept": 4},
        {"lower": (2, 2)},
        {"above": 1},
        {"lower": (0, 0)},
    ],
    "entropy-rise": [
        {"noise": 0.0},
        {"unscaled": 1.0},
        {"order": lambda rng, c: c},
    ],
    "input-alignment": [
        {"mixing": (E([[1, 1, 1, 0], [1, 1, 1, 0]]), MIXING[1])},
        {"mixing": PERMUTING},
        {"permuting": MIXING},
        {"sign": -1},
    ],
    "moebius-law": [
        {"law": lambda x, y: x * y},
        {"width": 3},
        {"coefficient": lambda A: 1.0 + float(A.min())},
        {"roots": (Fraction(1),)},
    ],
}
