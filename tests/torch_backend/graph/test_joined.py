"""Several inputs as one: the relevance of each is that of a network wrapped by hand."""

import copy

import pytest
import torch
from torch import nn

from tests.helpers.twins.spelling import DTYPE
from tests.helpers.twins.users import autograd, images, net, same, start_at
from torch_backend import csc, methods, relevance, trace
from torch_backend.graph.joined import join
from torch_backend.inputs.output import Output

FOUR = (methods.gradient, methods.z_plus, methods.alpha2_beta1, methods.lrp_epsilon(0.01))
METHODS = {method.name: method for method in FOUR}


class Two(nn.Module):
    """A photograph and its depth; a scale for all, and a length for each image."""

    def __init__(self, bias: bool = True) -> None:  # noqa: FBT001, FBT002
        super().__init__()
        torch.manual_seed(0)
        self.c, self.d = nn.Conv2d(3, 4, 3, bias=bias), nn.Conv2d(1, 4, 3, bias=bias)
        self.fc = nn.Linear(4, 4, bias=bias)
        self.to(DTYPE).eval()

    def forward(self, image, depth, scale=1.0, *, length=None):
        h = torch.relu(self.c(image) + scale * self.d(depth)).mean((2, 3))
        return self.fc(h if length is None else h * length[:, None])


IMAGE, DEPTH = images(2, 3, 6, 6), images(2, 1, 6, 6, seed=5)
LENGTH = torch.tensor([3, 5])


def by_hand(model: Two, scale: float = 1.0) -> nn.Module:
    """Of one image with four channels, the depth behind the colours."""
    return net(lambda m, x: m.two(x[:, :3], x[:, 3:], scale), two=copy.deepcopy(model))


@pytest.mark.parametrize("method", METHODS)
def test_relevance_at_each_input_is_that_of_the_network_wrapped_by_hand(method: str) -> None:
    model = Two()
    network, rows = join(model, {"image": IMAGE, "depth": DEPTH}, fixed={"scale": torch.tensor(2.0)})
    wrapped = by_hand(model, 2.0)
    wrapped.two.load_state_dict(model.state_dict())
    x = torch.cat((IMAGE, DEPTH), 1)
    graph, r = trace(network, rows), start_at(model(IMAGE, DEPTH, 2.0))
    same(graph.nodes[-1].value, model(IMAGE, DEPTH, 2.0), 1e-12)
    found = relevance(graph, METHODS[method], "logits", r, at=["image", "depth"])
    expected = relevance(trace(wrapped, x), METHODS[method], "logits", r, "input")
    same(found["image"], expected[:, :, :3], 1e-12)
    same(found["depth"], expected[:, :, 3:], 1e-12)


@pytest.mark.parametrize("method", METHODS)
def test_a_fixed_input_is_a_constant_of_the_network(method: str) -> None:
    """The depth of one image for all of them."""
    model, r = Two(), start_at(torch.zeros(2, 4))
    network, rows = join(model, {"image": IMAGE}, fixed={"depth": DEPTH[:1], "scale": 2.0})
    wrapped = net(lambda m, x: m.two(x, DEPTH[:1], 2.0), two=copy.deepcopy(model))
    wrapped.two.load_state_dict(model.state_dict())
    r = start_at(model(IMAGE, DEPTH[:1]))
    found, expected = (
        relevance(trace(m, x), METHODS[method], "logits", r, "input")
        for m, x in ((network, rows), (wrapped, IMAGE))
    )
    same(found, expected, 1e-12)


def test_held_rows_are_constants_of_their_images() -> None:
    """Each image is measured with its own, in whatever order; they get no relevance."""
    model = Two()
    network, rows = join(model, {"image": IMAGE}, rows={"length": LENGTH}, fixed={"depth": DEPTH[:1]})
    graph, r = trace(network, rows), start_at(model(IMAGE, DEPTH))
    for order in ([0, 1], [1, 0], [1, 1]):
        recorded = graph.record(rows[order])
        wrapped = lambda x, order=order: model(x, DEPTH[:1], length=LENGTH[order])  # noqa: E731
        same(recorded.nodes[-1].value, wrapped(IMAGE[order]), 1e-12)
        same(relevance(recorded, methods.gradient, "logits", r, "input"), autograd(wrapped, IMAGE[order]))
        assert not relevance(recorded, methods.gradient, "logits", r, "inputs")[..., -1].any()


def test_the_sum_over_inputs_is_conserved() -> None:
    """Under z⁺ without biases, and with positive weights last, so that no output is 0/0."""
    model = Two(bias=False)
    model.fc.weight.data.abs_()
    network, rows = join(model, {"image": IMAGE, "depth": DEPTH})
    r = start_at(model(IMAGE, DEPTH)).abs()
    graph = trace(network, rows)
    found = relevance(graph, methods.z_plus, "logits", r, at=["image", "depth", "inputs"])
    parts = found["image"].flatten(2).sum(2) + found["depth"].flatten(2).sum(2)
    same(parts, found["inputs"].sum(2), 1e-12)
    same(parts, r.sum(2), 1e-12)


def test_further_images_are_joined_by_the_network() -> None:
    model = Two()
    network, rows = join(model, {"image": IMAGE, "depth": DEPTH}, rows={"length": LENGTH})
    more = network.joined({"image": 2 * IMAGE, "depth": DEPTH}, {"length": 2 * LENGTH})
    recorded = trace(network, rows).record(more)
    same(recorded.nodes[-1].value, model(2 * IMAGE, DEPTH, length=2 * LENGTH), 1e-12)
    both = {"image": IMAGE, "depth": DEPTH}
    for inputs, held in (
        ({"image": IMAGE}, {"length": LENGTH}),
        ({"image": IMAGE, "depth": DEPTH[..., 1:]}, {"length": LENGTH}),
        (both, {}),
        (both, {"length": LENGTH[:, None]}),
    ):
        with pytest.raises(ValueError, match="inputs: expected those that were joined"):
            network.joined(inputs, held)


def test_names_are_those_of_the_inputs_and_of_the_users_network() -> None:
    network, rows = join(Two(), {"image": IMAGE, "depth": DEPTH})
    assert [n.name for n in trace(network, rows).nodes[:5]] == ["inputs", "image", "depth", "c", "d"]
    network, rows = join(Two(), {"image": IMAGE}, fixed={"depth": DEPTH[:1]})
    assert [n.name for n in trace(network, rows).nodes[:2]] == ["inputs", "input"]


def test_an_input_that_is_concatenated_at_once_keeps_its_node() -> None:
    model = net(lambda m, x: m.fc(x), fc=nn.Linear(5, 4))
    model.forward = lambda a, b: model.fc(torch.cat((a, b), 1))
    x = images(2, 5)
    network, rows = join(model, {"a": x[:, :2], "b": x[:, 2:]})
    r = start_at(model.fc(x))
    found = relevance(trace(network, rows), methods.z_plus, "logits", r, at=["a", "b"])
    expected = relevance(trace(model.fc, x), methods.z_plus, "logits", r, "input")
    same(torch.cat((found["a"], found["b"]), 2), expected, 1e-12)


def test_one_of_several_outputs_of_several_inputs() -> None:
    model = Two()
    several = net(lambda m, x: x, two=model)
    several.forward = lambda image, depth: {"y": model(image, depth), "n": 3}
    for network, rows, more in (
        (*join(several, {"image": IMAGE, "depth": DEPTH}), {"output": "y"}),
        (*join(Output(several, "y"), {"image": IMAGE, "depth": DEPTH}), {}),
    ):
        graph = trace(network, rows, **more)
        same(graph.nodes[-1].value, model(IMAGE, DEPTH))
        assert graph.end == "inputs" and graph.nodes[1].name == "image"


def test_a_csc_of_several_inputs_ends_at_their_rows() -> None:
    network, rows = join(Two(), {"image": IMAGE, "depth": DEPTH})
    assert csc(network, rows, methods.z_plus).layers[-1] == "inputs"
    network, rows = join(Two(), {"image": IMAGE}, fixed={"depth": DEPTH[:1]})
    assert csc(network, rows, methods.z_plus).layers[-1] == "input"


def test_arithmetic_on_images_cannot_change_held_rows_unnoticed() -> None:
    network, rows = join(Two(), {"image": IMAGE}, rows={"length": LENGTH}, fixed={"depth": DEPTH[:1]})
    graph = trace(network, rows)
    for other in (0 * rows, 0.7 * rows, rows + 1e-3, rows - 1, rows + 2):
        with pytest.raises(ValueError, match="the last number names their length"):
            graph.record(other)


def test_the_model_and_what_it_is_given_are_left_as_they_were() -> None:
    """A model that writes to its inputs writes to copies."""
    model = Two()
    model.forward = lambda image, depth: Two.forward(model, image.mul_(2), depth.add_(1))
    image, depth, names = IMAGE.clone(), DEPTH[:1].clone(), set(vars(model))
    network, rows = join(model, {"image": image}, fixed={"depth": depth})
    before = rows.clone()
    graph = trace(network, rows)
    same(graph.nodes[-1].value, Two.forward(model, 2 * IMAGE, DEPTH[:1] + 1), 1e-12)
    assert torch.equal(image, IMAGE) and torch.equal(depth, DEPTH[:1]) and torch.equal(rows, before)
    assert set(vars(model)) == names


@pytest.mark.parametrize(
    ("inputs", "more", "line"),
    [
        ({}, {}, "inputs: expected one that relevance is read at, got none"),
        ({"picture": IMAGE}, {}, r"named as in forward\(image, depth, scale, length\), got picture"),
        ({"image": IMAGE, "depth": DEPTH}, {"fixed": {"depth": DEPTH}}, "expected each once, .* got depth"),
        ({"image": IMAGE, "depth": DEPTH[:1]}, {}, r"depth: expected a tensor \(B, \.\.\.\) with B = 2, got"),
        ({"image": IMAGE, "depth": DEPTH.float()}, {}, "depth: expected float32 or float64, one for all"),
        ({"image": IMAGE, "depth": DEPTH > 0}, {}, "depth: expected float32 or float64.* got bool"),
        ({"image": IMAGE}, {"rows": {"length": 3}}, r"length: expected a tensor \(B,\) or .* got int"),
    ],
)
def test_what_cannot_be_joined_is_refused_by_name(inputs, more, line) -> None:
    with pytest.raises(ValueError, match=line) as caught:
        join(Two(), inputs, **more)
    assert "\n" not in str(caught.value)


def test_what_is_missing_or_does_not_fit_is_named_when_it_runs() -> None:
    network, rows = join(Two(), {"image": IMAGE})
    with pytest.raises(ValueError, match=r"got image float64 \(2, 3, 6, 6\) \(TypeError: .* 'depth'\); name"):
        trace(network, rows)
    with pytest.raises(
        ValueError,
        match=r"one input.*give the others: join\(model, \{'image': \.\.\.\}, \.\.\.\), --extra depth",
    ):
        trace(Two(), IMAGE)


def test_more_rows_than_the_models_precision_can_number_are_refused() -> None:
    model = Two().bfloat16()
    with pytest.raises(ValueError, match="rows: expected at most 128 in the model's precision, got 130"):
        join(model, {"image": IMAGE.float().repeat(65, 1, 1, 1)}, rows={"length": torch.ones(130)})
