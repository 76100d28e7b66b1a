"""The cone of all classes: the numbers of two columns hold for every mixture; signed chains are refused."""

from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest
import torch
from torch import nn

from rankone import contraction
from tests.helpers import nets
from torch_backend import images, methods, models, relevance, trace
from torch_backend.graph.paths import trunk
from torch_backend.proof.class_cone import class_cones, cone_of_columns

NON_NEGATIVE = (
    methods.z_plus,
    methods.excitation_backprop,
    methods.alpha_beta(1, 0),
    methods.deep_taylor(),
)


def columns(model: nn.Module, x: torch.Tensor, method: methods.Method, layer: str) -> np.ndarray:
    """C (units, classes), one relevance at a time."""
    graph = trace(model, x)
    classes = torch.eye(graph.nodes[-1].shape[0], dtype=x.dtype)
    one = [relevance(graph, method, "logits", e[None, None], layer).flatten() for e in classes]
    return torch.stack(one, dim=1).numpy()


def growth(u: np.ndarray, v: np.ndarray) -> float:
    """The largest u_i / v_i - 1, where u or v is not zero."""
    some = (u > 0) | (v > 0)
    with np.errstate(divide="ignore"):
        return float((u[some] / v[some]).max() - 1)


@pytest.mark.parametrize("method", NON_NEGATIVE, ids=lambda m: m.name)
@pytest.mark.parametrize("kind", nets.RECTIFIED, ids=lambda k: k.__name__)
def test_cone_against_single_columns(kind, method):
    """The largest of all pairs, each by its definition."""
    model = nets.build(kind)
    x = nets.images_for(model, 1)
    for cone in class_cones(model, x, method):
        C = columns(model, x, method, cone.layer)
        some = C[:, C.any(axis=0)].T
        assert cone.classes == len(some)
        assert cone.missing == C.shape[1] - len(some)
        pairs = [(u, v) for u in some for v in some]
        unit = [(u / np.linalg.norm(u), v / np.linalg.norm(v)) for u, v in pairs]
        distances = {
            "diameter": max(contraction.hilbert_distance(u, v) for u, v in pairs),
            "total_variation": max(np.abs(u / u.sum() - v / v.sum()).sum() / 2 for u, v in pairs),
            "one_minus_min_cos": max(np.square(u - v).sum() / 2 for u, v in unit),
            "share_change": max(growth(u / u.sum(), v / v.sum()) for u, v in pairs),
            "least": min(u.sum() for u in some),
            "most": max(u.sum() for u in some),
        }
        for name, expected in distances.items():
            np.testing.assert_allclose(getattr(cone, name), expected, rtol=1e-9, atol=1e-14, err_msg=name)


@pytest.mark.parametrize("kind", [nets.Chain, nets.Residual], ids=lambda k: k.__name__)
def test_every_mixture_of_classes_lies_in_the_cone(kind):
    """The cone lemma; and with one negative weight it is broken, so that the test can fail."""
    model = nets.build(kind, bias=False)
    x = nets.images_for(model, 1)
    (cone,) = class_cones(model, x, methods.z_plus, "input")
    C = columns(model, x, methods.z_plus, "input")
    rng = np.random.default_rng(0)

    def worst(signs: np.ndarray) -> float:
        maps = [C @ (signs * rng.exponential(size=C.shape[1]) ** 4) for _ in range(200)]
        shares = [r / r.sum() for r in maps]
        return max(np.abs(u - v).sum() / 2 for u, v in pairwise(shares))

    assert worst(np.ones(4)) <= cone.total_variation * (1 + 1e-12)
    assert worst(np.array([1, 1, 1, -1])) > cone.total_variation


def test_no_mixture_changes_a_share_by_more_and_two_classes_attain_it():
    """e^R is exact, exp(Δ) is not: Δ/2 <= R <= Δ."""
    rng = np.random.default_rng(0)
    for _ in range(50):
        C = rng.lognormal(size=(6, 4))
        cone = cone_of_columns("there", C)
        R = np.log1p(cone.share_change)
        assert cone.diameter / 2 <= R * (1 + 1e-12) and cone.diameter * (1 + 1e-12) >= R
        shares = [r / r.sum() for r in (C @ rng.exponential(size=4) ** 4 for _ in range(50))]
        assert max(growth(u, v) for u, v in pairwise(shares)) <= cone.share_change * (1 + 1e-12)
        columns_shares = (C / C.sum(axis=0)).T
        attained = max(growth(u, v) for u in columns_shares for v in columns_shares)
        np.testing.assert_allclose(cone.share_change, attained, rtol=1e-9)


def test_a_difference_of_classes_is_no_mixture_and_nothing_is_said_of_it():
    """As contrastive maps are: nearly orthogonal to a sum of classes, all of which are nearly parallel."""
    C = 1 + 0.1 * np.random.default_rng(0).random((50, 4))
    contrast, mixture = C[:, 0] - C[:, 1], C[:, 2] + C[:, 3]
    cosine = contrast @ mixture / np.linalg.norm(contrast) / np.linalg.norm(mixture)
    assert cone_of_columns("there", C).one_minus_min_cos < 0.01 < 0.5 < 1 - abs(cosine)


def test_equal_shares_of_unequal_amounts_change_nothing_but_the_amounts():
    cone = cone_of_columns("there", np.outer([0.5, 0.25, 0.125], [1.0, 0.5]))
    assert (cone.share_change, cone.diameter, cone.total_variation) == (0, 0, 0)
    assert (cone.least, cone.most) == (0.4375, 0.875)


@pytest.mark.parametrize("kind", nets.RECTIFIED, ids=lambda k: k.__name__)
def test_diameter_never_grows_along_the_trunk(kind):
    """Birkhoff: no later non-negative factor increases Δ."""
    model = nets.build(kind)
    diameters = [c.diameter for c in class_cones(model, nets.images_for(model, 1), methods.z_plus)]
    assert len(diameters) >= 2
    for above, below in pairwise(diameters):
        assert below <= above * (1 + 1e-9)


def test_the_trunk_has_no_branches():
    model = nets.build(nets.Residual)
    graph = trace(model, nets.images_for(model, 1))
    names = [node.name for node in trunk(graph.nodes, graph.layers)]
    assert names == ["input", "conv1", "block2_1", "block2_2", "block3_1", "dense"]
    assert "layer1.0.conv1" in graph.layers


def test_named_layers_may_lie_in_branches():
    model = nets.build(nets.Residual)
    cones = class_cones(model, nets.images_for(model, 1), methods.z_plus, ["conv1", "layer1.0.conv1"])
    assert [cone.layer for cone in cones] == ["layer1.0.conv1", "conv1"]


def test_classes_without_relevance_are_missing():
    model = nets.build(nets.Chain)
    with torch.no_grad():
        model.fc2.weight[1:3] = -model.fc2.weight[1:3].abs()
        model.fc2.bias[1:3] = -1
    for cone in class_cones(model, nets.images_for(model, 1), methods.z_plus):
        assert (cone.classes, cone.silent, cone.missing) == (2, (1, 2), 2)


def test_one_class_left_has_nothing_to_be_compared_with():
    cone = cone_of_columns("fc1", np.array([[0.0, 1], [0, 2]]))
    assert (cone.classes, cone.silent) == (1, (0,))
    assert np.isnan([cone.diameter, cone.angle, cone.total_variation, cone.one_minus_min_cos]).all()
    assert np.isnan([cone.share_change, cone.least, cone.most]).all()


@pytest.mark.parametrize(
    "method", [methods.gradient, methods.lrp_z, methods.alpha2_beta1], ids=lambda m: m.name
)
def test_signed_chains_are_refused(method):
    model = nets.build(nets.Chain)
    with pytest.raises(ValueError, match=f"{method.name} at .*: expected a non-negative chain, got negative"):
        class_cones(model, nets.images_for(model, 1), method)


MODEL = nets.build(nets.Chain)
IMAGES = nets.images_for(MODEL, 2)


@pytest.mark.parametrize(
    "arguments,reason",
    [
        ({"image": IMAGES}, r"expected output \(1, classes, \.\.\.\), got output \(2, 4\)"),
        ({"layers": "conv9"}, "expected the name of a node"),
        ({"layers": "logits"}, "expected layers below the logits, got none"),
        ({"layers": []}, "expected layers below the logits, got none"),
        ({"memory": 1000}, "expected at most 1e-06 GB .* got 1.23e-05 GB at conv1_1.pre"),
        ({"method": replace(methods.z_plus, relu=None)}, "a network of nodes it has a rule for"),
        ({"image": IMAGES[:1] / 0}, "expected finite values"),
        ({"image": None}, "expected a tensor in float32 or float64"),
    ],
)
def test_refusals(arguments, reason):
    arguments = {"model": MODEL, "image": IMAGES[:1], "method": methods.z_plus, **arguments}
    with pytest.raises(ValueError, match=reason):
        class_cones(**arguments)


def test_trained_networks():
    """z⁺ in a chain does not depend on the class; with skips it does, by a few per cent of the relevance."""
    digit = images.digits("test")[0][:1]
    vgg = {cone.layer: cone for cone in class_cones(models.load("digits-vgg"), digit, methods.z_plus)}
    assert vgg["fc2"].diameter == np.inf
    assert vgg["conv5_1"].diameter < 0.1
    assert vgg["input"].diameter < 1e-3
    assert vgg["input"].total_variation < 1e-4
    assert vgg["input"].stable_rank_excess < 1e-8
    resnet = class_cones(models.load("digits-resnet"), digit, methods.z_plus, "input")[0]
    assert 0.3 < resnet.diameter < 3
    assert 0.02 < resnet.total_variation < 0.2
    assert 0.5 < resnet.share_change < 0.6  # exp(Δ) - 1 would be 1.08
    assert 0.3 < resnet.least < resnet.most < 0.4
