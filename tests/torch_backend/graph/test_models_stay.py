"""A model leaves as it came, and so does torch: reading a network is reading."""

import copy
import gc
import weakref

import pytest
import torch
import torch.nn.functional as F
from torch import nn
from torch.nn.modules import module as torch_module

from tests.helpers.twins.calls import CLASSES
from tests.helpers.twins.spelling import DTYPE, drawn
from tests.helpers.twins.users import images, net, start_at
from torch_backend import methods, relevance, trace


def _tensors_made(m, x):
    scale = torch.tensor([1.0, 2.0, 3.0, 4.0], dtype=DTYPE).view(1, 4, 1, 1)
    h = torch.relu(m.norm(m.conv(x)) * scale + torch.ones(4, 1, 1, dtype=DTYPE))
    return m.fc(F.max_pool2d(h, 2).flatten(1) + torch.zeros(1, dtype=DTYPE))


def _writes(m, x):
    h = m.norm(m.conv(x))
    h[:, :2].relu_()
    return m.fc(F.max_pool2d(h + 1, 2).flatten(1))


def _parts():
    return {"conv": nn.Conv2d(3, 4, 3), "norm": nn.BatchNorm2d(4), "fc": nn.Linear(16, 4)}


def _counting():
    """A hook of the user's own, a frozen layer, a gradient from before, a cache."""
    model = net(_tensors_made, **_parts())
    model.conv.register_forward_hook(lambda *_: None)
    model.conv.requires_grad_(requires_grad=False)
    model.fc.weight.grad = torch.ones_like(model.fc.weight)
    model.cache = {"a": torch.zeros(2)}
    return model


MODELS = {
    "tensors made in forward": lambda: net(_tensors_made, **_parts()),
    "writes in place": lambda: net(_writes, **_parts()),
    "hooks, frozen layers, gradients": _counting,
    **{
        name: lambda make=make: make(type("Parts", (), drawn(_parts(), 0))).double().eval()
        for name, make in CLASSES.items()
    },
}


MAY_BE_REFUSED = ("image by image",)


def traits(model: nn.Module) -> list:
    """All of a model that can be seen: attributes, hooks, modes, tensors and their versions, gradients."""
    seen = []
    for name, module in model.named_modules():
        hooks = [k for k in vars(module) if k.endswith("_hooks")]
        seen.append((name, type(module), id(module), module.training))
        seen.append((sorted(vars(module)), sorted(dir(module))))
        seen.append([(k, list(vars(module)[k])) for k in hooks])
    for name, value in (*model.named_parameters(), *model.named_buffers()):
        grad = value.grad if value.is_leaf else None
        seen.append((name, id(value), value.data_ptr(), value.dtype, value.requires_grad, value._version))
        seen.append((name, None if grad is None else grad.tolist(), value.is_leaf, value._backward_hooks))
    return seen


def state_of_torch() -> dict:
    """What is global in torch: switches, hooks, the generator."""
    tables = {k: v for k, v in vars(torch_module).items() if k.startswith("_global_") and isinstance(v, dict)}
    hooks = {name: list(table) for name, table in tables.items()}
    return hooks | {
        "grad": torch.is_grad_enabled(),
        "inference": torch.is_inference_mode_enabled(),
        "dtype": torch.get_default_dtype(),
        "threads": torch.get_num_threads(),
        "anomaly": torch.is_anomaly_enabled(),
        "modes": torch._C._len_torch_dispatch_stack(),
        "functions": torch._C._len_torch_function_stack(),
        "mkldnn": torch.backends.mkldnn.enabled,
        "deterministic": torch.are_deterministic_algorithms_enabled(),
        "random": torch.get_rng_state().tolist(),
    }


@pytest.mark.parametrize("case", MODELS)
def test_a_model_leaves_as_it_came(case: str) -> None:
    """After trace, record, three methods, and a refusal: bit for bit, attribute for attribute."""
    model = MODELS[case]()
    x, other = images(2, 3, 6, 6), images(3, 3, 6, 6, seed=5)
    pixels = x.clone()
    state, before, torch_before = copy.deepcopy(model.state_dict()), traits(model), state_of_torch()
    try:
        graph = trace(model, x)
    except ValueError:
        assert case in MAY_BE_REFUSED
    else:
        r = start_at(graph.nodes[-1].value)
        for method in (methods.gradient, methods.z_plus, methods.alpha2_beta1):
            relevance(graph, method, "logits", r, "input")
        graph.record(other)
        with pytest.raises(ValueError, match="images"):
            graph.record(images(1, 3, 7, 7))
    assert traits(model) == before
    assert state_of_torch() == torch_before
    assert list(model.state_dict()) == list(state)
    for name, value in model.state_dict().items():
        assert torch.equal(value, state[name]), name
    assert torch.equal(x, pixels)


def test_a_model_that_fails_leaves_as_it_came() -> None:
    """A forward that raises in the middle, inside a module: no hook and no mode stays."""

    class Failing(nn.Module):
        def forward(self, x):
            raise RuntimeError("in the middle\nof two lines")

    model = net(lambda m, x: m.fail(m.conv(x)), conv=nn.Conv2d(3, 4, 3), fail=Failing())
    before, torch_before = traits(model), state_of_torch()
    with pytest.raises(ValueError, match="in the middle") as refusal:
        trace(model, images(2, 3, 6, 6))
    assert "\n" not in str(refusal.value)
    assert traits(model) == before
    assert state_of_torch() == torch_before


def test_a_graph_that_is_gone_lets_go_of_its_activations() -> None:
    """Nothing global keeps them."""
    model = net(_tensors_made, **_parts())
    graph = trace(model, images(2, 3, 6, 6))
    kept = weakref.ref(graph.nodes[1].value)
    relevance(graph, methods.z_plus, "logits", start_at(graph.nodes[-1].value), "input")
    del graph
    gc.collect()
    assert kept() is None


def test_two_graphs_of_one_model_do_not_meet() -> None:
    """Recording other images leaves the first graph's values alone."""
    model = net(_writes, **_parts())
    x = images(2, 3, 6, 6)
    try:
        graph = trace(model, x)
    except ValueError as refusal:
        pytest.fail(f"writing into a slice is read: {refusal}")
    values = [node.value.clone() for node in graph.nodes]
    graph.record(images(2, 3, 6, 6, seed=9))
    assert all(torch.equal(node.value, value) for node, value in zip(graph.nodes, values, strict=True))
