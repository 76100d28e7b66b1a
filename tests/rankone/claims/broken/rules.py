"""Corrupted data for the claims on which rules give converging products."""

from fractions import Fraction

import numpy as np

from rankone.claims.conv_net import ConvNet
from rankone.claims.dense_z_plus_qualifies import he_network
from rankone.claims.exact import exact as E
from rankone.claims.lrp_z_is_grad_input import Network, with_biases, zeros

ONES = E(np.ones((3, 3), dtype=int))
SMALL = ConvNet(length=10, channels=8, depth=2, taps=3)


def square_network(rng):
    return [rng.normal(size=(16, 16)) for _ in range(3)]


def positive_network(rng):
    return [rng.uniform(0.1, 1, (m, n)) for n, m in ((8, 7), (7, 6), (6, 5))]


def half_idle_network(rng):
    """Half of the neurons have negative weights only, the other half positive weights only."""
    return [W * np.where(np.arange(len(W)) % 2, -1, 1)[:, None] for W in positive_network(rng)]


def narrow_network(rng):
    return [rng.normal(size=(m, n)) for n, m in ((12, 11), (11, 10), (10, 9))]


def without_biases(rng):
    """No biases, and weights off the integers instead, so that no sum is zero."""
    network = with_biases(rng)
    weights = tuple(
        W + E([[Fraction(1, 7 + 5 * i + 3 * j) for j in range(W.shape[1])] for i in range(len(W))])
        for W in network.weights
    )
    return Network(weights, zeros(network.biases), network.x)


BREAKS = {
    "dense-z-plus-qualifies": [
        {"network": square_network},
        {"network": positive_network},
        {"network": half_idle_network},
        {"network": narrow_network},
        {"selective": he_network},
    ],
    "conv-local": [
        {"net": ConvNet(length=10, channels=8, depth=2, taps=19)},
        {"net": SMALL},
        {"deep": ConvNet(length=12, channels=16, depth=8)},
    ],
    "dtd-necessarily": [{"W": ONES}, {"layer": lambda _: ONES[:2, :2]}],
    "lrp-z-is-grad-input": [
        {"step": Fraction(100)},
        {"stabiliser": Fraction(1, 10)},
        {"draw": without_biases},
        {"epsilon": Fraction(0)},
        {"left_out": lambda biases: biases},
    ],
    "alpha-beta-conserves": [
        {"both_signs": ONES},
        {"one_sign": E([[1, -2, 3], [2, 2, -5]])},
        {"bias": E([0, 0, 0])},
    ],
    "ebp-is-a1b0": [{"least_input": -4}, {"signed": E([1, 2])}],
    "gbp-non-negative": [{"W": E([[1, 1]])}, {"mean": 1.0}, {"rectified": np.negative}],
}
