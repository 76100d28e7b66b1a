"""Corrupted data for the claims on how convergence is measured, and on random matrices."""

from rankone.claims.exact import exact as E
from rankone.claims.irreducible_enough import PRIMITIVE
from rankone.ensembles import non_negative, positive
from rankone.shapes import uniform

BREAKS = {
    "rank1-cosine": [
        {"C": PRIMITIVE[:, :2]},
        {"starts": E([[1, 2], [2, 4]])},
        {"cancelled": E([1, 1])},
    ],
    "rank1-converse": [
        {"starts": E([[1, 2], [1, 2], [0, 0]])},
        {"C": E([[1, 0, 0], [0, 1, 0]])},
        {"C": E([[1, 1, 1], [2, 2, 2]])},
        {"basis": E([[1, 0], [0, 1], [0, 0]])},
    ],
    "seven-iterations": [
        {"enough": {"non-negative": (non_negative, True)}},
        {"enough": {"positive": (positive, False)}},
    ],
    "beta-below-four": [
        {"converges": {}, "alpha_minus_beta": 2, "vgg": {}},
        {"converges": {(32, 3.0): True}, "vgg": {}},
        {"converges": {(512, 4.0): False}, "vgg": {}},
        {"vgg": {9.0: True}},
        {"vgg": {}, "stalls": 1.0},
    ],
    "vanilla-converges": [{"mean_entry": 0.28}, {"shapes": uniform(4, 20)}],
    "input-jump": [{"channels": 4}, {"ensemble": positive}, {"control": 3}],
}
