"""Occlusion against a linear model's closed form and against captum."""

import numpy as np
import pytest
import torch
from captum.attr import Occlusion
from torch import nn

from tests.helpers import nets
from torch_backend.maps.occlusion import masks, occlusion
from torch_backend.maps.saliency import saliency


@pytest.mark.parametrize(("window", "stride"), [(2, 2), (3, 2), (3, 1), (5, 4), (8, 8)])
def test_equals_captum(window, stride):
    """Windows that overlap, that tile, and that reach beyond the image."""
    model = nets.build(nets.Chain)
    images, targets = nets.images_for(model, 2), torch.tensor([3, 1])
    theirs = Occlusion(model).attribute(
        images, (3, window, window), (3, stride, stride), baselines=0.25, target=targets
    )
    ours = saliency(model, images, occlusion(window, stride, fill=0.25), targets)
    assert ours.shape == (2, 1, 8, 8)
    torch.testing.assert_close(ours.expand_as(images).float(), theirs, rtol=1e-4, atol=1e-5)  # float32


def test_of_a_linear_model_with_single_pixels_is_weight_times_pixel():
    torch.manual_seed(0)
    model = nn.Sequential(nn.Flatten(), nn.Linear(12, 3)).double().eval()
    images, targets = torch.randn(2, 3, 4).double()[:, None], torch.tensor([0, 2])
    maps = saliency(model, images, occlusion(1), targets)
    expected = model[1].weight[targets].reshape(2, 1, 3, 4) * images
    torch.testing.assert_close(maps, expected.detach())


def test_batches_change_nothing_in_one_to_three_axes_of_space():
    for kind in (nets.Sequence, nets.Chain, nets.Volume):
        model = nets.build(kind)
        images = nets.images_for(model, 2)
        one, many = (saliency(model, images, occlusion(3, batch=n)) for n in (1, 1000))
        assert one.shape == (2, 1, *images.shape[2:]) and one.any()
        torch.testing.assert_close(one, many, rtol=1e-10, atol=1e-12)


@pytest.mark.parametrize(
    ("space", "window", "stride"), [((7,), 3, 2), ((5, 8), 4, 3), ((2, 2), 5, 5), ((3, 4, 5), 2, 1)]
)
def test_windows_cover_every_pixel(space, window, stride):
    covers = masks(space, window, stride)
    assert covers.any(0).all() and covers.flatten(1).any(1).all()
    assert covers.flatten(1).sum(1).max() <= window ** len(space)
    np.testing.assert_array_equal(covers[0].nonzero().amax(0), [min(window, n) - 1 for n in space])


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"window": 0}, "window: expected an integer >= 1, got 0"),
        ({"window": 2.0, "stride": 1}, r"window: expected an integer >= 1, got 2\.0"),
        ({"window": 3, "stride": 4}, "stride: expected an integer >= 1 and <= window = 3, got 4"),
        ({"window": 3, "batch": 0}, "batch: expected an integer >= 1"),
    ],
)
def test_bad_arguments_are_refused(arguments, message):
    with pytest.raises(ValueError, match=message):
        occlusion(**arguments)
