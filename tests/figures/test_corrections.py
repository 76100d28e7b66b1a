"""Corrections of the paper's code: what overflows in float32 costs nothing."""

from dataclasses import replace

import numpy as np

from simulations.corrections import precise
from tests.helpers import nets
from torch_backend import methods


def test_convergence_that_overflows_in_float32_is_measured_in_float64():
    def huge(op, x, y):
        return lambda r: 1e30 * op.adjoint(r)

    model = nets.build(nets.Chain)
    images = nets.images_for(model, 2).float()
    large = replace(methods.gradient, name="large", convolution=huge, dense=huge)
    found = precise(model.float(), images, large)
    plain = precise(model, images.double(), methods.gradient)
    for a, b in zip(found.readings, plain.readings, strict=True):
        np.testing.assert_allclose(a.image_medians, b.image_medians, atol=1e-6)
