"""Corrupted data for the claims on how convergence is measured, and on random matrices."""

import numpy as np

from rankone.chain import linear
from rankone.claims.baseline_mean_cosine import PAIRS
from rankone.claims.exact import exact as E
from rankone.claims.irreducible_enough import PRIMITIVE
from rankone.ensembles import alpha_beta, non_negative, positive
from rankone.shapes import uniform


def signed_axes(rng, width):
    """±e_i: as symmetric as N(0, I), but with other absolute cosines."""
    return rng.choice((-1, 1), (PAIRS, 1)) * np.eye(width)[rng.integers(0, width, PAIRS)]


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
    "one-means-rank-one": [
        {"C": E([[1, 0, 0], [0, 1, 0], [0, 0, 1], [1, 1, 1]])},
        {"C": E([[1, 0, 2], [2, 0, 4], [1, 0, 2], [3, 0, 6]])},
        {"C": E([[99, 98, 99], [99, 98, 99], [98, 99, 99], [98, 99, 99]]), "least": 1},
    ],
    "baseline-mean-cosine": [
        {"signs": E([1, 2])},
        {"draw": lambda rng, width: rng.uniform(0, 1, (PAIRS, width))},
        {"draw": signed_axes},
    ],
    "half-zeros": [{"half": positive}, {"after": 0}, {"narrow": 512}],
    "relu-chains": [{"long": 20}, {"step": linear}, {"doubled": (1, 12)}],
    "negative-entries": [
        {"permutation": PRIMITIVE},
        {"signed": alpha_beta(12, 11)},
        {"narrow": 512},
    ],
}
