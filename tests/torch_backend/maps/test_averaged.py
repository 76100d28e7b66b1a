"""SmoothGrad and Integrated Gradients: completeness, captum, seeds, batches."""

import numpy as np
import pytest
import torch
from captum.attr import IntegratedGradients

from tests.helpers import nets
from torch_backend import methods
from torch_backend.maps.averaged import generator_of, integrated_gradients, smooth_grad
from torch_backend.maps.saliency import saliency


def case(kind, images=3):
    model = nets.build(kind)
    return model, nets.images_for(model, images), torch.arange(images) % 4


@pytest.mark.parametrize(
    ("kind", "tolerance"), [(nets.Smooth, 1e-6), (nets.Chain, 0.03), (nets.Branches, 0.03)]
)
def test_integrated_gradients_sum_to_the_difference_of_the_logits(kind, tolerance):
    """Spectrally where the path is smooth, to the error of a quadrature over kinks where it is not."""
    model, images, targets = case(kind)
    baseline = nets.images_for(model, 1, seed=8)
    maps = saliency(model, images, integrated_gradients(baseline, steps=64), targets)
    with torch.no_grad():
        difference = (model(images) - model(baseline)).gather(1, targets[:, None])[:, 0]
    scale = float(maps.flatten(1).abs().sum(1).max())
    np.testing.assert_allclose(maps.flatten(1).sum(1), difference, rtol=0, atol=tolerance * scale)


@pytest.mark.parametrize("kind", [nets.Residual, nets.Smooth])
def test_integrated_gradients_equal_captum(kind):
    model, images, targets = case(kind)
    ours = saliency(model, images, integrated_gradients(steps=20), targets)
    leaves = images.clone().requires_grad_()
    theirs = IntegratedGradients(model).attribute(leaves, target=targets, n_steps=20)
    torch.testing.assert_close(ours, theirs.detach(), rtol=1e-5, atol=1e-6)  # its weights are float32


def test_the_integral_of_one_step_is_the_gradient_half_way():
    model, images, targets = case(nets.Chain)
    half = saliency(model, images / 2, methods.gradient, targets)
    maps = saliency(model, images, integrated_gradients(steps=1), targets)
    torch.testing.assert_close(maps, images * half)


def test_smooth_grad_is_the_mean_of_gradients_at_noisy_images():
    model, images, targets = case(nets.Smooth, images=1)
    samples = 4
    maps = saliency(model, images, smooth_grad(samples=samples, noise=0.3, seed=5), targets)
    sigma = 0.3 * (images.max() - images.min())
    epsilon = torch.randn(samples, *images.shape[1:], generator=generator_of(5, images[0])).double()
    noisy = (images + sigma * epsilon).requires_grad_()
    (gradients,) = torch.autograd.grad(model(noisy)[:, targets[0]].sum(), noisy)
    torch.testing.assert_close(maps[0], gradients.mean(0))


def test_smooth_grad_without_noise_is_its_method():
    model, images, targets = case(nets.Chain)
    for method in (methods.gradient, methods.z_plus):
        maps = saliency(model, images, smooth_grad(method, samples=3, noise=0), targets)
        torch.testing.assert_close(maps, saliency(model, images, method, targets))


def test_noise_has_the_spread_that_was_asked_for():
    """A quadratic form xᵀx / 2 has the gradient x, so the map's distance from x is the mean noise."""

    class Square(torch.nn.Module):
        def forward(self, x):
            return (x * x).sum(1, keepdim=True) / 2

    image = torch.linspace(-1, 3, 4000, dtype=torch.float64)[None]
    for bounds, spread in ((None, 4.0), ((-5.0, 5.0), 10.0)):
        method = smooth_grad(samples=4, noise=0.15, bounds=bounds)
        noise = saliency(Square().eval(), image, method, torch.zeros(1, dtype=torch.long)) - image
        np.testing.assert_allclose(noise.std(), 0.15 * spread / 2, rtol=0.05)


def test_maps_depend_on_the_seed_but_not_on_batches_or_order():
    model, images, targets = case(nets.Chain)
    one, same, other = (
        saliency(model, images, smooth_grad(samples=5, seed=seed, batch=n), targets, batch=m)
        for seed, n, m in ((1, 5, 3), (1, 2, 1), (2, 5, 3))
    )
    torch.testing.assert_close(one, same, rtol=1e-10, atol=1e-12)
    assert not torch.allclose(one, other, rtol=0.01)
    turned = saliency(model, images.flip(0), smooth_grad(samples=5, seed=1), targets.flip(0)).flip(0)
    torch.testing.assert_close(one, turned, rtol=1e-10, atol=1e-12)


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: smooth_grad(samples=0), "samples: expected an integer >= 1, got 0"),
        (lambda: smooth_grad(batch=True), "batch: expected an integer >= 1, got True"),
        (lambda: smooth_grad(noise=-1), "noise: expected a number >= 0, got -1"),
        (lambda: smooth_grad(noise=float("nan")), "noise: .* got nan"),
        (lambda: smooth_grad(bounds=(1.0, 1.0)), "bounds: expected .low, high."),
        (lambda: integrated_gradients(steps=0), "steps: expected an integer >= 1"),
        (lambda: integrated_gradients(torch.zeros(3, 8, 8)), r"baseline: expected one image \(1, 3, 8, 8\)"),
        (lambda: integrated_gradients(0.0), "baseline: .* got float"),
    ],
)
def test_bad_arguments_are_refused(make, message):
    model, images, _ = case(nets.Chain, images=1)
    with pytest.raises(ValueError, match=message):
        saliency(model, images, make())
