"""One output of several is the network that returns it alone, under its own names."""

from collections import OrderedDict, namedtuple
from dataclasses import dataclass

import pytest
import torch
from torch import nn

from tests.helpers.twins.users import images, net, same, start_at
from torch_backend import methods, relevance, trace
from torch_backend.inputs.around import bare
from torch_backend.inputs.output import Output, named_outputs

METHODS = (methods.gradient, methods.z_plus, methods.alpha2_beta1, methods.lrp_epsilon(0.01))
Pair = namedtuple("Pair", "logits hidden")


@dataclass
class Scores:
    logits: torch.Tensor
    labels: None = None


class ModelOutput(OrderedDict):
    """As transformers has it: entries that are attributes, too."""

    def __init__(self, **entries) -> None:
        super().__init__(entries)
        self.__dict__.update(entries)


class Plain:
    def __init__(self, **entries) -> None:
        self.__dict__.update(entries)


# how the outputs h (hidden) and y (wanted) are returned -> the wanted one's name
WAYS = {
    "tuple": (lambda h, y: (h, y), 1),
    "list": (lambda h, y: [h, y], "1"),
    "dict": (lambda h, y: {"out": y, "aux": h}, "out"),
    "number as key": (lambda h, y: {0: h, 1: y}, 1),
    "named tuple": (lambda h, y: Pair(y, h), "logits"),
    "dataclass": (lambda h, y: Scores(y), "logits"),
    "model output": (lambda h, y: ModelOutput(logits=y, hidden_states=(h, h)), "logits"),
    "object": (lambda h, y: Plain(logits=y, loss=None), "logits"),
    "nested": (lambda h, y: {"heads": [h, {"cls": y}], "n": 3}, "heads.1.cls"),
    "dots in keys": (lambda h, y: {"a.b": y, "a": h}, "a.b"),
}


def network(way):
    return net(lambda m, x: way(h := torch.relu(m.a(x)), m.b(h)), a=nn.Linear(5, 6), b=nn.Linear(6, 4))


@pytest.mark.parametrize("way", WAYS)
def test_a_chosen_output_is_the_network_that_returns_it_alone(way) -> None:
    several, name = WAYS[way]
    x = images(2, 5)
    chosen = trace(network(several), x, output=name)
    alone = trace(network(lambda h, y: y), x)
    assert [node.name for node in chosen.nodes] == [node.name for node in alone.nodes]
    same(chosen.nodes[-1].value, alone.nodes[-1].value, 1e-12)
    r = start_at(alone.nodes[-1].value)
    for method in METHODS:
        same(*(relevance(graph, method, "logits", r, "input") for graph in (chosen, alone)), 1e-12)
    same(
        chosen.record(images(3, 5, seed=7)).nodes[-1].value,
        alone.record(images(3, 5, seed=7)).nodes[-1].value,
    )


def test_module_paths_are_those_of_the_users_network() -> None:
    model = nn.Sequential(nn.Linear(5, 6), nn.Tanh(), nn.Linear(6, 4))
    around = Output(nn.DataParallel(model), 0)
    assert dict(around.named_modules()) == dict(model.named_modules())
    assert dict(around.named_parameters()).keys() == dict(model.named_parameters()).keys()


@pytest.mark.parametrize("around", [nn.DataParallel, lambda m: torch.compile(m, backend="eager")])
def test_wrappers_that_compute_the_same_leave_the_names(around) -> None:
    model = net(lambda m, x: m.b(torch.tanh(m.a(x))), a=nn.Linear(5, 6), b=nn.Linear(6, 4))
    wrapped, x = around(model), images(2, 5)
    assert bare(wrapped) is model
    assert [n.name for n in trace(wrapped, x).nodes] == [n.name for n in trace(model, x).nodes]
    wrapped.register_forward_hook(lambda module, x, y: 2 * y)
    assert bare(wrapped) is wrapped


@pytest.mark.parametrize("way", ["tuple", "dict", "dataclass", "nested"])
def test_the_refusal_of_several_outputs_names_them_and_the_option(way) -> None:
    several, name = WAYS[way]
    names = ", ".join(named_outputs(several(*images(2, 1, 2))))
    with pytest.raises(ValueError, match=rf"with {names}; choose one: output='.*', --output ") as line:
        trace(network(several), images(2, 5))
    assert str(name) in str(line.value) and "\n" not in str(line.value)


@pytest.mark.parametrize(
    ("way", "name", "line"),
    [
        ("dict", "logits", "output: expected one of out, aux, got 'logits'; copy a name"),
        ("tuple", -1, "output: expected one of 0, 1, got '-1'; copy a name"),
        ("nested", "heads", r"output: expected one of heads\.0, heads\.1\.cls, got 'heads'; copy a name"),
    ],
)
def test_an_output_that_is_not_there_is_refused_by_name(way, name, line) -> None:
    with pytest.raises(ValueError, match=f"^{line}$"):
        trace(network(WAYS[way][0]), images(2, 5), output=name)


def test_of_one_tensor_nothing_can_be_chosen() -> None:
    with pytest.raises(ValueError, match=r"several tensors, got '0' of one that returns shape \(2, 4\)"):
        trace(network(lambda h, y: y), images(2, 5), output=0)


def test_an_output_that_is_not_one_row_for_each_image_is_refused() -> None:
    with pytest.raises(ValueError, match=r"expected one output tensor \(B, \.\.\.\), got shape \(2,\)"):
        trace(network(lambda h, y: (y, y.sum(1))), images(2, 5), output=1)
