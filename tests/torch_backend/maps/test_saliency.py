"""Saliency maps of every method: where they start, how channels become one, what is refused."""

import numpy as np
import pytest
import torch

from tests.helpers import nets
from torch_backend import methods, relevance, sweep, trace
from torch_backend.convergence.csc import csc
from torch_backend.maps.averaged import integrated_gradients, smooth_grad
from torch_backend.maps.grad_cam import grad_cam
from torch_backend.maps.occlusion import occlusion
from torch_backend.maps.saliency import (
    contributes,
    largest_magnitude,
    plain_sum,
    reduction,
    saliency,
    sum_of_magnitudes,
)
from torch_backend.methods import Method
from torch_backend.methods.deeplift import deeplift_rescale
from torch_backend.methods.patterns import Patterns, pattern_attribution, pattern_net
from torch_backend.methods.reveal_cancel import deeplift_reveal_cancel, deeplift_without_cross_terms

MODEL = nets.build(nets.Chain)
IMAGES = nets.images_for(MODEL, 5)
TARGETS = torch.tensor([0, 3, 1, 2, 3])
GRAPH = trace(MODEL, IMAGES)
ZEROS = torch.zeros_like(IMAGES[:1])
PATTERNS = Patterns(
    "linear", {n.name: n.op.weight for n in GRAPH.nodes if n.kind in ("convolution", "dense")}
)

DERIVATIVES = [methods.gradient, methods.deconv, methods.guided_backprop, methods.rectgrad(0.5)]
MULTIPLIED = [
    methods.gradient_times_input,
    deeplift_rescale(ZEROS),
    deeplift_reveal_cancel(ZEROS),
    deeplift_without_cross_terms(ZEROS),
]
SHARED = [
    value
    for value in vars(methods).values()
    if isinstance(value, Method) and value not in DERIVATIVES + MULTIPLIED
] + [methods.lrp_epsilon(), methods.lrp_gamma(), methods.lrp_cmp(), methods.deep_taylor()]
PATTERN = [pattern_net(PATTERNS), pattern_attribution(PATTERNS)]
OTHERS = [smooth_grad(samples=2), integrated_gradients(steps=2), grad_cam("conv1_2"), occlusion(4)]


def name(method):
    return method.name


@pytest.mark.parametrize("method", DERIVATIVES + MULTIPLIED + SHARED + PATTERN + OTHERS, ids=name)
def test_maps_have_the_image_s_shape_whatever_the_batch(method):
    maps = saliency(MODEL, IMAGES, method, TARGETS)
    assert maps.shape[0] == 5 and maps.shape[2:] == (8, 8) and maps.shape[1] in (1, 3)
    assert maps.isfinite().all() and maps.flatten(1).any(1).all()
    torch.testing.assert_close(saliency(MODEL, IMAGES, method, TARGETS, batch=2), maps, rtol=1e-8, atol=1e-10)


@pytest.mark.parametrize("method", DERIVATIVES + MULTIPLIED, ids=name)
def test_derivatives_start_from_one(method):
    start = torch.eye(4).double()[TARGETS][None]
    expected = relevance(GRAPH, method, "logits", start, "input")[0]
    torch.testing.assert_close(saliency(MODEL, IMAGES, method, TARGETS), expected)


@pytest.mark.parametrize("method", SHARED + PATTERN, ids=name)
def test_shares_start_from_the_logit(method):
    start = (torch.eye(4).double()[TARGETS] * GRAPH.nodes[-1].value)[None]
    expected = relevance(GRAPH, method, "logits", start, "input")[0]
    torch.testing.assert_close(saliency(MODEL, IMAGES, method, TARGETS), expected)


def test_the_gradient_is_autograd_s():
    x = IMAGES.clone().requires_grad_()
    (expected,) = torch.autograd.grad(MODEL(x).gather(1, TARGETS[:, None]).sum(), x)
    torch.testing.assert_close(saliency(MODEL, IMAGES, methods.gradient, TARGETS), expected)


def test_the_predicted_classes_are_the_default():
    with torch.no_grad():
        predicted = MODEL(IMAGES).argmax(1)
    for method in (methods.z_plus, occlusion(4)):
        expected = saliency(MODEL, IMAGES, method, predicted)
        torch.testing.assert_close(saliency(MODEL, IMAGES, method, batch=3), expected)


def test_reductions_are_what_they_are_called():
    maps = torch.tensor([[[1.0, 0.0]], [[-3.0, 0.0]], [[1.0, 2.0]]])[None]  # (1, 3, 1, 2)
    np.testing.assert_array_equal(largest_magnitude(maps), [[[3, 2]]])
    np.testing.assert_array_equal(sum_of_magnitudes(maps), [[[5, 2]]])
    np.testing.assert_array_equal(plain_sum(maps), [[[-1, 2]]])
    whole = saliency(MODEL, IMAGES, methods.lrp_z, TARGETS)
    torch.testing.assert_close(
        saliency(MODEL, IMAGES, methods.lrp_z, TARGETS, reduce=plain_sum), whole.sum(1)
    )


@pytest.mark.parametrize("method", [*DERIVATIVES, smooth_grad()], ids=name)
def test_derivatives_are_reduced_by_magnitude(method):
    assert not contributes(method)
    assert reduction(method) is sum_of_magnitudes
    assert reduction(method, "paper") is largest_magnitude


@pytest.mark.parametrize(
    "method", [*MULTIPLIED, *SHARED, *PATTERN, smooth_grad(methods.z_plus), *OTHERS[1:]], ids=name
)
def test_contributions_are_summed(method):
    assert contributes(method)
    assert reduction(method) is reduction(method, "paper") is plain_sum


@pytest.mark.parametrize("method", OTHERS, ids=name)
def test_what_is_no_chain_has_no_csc(method):
    message = rf"method: expected a chain \(a Method\), got {method.name}.*; .*saliency"
    with pytest.raises(ValueError, match=message):
        csc(MODEL, IMAGES[:1], method)
    with pytest.raises(ValueError, match=message):
        list(sweep(GRAPH, method, lambda _: None, ["input"]))


@pytest.mark.parametrize(
    ("targets", "message"),
    [
        (TARGETS[:2], "targets: expected 5 integers from 0 to 3"),
        (torch.tensor([0, 1, 2, 3, 4]), r"targets: .* got \[0, 1, 2, 3, 4\]"),
        (torch.tensor([0, 1, 2, 3, -1]), "targets"),
        (TARGETS.double(), "targets"),
        (TARGETS > 1, "targets"),
        ([0, 1, 2, 3, 0], "targets: .* got list"),
        (3, "targets: .* got int"),
    ],
)
def test_targets_that_are_no_classes_are_refused(targets, message):
    with pytest.raises(ValueError, match=message):
        saliency(MODEL, IMAGES, methods.gradient, targets)


def test_other_bad_arguments_are_refused():
    with pytest.raises(ValueError, match="batch: expected an integer >= 1, got 0"):
        saliency(MODEL, IMAGES, methods.gradient, batch=0)
    with pytest.raises(ValueError, match="protocol: expected corrected or paper, got 'both'"):
        reduction(methods.gradient, "both")
    with pytest.raises(ValueError, match=r"method: expected .* got str"):
        saliency(MODEL, IMAGES, "gradient")
    with pytest.raises(ValueError, match="images: expected"):
        saliency(MODEL, IMAGES.tolist(), methods.gradient)
    dense = torch.nn.Conv2d(3, 2, 3).double().eval()
    with pytest.raises(ValueError, match=r"model: expected logits \(B, classes\), got \(B, 2, 6, 6\)"):
        saliency(dense, IMAGES, methods.gradient)


def test_the_model_is_left_as_it_was():
    before = {key: value.clone() for key, value in MODEL.state_dict().items()}
    for method in [methods.gradient, deeplift_rescale(ZEROS), *OTHERS]:
        saliency(MODEL, IMAGES, method, TARGETS)
    assert not MODEL.training and all(p.grad is None for p in MODEL.parameters())
    for key, value in MODEL.state_dict().items():
        assert torch.equal(value, before[key])
