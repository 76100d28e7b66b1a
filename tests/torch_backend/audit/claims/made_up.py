"""Measurements made up: like those of the trained networks, and corrupted ones. No network is run."""

from dataclasses import replace

import numpy as np

from torch_backend.audit.claims.agreement import Agreement, Controls
from torch_backend.audit.claims.class_maps import Between
from torch_backend.audit.claims.convergence import (
    CMP_A1B0,
    CMP_A2B1,
    REVEAL_CANCEL,
    WITHOUT_CROSS_TERMS,
    Level,
)
from torch_backend.audit.claims.di_full_trained import Score
from torch_backend.audit.claims.drops_at_skips import Block
from torch_backend.audit.claims.networks import RESNET50, SMALL_RESNET, SMALL_VGG, VGG16
from torch_backend.audit.claims.resnet_a2b1_trained import CLIPPED
from torch_backend.audit.claims.roots_trained import Roots
from torch_backend.audit.subject import fixed
from torch_backend.methods import z_plus

A2B1, A5B4, CLIP = "alpha_beta:2:1", "alpha_beta:5:4", "clipped"
REVEAL, CROSS = REVEAL_CANCEL.name, WITHOUT_CROSS_TERMS.name
CMP1, CMP2 = CMP_A1B0.name, CMP_A2B1.name


def known(numbers, network, method):
    """The number of that network and method, of that method on any network, or of any method."""
    name = CLIP if method is CLIPPED["α2β1"] else method.name
    return next(numbers[key] for key in ((network, name), name, network, None) if key in numbers)


def convergence(numbers):
    """The medians at the lowest layer."""
    return lambda network, method: (Level("conv1_1", *[known(numbers, network, method)] * 3, 0.9),)


def descending(numbers):
    """The medians from the uppermost convolution down, after the level of a dense layer."""
    return lambda network, method: (
        Level("fc1", 1, 1, 1, 1),
        *(Level(f"conv{9 - k}", m, m, m, 1) for k, m in enumerate(known(numbers, network, method))),
    )


def agreement(numbers):
    """The medians, with an interval of ± 0.02; or (median, alone)."""

    def of(network, method, *_):
        found = known(numbers, network, method)
        median, alone = found if isinstance(found, tuple) else (found, np.nan)
        return Agreement(median, median - 0.02, median + 0.02, 0.1, alone)

    return of


def controls(numbers):
    """Agreement with (another image's map, edges, the image); the null is 0.1."""

    def of(network, method):
        another, edges, image = known(numbers, network, method)
        return Controls(another, edges, image, 0.1)

    return of


def between(numbers):
    """(direction at three layers, scale at the image)."""

    def of(network, method):
        directions, scale = known(numbers, network, method)
        return tuple(Between(f"layer {k}", d, scale) for k, d in enumerate(directions))

    return of


def moved(numbers):
    return lambda network: numbers[network]


def at(numbers, key, value):
    return {**numbers, key: value}


RANDOM = {"z_plus": 1e-11, "excitation_backprop": 1e-11, CMP1: 1e-6, "guided_backprop": 1e-5, None: 0.2}
ON_VGG = RANDOM | {A2B1: 1e-4, (VGG16, "deconv"): 1e-5}
ON_RESNET = RANDOM | {A2B1: 0.05, CLIP: 1e-5}
Z_PLUS = {VGG16: 1e-10, RESNET50: 1e-5, SMALL_VGG: 1e-12, SMALL_RESNET: 1e-6}
MOVED = {VGG16: 1e-3, RESNET50: 0.04, SMALL_VGG: 1e-5, SMALL_RESNET: 0.09}
UPPER, LOWER = Block((-0.2, -0.3, -1.0), -0.3), Block((-4, -3, -4), -4.1)
CROSSING = {REVEAL: 0.1, CROSS: 1e-8}

FALLING = {CMP1: [0.3, 0.2, 0.09, 0.05, 0.005, 1e-4], CMP2: [0.3, 0.3, 0.2, 0.1, 0.1, 0.05, 0.02, 0.005]}
CMP = {CMP1: ((0.5, 1e-3, 1e-6), 0.5), CMP2: ((0.5, 0.1, 0.05), 0.5), "z_plus": ((0.1, 1e-8, 1e-9), 1e-4)}
CMP |= {(SMALL_VGG, CMP1): ((0.5, 1e-3, 1e-6), 1e-5)}

KEPT = {"z_plus": 0.99, "guided_backprop": 0.98, None: 0.5}
CLASS = KEPT | {A2B1: 0.85, (SMALL_VGG, A2B1): 0.99}
IMAGES = {None: (0.4, 0.2, 0.3)}
DENSE = KEPT | {"excitation_backprop": 0.99, CMP1: 0.99, A2B1: 0.97}
LATER = KEPT | {"pattern_attribution": 0.98}
ICML = {None: 0.5, "deeplift_reveal_cancel": 0.9}
ICML |= {(SMALL_RESNET, "deeplift_reveal_cancel"): 0.3}
ROUGH = {A5B4: 0.8, A2B1: 0.4, "z_plus": 0.1, (VGG16, A2B1): 0.75}
ALONE = {"z_plus": (0.3, 0.95), "guided_backprop": (0.2, 0.6), "gradient": (0.3, 0.5), "lrp_z": (0.02, 0.03)}
SEEN = {
    "guided_backprop": (0.2, 0.25, 0.1),
    "deconv": (0.2, 0.1, 0.12),
    "excitation_backprop": (0.2, 0.1, 0.6),
}
SEEN |= {None: (0.6, 0.6, 0.6)}
SAME = {"guided_backprop": 0.99, "deconv": 0.99}


def draws(apart, other_stage, count=200):
    """Scores of 8 draws and `count` images: medians that far apart, with all weights random or not."""
    images = np.random.default_rng(0).normal(0, 0.02, (8, count))
    return lambda network, method, stage, *_: (
        images + np.arange(8)[:, None] * (apart if stage == "conv1_1" else other_stage)
    )


def roughness(numbers):
    return lambda network, method: known(numbers, network, method)


def roots(another_state, negative):
    return lambda: tuple(Roots(f"conv{k}", another_state, negative) for k in range(3))


def scores(localised, z, other):
    return lambda method: Score(localised, z if method is z_plus else other)


def patterns(_):
    """A method of that name."""
    return replace(fixed(z_plus), name="pattern_attribution")
