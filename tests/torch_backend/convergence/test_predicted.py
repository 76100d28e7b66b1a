"""The closure beside what is measured, on trained networks; starts inside residual blocks; refusals."""

import numpy as np
import pytest
import torch

from tests.helpers import nets
from torch_backend import csc, images, methods, models, predict
from torch_backend.convergence.predicted import closure, predict_each
from torch_backend.convergence.two_modes import without_slow_mode

NEAR = 0.5  # decades in the mean: the closure's independence costs up to 0.4 on these networks
IMAGES = 3


@pytest.fixture(scope="module", params=[methods.z_plus, methods.alpha2_beta1], ids=lambda m: m.name)
def laws(request):
    """Measured, by the parents' law, by the closure; from the dense layers and from the middle."""
    network, x = models.load("digits-vgg").double(), images.digits("test")[0][:IMAGES].double()
    starts = ["fc1", "conv4_3"]  # from the output one number an image decides, and few images scatter
    both = predict_each(network, x, request.param, (without_slow_mode, closure), starts)
    return csc(network, x, request.param, starts, vectors=6), *both


def errors(measured, law, start):
    readings = measured.of(start)[1:-1]
    return np.array([law.at(start, r.layer).median - r.median for r in readings])


def test_the_closure_is_near_what_is_measured(laws) -> None:
    measured, _, modes = laws
    assert modes.layers == measured.layers and modes.starts == measured.starts
    for start in measured.starts:
        assert np.abs(errors(measured, modes, start)).mean() < NEAR


def test_the_slow_mode_is_what_makes_it_so(laws) -> None:
    """Without it the curve goes on falling: far off where it started long above."""
    measured, parents, _ = laws
    for start in measured.starts:
        assert errors(measured, parents, start)[-1] < -1


def test_the_gradient_does_not_collapse() -> None:
    network, x = models.load("digits-vgg"), images.digits("test")[0][:2]
    assert predict(network, x, methods.gradient, "fc3").at("fc3", "conv1_1").median > -1


def test_a_start_inside_a_residual_block_has_a_reference_of_its_own() -> None:
    model = nets.build(nets.Residual)
    x = nets.images_for(model, 1)
    law, measured = predict(model, x, methods.z_plus), csc(model, x, methods.z_plus)
    assert [(r.start, r.layer) for r in law.readings] == [(r.start, r.layer) for r in measured.readings]


def test_it_leaves_the_model_alone_and_follows_the_seed() -> None:
    model = nets.build(nets.Chain)
    x = nets.images_for(model, 1)
    before = {name: tensor.clone() for name, tensor in model.state_dict().items()}
    one, two, other = (predict(model, x, methods.z_plus, "conv2_1", seed) for seed in (0, 0, 1))
    assert one == two and one != other
    assert all(torch.equal(before[name], tensor) for name, tensor in model.state_dict().items())


@pytest.mark.parametrize(
    ("method", "starts", "said"),
    [
        (methods.guided_backprop, "all", "a rule that shares relevance out, or the derivative"),
        (methods.z_plus, "conv9", "layer: expected the name of a node"),
        ("z_plus", "all", "method: expected a chain"),
    ],
)
def test_what_cannot_be_predicted_is_refused_in_one_line(method, starts, said) -> None:
    model = nets.build(nets.Chain)
    with pytest.raises(ValueError, match=said):
        predict(model, nets.images_for(model, 1), method, starts)
