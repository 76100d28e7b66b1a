"""The methods against zennit 0.5.1 and captum 0.9, where conventions agree; where they do not, and why:

| peer                | where it differs from ours                  | why                                |
| ------------------- | ------------------------------------------- | ---------------------------------- |
| zennit, every rule  | ε = 1e-6 in every denominator               | its stabiliser; here 0/0 = 0       |
| zennit WSquare      | b² in the denominator                       | here the bias has no part in w²    |
| zennit Gamma        | outputs < 0 are shared by W + γW⁻           | Andéol 2021; here Montavon 2019    |
| zennit AlphaBeta    | α - β = 1 only                              | here any α, β                      |
| zennit, additions   | one inside forward hands all to both parts  | hooks do not see it; here [I I]    |
| captum Alpha1_Beta0 | W⁺x + b in the denominator                  | x < 0 and b < 0 count as positive  |
| captum Gamma        | γ strengthens W⁺ where x < 0, too           | written for x ≥ 0                  |

The bias policy of ZPlus and AlphaBeta (b⁺ up, b⁻ down) is ours: they agree with biases.
"""

import warnings
from dataclasses import replace

import numpy as np
import pytest
import torch
from torch import nn

from tests.helpers import nets
from torch_backend import Method, methods, relevance, rules, trace
from torch_backend.methods.method import KINDS

TINY = 1e-100  # a peer's stabiliser, where it must have one
RELATIVE = 1e-9  # float64 through a dozen layers and small denominators
SHIPPED = (
    methods.gradient,
    methods.gradient_times_input,
    methods.deconv,
    methods.guided_backprop,
    methods.rectgrad(),
    methods.lrp_z,
    methods.lrp_epsilon(),
    methods.lrp_gamma(),
    methods.z_plus,
    methods.alpha1_beta0,
    methods.alpha2_beta1,
    methods.alpha5_beta4,
    methods.alpha_beta(3, -1),
    methods.lrp_cmp(),
    methods.lrp_cmp(2, 1, 1e-10),
    methods.deep_taylor(),
    methods.excitation_backprop,
    methods.contrastive_excitation_backprop,
)


def network(*, bias: bool = True) -> nn.Sequential:
    """Every module used once, so that hooks see each call."""
    torch.manual_seed(0)
    model = nn.Sequential(
        *(nn.Conv2d(3, 6, 3, padding=1), nn.ReLU(), nn.Conv2d(6, 5, 3, stride=2), nn.ReLU()),
        *(nn.MaxPool2d(2), nn.Conv2d(5, 6, 3, padding=1), nn.ReLU(), nn.AvgPool2d(2), nn.Flatten()),
        *(nn.Linear(24, 7), nn.ReLU(), nn.Linear(7, 4)),
    )
    for name, value in model.named_parameters():
        nn.init.normal_(value, std=0.5 if bias or "weight" in name else 0.0)
    return model.double().eval()


IMAGES = torch.randn(2, 3, 20, 20, dtype=nets.DTYPE, generator=torch.Generator().manual_seed(1))
START = torch.randn(1, 2, 4, dtype=nets.DTYPE, generator=torch.Generator().manual_seed(2))


def ours(
    model: nn.Module, method: Method, images: torch.Tensor = IMAGES, start: torch.Tensor = START
) -> torch.Tensor:
    return relevance(trace(model, images), method, "logits", start, "input")[0]


def agree(actual: torch.Tensor, expected: torch.Tensor, relative: float = RELATIVE) -> None:
    expected = expected.detach()
    np.testing.assert_allclose(actual, expected, atol=relative * float(expected.abs().max()))


def zennit_map(
    first, inside, activation=None, start: torch.Tensor = START, *, model: nn.Module
) -> torch.Tensor:
    """zennit's relevance of the image: `first` in the first layer, `inside` in all others with weights."""
    from zennit.composites import SpecialFirstLayerMapComposite
    from zennit.rules import Norm, Pass
    from zennit.types import Activation, AvgPool, Convolution, Linear

    layers = [(Activation, activation or Pass())]
    if inside is not None:
        layers += [(AvgPool, Norm(stabilizer=TINY)), ((Convolution, Linear), inside)]
    composite = SpecialFirstLayerMapComposite(layers, [((Convolution, Linear), first)] if first else [])
    x = IMAGES.clone().requires_grad_()
    with composite.context(model) as hooked:
        (answer,) = torch.autograd.grad(hooked(x), x, start[0])
    return answer


def zennit_cases() -> dict:
    from zennit import rules as z

    plus = z.ZPlus(stabilizer=TINY)
    return {
        "gradient": (methods.gradient, None, None, type("Own", (z.Hook,), {})()),
        "deconv": (methods.deconv, None, None, z.ReLUDeconvNet()),
        "guided backprop": (methods.guided_backprop, None, None, z.ReLUGuidedBackprop()),
        "z": (methods.lrp_z, None, z.Epsilon(epsilon=TINY), None),
        "epsilon": (methods.lrp_epsilon(0.1), None, z.Epsilon(epsilon=0.1), None),
        "z plus": (methods.z_plus, None, plus, None),
        "alpha 2 beta 1": (
            methods.alpha2_beta1,
            None,
            z.AlphaBeta(alpha=2.0, beta=1.0, stabilizer=TINY),
            None,
        ),
        "alpha 5 beta 4": (
            methods.alpha5_beta4,
            None,
            z.AlphaBeta(alpha=5.0, beta=4.0, stabilizer=TINY),
            None,
        ),
        "deep Taylor, bounded": (
            methods.deep_taylor(-5.0, 6.0),
            z.ZBox(-5.0, 6.0, stabilizer=TINY),
            plus,
            None,
        ),
        "deep Taylor": (methods.deep_taylor(), z.WSquare(stabilizer=TINY, zero_params="bias"), plus, None),
    }


@pytest.mark.parametrize("case", zennit_cases())
def test_zennit_agrees_with_biases(case: str) -> None:
    method, first, inside, activation = zennit_cases()[case]
    if case == "epsilon":  # zennit's averages have no ε of their own
        method = replace(method, average=rules.z)
    model = network()
    agree(ours(model, method), zennit_map(first, inside, activation, model=model))


def test_zennits_gamma_agrees_where_the_output_is_positive() -> None:
    from zennit.rules import Gamma

    model = network()
    start = START * (model(IMAGES)[None] > 0)
    assert start.any()
    method = replace(methods.lrp_gamma(0.25), average=rules.z)
    agree(
        ours(model, method, start=start),
        zennit_map(None, Gamma(0.25, stabilizer=TINY), start=start, model=model),
    )
    both = zennit_map(None, Gamma(0.25, stabilizer=TINY), model=model)
    assert (ours(model, method) - both).abs().max() > 0.01 * both.abs().max(), "the table would be wrong"


class Flattened(nn.Module):
    """captum has no rule for nn.Flatten."""

    def __init__(self, model: nn.Sequential) -> None:
        super().__init__()
        self.features, self.classifier = model[:8], model[9:]

    def forward(self, x):
        return self.classifier(torch.flatten(self.features(x), 1))


def captum_map(model: nn.Module, rule, images: torch.Tensor, target: int) -> torch.Tensor:
    from captum.attr import LRP

    for module in model.modules():
        if isinstance(module, nn.Conv2d | nn.Linear):
            module.rule = rule()
    return LRP(Flattened(model)).attribute(images.clone().requires_grad_(), target=target)


@pytest.mark.parametrize("target", [0, 3])
def test_captum_agrees_without_biases_on_non_negative_images(target: int) -> None:
    """Its relevance starts from the logit's value."""
    from captum.attr._utils.lrp_rules import Alpha1_Beta0_Rule, EpsilonRule, GammaRule

    images, model = IMAGES.abs(), network(bias=False)
    start = torch.zeros_like(START)
    start[..., target] = model(images)[:, target].detach()
    for method, rule in (
        (methods.alpha1_beta0, Alpha1_Beta0_Rule),
        (methods.lrp_z, EpsilonRule),
        (methods.lrp_gamma(0.25), GammaRule),
    ):
        agree(ours(model, method, images, start), captum_map(network(bias=False), rule, images, target), 1e-5)


def test_captum_lets_negative_inputs_enter_alpha1_beta0() -> None:
    from captum.attr._utils.lrp_rules import Alpha1_Beta0_Rule

    model = network(bias=False)
    start = torch.zeros_like(START)
    start[..., 0] = model(IMAGES)[:, 0].detach()
    peer = captum_map(network(bias=False), Alpha1_Beta0_Rule, IMAGES, 0).detach()
    assert (ours(model, methods.alpha1_beta0, start=start) - peer).abs().max() > 0.01 * peer.abs().max()


@pytest.mark.parametrize("name", ["GuidedBackprop", "Deconvolution", "InputXGradient"])
def test_captum_gradient_family(name: str) -> None:
    import captum.attr

    method = {
        "GuidedBackprop": methods.guided_backprop,
        "Deconvolution": methods.deconv,
        "InputXGradient": methods.gradient_times_input,
    }[name]
    start = torch.zeros_like(START)
    start[..., 1] = 1
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # captum announces its hooks
        peer = getattr(captum.attr, name)(network()).attribute(IMAGES.clone().requires_grad_(), target=1)
    agree(ours(network(), method, start=start), peer)


@pytest.mark.parametrize("method", SHIPPED, ids=lambda method: method.name)
def test_every_method_names_a_rule_for_every_kind_of_a_rectified_network(method: Method) -> None:
    """What bends otherwise, and factors that the image makes, may be without."""
    others = ("activation", "norm", "gate", "smooth", "product")
    assert all(getattr(method, kind) for kind in KINDS if kind not in others)


def test_names_tell_methods_apart() -> None:
    names = [method.name for method in SHIPPED]
    assert len(set(names)) == len(names)


def test_cmp_is_z_in_dense_layers_and_alpha_beta_in_convolutions() -> None:
    """From fc1 up it is LRP_z, from the last convolution down αβ."""
    graph = trace(network(), IMAGES)
    top = relevance(graph, methods.lrp_z, "logits", START, "fc1")
    inside = relevance(graph, methods.lrp_cmp(2, 1), "logits", START, ["fc1", "conv2_1"])
    np.testing.assert_array_equal(inside["fc1"], top)
    start = torch.randn(2, *graph.node("conv2_1").value.shape, dtype=nets.DTYPE)
    both = [
        relevance(graph, m, "conv2_1", start, "input") for m in (methods.lrp_cmp(2, 1), methods.alpha2_beta1)
    ]
    np.testing.assert_array_equal(*both)


def test_contrast_is_in_the_last_layer_only() -> None:
    """Below it, contrastive excitation is excitation of the difference."""
    graph = trace(network(), IMAGES)
    contrastive, plain = methods.contrastive_excitation_backprop, methods.excitation_backprop
    down = relevance(graph, contrastive, "logits", START, ["fc1", "input"])
    agree(down["input"], relevance(graph, plain, "fc1", down["fc1"], "input"))
    assert (down["fc1"] < 0).any()


def test_excitation_is_alpha1_beta0_on_non_negative_images_without_biases() -> None:
    model = network(bias=False)
    images = IMAGES.abs()
    agree(ours(model, methods.excitation_backprop, images), ours(model, methods.alpha1_beta0, images))


def test_bounds_per_channel_and_for_a_flattened_image() -> None:
    """z^B takes bounds that broadcast with what the first layer reads, behind a flatten too."""
    low, high = -6 * torch.ones(3, 1, 1), 7 * torch.ones(3, 1, 1)
    agree(ours(network(), methods.deep_taylor(low, high)), ours(network(), methods.deep_taylor(-6.0, 7.0)))
    torch.manual_seed(0)
    dense = nn.Sequential(nn.Flatten(), nn.Linear(1200, 5), nn.ReLU(), nn.Linear(5, 4)).double().eval()
    first = replace(methods.z_plus, first=rules.Bounded(-6.0, 7.0))
    agree(ours(dense, methods.deep_taylor(-6.0, 7.0)), ours(dense, first))
    with pytest.raises(ValueError, match="images: expected values within the bounds"):
        ours(dense, methods.deep_taylor(-0.1, 0.1))


@pytest.mark.parametrize("low,high", [(0.0, None), (None, 1.0)])
def test_one_bound_is_refused(low, high) -> None:
    with pytest.raises(ValueError, match="deep_taylor: expected both bounds or none"):
        methods.deep_taylor(low, high)
