"""Corrupted data for the claims on which rules give converging products."""

from fractions import Fraction

import numpy as np

from rankone.claims.applies_to_convolutions import VGG16_CONVOLUTIONS, as_matrix
from rankone.claims.conv_net import ConvNet
from rankone.claims.dense_z_plus_qualifies import he_network
from rankone.claims.exact import exact as E
from rankone.claims.exact import identity
from rankone.claims.lrp_z_is_grad_input import Network, with_biases, zeros
from rankone.claims.rules import w_squared
from rankone.claims.w2_zb_non_negative import LOW

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
    "inactive-get-relevance": [
        {"idle": E(np.ones(6, dtype=int))},
        {"h": E([1, 1])},
        {"W": E([[2, -1], [1, -3]])},
    ],
    "bias-absorbed": [{"extra": 2}, {"b": E([-2, -1])}, {"biases": lambda rng, width: np.zeros(width)}],
    "applies-to-convolutions": [
        {"matrix": lambda kernel, side: as_matrix(kernel.T, side)},
        {"taps": 39},
        {"layers": VGG16_CONVOLUTIONS + ((7, 1),) * 4},
    ],
    "eq-3-zero-over-zero": [{"b": E([1])}, {"rule": lambda W, h: E([[1], [0]])}, {"highest_bias": 4}],
    "conv-irreducible": [
        {"taps": 5},
        {"side_taps": 5},
        {"net": ConvNet(length=20, channels=8, taps=1)},
        {"pointwise": 3},
    ],
    "z-plus-part": [{"W": E([[2, 3]])}, {"least_weight": 1}],
    "alpha-beta-negative": [{"W": E([[1, 1, 2]])}, {"mean": 1.0}],
    "w2-zb-non-negative": [
        {"squared": lambda W: W.T},
        {"low": E([-3, -1, -3])},
        {"squared": lambda W: 2 * w_squared(W)},
        {"outside": LOW},
    ],
    "pattern-attribution": [
        {"covariance": identity(2)},
        {"cycle": ONES},
        {"depth": 1},
    ],
    "gradient-converges": [{"shallow": 99}, {"mean": 0.1, "shallow": 1}, {"width": 64}],
}
