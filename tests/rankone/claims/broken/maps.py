"""Corrupted data for the claims on what convergence does to maps."""

import numpy as np

from rankone.claims.conv_net import ConvNet
from rankone.claims.exact import exact as E
from rankone.claims.resnet_a2b1 import NO_CLIP

SMALL = ConvNet(length=10, channels=8, depth=2, taps=3)


def equal_rows(rng, inputs):
    return np.tile(rng.uniform(0, 1, inputs), (10, 1))


BREAKS = {
    "logit-sign": [
        {"trained": E([[-2, 1]])},
        {"randomised": E([[3, 1]])},
        {"body": (E([[1, 1, -1], [2, -1, 1]]),)},
    ],
    "cmp-direction": [{"net": SMALL, "dense": equal_rows}, {"net": SMALL}],
    "resnet-a2b1": [{"steep": 0.0}, {"clip": NO_CLIP}, {"mild": 9.0}],
}
