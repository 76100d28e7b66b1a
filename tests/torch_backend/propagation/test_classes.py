"""A class of an output over space is the sum of its map: as in the network that returns the sums."""

import pytest
import torch
from torch import nn

from tests.helpers.twins.users import images, net, same
from torch_backend import class_cones, class_start, class_sums, csc, methods, relevance, trace

FOUR = (methods.gradient, methods.z_plus, methods.alpha2_beta1, methods.lrp_epsilon(0.01))
METHODS = {method.name: method for method in FOUR}
X = images(2, 3, 6, 7)
REGION = torch.zeros(6, 7, dtype=torch.bool)
REGION[1:4, 2:6] = True
SEVERAL = [REGION, REGION.double(), None]


def segmentation(region=None, *, summed: bool = False) -> nn.Module:
    inside = torch.ones(6, 7, dtype=torch.float64) if region is None else region.double()

    def body(m, x):
        y = m.two(torch.relu(m.one(x)))
        return (y * inside).sum((2, 3)) if summed else y

    return net(body, one=nn.Conv2d(3, 5, 3, padding=1), two=nn.Conv2d(5, 4, 1))


@pytest.mark.parametrize("region", SEVERAL, ids=["booleans", "numbers", "everywhere"])
def test_the_gradient_is_that_of_the_network_that_sums(region) -> None:
    graph, summed = trace(segmentation(), X), trace(segmentation(region, summed=True), X)
    logits, classes = graph.nodes[-1].value, torch.tensor([3, 0])
    same(class_sums(logits, region), summed.nodes[-1].value, 1e-12)
    start = class_start(logits, classes, region)
    assert start.shape == (1, *logits.shape)
    one_hot = nn.functional.one_hot(classes, 4).double()[None]
    found = relevance(graph, methods.gradient, "logits", start, "input")
    same(found, relevance(summed, methods.gradient, "logits", one_hot, "input"), 1e-12)


@pytest.mark.parametrize("method", METHODS)
def test_the_start_is_the_sum_of_the_starts_at_its_places(method: str) -> None:
    """Relevance is linear in it, under every method here."""
    graph, classes = trace(segmentation(), X), torch.tensor([3, 0])
    logits = graph.nodes[-1].value
    places = [torch.zeros_like(REGION).index_put(tuple(p), torch.tensor(True)) for p in REGION.nonzero()]  # noqa: FBT003
    each = torch.cat([class_start(logits, classes, place) for place in places])
    one = relevance(graph, METHODS[method], "logits", each, "input").sum(0)
    all_ = relevance(graph, METHODS[method], "logits", class_start(logits, classes, REGION), "input")
    same(all_[0], one, 1e-12)


def test_of_an_output_without_space_it_is_the_class_alone() -> None:
    logits = images(2, 4)
    assert torch.equal(class_start(logits, torch.tensor([3, 0]))[0].nonzero(), torch.tensor([[0, 3], [1, 0]]))
    assert class_sums(logits) is logits


def test_cones_and_csc_of_an_output_over_space() -> None:
    """The columns of the cone are the maps of the classes' means."""
    model, x = segmentation(), X[:1].abs()
    graph = trace(model, x)
    (*_, last) = class_cones(model, x, methods.z_plus)
    logits = graph.nodes[-1].value
    columns = torch.cat(
        [
            relevance(graph, methods.z_plus, "logits", class_start(logits, torch.tensor([c])), "input")
            for c in range(4)
        ]
    )
    amounts = columns.flatten(1).sum(1) / 42
    assert last.classes + last.missing == 4
    assert last.most == pytest.approx(float(amounts.max()), rel=1e-9)
    assert csc(model, x, methods.z_plus, "logits").starts == (graph.nodes[-1].name,)


@pytest.mark.parametrize(
    ("logits", "region", "line"),
    [
        (
            images(2, 4),
            REGION,
            "region: expected an output over space, got one without; leave the region out",
        ),
        (
            images(2, 4, 6, 6),
            REGION,
            r"region: expected a mask \(6, 6\), as the output's space, got \(6, 7\)",
        ),
        (images(2, 4, 6, 7), REGION & False, r"region: expected a mask \(6, 7\), .* got an empty one"),
    ],
)
def test_a_region_that_does_not_fit_is_refused(logits, region, line) -> None:
    with pytest.raises(ValueError, match=line):
        class_start(logits, torch.tensor([0, 1]), region)
    with pytest.raises(ValueError, match=line):
        class_sums(logits, region)


@pytest.mark.parametrize(
    "classes",
    [torch.tensor([1, 9]), torch.tensor([1, -1]), torch.tensor([1]), torch.tensor([1.0, 2.0]), [1, 2]],
)
def test_classes_that_are_none_are_refused(classes):
    with pytest.raises(ValueError, match="classes: expected 2 numbers of classes, int64, from 0 to 3"):
        class_start(torch.zeros(2, 4, 3, 3), classes)


def test_a_region_is_a_tensor():
    with pytest.raises(ValueError, match="region: expected a tensor, got list"):
        class_sums(torch.zeros(2, 4, 3, 3), [[True] * 3] * 3)
